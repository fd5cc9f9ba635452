import { type Refusal, type Result, refuse, unreadOf } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Claims, Proof, ProvenProvenance } from '../verify/types.ts'
import { type Comparison, compare } from './compare.ts'
import { comparableVersion, demandFor, differenceOf, identityOf } from './identity.ts'
import { LOCK_NAME } from './names.ts'
import { quote } from './text.ts'
import { howLong, toMilliseconds } from './time.ts'
import type { Demand, Policy, Rule } from './types.ts'

/** How far a proof goes for a rule: met, or not and why. */
export type Outcome =
  | { readonly met: true; readonly claims: Claims | undefined }
  | { readonly met: false; readonly refusal: Refusal; readonly claims: Claims | undefined }

/** Whether a rule asks anything of this package that only a proof can answer. */
export function needsProofFor(rule: Rule, pkg: LockedPackage, policy: Policy): boolean {
  return rule.require !== 'nothing' || (rule.unchanged && demandOf(pkg, policy)?.mayLack === false)
}

/** What the identity lock asks of a package. Rules that ask for it are given no policy without one. */
function demandOf(pkg: LockedPackage, { identities }: Policy): Demand | undefined {
  if (identities === undefined) throw new TypeError('a rule asks for an identity lock, and none was loaded')
  return demandFor(identities.get(pkg.name), pkg)
}

/** Whether a proof is what a rule requires. For rules that need one (`needsProofFor`). */
export function meets(
  rule: Rule,
  pkg: LockedPackage,
  policy: Policy,
  proof: Result<Proof> | undefined,
  now: Date,
): Outcome {
  const demand = rule.unchanged ? demandOf(pkg, policy) : undefined
  if (proof === undefined)
    return broken('the package was not verified before it was judged', 'a proof, as its rule requires')
  if (!proof.ok) return unmet({ refusal: lost(proof.refusal, pkg, demand) })
  switch (rule.require) {
    case 'provenance':
    case 'nothing':
      return provenance(rule, pkg, proof.value, demand, now)
    case 'signature': {
      // What the lock has as proven stays proven, and the registry has to have signed it as well.
      const mustBeProven = demand !== undefined && !demand.mayLack
      const proven = mustBeProven ? provenance(rule, pkg, proof.value, demand, now) : undefined
      return proven?.met === false ? proven : signature(rule, proof.value, now)
    }
    default:
      return broken(`a rule that requires ${JSON.stringify(rule.require)}`, 'a rule that requires what is known')
  }
}

function signature(rule: Rule, proof: Proof, now: Date): Outcome {
  const { publish, signature, leftOut } = proof
  const claims = proof.provenance[0]?.claims
  const isOurs = (by: { readonly registry?: string }) => by.registry === rule.registry
  const published = publish.find(isOurs)
  if (published !== undefined) return oldEnough(rule, [published.signedAt], proof, now, claims)
  // Nobody has signed when that was made, so of its age nothing is known.
  if (signature !== undefined && isOurs(signature)) return oldEnough(rule, [''], proof, now, claims)
  const other = publish[0] ?? signature
  const { refusal } =
    other === undefined
      ? refuse(
          'EVIDENCE_MISSING',
          'no publish attestation and no signature',
          "one that the registry's own key has made",
        )
      : refuse(
          'REGISTRY_MISMATCH',
          `signed by ${registryName(other.registry)}`,
          `signed by ${registryName(rule.registry)}`,
        )
  // What nobody could read may be the right one.
  return unmet({ refusal: unreadOf(leftOut) ?? refusal })
}

function registryName(name: string | undefined): string {
  return name === undefined ? 'the default registry' : `the registry ${quote(name)}`
}

/** One attestation has to be met by one publisher in all fields, and by the identity that is locked. */
function provenance(rule: Rule, pkg: LockedPackage, proof: Proof, demand: Demand | undefined, now: Date): Outcome {
  if (proof.provenance.length === 0) {
    const isSigned = proof.publish.length === 0 && proof.signature !== undefined
    const found = isSigned ? 'no attestations' : 'attestations, but no provenance among them'
    const none = refuse('EVIDENCE_MISSING', found, 'a provenance attestation')
    return unmet({ refusal: unreadOf(proof.leftOut) ?? lost(none.refusal, pkg, demand) })
  }
  if (rule.publishers.length === 0) {
    if (!rule.unchanged) return broken('no publisher to compare the claims with', 'at least one')
    if (demand === undefined) return unknownIdentity(proof, pkg)
  }
  let closest: Comparison | undefined
  let changed: Outcome | undefined
  let young: Outcome | undefined
  for (const proven of proof.provenance) {
    const change = demand && changedFrom(demand, pkg, proven.claims)
    changed ??= change
    // Without publishers it is the identity alone that says who it must be.
    const comparisons = rule.publishers.map((publisher) => compare(proven.claims, publisher))
    if (
      change === undefined &&
      (comparisons.length === 0 || comparisons.some(({ mismatch }) => mismatch === undefined))
    ) {
      const outcome = oldEnough(rule, times(proven, proof), proof, now, proven.claims)
      // That one is too young says nothing of the others.
      if (outcome.met || outcome.refusal.code !== 'TOO_YOUNG') return outcome
      young ??= outcome
    }
    for (const comparison of comparisons) {
      if (closest === undefined || comparison.matched > closest.matched) closest = comparison
    }
  }
  if (young !== undefined) return young
  if (closest?.mismatch === undefined) return changed ?? broken('claims that nothing was compared with', 'a publisher')
  const { code, found, expected } = closest.mismatch
  const count = rule.publishers.length
  const others = count > 1 ? ` (the closest of the rule's ${count} publishers)` : ''
  return { met: false, refusal: { code, found, expected: expected + others }, claims: closest.claims }
}

