import type { LockedPackage } from './types.ts'

/** Packages as plain data in which each project is written once, and each list of projects too. */
export interface PackedPackages {
  readonly projects: readonly string[]
  /** Of numbers of projects. */
  readonly lists: readonly (readonly number[])[]
  readonly packages: readonly PackedPackage[]
}

/** `importers` is the number of a list. */
type PackedPackage = Omit<LockedPackage, 'importers' | 'bundledIn'> & {
  readonly importers: number
  readonly bundledIn?: PackedPackage
}

export function packPackages(packages: readonly LockedPackage[]): PackedPackages {
  const projects = new Map<string, number>()
  const lists = new Map<readonly string[], number>()
  const numberIn = <T>(all: Map<T, number>, each: T): number => {
    const number = all.get(each) ?? all.size
    all.set(each, number)
    return number
  }
  const packed = ({ bundledIn, importers, ...pkg }: LockedPackage): PackedPackage => ({
    ...pkg,
    importers: numberIn(lists, importers),
    ...(bundledIn && { bundledIn: packed(bundledIn) }),
  })
  const all = packages.map(packed)
  const numbers = [...lists.keys()].map((list) => list.map((project) => numberIn(projects, project)))
  return { projects: [...projects.keys()], lists: numbers, packages: all }
}

export function unpackPackages({ projects, lists, packages }: PackedPackages): readonly LockedPackage[] {
  const named = lists.map((list) => list.map((project) => at(projects, project)))
  const unpacked = ({ bundledIn, importers, ...pkg }: PackedPackage): LockedPackage => ({
    ...pkg,
    importers: at(named, importers),
    ...(bundledIn && { bundledIn: unpacked(bundledIn) }),
  })
  return packages.map(unpacked)
}

function at<T>(all: readonly T[], index: number): T {
  const found = all[index]
  if (found === undefined) throw new TypeError(`no ${index} among ${all.length}`)
  return found
}
