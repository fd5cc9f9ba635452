import { type Refusal, type Result, refuse } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Claims, Proof, ProvenProvenance } from '../verify/types.ts'
import { type Comparison, compare } from './compare.ts'
import { comparableVersion, differenceOf, identityOf, lockedFor } from './identity.ts'
import { quote } from './text.ts'
import { howLong, toMilliseconds } from './time.ts'
import type { LockedIdentity, Policy, Rule } from './types.ts'

/** How far a proof goes for a rule: met, or not and why. */
export type Outcome =
  | { readonly met: true; readonly claims: Claims | undefined }
  | { readonly met: false; readonly refusal: Refusal; readonly claims: Claims | undefined }

/** Whether a rule asks anything of this package that only a proof can answer. */
export function needsProofFor(rule: Rule, pkg: LockedPackage, policy: Policy): boolean {
  return rule.require !== 'nothing' || (rule.unchanged && demandOf(pkg, policy)?.identity !== undefined)
}

/** What the identity lock says of a package. Rules that ask for it are given no policy without one. */
function demandOf(pkg: LockedPackage, { identities }: Policy): LockedIdentity | undefined {
  if (identities === undefined) throw new TypeError('a rule asks for an identity lock, and none was loaded')
  return lockedFor(identities.get(pkg.name) ?? [], comparableVersion(pkg))
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
  if (!proof.ok) return unmet({ refusal: lost(proof.refusal, demand) })
  switch (rule.require) {
    case 'provenance':
    case 'nothing':
      return provenance(rule, proof.value, demand, now)
    case 'signature':
      return signature(rule, proof.value, now)
    default:
      return broken(`a rule that requires ${JSON.stringify(rule.require)}`, 'a rule that requires what is known')
  }
}

function signature(rule: Rule, { provenance: [first], publish, signature }: Proof, now: Date): Outcome {
  const isOurs = (by: { readonly registry?: string } | undefined) => by !== undefined && by.registry === rule.registry
  if (publish !== undefined && isOurs(publish)) return oldEnough(rule, [publish.signedAt], now, first?.claims)
  // Nobody has signed when that was made, so of its age nothing is known.
  if (isOurs(signature)) return oldEnough(rule, [''], now, first?.claims)
  const other = publish ?? signature
  if (other !== undefined)
    return unmet(
      refuse(
        'REGISTRY_MISMATCH',
        `signed by ${registryName(other.registry)}`,
        `signed by ${registryName(rule.registry)}`,
      ),
    )
  return unmet(
    refuse('EVIDENCE_MISSING', 'no publish attestation and no signature', "one that the registry's own key has made"),
  )
}

function registryName(name: string | undefined): string {
  return name === undefined ? 'the default registry' : `the registry ${quote(name)}`
}

/** One attestation has to be met by one publisher in all fields, and by the identity that is locked. */
function provenance(rule: Rule, proof: Proof, demand: LockedIdentity | undefined, now: Date): Outcome {
  if (proof.provenance.length === 0) {
    const isSigned = proof.publish === undefined && proof.signature !== undefined
    const found = isSigned ? 'no attestations' : 'attestations, but no provenance among them'
    const none = refuse('EVIDENCE_MISSING', found, 'a provenance attestation')
    return unmet({ refusal: lost(none.refusal, demand) })
  }
  if (rule.publishers.length === 0) {
    if (!rule.unchanged) return broken('no publisher to compare the claims with', 'at least one')
    if (demand?.identity === undefined) return unknownIdentity(proof, demand)
  }
  let closest: Comparison | undefined
  let changed: Outcome | undefined
  let young: Outcome | undefined
  for (const proven of proof.provenance) {
    const change = demand?.identity === undefined ? undefined : changedFrom(demand, proven.claims)
    changed ??= change
    // Without publishers it is the identity alone that says who it must be.
    const comparisons = rule.publishers.map((publisher) => compare(proven.claims, publisher))
    if (
      change === undefined &&
      (comparisons.length === 0 || comparisons.some(({ mismatch }) => mismatch === undefined))
    ) {
      const outcome = oldEnough(rule, times(proven, proof), now, proven.claims)
      if (outcome.met) return outcome
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

/** That there is no provenance is a loss where the lock says that there was some. */
function lost(refusal: Refusal, demand: LockedIdentity | undefined): Refusal {
  if (refusal.code !== 'EVIDENCE_MISSING' || demand?.identity === undefined) return refusal
  const { from, identity } = demand
  return {
    code: 'PROVENANCE_LOST',
    found: refusal.found,
    expected: `provenance by ${quote(identity.repository)}, as since ${from} (provenance-lock.yaml)`,
  }
}

function changedFrom({ from, identity }: LockedIdentity, claims: Claims): Outcome | undefined {
  const found = identityOf(claims)
  const difference =
    identity === undefined || found === undefined
      ? { found: 'claims that name no publisher', expected: 'a publisher' }
      : differenceOf(identity, found)
  if (difference === undefined) return undefined
  const expected = `${difference.expected}, as since ${from} (provenance-lock.yaml)`
  return { met: false, refusal: { code: 'IDENTITY_CHANGED', found: difference.found, expected }, claims }
}

/** Proven, but by whom it should be nobody has said yet. */
function unknownIdentity({ provenance: [first] }: Proof, demand: LockedIdentity | undefined): Outcome {
  const since = demand === undefined ? '' : ` (since ${demand.from} it was accepted without)`
  const { refusal } = refuse(
    'IDENTITY_UNKNOWN',
    `provenance by ${quote(first?.claims.repository ?? 'nobody')}, of which provenance-lock.yaml says nothing${since}`,
    'an entry for it: look at it, and run `provenance-gate accept`',
  )
  return { met: false, refusal, claims: first?.claims }
}

/** A build may be signed long before it is published: the age counts from the later of the two, where both are known. */
function times({ signedAt }: ProvenProvenance, { publish }: Proof): readonly string[] {
  return publish === undefined ? [signedAt] : [signedAt, publish.signedAt]
}

/** `minimumAge` is measured on times that a log or a timestamp authority has signed, never on what a registry says. */
function oldEnough(rule: Rule, times: readonly string[], now: Date, claims: Claims | undefined): Outcome {
  if (rule.minimumAge === undefined) return { met: true, claims }
  const signedAt = Math.max(...times.map((time) => Date.parse(time)))
  const age = now.getTime() - signedAt
  // Written so that a time that is none is not old enough.
  if (age >= toMilliseconds(rule.minimumAge)) return { met: true, claims }
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
