import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { withoutQuotes } from '../read.ts'
import { readLockfileBytes } from './bytes.ts'
import { splitDocuments } from './documents.ts'
import { formatOf } from './kinds.ts'
import type { LockedPackage } from './types.ts'

/** The lockfiles of a folder from which a package manager could have installed what is there. */
export function ownLockfiles(folder: string, manager: string): readonly string[] {
  const names = NAMES[manager]
  return names === undefined
    ? []
    : readdirSync(folder)
        .filter((name) => names.test(name))
        .sort()
        .map((name) => path.join(folder, name))
}

const NAMES: Readonly<Record<string, RegExp>> = {
  pnpm: /^pnpm-lock\.(?:.+\.)?yaml$/,
  npm: /^(?:package-lock|npm-shrinkwrap)\.json$/,
  yarn: /^yarn\.lock$/,
  berry: /^yarn\.lock$/,
  bun: /^bun\.lock$/,
}

/** The lockfiles that pnpm and npm leave in node_modules: what they have linked. */
export function installedLockfiles(folder: string): readonly string[] {
  return ['.pnpm/lock.yaml', '.package-lock.json']
    .map((name) => path.join(folder, 'node_modules', name))
    .filter((file) => existsSync(file))
}

/**
 * What a lockfile has. Of pnpm's without its first document: pnpm installs config dependencies elsewhere, and before a hook
 * can judge them.
 *
 * @throws GateError
 */
export async function packagesIn(file: string): Promise<readonly LockedPackage[]> {
  const bytes = await readLockfileBytes(file)
  const format = isPnpm(file) ? 'pnpm' : formatOf(file, bytes)
  if (format !== 'pnpm') return (await (await import('./formats.ts')).parseAny(format, bytes, file)).packages
  const { main } = await withoutQuotes(file, () => splitDocuments(bytes, file))
  if (main === undefined) return []
  const { parseLockfile } = await import('./read.ts')
  // It is compared with what was judged when it was installed: whoever judged that knew which pnpm it was.
  const { packages } = await parseLockfile(Buffer.from(main), file, 'from-11.20')
  // pnpm leaves out there what it has not linked, and not what leads to it.
  return isPnpm(file)
    ? packages.filter(({ source, integrity }) => source !== 'unknown' || integrity !== undefined)
    : packages
}

function isPnpm(file: string): boolean {
  return path.basename(file) === 'lock.yaml'
}
