import { existsSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { isOwnFolder } from './importers.ts'
import type { LockedPackage } from './types.ts'

/** A workspace, as it is on disk. */
export interface Workspace {
  readonly root: string
  /** Whether each project has a lockfile of its own, which does not list the others. */
  readonly hasSeveralLockfiles: boolean
}

/**
 * The same packages, after a look at the folders on disk:
 *
 * - a project whose folder leads out of the workspace, or into node_modules, by symbolic links is a `directory`;
 * - a folder with a manifest that a lockfile of pnpm links in a workspace of several lockfiles is a project.
 *
 * @param folder of the lockfile
 */
export function withProjects(
  packages: readonly LockedPackage[],
  folder: string,
  { root, hasSeveralLockfiles }: Workspace,
): readonly LockedPackage[] {
  const isOwn = (target: string) => {
    const from = path.relative(resolved(root), resolved(target)).split(path.sep).join('/')
    return isOwnFolder(from === '' ? '.' : from)
  }
  return packages.map((pkg): LockedPackage => {
    const [, kind, linked] = /^(workspace|link|file):(.*)$/s.exec(pkg.origin ?? '') ?? []
    if (linked === undefined) return pkg
    const target = path.resolve(folder, linked)
    if (pkg.source === 'workspace') return isOwn(target) ? pkg : { ...pkg, source: 'directory' }
    if (!hasSeveralLockfiles || pkg.source !== 'directory' || kind !== 'link') return pkg
    const isProject = existsSync(path.join(target, 'package.json')) && isOwn(target)
    return isProject ? { ...pkg, source: 'workspace' } : pkg
  })
}

/** Where nothing is there, by the nearest folder above that is. */
function resolved(folder: string): string {
  try {
    return realpathSync(folder)
  } catch {
    const parent = path.dirname(folder)
    return parent === folder ? folder : path.join(resolved(parent), path.basename(folder))
  }
}
