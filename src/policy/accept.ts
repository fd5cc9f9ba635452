import compareVersions from 'semver/functions/compare.js'
import { type RefusalCode, type Result, UNDECIDED, unreadOf } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Proof } from '../verify/types.ts'
import { bytesOf, differenceOf, differencesOf, identityOf, lineOf, pointFor } from './identity.ts'
import type { Change, Identity, IdentityLock, LockEntry } from './types.ts'

/** A package of the lockfile, and what verification found about it. */
export interface Examined {
  readonly pkg: LockedPackage
  readonly proof: Result<Proof>
  /** The same with the registry's signature, where that was asked for as well. */
  readonly signed?: Result<Proof>
}

/**
 * The lock after looking at what is installed. Additions are taken over. Another publisher, or a version without provenance,
 * is taken over only where it was named. Pure. What could not be verified changes nothing.
 *
 * @param named names of packages, and `name@version`
 */
export function acceptIdentities(
  lock: IdentityLock,
  examined: readonly Examined[],
  named: ReadonlySet<string>,
): { readonly lock: IdentityLock; readonly changes: readonly Change[] } {
  const result = new Map(lock)
  const known = examined.filter(({ pkg }) => pkg.source === 'registry' && lineOf(pkg.version) !== undefined)
  const changes = [...Map.groupBy(known, ({ pkg }) => pkg.name)].flatMap(([name, versions]) => {
    const { entry, changes } = acceptVersions(lock.get(name), versions, named)
    if (entry !== undefined) result.set(name, entry)
    return changes
  })
  return { lock: result, changes: changes.toSorted(byNameAndVersion) }
}

/** The same for the versions of one package. */
function acceptVersions(
  locked: LockEntry | undefined,
  versions: readonly Examined[],
  named: ReadonlySet<string>,
): { readonly entry: LockEntry | undefined; readonly changes: readonly Change[] } {
  const changes = new Map<string, Change>()
  let entry = locked
  const take = (change: Change | undefined, apply: (entry: LockEntry, change: Change) => LockEntry): boolean => {
    if (change === undefined) return false
    changes.set(change.version, change)
    if (change.accepted) entry = apply(entry ?? NOTHING, change)
    return change.accepted
  }
  // What the lock has never heard of is taken as it is found: of two versions one may be proven and the other not.
  const isAccepted = ({ name, version }: LockedPackage) =>
    named.has(name) || named.has(`${name}@${version}`) || locked === undefined
  // From old to new, so that a release line begins with its first proven version.
  const inOrder = versions.toSorted(({ pkg: a }, { pkg: b }) => byNameAndVersion(a, b))
  // An entry that is added for one version may apply to others of its line, which another entry applied to: so repeat.
  for (let isMore = true; isMore; ) {
    isMore = false
    for (const { pkg, proof } of inOrder) {
      const accepted = isAccepted(pkg) || (locked !== undefined && isMet(locked, pkg, proof))
      const change = changeOfProven(entry ?? NOTHING, pkg, proof, accepted)
      if (changes.get(pkg.version)?.accepted === false) changes.delete(pkg.version)
      if (take(change, withIdentity)) isMore = true
    }
  }
  // The same by its ids: only what people read is brought up to date, to the name that the newest version has.
  const seen = new Set<string>()
  for (const { pkg, proof } of inOrder.toReversed()) {
    const [who] = identitiesOf(proof)
    if (who?.repositoryId === undefined || seen.size === seen.add(`${who.issuer} ${who.repositoryId}`).size) continue
    take(changeOfName(entry ?? NOTHING, pkg, proof), withName)
  }
  // Only now it is known whether some version is proven.
  for (const { pkg, proof } of inOrder) {
    if (entry === undefined || !isUnproven(proof)) continue
    take(changeOfUnproven(entry, pkg, isAccepted(pkg), locked !== undefined), withRecord)
  }
  return { entry, changes: [...changes.values()] }
}

/** Whether a version was published by whom the lock names for it. */
function isMet({ published }: LockEntry, { version }: LockedPackage, proof: Result<Proof>): boolean {
  const point = pointFor(published, version)
  return identitiesOf(proof).some((each) => point !== undefined && differenceOf(point.identity, each) === undefined)
}

function identitiesOf(proof: Result<Proof>): readonly Identity[] {
  return proof.ok ? proof.value.provenance.flatMap(({ claims }) => identityOf(claims) ?? []) : []
}

const NOTHING: LockEntry = { published: [], unproven: [] }

type Version = Pick<LockedPackage, 'name' | 'version'>

function byNameAndVersion(a: Version, b: Version): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1
  return compareVersions(a.version, b.version)
}

/** Whether it is known that there is no provenance. */
export function isUnproven(proof: Result<Proof>): boolean {
  if (!proof.ok) return proof.refusal.code === 'EVIDENCE_MISSING'
  return proof.value.provenance.length === 0 && unreadOf(proof.value.leftOut) === undefined
}

/** What an old certificate does not say, and a newer one does. */
const COMPLETED = [
  ...(['repositoryId', 'ownerId', 'workflow', 'builder', 'runner', 'trigger', 'branch'] as const),
] satisfies readonly (keyof Identity)[]

