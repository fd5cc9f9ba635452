import compareVersions from 'semver/functions/compare.js'
import type { RefusalCode, Result } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Proof } from '../verify/types.ts'
import { differenceOf, identityOf, lineOf, lockedFor } from './identity.ts'
import type { Change, Identity, IdentityLock, LockedIdentity } from './types.ts'

/** A package of the lockfile, and what verification found about it. */
export interface Examined {
  readonly pkg: LockedPackage
  readonly proof: Result<Proof>
}

/**
 * The lock after looking at what is installed. Additions are taken over; that somebody else publishes a package now, or
 * nobody provable, only for the packages that were named. Pure. What could not be verified changes nothing.
 */
export function acceptIdentities(
  lock: IdentityLock,
  examined: readonly Examined[],
  named: ReadonlySet<string>,
): { readonly lock: IdentityLock; readonly changes: readonly Change[] } {
  const result = new Map(lock)
  const changes: Change[] = []
  // From old to new, so that a release line begins with its first proven version.
  for (const { pkg, proof } of examined.toSorted(byNameAndVersion)) {
    const points = result.get(pkg.name) ?? []
    // What the lock has never heard of is taken as it is found: of two versions one may be proven and the other not.
    const change = changeOf(points, pkg, proof, named.has(pkg.name) || !lock.has(pkg.name))
    if (change === undefined) continue
    changes.push(change)
    if (change.accepted) result.set(pkg.name, withChange(points, change))
  }
  return { lock: result, changes }
}

function byNameAndVersion({ pkg: a }: Examined, { pkg: b }: Examined): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1
  return lineOf(a.version) === undefined || lineOf(b.version) === undefined ? 0 : compareVersions(a.version, b.version)
}

function changeOf(
  points: readonly LockedIdentity[],
  { name, version, source }: LockedPackage,
  proof: Result<Proof>,
  accepted: boolean,
): Change | undefined {
  if (lineOf(version) === undefined || source !== 'registry') return undefined
  const before = lockedFor(points, version)
  const change = { name, version, before, accepted }
  const isMissing = proof.ok ? proof.value.provenance.length === 0 : proof.refusal.code === 'EVIDENCE_MISSING'
  if (isMissing) return before?.identity === undefined ? undefined : { ...change, kind: 'lost', after: undefined }
  if (!proof.ok) return undefined
  const identities = proof.value.provenance.flatMap(({ claims }) => identityOf(claims) ?? [])
  const [after] = identities
  if (after === undefined) return undefined
  if (before?.identity === undefined) {
    // Nothing is locked for this version, but for others something is: whoever publishes none of those is somebody else.
    const known = points.flatMap((point) => point.identity ?? [])
    const fitting = identities.find((identity) => known.some((each) => differenceOf(each, identity) === undefined))
    const [first] = known
    if (first === undefined || fitting !== undefined)
      return { ...change, kind: 'added', after: fitting ?? after, accepted: true }
    return { ...change, kind: 'changed', after, difference: differenceOf(first, after) }
  }
  const locked = before.identity
  const same = identities.find((identity) => differenceOf(locked, identity) === undefined)
  if (same === undefined) return { ...change, kind: 'changed', after, difference: differenceOf(locked, after) }
  // Certificates of early 2023 have no ids: the lock has them from the first version on that does.
  const completes = (['repositoryId', 'ownerId', 'workflow'] as const).some(
    (field) => locked[field] === undefined && same[field] !== undefined,
  )
  if (completes) return { ...change, kind: 'added', after: same, accepted: true }
  // The same by its ids: only what people read is brought up to date.
  return same.repository === locked.repository ? undefined : { ...change, kind: 'renamed', after: same, accepted: true }
}

function withChange(
  points: readonly LockedIdentity[],
  { kind, version, before, after }: Change,
): readonly LockedIdentity[] {
  if (kind === 'renamed' && before !== undefined && after !== undefined) {
    const { repository } = after
    return points.map((point) =>
      point.identity !== undefined && point.identity.repositoryId === after.repositoryId
        ? { ...point, identity: { ...point.identity, repository } }
        : point,
    )
  }
  const others = points.filter(({ from, identity }) => from !== version && !beginsEarlier(from, identity))
  return [...others, { from: version, identity: after }]

  /** An entry for the same line and publisher that begins later is one that begins here, if nothing stands in between. */
  function beginsEarlier(from: string, identity: Identity | undefined): boolean {
    const isBetween = (other: string) => compareVersions(other, version) > 0 && compareVersions(other, from) < 0
    return (
      kind === 'added' &&
      lineOf(from) === lineOf(version) &&
      compareVersions(from, version) > 0 &&
      !points.some((point) => isBetween(point.from)) &&
      identity !== undefined &&
      after !== undefined &&
      differenceOf(identity, after) === undefined &&
      differenceOf(after, identity) === undefined
    )
  }
}

/** That nothing is there, or nothing to compare it with, is no sign of something bad. */
const ABSENT: ReadonlySet<RefusalCode> = new Set(['EVIDENCE_MISSING', 'INTEGRITY_MISSING', 'UNBOUND'])

/** What has attestations that do not hold: nothing can be accepted of it. */
export function isBroken({ proof }: Examined): boolean {
  return !proof.ok && !ABSENT.has(proof.refusal.code)
}
