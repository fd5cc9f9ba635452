import { refuse } from '../codes.ts'
import { isVersion } from '../lockfile/dep-path.ts'
import { githubOrigin, isGitArchive } from '../lockfile/pnpm.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Verdict } from '../policy/types.ts'
import type { Named } from './archive.ts'
import type { Identity, Known } from './known.ts'
import type { Dependency } from './metadata.ts'

export type Gate = (pkg: LockedPackage) => Promise<Verdict>

export interface Judge {
  /**
   * Judges bytes by everything that they are said to be: each of it has to be allowed.
   *
   * @param named what the manifests in them say, where nothing was known of the place
   */
  tarball(url: URL, integrity: string, named: readonly Named[]): Promise<readonly Verdict[]>
  /** All that was judged, once each, in the order in which it was first. */
  verdicts(): readonly Verdict[]
}

/** It could be installed as anything: its own manifest says what whoever made it likes. */
const UNANNOUNCED = refuse(
  'EVIDENCE_MISSING',
  'a package at a place of which neither lockfile nor registry has spoken',
  'the tarball of a dependency',
).refusal

export function openJudge(gate: Gate, known: Known): Judge {
  const all = new Map<string, Verdict>()
  /** What was let in, by name: it is judged again where somebody gets it under another name. */
  const released = new Map<string, Map<string, LockedPackage>>()

  const judge = async (pkg: LockedPackage, refusal?: Verdict['refusal']): Promise<Verdict> => {
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
    const pkg = withAliases(asFetched(url, integrity, identity, entries), known)
    const refusal =
      !isBound && other !== undefined
        ? refuse('DIGEST_MISMATCH', `bytes of ${integrity}`, `${other.integrity}, as in the lockfile`).refusal
        : undefined
    return [await judge(pkg, refusal), ...(await brought(known.dependencies(identity)))]
  }

  const brought = async (dependencies: readonly Dependency[]): Promise<readonly Verdict[]> => {
    const { aliases, foreign } = known.bring(dependencies)
    const verdicts: Verdict[] = []
    for (const each of foreign) verdicts.push(await judge(withAliases(each, known)))
    for (const { target } of aliases)
      for (const earlier of released.get(target)?.values() ?? [])
        verdicts.push(await judge(withAliases(earlier, known)))
    return verdicts
  }

  const asEverything = async (url: URL, integrity: string, named: readonly Named[]): Promise<readonly Verdict[]> => {
    const said = known.at(url)
    const locked = known.lockedAs(url, integrity)
    const verdicts: Verdict[] = []
    for (const identity of said) verdicts.push(...(await byRegistry(url, integrity, identity)))
    for (const entry of locked) {
      const isSame = said.some(({ name, version }) => name === entry.name && version === entry.version)
      if (!isSame) verdicts.push(...(await lockedElsewhere(entry, url, integrity)))
    }
    // Whoever asks for a URL gets what is there under the name of their choice, whatever else it is.
    const asked = known.askedAs(url)
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
    tarball: async (url, integrity, named) => {
      for (;;) {
        const verdicts = await asEverything(url, integrity, named)
        if (verdicts.some(({ status }) => status === 'refused')) return verdicts
        // Others were judged at the same time, and may have brought names for it. Each name is new only once.
        if (verdicts.some(({ package: pkg }) => withAliases(pkg, known).aliases?.length !== pkg.aliases?.length))
          continue
        for (const { package: pkg } of verdicts)
          released.set(pkg.name, (released.get(pkg.name) ?? new Map()).set(pkg.key, pkg))
        return verdicts
      }
    },
    verdicts: () => [...all.values()],
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
  const importers = [...new Set(entries.flatMap((entry) => entry.importers))].sort()
  const aliases = [...new Set(entries.flatMap((entry) => entry.aliases ?? []))].sort()
  return {
    ...{ name, version, integrity, source: 'registry', origin: undefined, importers },
    ...(importers.length === 0 ? { forAnyone: true } : {}),
    ...(aliases.length === 0 ? {} : { aliases }),
    ...{ tarball: href, key: `${name}@${version}` },
  }
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
      ...{ importers: [], forAnyone: true, key: `${name}@${place}` },
    }
  })
}

function withAliases(pkg: LockedPackage, known: Known): LockedPackage {
  const aliases = [...new Set([...(pkg.aliases ?? []), ...known.aliases(pkg.name)])].sort()
  return aliases.length === 0 ? pkg : { ...pkg, aliases }
}
