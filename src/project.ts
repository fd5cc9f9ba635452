import path from 'node:path'
import { findUpSync } from 'find-up-simple'

/** The workspace's root, else the folder itself. Where the lockfile is, if no setting has moved it. */
export function projectRoot(folder: string = process.cwd()): string {
  const manifest = findUpSync('pnpm-workspace.yaml', { cwd: folder })
  return manifest === undefined ? folder : path.dirname(manifest)
}
