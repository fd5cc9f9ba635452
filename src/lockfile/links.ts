import path from 'node:path'
import { isFolder } from '../util/sources.ts'
import { importersFrom, mapImporters, projectName, reachedBy } from './importers.ts'
import type { LockedPackage } from './types.ts'

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
  return mapImporters(packages, (importers) => {
    const all = new Set([...importers, ...importers.flatMap((each) => linkers.get(each) ?? [])])
    return all.size === importers.length ? importers : [...all].sort()
  })
}

/** For each project that others link out of their own lockfile: all who reach it so. */
function linkersOf(lockfiles: readonly LockfileIn[], base: string): ReadonlyMap<string, readonly string[]> {
  const folders = new Set(lockfiles.map(({ folder }) => folder))
  const links = new Map<string, Set<string>>()
  for (const { folder, packages } of lockfiles) {
    for (const { importers, target } of linksOf(packages, folder)) {
      if (target === folder || !folders.has(target)) continue
      for (const importer of importers) {
        const from = projectName(base, path.resolve(folder, importer))
        links.set(from, (links.get(from) ?? new Set()).add(projectName(base, target)))
      }
    }
  }
  const names = [...new Set([...links].flatMap(([from, targets]) => [from, ...targets]))]
  const numbers = new Map(names.map((name, number) => [name, number]))
  const numbersOf = (all: Iterable<string>) => [...all].map((name) => numbers.get(name) ?? -1)
  const edges = names.map((name) => numbersOf(links.get(name) ?? []))
  const reached = reachedBy({ roots: new Map([...links].map(([from, targets]) => [from, numbersOf(targets)])), edges })
  return new Map(names.map((name, number) => [name, reached[number] ?? []]))
}

/** The folders that projects of a lockfile link, absolute, and who does. */
export function linksOf(
  packages: readonly LockedPackage[],
  folder: string,
): readonly { readonly importers: readonly string[]; readonly target: string }[] {
  return packages.flatMap(({ source, origin, importers }) => {
    const [, link] = /^(?:link|workspace):(.*)$/s.exec(isFolder(source) ? (origin ?? '') : '') ?? []
    return link === undefined ? [] : [{ importers, target: path.resolve(folder, link) }]
  })
}
