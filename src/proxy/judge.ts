import { refuse } from '../codes.ts'
import { isVersion } from '../lockfile/dep-path.ts'
import { unitedImporters } from '../lockfile/importers.ts'
import { githubOrigin, isGitArchive } from '../lockfile/pnpm.ts'
import { isOfRegistry } from '../lockfile/registries.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Verdict } from '../policy/types.ts'
import type { Named } from './archive.ts'
import { type Identity, isAmong, type Known } from './known.ts'
import { type Announced, type Dependency, digestKey } from './metadata.ts'
import { openPlaces } from './places.ts'

export type Gate = (pkg: LockedPackage) => Promise<Verdict>

export interface Judge {
  /**
   * Judges bytes by everything that they are said to be: each of it has to be allowed.
   *
   * @param digests of the bytes, sha512 first
   * @param named what the manifests in them say, where nothing was known of the place
   */
  tarball(url: URL, digests: readonly [string, ...string[]], named: readonly Named[]): Promise<readonly Verdict[]>
  /** Judges bytes that were let in already by what a registry says of them now: nobody may ask for them again. */
  announced(said: readonly Announced[]): Promise<readonly Verdict[]>
  /** All that was judged, once each, in the order in which it was first. */
  verdicts(): readonly Verdict[]
}

/** What was let in, and as what. */
interface Released {
  readonly url: URL
  readonly integrity: string
  readonly said: readonly Identity[]
}

/** It could be installed as anything: its own manifest says what whoever made it likes. */
const UNANNOUNCED = refuse(
  'EVIDENCE_MISSING',
  'a package at a place of which neither lockfile nor registry has spoken',
  'the tarball of a dependency',
).refusal

/** The registry that the settings give for a package. */
export type RegistryFor = (pkg: Pick<LockedPackage, 'name' | 'key' | 'askedOf'>) => string | undefined

export function openJudge(gate: Gate, known: Known, registryFor: RegistryFor): Judge {
  const all = new Map<string, Verdict>()
  /** What was let in, by name: it is judged again where somebody gets it under another name. */
  const released = new Map<string, Map<string, LockedPackage>>()

  const releasedAt = openPlaces<Released>()
  const releasedBytes = new Map<number, Released>()

  const judge = async (pkg: LockedPackage, refusal?: Verdict['refusal']): Promise<Verdict> => {
    known.name(pkg.name)
    const verdict: Verdict =
      refusal === undefined
        ? await gate(pkg)
        : { package: pkg, status: 'refused', refusal, rule: undefined, claims: undefined }
    // The strictest word on it stays: other names were known when it was said.
    const key = JSON.stringify([pkg.key, pkg.integrity ?? null])
    if (all.get(key)?.status !== 'refused') all.set(key, verdict)
    return verdict
  }

  const byRegistry = async (url: URL, integrity: string, identity: Identity): Promise<readonly Verdict[]> => {
    const entries = known.locked(identity)
    const isBound = entries.some((entry) => entry.integrity === integrity)
    const other = entries.find((entry) => entry.integrity?.startsWith('sha512-'))
    const pkg = withAliases(fromRegistry(asFetched(url, integrity, identity, entries), entries, registryFor), known)
    const refusal =
      !isBound && other !== undefined
        ? refuse('DIGEST_MISMATCH', `bytes of ${integrity}`, `${other.integrity}, as in the lockfile`).refusal
        : undefined
    return [await judge(pkg, refusal), ...(await twinned(pkg)), ...(await brought(known.dependencies(identity)))]
  }

  /** What was let in under a name that differs by case alone: it shares a folder with what comes now. */
  const twinned = async ({ caseTwins = [] }: LockedPackage): Promise<readonly Verdict[]> => {
    if (caseTwins.length === 0) return []
    const verdicts: Verdict[] = []
    for (const earlier of [...released.values()].flatMap((each) => [...each.values()]))
      if ([earlier.name, ...(earlier.aliases ?? [])].some((name) => caseTwins.includes(name)))
        verdicts.push(await judge(withAliases(earlier, known)))
    return verdicts
  }

  const brought = async (dependencies: readonly Dependency[]): Promise<readonly Verdict[]> => {
    const { aliases, foreign, places } = known.bring(dependencies)
    const verdicts: Verdict[] = []
    for (const each of foreign) verdicts.push(await judge(withAliases(each, known)))
    for (const { target } of aliases)
      for (const earlier of released.get(target)?.values() ?? [])
        verdicts.push(await judge(withAliases(earlier, known)))
    for (const { name, url } of places)
      for (const earlier of releasedAt.at(url))
        for (const pkg of asTarball(earlier.url, earlier.integrity, [], new Set([name])))
          verdicts.push(await judge(withAliases(pkg, known)))
    return verdicts
  }

  /** All that bytes at a place are said to be by now. */
  const sayings = (url: URL, digests: readonly string[]) => {
    const here = known.at(url)
    const said = [...here, ...known.announcedAs(digests).filter((identity) => !isAmong(here, identity))]
    return { said, locked: known.lockedAs(url, digests), asked: known.askedAs(url) }
  }
  const count = ({ said, locked, asked }: ReturnType<typeof sayings>) => said.length + locked.length + asked.length

  const asEverything = async (
    url: URL,
    integrity: string,
    named: readonly Named[],
    { said, locked, asked }: ReturnType<typeof sayings>,
  ): Promise<readonly Verdict[]> => {
    const verdicts: Verdict[] = []
    for (const identity of said) verdicts.push(...(await byRegistry(url, integrity, identity)))
    for (const entry of locked)
      if (!isAmong(said, entry)) verdicts.push(...(await lockedElsewhere(entry, url, integrity)))
    // Whoever asks for a URL gets what is there under the name of their choice, whatever else it is.
    const own = isGitArchive(url.href) || asked.length > 0 ? named.map(({ name }) => name) : []
    const tarballs = asTarball(url, integrity, named, new Set([...own, ...asked]))
    for (const pkg of tarballs) verdicts.push(await judge(withAliases(pkg, known)))
    if (tarballs.length > 0) verdicts.push(...(await brought(named.flatMap(({ dependencies }) => dependencies))))
    if (verdicts.length === 0)
      for (const pkg of asTarball(url, integrity, named, new Set(named.map(({ name }) => name))))
        verdicts.push(await judge({ ...pkg, source: 'unknown' }, UNANNOUNCED))
    return verdicts
  }

  return {
    tarball: async (url, digests, named) => {
      const [integrity] = digests
      for (;;) {
        const all = sayings(url, digests)
        const verdicts = await asEverything(url, integrity, named, all)
        if (verdicts.some(({ status }) => status === 'refused')) return verdicts
        // Others were judged at the same time, and may have brought names for it. Each name is new only once.
        if (count(sayings(url, digests)) !== count(all)) continue
        if (verdicts.some(({ package: pkg }) => withAliases(pkg, known).aliases?.length !== pkg.aliases?.length))
          continue
        for (const { package: pkg } of verdicts)
          released.set(pkg.name, (released.get(pkg.name) ?? new Map()).set(pkg.key, pkg))
        remember({ url, integrity, said: all.said }, digests)
        return verdicts
      }
    },
    announced: async (said) => {
      const verdicts: Verdict[] = []
      for (const each of said) {
        const here = each.tarball === undefined ? [] : releasedAt.at(each.tarball)
        const same = each.digests.flatMap((digest) => releasedBytes.get(digestKey(digest) ?? -1) ?? [])
        for (const earlier of new Set([...here, ...same]))
          if (!isAmong(earlier.said, each)) verdicts.push(...(await byRegistry(earlier.url, earlier.integrity, each)))
        if (verdicts.some(({ status }) => status === 'refused')) break
      }
      return verdicts
    },
    verdicts: () => [...all.values()],
  }

  function remember(one: Released, digests: readonly string[]): void {
    releasedAt.add(one.url, one)
    for (const digest of digests) {
      const key = digestKey(digest)
      if (key !== undefined) releasedBytes.set(key, one)
    }
  }

  /** An entry of the lockfile that has these bytes, or says that they are here. */
  async function lockedElsewhere(entry: LockedPackage, url: URL, integrity: string): Promise<readonly Verdict[]> {
    if (entry.source === 'registry') return byRegistry(url, integrity, entry)
    const isOther = entry.integrity !== undefined && entry.integrity !== integrity
    const refusal = isOther
      ? refuse('DIGEST_MISMATCH', `bytes of ${integrity}`, `${entry.integrity}, as in the lockfile`).refusal
      : undefined
    return [await judge(withAliases({ ...entry, integrity }, known), refusal)]
  }
}

