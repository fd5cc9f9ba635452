import compareVersions from 'semver/functions/compare.js'
import parseVersion from 'semver/functions/parse.js'
import * as v from 'valibot'
import { DEFAULT_DOMAIN } from '../domains.ts'
import { GateError } from '../errors.ts'
import { type Examined, isUnproven } from './accept.ts'
import type { PolicyDocument } from './document.ts'
import { bytesOf, lineOf } from './identity.ts'
import { froms, IDENTITY, toIdentity } from './lock-schema.ts'
import { isPackageName } from './packages.ts'
import { mapping } from './parts.ts'
import { problemsOf, toError } from './problems.ts'
import { at, quote } from './text.ts'
import type { Identity, IdentityLock, LockEntry } from './types.ts'

/*
 * The first form of the identity lock. Only `accept` reads it, to write the present one. It let in every version below its
 * entries, and knew neither runner, trigger, builder nor branch.
 */

const { issuer, repository, ref, ...optional } = IDENTITY
const OldEntrySchema = v.pipe(
  mapping('an entry', {
    from: froms,
    provenance: v.exactOptional(v.literal('none', '"provenance" is "none", or left out where there is an identity')),
    issuer: v.exactOptional(issuer),
    repository: v.exactOptional(repository),
    ref: v.exactOptional(ref),
    ...optional,
  }),
  v.check(
    ({ provenance, from: _, ...identity }) =>
      provenance === 'none'
        ? Object.keys(identity).length === 0
        : identity.issuer !== undefined && identity.repository !== undefined && identity.ref !== undefined,
    'an entry has "issuer", "repository" and "ref", or nothing but "provenance": "none"',
  ),
)
const OldPackageSchema = v.pipe(
  v.array(OldEntrySchema, 'a package has a list of entries'),
  v.nonEmpty('a package without entries says nothing'),
)

/** From `from` on that identity publishes a package, or the package has no provenance. */
interface OldPoint {
  readonly from: string
  readonly identity: Identity | undefined
}

export type OldLock = ReadonlyMap<string, readonly OldPoint[]>

/** @throws GateError */
export function parseOldLock(document: PolicyDocument): OldLock {
  const { packages, version: _, $schema: __, ...other } = document.value as Readonly<Record<string, unknown>>
  const [unknown] = Object.keys(other)
  if (unknown !== undefined)
    throw new GateError(at(document.placeOf([unknown], 'key'), `unknown key ${quote(unknown)} in the identity lock`))
  const outer = v.safeParse(v.object({ packages: v.record(v.string(), v.unknown()) }), { packages })
  if (!outer.success) throw toError(problemsOf(outer.issues, document))
  return new Map(
    Object.entries(packages as Readonly<Record<string, unknown>>).map(([name, value]) => {
      const entries = v.safeParse(OldPackageSchema, value)
      if (!entries.success) throw toError(problemsOf(entries.issues, document, ['packages', name]))
      if (!isPackageName(name))
        throw new GateError(at(document.placeOf(['packages', name], 'key'), `${quote(name)} is no name of a package`))
      return [name, entries.output.flatMap(toPoints)] as const
    }),
  )
}

function toPoints({ from, provenance, domain = DEFAULT_DOMAIN, ...entry }: v.InferOutput<typeof OldEntrySchema>) {
  const { issuer: who, repository: where, ref: kind, ...rest } = entry
  const isKnown = provenance === undefined && who !== undefined && where !== undefined && kind !== undefined
  const identity = isKnown ? toIdentity({ domain, issuer: who, repository: where, ref: kind, ...rest }) : undefined
  return from.map((version): OldPoint => ({ from: version, identity }))
}

/**
 * The same in the present form, for a lockfile: every identity is kept, and of versions without provenance those are recorded
 * that the old form let in. What it refused is left to be accepted by name.
 */
export function fromOldLock(old: OldLock, examined: readonly Examined[]): IdentityLock {
  const lock = new Map<string, LockEntry>()
  for (const [name, points] of old) {
    const published = points.flatMap(({ from, identity }) => (identity ? [{ from, identity, line: 0 }] : []))
    if (published.length > 0) lock.set(name, { published, unproven: [] })
  }
  for (const { pkg, proof } of examined) {
    const entry = lock.get(pkg.name)
    const integrity = bytesOf(pkg)
    const isMissing = isUnproven(proof)
    if (entry === undefined || integrity === undefined || !isMissing || pkg.source !== 'registry') continue
    if (lineOf(pkg.version) === undefined || oldDemand(old.get(pkg.name) ?? [], pkg.version) !== undefined) continue
    if (entry.unproven.some(({ version }) => version === pkg.version)) continue
    lock.set(pkg.name, { ...entry, unproven: [...entry.unproven, { version: pkg.version, integrity, line: 0 }] })
  }
  return lock
}

/** Who had to have published a version; undefined where it needed no provenance. */
function oldDemand(all: readonly OldPoint[], version: string): Identity | undefined {
  const points = all.filter(({ from, identity }) => identity !== undefined || from === version || !isPrerelease(from))
  const before = points
    .filter(({ from }) => compareVersions(from, version) <= 0)
    .toSorted((a, b) => compareVersions(b.from, a.from))
  const line = lineOf(version)
  const isInLine = points.some(({ from }) => lineOf(from) === line)
  return (isInLine ? before.find(({ from }) => lineOf(from) === line) : before[0])?.identity
}

function isPrerelease(version: string): boolean {
  return (parseVersion(version)?.prerelease.length ?? 0) > 0
}