function changeOfProven(
  { published }: LockEntry,
  { name, version }: LockedPackage,
  proof: Result<Proof>,
  accepted: boolean,
): Change | undefined {
  const identities = identitiesOf(proof)
  const [after] = identities
  if (after === undefined) return undefined
  const before = pointFor(published, version)
  const change = { name, version, before, accepted }
  if (before === undefined) return { ...change, kind: 'added', after, accepted: true }
  const locked = before.identity
  const same = identities.find((identity) => differenceOf(locked, identity) === undefined)
  if (same === undefined) return { ...change, kind: 'changed', after, difference: differenceOf(locked, after) }
  const isMore = COMPLETED.some((field) => locked[field] === undefined && same[field] !== undefined)
  return isMore ? { ...change, kind: 'added', after: same, accepted: true } : undefined
}

function changeOfName(
  { published }: LockEntry,
  { name, version }: LockedPackage,
  proof: Result<Proof>,
): Change | undefined {
  const before = pointFor(published, version)
  const after = identitiesOf(proof).find((each) => before !== undefined && !differenceOf(before.identity, each))
  if (before === undefined || after === undefined || after.repository === before.identity.repository) return undefined
  return { kind: 'renamed', name, version, before, after, accepted: true }
}

function withIdentity(entry: LockEntry, { kind, version, before, after }: Change): LockEntry {
  if (after === undefined) return entry
  const { published } = entry
  if (before !== undefined) {
    const replaced = (identity: Identity): LockEntry => ({
      ...entry,
      published: published.map((point) => (point === before ? { ...point, identity } : point)),
    })
    if (kind === 'added' && isOfSameAge(before.identity, after)) return replaced(completed(before.identity, after))
    // A project publishes from several branches in turn: each is in the list, once it was accepted.
    if (kind === 'changed' && lineOf(before.from) === lineOf(version) && isOtherBranch(before.identity, after))
      return replaced({ ...before.identity, branch: [...(before.identity.branch ?? []), ...(after.branch ?? [])] })
  }
  const others = published.filter(({ from }) => from !== version)
  return { ...entry, published: [...others, { from: version, identity: after, line: 0 }] }
}

/** Every entry of the same repository has its new name. Each host gives out ids of its own. */
function withName(entry: LockEntry, { after }: Change): LockEntry {
  const isIt = ({ issuer, repositoryId }: Identity) =>
    issuer === after?.issuer && repositoryId !== undefined && repositoryId === after.repositoryId
  const { published } = entry
  return {
    ...entry,
    published: published.map((point) =>
      after !== undefined && isIt(point.identity)
        ? { ...point, identity: { ...point.identity, repository: after.repository } }
        : point,
    ),
  }
}

/** Certificates of early 2023 have no ids: the lock has them from the first version on that does. */
function isOfSameAge(locked: Identity, found: Identity): boolean {
  return (locked.repositoryId === undefined) === (found.repositoryId === undefined)
}

function completed(locked: Identity, found: Identity): Identity {
  const more = COMPLETED.flatMap((field) =>
    locked[field] === undefined && found[field] !== undefined ? [[field, found[field]] as const] : [],
  )
  return { ...locked, ...Object.fromEntries(more) }
}

function isOtherBranch(locked: Identity, found: Identity): boolean {
  return differencesOf(locked, found).every(({ field }) => field === 'branch')
}

function changeOfUnproven(
  { published, unproven }: LockEntry,
  pkg: LockedPackage,
  accepted: boolean,
  isKnown: boolean,
): Change | undefined {
  const { name, version } = pkg
  const integrity = bytesOf(pkg)
  const recorded = unproven.find((each) => each.version === version)
  if (recorded !== undefined && recorded.integrity === integrity) return undefined
  return {
    kind: isKnown || integrity === undefined ? 'lost' : 'recorded',
    name,
    version,
    before: pointFor(published, version),
    after: undefined,
    integrity,
    recorded,
    // Without its bytes every other package could call itself that version.
    accepted: accepted && integrity !== undefined,
  }
}

function withRecord(entry: LockEntry, { version, integrity }: Change): LockEntry {
  if (integrity === undefined) return entry
  const others = entry.unproven.filter((each) => each.version !== version)
  return { ...entry, unproven: [...others, { version, integrity, line: 0 }] }
}

/** That nothing is there, or nothing to compare it with, is no sign of something bad. */
const ABSENT: ReadonlySet<RefusalCode> = new Set(['EVIDENCE_MISSING', 'INTEGRITY_MISSING', 'UNBOUND'])

/** What has attestations that do not hold: nothing can be accepted of it. */
export function isBroken({ proof }: Examined): boolean {
  return !proof.ok && !ABSENT.has(proof.refusal.code) && !UNDECIDED.has(proof.refusal.code)
}

/** What has attestations of which nothing is known: nothing can be accepted of it yet. */
export function isUndecided({ proof }: Examined): boolean {
  return !proof.ok && UNDECIDED.has(proof.refusal.code)
}

/** Of a key that is not one of the registry's: as if there were no signature. */
const NO_SIGNATURE: ReadonlySet<RefusalCode> = new Set([...ABSENT, 'CERTIFICATE_UNTRUSTED', 'EVIDENCE_UNKNOWN'])

/** A signature that does not hold is as bad as an attestation that does not; one by a key that is not known is none. */
export function withSignature({ pkg, proof }: Examined, signed: Result<Proof>): Examined {
  if (signed.ok) return { pkg, proof, signed }
  return { pkg, proof: NO_SIGNATURE.has(signed.refusal.code) ? proof : signed }
}