/** Bound to its bytes. Whoever needs it, and as what, is what all entries of the lockfile say; without one it may be anybody. */
function asFetched(
  { href }: URL,
  integrity: string,
  { name, version }: Identity,
  entries: readonly LockedPackage[],
): LockedPackage {
  const importers = unitedImporters(entries)
  const aliases = [...new Set(entries.flatMap((entry) => entry.aliases ?? []))].sort()
  return {
    ...{ name, version, integrity, source: 'registry', origin: undefined, importers },
    ...(importers.length === 0 ? { forAnyone: true } : {}),
    ...(aliases.length === 0 ? {} : { aliases }),
    ...{ tarball: href, key: `${name}@${version}` },
  }
}

/**
 * Whoever writes a lockfile, or metadata, can give any address a name and a version. Of a registry with a name are only entries
 * of the lockfile for which that name was asked.
 */
function fromRegistry(pkg: LockedPackage, entries: readonly LockedPackage[], registryFor: RegistryFor): LockedPackage {
  const { name, key, tarball = '' } = pkg
  const registry = registryFor({ name, key })
  const named = entries.filter(
    ({ source, outside, askedOf }) => source === 'registry' && outside === undefined && askedOf,
  )
  const isOf = [registry, ...named.map(registryFor)].some(
    (each) => each !== undefined && isOfRegistry(tarball, each, pkg),
  )
  return isOf ? pkg : { ...pkg, origin: tarball, outside: registry ?? '' }
}

/** Bytes at a place of which no registry has spoken: by their own manifests, and as what somebody asks for them. */
function asTarball(
  { href, origin, pathname }: URL,
  integrity: string,
  named: readonly Named[],
  names: ReadonlySet<string>,
): readonly LockedPackage[] {
  const place = `${origin}${pathname}`
  const github = githubOrigin({ tarball: href })
  return [...names].map((name) => {
    const version = named.find((each) => each.name === name)?.version ?? named[0]?.version ?? ''
    return {
      ...{ name, version: isVersion(version) ? version : '', integrity, origin: place },
      source: isGitArchive(href) ? 'git' : 'tarball',
      ...(github === undefined ? {} : { github }),
      ...(name === '' ? { unnamed: true } : {}),
      ...{ importers: [], forAnyone: true, key: `${name}@${place}` },
    }
  })
}

function withAliases(pkg: LockedPackage, known: Known): LockedPackage {
  const aliases = [...new Set([...(pkg.aliases ?? []), ...known.aliases(pkg.name)])].sort()
  const caseTwins = [...new Set([pkg.name, ...aliases].flatMap(known.twins))].sort()
  if (aliases.length + caseTwins.length === 0) return pkg
  return { ...pkg, ...(aliases.length > 0 && { aliases }), ...(caseTwins.length > 0 && { caseTwins }) }
}
