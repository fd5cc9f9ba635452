import { GateError } from '../errors.ts'
import { isSameList } from '../util/lists.ts'
import { openSpellings } from '../util/spellings.ts'
import { type Graph, reachedBy } from './importers.ts'
import { compare } from './record.ts'
import type { LockedPackage } from './types.ts'

/**
 * One list of distinct packages, sorted by key. Two entries are one only if all but who uses them, and as what, is the same;
 * two digests for one `name@version` stay two entries, so that both are verified. Names that differ by case alone are noted.
 */
export function mergePackages(packages: Iterable<LockedPackage>): readonly LockedPackage[] {
  const groups = new Map<string, LockedPackage[]>()
  for (const pkg of packages) {
    const identity = identityOf(pkg)
    const group = groups.get(identity)
    if (group === undefined) groups.set(identity, [pkg])
    else group.push(pkg)
  }
  const unite = openUnion()
  const merged = [...groups]
    .map(([identity, group]) => ({ identity, pkg: mergeGroup(group, unite) }))
    .sort((a, b) => compare(a.pkg.key, b.pkg.key) || compare(a.identity, b.identity))
    .map(({ pkg }) => pkg)
  return withCaseTwins(merged)
}

/** An entry of a lockfile, before it is known who needs it. */
export interface Entry {
  /** Its node in the graph. */
  readonly node: number
  readonly pkg: Omit<LockedPackage, 'importers'>
}

/**
 * The packages of the entries of one lockfile, each with the projects that reach it. Entries that are one package are led to
 * one more node: so it is found out once for all of them, and packages share their lists.
 */
export function mergeEntries(
  entries: readonly Entry[],
  graph: Graph,
  unreached: 'anyone' | 'nobody',
): readonly LockedPackage[] {
  const edges = [...graph.edges]
  const groups = new Map<string, number>()
  const nodeOf = (node: number, pkg: Entry['pkg']): number => {
    const identity = identityOf(pkg)
    const group = groups.get(identity) ?? edges.push([]) - 1
    groups.set(identity, group)
    edges[node] = [...(edges[node] ?? []), group]
    return group
  }
  const grouped = entries.map(({ node, pkg }) => ({ node, pkg, group: nodeOf(node, pkg) }))
  const reached = reachedBy({ roots: graph.roots, edges })
  return mergePackages(
    grouped.map(({ node, pkg, group }) => ({
      ...pkg,
      importers: reached[group] ?? [],
      // A manager that resolves some of it anew takes what is there: who it then is for nobody can tell.
      ...(unreached === 'anyone' && reached[node]?.length === 0 && { forAnyone: true as const }),
    })),
  )
}

type Unite = (lists: readonly (readonly string[])[]) => readonly string[]

/** Far more names than the lists of any workspace have together. */
const MOST_NAMES = 2 ** 24

/**
 * What is in some lists, sorted, each name once. The same lists are united once, and packages that share them share what comes
 * of it.
 *
 * @throws GateError where the lists that are made have more names than any workspace
 */
function openUnion(): Unite {
  const numbers = new Map<readonly string[], number>()
  const united = new Map<string, readonly string[]>()
  let left = MOST_NAMES
  const numberOf = (list: readonly string[]) => {
    const number = numbers.get(list) ?? numbers.size
    numbers.set(list, number)
    return number
  }
  const made = (names: readonly string[]) => {
    left -= names.length
    if (left >= 0) return names
    throw new GateError(
      `The lockfiles say of too many packages, in too many ways, which projects need them: the gate keeps ${MOST_NAMES} names of projects at most. Judge them one by one, with --lockfile.`,
    )
  }
  const allOf = (lists: readonly (readonly string[])[]): readonly string[] => {
    const names = sorted(lists.flat())
    // Most often one of them has all of it, and others have that one.
    return lists.find((list) => isSameList(list, names)) ?? made(names)
  }
  return (lists) => {
    const key = [...new Set(lists.map(numberOf))].sort((a, b) => a - b).join()
    const known = united.get(key) ?? allOf([...new Set(lists)])
    united.set(key, known)
    return known
  }
}

/**
 * Where file systems fold case, one of two such packages is installed over the other.
 *
 * @throws GateError where one name has more spellings than anybody uses: each would be compared with each
 */
function withCaseTwins(packages: readonly LockedPackage[]): readonly LockedPackage[] {
  const spellings = openSpellings()
  for (const name of packages.flatMap(namesOf)) spellings.add(name)
  const twinsOf = (name: string): readonly string[] => {
    const twins = spellings.twins(name)
    if (twins.length <= MOST_TWINS) return twins
    throw new GateError(
      `The lockfile has ${twins.length} names that differ from ${JSON.stringify(name.slice(0, 80))} by case alone; the gate reads ${MOST_TWINS} at most. Restore the lockfile.`,
    )
  }
  const marked = (pkg: LockedPackage): LockedPackage => {
    const twins = namesOf(pkg).flatMap(twinsOf)
    const bundledIn = pkg.bundledIn && marked(pkg.bundledIn)
    if (twins.length === 0 && bundledIn === pkg.bundledIn) return pkg
    const caseTwins = sorted([...twins, ...(pkg.caseTwins ?? [])])
    return { ...pkg, ...(bundledIn && { bundledIn }), ...(caseTwins.length > 0 && { caseTwins }) }
  }
  return packages.map(marked)
}

const MOST_TWINS = 8

/** All names under which a package is installed, its own first. */
export function namesOf({ name, aliases = [] }: Pick<LockedPackage, 'name' | 'aliases'>): readonly string[] {
  return [name, ...aliases]
}

function mergeGroup(group: readonly LockedPackage[], unite: Unite): LockedPackage {
  const { name, version, integrity, unbound, source, origin, unlocked, github, key } = group[0] as LockedPackage
  const importers = unite(group.map((pkg) => pkg.importers))
  const aliases = sorted(group.flatMap((pkg) => pkg.aliases ?? []))
  const caseTwins = sorted(group.flatMap((pkg) => pkg.caseTwins ?? []))
  const outside = group.find((pkg) => pkg.outside !== undefined)?.outside
  const askedOf = group.find((pkg) => pkg.askedOf !== undefined)?.askedOf
  const bundlers = group.flatMap(({ bundledIn }) => bundledIn ?? [])
  return {
    name,
    version,
    integrity,
    ...(unbound && { unbound }),
    source,
    origin,
    ...(group.some(({ atNpmjs }) => atNpmjs) && { atNpmjs: true }),
    ...(outside !== undefined && { outside }),
    ...(unlocked !== undefined && { unlocked }),
    ...(askedOf !== undefined && { askedOf }),
    ...(github && { github }),
    ...(bundlers.length > 0 && { bundledIn: mergeGroup(bundlers, unite) }),
    importers,
    ...(group.some(({ forAnyone }) => forAnyone) && { forAnyone: true }),
    key,
    ...(aliases.length > 0 && { aliases }),
    ...(caseTwins.length > 0 && { caseTwins }),
  }
}

function sorted(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort(compare)
}

function identityOf({
  key,
  name,
  version,
  integrity,
  unbound,
  source,
  origin,
  unlocked,
  github,
  bundledIn,
}: Entry['pkg']): string {
  const bundler = bundledIn === undefined ? null : identityOf(bundledIn)
  const bytes = [integrity ?? null, unbound ?? null, source, origin ?? null, unlocked ?? null, github ?? null, bundler]
  return JSON.stringify([key, name, version, ...bytes])
}
