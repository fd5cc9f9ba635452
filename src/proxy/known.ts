import { isVersion } from '../lockfile/dep-path.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import { openSpellings } from '../util/spellings.ts'
import type { Announced, Dependency } from './metadata.ts'
import { digestKey, digestsOf, usualPlace } from './metadata.ts'
import { openPlaces } from './places.ts'
import { type FolderOfTag, type Foreign, foreignOf, targetOf } from './specifier.ts'

/** A dependency that a project, a command or a lockfile asks for. */
export interface Asked extends Dependency {
  /** The project's folder, as in lockfiles. */
  readonly importer: string
}

export interface Identity {
  readonly name: string
  readonly version: string
}

/**
 * What has been learnt of names, versions and places, from the lockfile and from what went by. It only ever grows: what was
 * once said of a place holds to the end, so that no later word makes it mean less.
 */
export interface Known {
  learn(announced: readonly Announced[]): void
  /** What lies at that place, by everything that was said of it; empty where nothing was. */
  at(url: URL): readonly Identity[]
  /** The dependencies that ask for exactly that URL. */
  askedAs(url: URL): readonly string[]
  /** Entries of the lockfile of that name and version. */
  locked(identity: Identity): readonly LockedPackage[]
  /** Versions that were said to have one of these digests. npm takes the bytes from where it has them already. */
  announcedAs(digests: readonly string[]): readonly Identity[]
  /** Entries of the lockfile of those bytes, or at that place. */
  lockedAs(url: URL, digests: readonly string[]): readonly LockedPackage[]
  /** What was said of the dependencies of a version, other than plain ranges. */
  dependencies(identity: Identity): readonly Dependency[]
  /** Notes what somebody is about to bring along, and returns it. */
  bring(dependencies: readonly Dependency[]): Brought
  /** Other names under which somebody who was let in, or a project, gets that package; sorted. */
  aliases(name: string): readonly string[]
  /** Notes a name under which something is installed. */
  name(name: string): void
  /** Names under which something is installed, and that differ from this one by case alone; sorted. */
  twins(name: string): readonly string[]
}

export interface Brought {
  readonly aliases: readonly Alias[]
  readonly foreign: readonly Foreign[]
  readonly places: readonly { readonly name: string; readonly url: URL }[]
}

export interface Alias {
  readonly alias: string
  readonly target: string
}

export function openKnown(
  locked: readonly LockedPackage[],
  asked: readonly Asked[],
  isFolderOfTag: FolderOfTag,
): Known {
  const dependencies = new Map<string, readonly Dependency[]>()
  const aliases = new Map<string, Set<string>>()
  const byIdentity = Map.groupBy(locked, idOf)
  const byDigest = new Map<number, LockedPackage[]>()
  const announcedBy = new Map<number, Identity[]>()
  const identities = new Map<string, Identity>()
  const announcedAt = openPlaces<Identity>()
  const askedAt = openPlaces<string>()
  const lockedAt = openPlaces<LockedPackage>()
  const spellings = openSpellings()
  for (const entry of locked) {
    for (const name of [entry.name, ...(entry.aliases ?? [])]) spellings.add(name)
    for (const place of [entry.tarball, entry.origin]) {
      const url = /^https?:/i.test(place ?? '') ? URL.parse(place ?? '') : null
      if (url !== null) lockedAt.add(url, entry)
    }
    for (const digest of digestsOf(entry.integrity)) addTo(byDigest, digest, entry)
  }

  const alias = (dependency: Dependency): readonly Alias[] => {
    const { name } = dependency
    const target = targetOf(dependency)
    if (target === undefined || target === name) return []
    spellings.add(name)
    aliases.set(target, (aliases.get(target) ?? new Set()).add(name))
    return [{ alias: name, target }]
  }
  const place = ({ name, spec }: Dependency) => {
    const url = /^\s*https?:/i.test(spec) ? URL.parse(spec.trim()) : null
    if (url === null) return []
    askedAt.add(url, name)
    return [{ name, url }]
  }
  for (const each of asked) {
    alias(each)
    place(each)
  }

  return {
    learn: (announced) => {
      for (const { name, version, tarball, digests, dependencies: own } of announced) {
        const id = idOf({ name, version })
        // Of most versions nothing has to be kept: thousands of packages have hundreds of them each.
        const strange = own.filter(({ spec }) => !isPlainRange(spec))
        if (strange.length > 0) dependencies.set(id, [...(dependencies.get(id) ?? []), ...strange])
        for (const each of strange) place(each)
        for (const digest of digests) {
          const said = announcedBy.get(digestKey(digest) ?? -1)
          if (!isAmong(said ?? [], { name, version })) addTo(announcedBy, digest, { name, version })
        }
        const usual = tarball && usualPlace(tarball.pathname)
        if (tarball === undefined || (usual?.name === name && usual.version === version)) continue
        const identity = identities.get(id) ?? { name, version }
        identities.set(id, identity)
        announcedAt.add(tarball, identity)
      }
    },
    at: (url) => {
      const said = announcedAt.at(url)
      const usual = usualPlace(url.pathname)
      return usual === undefined || isAmong(said, usual) ? said : [usual, ...said]
    },
    askedAs: (url) => askedAt.at(url),
    locked: (identity) => byIdentity.get(idOf(identity)) ?? [],
    announcedAs: (digests) => foundBy(announcedBy, digests),
    lockedAs: (url, digests) => [...new Set([...lockedAt.at(url), ...foundBy(byDigest, digests)])],
    dependencies: (identity) => dependencies.get(idOf(identity)) ?? [],
    bring: (own) => {
      const foreign = own.flatMap((each) => foreignOf(each, isFolderOfTag) ?? [])
      return { aliases: own.flatMap(alias), foreign, places: own.flatMap(place) }
    },
    aliases: (name) => [...(aliases.get(name) ?? [])].sort(),
    name: spellings.add,
    twins: (name) => spellings.twins(name).toSorted(),
  }
}

export function isAmong(all: readonly Identity[], { name, version }: Identity): boolean {
  return all.some((each) => each.name === name && each.version === version)
}

function idOf({ name, version }: Identity): string {
  return JSON.stringify([name, version])
}

function addTo<T>(groups: Map<number, T[]>, digest: string, value: T): void {
  const key = digestKey(digest)
  if (key === undefined) return
  const group = groups.get(key)
  if (group === undefined) groups.set(key, [value])
  else group.push(value)
}

function foundBy<T>(groups: ReadonlyMap<number, readonly T[]>, digests: readonly string[]): readonly T[] {
  return digests.flatMap((digest) => groups.get(digestKey(digest) ?? -1) ?? [])
}

function isPlainRange(spec: string): boolean {
  // `.` and `..` are folders.
  return (/^[\d^~<>=*|xX\s.-]*$/.test(spec) && !/^\s*\./.test(spec)) || isVersion(spec)
}
