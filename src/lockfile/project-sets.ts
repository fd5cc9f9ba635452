/** Sets of projects by numbers, each set once: most packages of a workspace are needed by one of few sets. */
export interface ProjectSets {
  readonly none: number
  /** The set of some projects, by their numbers, and of all that are in other sets. */
  union(projects: readonly number[], sets: Iterable<number>): number
  /** The names in a set, sorted: the same list for the same set. */
  names(set: number): readonly string[]
}

/** How much is kept and done at most before a set is taken for all projects. */
export interface SetBounds {
  /** Of all sets together: 32 projects each. */
  readonly words: number
  /** Words that are looked at while sets are made. */
  readonly work: number
  /** Of all lists together. */
  readonly names: number
}

/**
 * Some 5,000 projects with 200,000 packages of which no two are needed by the same projects, or lists of which each has a
 * thousand names, of 16,000 packages. Memory for it is 400 MB at most, and the time a few seconds.
 */
export const SET_BOUNDS: SetBounds = { words: 2 ** 25, work: 2 ** 30, names: 2 ** 24 }

/**
 * Beyond the bounds a set is taken for that of all projects: then all policies of projects are asked, which only ever refuses
 * more.
 *
 * @param projects their names, sorted
 */
export function openProjectSets(projects: readonly string[], bounds: SetBounds = SET_BOUNDS): ProjectSets {
  const width = Math.ceil(projects.length / 32)
  const sets: (Uint32Array | undefined)[] = [new Uint32Array(0), undefined]
  const [none, all] = [0, 1]
  const numbers = new Map<string, number>()
  const lists = new Map<number, readonly string[]>([
    [none, []],
    [all, projects],
  ])
  const scratch = new Uint32Array(width)
  const left = { ...bounds }

  const intern = (): number => {
    const key = Buffer.from(scratch.buffer).toString('latin1')
    const known = numbers.get(key)
    if (known !== undefined) return known
    left.words -= width
    if (left.words < 0) return all
    const set = sets.push(scratch.slice()) - 1
    numbers.set(key, set)
    return set
  }
  const listOf = (set: number): readonly string[] => {
    const names: string[] = []
    for (const [index, word] of (sets[set] ?? []).entries()) {
      for (let rest = word; rest !== 0; rest &= rest - 1) {
        const name = projects[index * 32 + 31 - Math.clz32(rest & -rest)]
        if (name !== undefined) names.push(name)
      }
    }
    left.names -= names.length
    return left.names < 0 ? projects : names
  }

  return {
    none,
    union: (own, others) => {
      const distinct = new Set(others)
      distinct.delete(none)
      if (distinct.has(all)) return all
      const [only = none] = distinct
      if (own.length === 0 && distinct.size < 2) return only
      left.work -= width * (distinct.size + 1)
      if (left.work < 0) return all
      scratch.fill(0)
      for (const project of own) scratch[project >>> 5] = (scratch[project >>> 5] ?? 0) | (1 << (project & 31))
      for (const other of distinct)
        for (const [index, word] of (sets[other] ?? []).entries()) scratch[index] = (scratch[index] ?? 0) | word
      return intern()
    },
    names: (set) => {
      const known = lists.get(set) ?? listOf(set)
      lists.set(set, known)
      return known
    },
  }
}
