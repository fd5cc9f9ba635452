import path from 'node:path'
import { importersFrom, projectName } from './importers.ts'
import type { LockedPackage, PackageSource } from './types.ts'

/** A lockfile, by the folder that it is in. */
export interface LockfileIn {
  readonly folder: string
  readonly packages: readonly LockedPackage[]
}

/**
 * The packages of several lockfiles, each with all who need it, called as from `base`. One lockfile knows who needs what
 * in it; where each project has its own, a project also needs what those have that it links. Which of it is for their own
 * development only cannot be told from there.
 */
export function acrossLockfiles(lockfiles: readonly LockfileIn[], base: string): readonly LockedPackage[] {
  const packages = lockfiles.flatMap((each) => importersFrom(each.packages, each.folder, base))
  const linkers = linkersOf(lockfiles, base)
  if (linkers.size === 0) return packages
  return packages.map((pkg) => ({
    ...pkg,
    importers: [...new Set([...pkg.importers, ...pkg.importers.flatMap((each) => linkers.get(each) ?? [])])].sort(),
  }))
}

/** For each project that others link out of their own lockfile: all who reach it so. */
function linkersOf(lockfiles: readonly LockfileIn[], base: string): ReadonlyMap<string, readonly string[]> {
  const links = new Map<string, Set<string>>()
  for (const { folder, packages } of lockfiles) {
    for (const { importer, target } of linksOf(packages, folder)) {
      if (!lockfiles.some((each) => each.folder !== folder && each.folder === target)) continue
      const from = projectName(base, path.resolve(folder, importer))
      links.set(from, (links.get(from) ?? new Set()).add(projectName(base, target)))
    }
  }
  const linkers = new Map<string, string[]>()
  for (const project of links.keys()) {
    const reached = new Set([project])
    for (const each of reached) for (const next of links.get(each) ?? []) reached.add(next)
    reached.delete(project)
    for (const each of reached) linkers.set(each, [...(linkers.get(each) ?? []), project])
  }
  return linkers
}

function isFolder(source: PackageSource): boolean {
  return source === 'directory' || source === 'workspace'
}

/** The folders that projects of a lockfile link, absolute, and who does. */
export function linksOf(
  packages: readonly LockedPackage[],
  folder: string,
): readonly { readonly importer: string; readonly target: string }[] {
  return packages.flatMap(({ source, origin, importers }) => {
    const [, link] = /^(?:link|workspace):(.*)$/s.exec(isFolder(source) ? (origin ?? '') : '') ?? []
    return link === undefined ? [] : importers.map((importer) => ({ importer, target: path.resolve(folder, link) }))
  })
}