/** That there is no provenance is a loss, unless the lock records that this version has none. */
function lost(refusal: Refusal, pkg: LockedPackage, demand: Demand | undefined): Refusal {
  if (refusal.code !== 'EVIDENCE_MISSING' || demand === undefined || demand.mayLack) return refusal
  const { since, recorded } = demand
  const other =
    recorded === undefined
      ? ''
      : `, and other bytes than those that ${LOCK_NAME}:${recorded.line} lets in without: ${quote(pkg.integrity ?? 'none')}`
  return {
    code: 'PROVENANCE_LOST',
    found: refusal.found + other,
    expected: `provenance by ${quote(since.identity.repository)}, ${lockPhrase(demand, pkg, 'if it is right that it has none')}`,
  }
}

function changedFrom(demand: Demand, pkg: LockedPackage, claims: Claims): Outcome | undefined {
  const found = identityOf(claims)
  const difference =
    found === undefined
      ? { found: 'claims that name no publisher', expected: 'a publisher' }
      : differenceOf(demand.since.identity, found)
  if (difference === undefined) return undefined
  const expected = `${difference.expected}, ${lockPhrase(demand, pkg, 'if the change is right')}`
  return { met: false, refusal: { code: 'IDENTITY_CHANGED', found: difference.found, expected }, claims }
}

/** Where the lock asks for it, and how to accept what was found: of what has no version of its own nothing can be accepted. */
function lockPhrase({ since }: Demand, pkg: LockedPackage, when: string): string {
  const { source, name, version } = pkg
  const isAcceptable = source === 'registry' && comparableVersion(pkg) !== ''
  const accept = isAcceptable ? `; ${when}: ${acceptCommand(name, version)}` : ''
  return `as since ${since.from} (${LOCK_NAME}:${since.line}${accept})`
}

function acceptCommand(name: string, version: string): string {
  return `provenance-gate accept ${name}@${version}`
}

/** Proven, but the lock does not know the package yet. */
function unknownIdentity({ provenance: [first] }: Proof, { name, version }: LockedPackage): Outcome {
  const { refusal } = refuse(
    'IDENTITY_UNKNOWN',
    `provenance by ${quote(first?.claims.repository ?? 'an unnamed repository')}, and no entry in ${LOCK_NAME}`,
    `an entry for it: look at it, and run \`${acceptCommand(name, version)}\``,
  )
  return { met: false, refusal, claims: first?.claims }
}

/** A build may be signed long before it is published: the age counts from the later of the two, where both are known. */
function times({ signedAt }: ProvenProvenance, { publish }: Proof): readonly string[] {
  return [signedAt, ...publish.map((each) => each.signedAt)]
}

/** `minimumAge` is measured on times that a log or a timestamp authority has signed, never on what a registry says. */
function oldEnough(
  rule: Rule,
  times: readonly string[],
  { leftOut }: Proof,
  now: Date,
  claims: Claims | undefined,
): Outcome {
  if (rule.minimumAge === undefined) return { met: true, claims }
  const signedAt = Math.max(...times.map((time) => Date.parse(time)))
  const age = now.getTime() - signedAt
  // Written so that a time that is none is not old enough.
  const isOld = age >= toMilliseconds(rule.minimumAge)
  // An attestation that nobody could read may be a later publish attestation. What is too young stays so whatever it says.
  const unread = isOld || Number.isNaN(signedAt) ? unreadOf(leftOut) : undefined
  if (unread !== undefined) {
    const found = `${unread.found}, so its "minimumAge" is not known to be met`
    return { met: false, refusal: { ...unread, found }, claims }
  }
  if (isOld) return { met: true, claims }
  const since = Number.isNaN(signedAt)
    ? 'at no known time'
    : `at ${new Date(signedAt).toISOString()}, ${howLong(age)} ago`
  const { refusal } = refuse('TOO_YOUNG', `signed ${since}`, `signed at least ${rule.minimumAge} ago`)
  return { met: false, refusal, claims }
}

function unmet({ refusal }: { readonly refusal: Refusal }): Outcome {
  return { met: false, refusal, claims: undefined }
}

function broken(found: string, expected: string): Outcome {
  return unmet(refuse('INTERNAL_ERROR', found, expected))
}
