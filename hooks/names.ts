import type { LockedPackage } from '../src/lockfile/types.ts'
import { isPackageName } from '../src/util/package-name.ts'
import { openSpellings } from '../src/util/spellings.ts'
import { stranger } from './strangers.ts'

/** The names that packages of one install are installed as. */
export interface Names {
  /** Notes those of the lockfile. */
  lock(packages: readonly LockedPackage[]): void
  /**
   * Notes a name that is about to be resolved. Returns what has to be judged because of the name alone: it is no name of a
   * package, or differs from another one by case alone, and one of the two is not a package's own.
   *
   * @param target the package of a registry that it gets; undefined where that is none
   */
  want(name: string, specifier: string, target: string | undefined): readonly LockedPackage[]
}

export function openNames(): Names {
  const spellings = openSpellings()
  /** Those that are not the own name of a registry's package. */
  const chosen = new Set<string>()
  const note = (name: string, isChosen: boolean) => {
    spellings.add(name)
    if (isChosen) chosen.add(name)
  }
  return {
    lock: (packages) => {
      for (const { name, aliases = [], source } of packages) {
        note(name, source !== 'registry')
        for (const alias of aliases) note(alias, true)
      }
    },
    want: (name, specifier, target) => {
      const isChosen = target !== name
      note(name, isChosen)
      const caseTwins = spellings.twins(name).filter((twin) => isChosen || chosen.has(twin))
      if (isPackageName(name) && caseTwins.length === 0) return []
      const pkg = { ...stranger(name, specifier), source: 'unknown' } as const
      return [caseTwins.length === 0 ? pkg : { ...pkg, caseTwins }]
    },
  }
}
