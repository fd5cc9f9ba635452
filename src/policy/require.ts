import { type Refusal, type Result, refuse } from '../codes.ts'
import type { Claims, Proof, ProvenProvenance } from '../verify/types.ts'
import { type Comparison, compare } from './compare.ts'
import { howLong, toMilliseconds } from './time.ts'
import type { Rule } from './types.ts'

/** How far a proof goes for a rule: met, or not and why. */
export type Outcome =
  | { readonly met: true; readonly claims: Claims | undefined }
  | { readonly met: false; readonly refusal: Refusal; readonly claims: Claims | undefined }

/** Whether a proof is what a rule requires. For rules that require something: `nothing` needs no proof. */
export function meets(rule: Rule, proof: Result<Proof> | undefined, now: Date): Outcome {
  if (proof === undefined)
    return broken('the package was not verified before it was judged', 'a proof, as its rule requires')
  if (!proof.ok) return { met: false, refusal: proof.refusal, claims: undefined }
  switch (rule.require) {
    case 'provenance':
      return provenance(rule, proof.value, now)
    case 'signature':
      return signature(rule, proof.value, now)
    default:
      return broken(`a rule that requires ${JSON.stringify(rule.require)}`, 'a rule that requires what is known')
  }
}

function signature(rule: Rule, { provenance: [first], publish }: Proof, now: Date): Outcome {
  if (publish === undefined) {
    return unmet(refuse('EVIDENCE_MISSING', 'no publish attestation', "one that the registry's own key has signed"))
  }
  return oldEnough(rule, [publish.signedAt], now, first?.claims)
}

/** One attestation has to be met by one publisher in all fields. */
function provenance(rule: Rule, proof: Proof, now: Date): Outcome {
  if (proof.provenance.length === 0) {
    return unmet(refuse('EVIDENCE_MISSING', 'attestations, but no provenance among them', 'a provenance attestation'))
  }
  let closest: Comparison | undefined
  for (const proven of proof.provenance) {
    for (const publisher of rule.publishers) {
      const comparison = compare(proven.claims, publisher)
      if (comparison.mismatch === undefined) return oldEnough(rule, times(proven, proof), now, proven.claims)
      if (closest === undefined || comparison.matched > closest.matched) closest = comparison
    }
  }
  if (closest?.mismatch === undefined) {
    return broken('no publisher to compare the claims with', 'at least one')
  }
  const { code, found, expected } = closest.mismatch
  const count = rule.publishers.length
  const others = count > 1 ? ` (the closest of the rule's ${count} publishers)` : ''
  return { met: false, refusal: { code, found, expected: expected + others }, claims: closest.claims }
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
