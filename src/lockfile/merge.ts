import { GateError } from '../errors.ts'
import { openSpellings } from '../util/spellings.ts'
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
  const merged = [...groups]
    .map(([identity, group]) => ({ identity, pkg: mergeGroup(group) }))
    .sort((a, b) => compare(a.pkg.key, b.pkg.key) || compare(a.identity, b.identity))
    .map(({ pkg }) => pkg)
  return withCaseTwins(merged)
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

function namesOf({ name, aliases = [] }: LockedPackage): readonly string[] {
  return [name, ...aliases]
}

function mergeGroup(group: readonly LockedPackage[]): LockedPackage {
  const { name, version, integrity, unbound, source, origin, github, key } = group[0] as LockedPackage
  const importers = sorted(group.flatMap((pkg) => pkg.importers))
  const aliases = sorted(group.flatMap((pkg) => pkg.aliases ?? []))
  const caseTwins = sorted(group.flatMap((pkg) => pkg.caseTwins ?? []))
  const outside = group.find((pkg) => pkg.outside !== undefined)?.outside
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
    ...(github && { github }),
    ...(bundlers.length > 0 && { bundledIn: mergeGroup(bundlers) }),
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
  github,
  bundledIn,
}: LockedPackage): string {
  const bundler = bundledIn === undefined ? null : identityOf(bundledIn)
  const bytes = [integrity ?? null, unbound ?? null, source, origin ?? null, github ?? null, bundler]
  return JSON.stringify([key, name, version, ...bytes])
}
