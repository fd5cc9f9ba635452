import path from 'node:path'
import { findUpSync } from 'find-up-simple'
import { GateError } from './errors.ts'
import { realPath } from './util/links.ts'

/** The workspace's root, else the folder itself. Where the lockfile is, if no setting has moved it. */
export function projectRoot(folder: string = process.cwd()): string {
  const manifest = findUpSync('pnpm-workspace.yaml', { cwd: folder })
  return manifest === undefined ? folder : path.dirname(manifest)
}

/**
 * A link into another workspace: pnpm that is started there sees the folder that it leads to, and takes settings, hooks and
 * the lockfile from what is above that.
 *
 * @throws GateError that names the folder
 */
export function refuseLinkedProject(folder: string): void {
  const real = realPath(folder)
  if (real === folder || projectRoot(real) === realPath(projectRoot(folder))) return
  throw new GateError(
    `${folder} leads by a link to ${real}, and pnpm takes ${projectRoot(real)} for the root there, not ${projectRoot(folder)}. Name the lockfile in ${real} with --lockfile, or remove the link.`,
  )
}
