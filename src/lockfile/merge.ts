import { compare } from './record.ts'
import type { LockedPackage } from './types.ts'

/**
 * One list of distinct packages, sorted by key. Two entries are one only if all but who uses them, and as what, is the same;
 * two digests for one `name@version` stay two entries, so that both are verified.
 */
export function mergePackages(packages: Iterable<LockedPackage>): readonly LockedPackage[] {
  const groups = new Map<string, LockedPackage[]>()
  for (const pkg of packages) {
    const identity = identityOf(pkg)
    const group = groups.get(identity)
    if (group === undefined) groups.set(identity, [pkg])
    else group.push(pkg)
  }
  return [...groups]
    .map(([identity, group]) => ({ identity, pkg: mergeGroup(group) }))
    .sort((a, b) => compare(a.pkg.key, b.pkg.key) || compare(a.identity, b.identity))
    .map(({ pkg }) => pkg)
}

function mergeGroup(group: readonly LockedPackage[]): LockedPackage {
  const { name, version, integrity, unbound, source, origin, github, key } = group[0] as LockedPackage
  const importers = sorted(group.flatMap((pkg) => pkg.importers))
  const aliases = sorted(group.flatMap((pkg) => pkg.aliases ?? []))
  const bundlers = group.flatMap(({ bundledIn }) => bundledIn ?? [])
  return {
    name,
    version,
    integrity,
    ...(unbound && { unbound }),
    source,
    origin,
    ...(github && { github }),
    ...(bundlers.length > 0 && { bundledIn: mergeGroup(bundlers) }),
    importers,
    ...(group.some(({ forAnyone }) => forAnyone) && { forAnyone: true }),
    key,
    ...(aliases.length > 0 && { aliases }),
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
