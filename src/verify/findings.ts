import type { Bundle } from '@sigstore/bundle'
import { ok, type Refusal, type Result, UNREAD, unreadOf } from '../codes.ts'
import { cut } from '../util/text.ts'

/**
 * What one attestation, taken alone, is for a package. Whoever serves a document could serve it without an attestation that is
 * left out, so leaving it out gives nobody more than that. docs/verification.md says which is which.
 */
export type AttestationFinding<T> =
  | { readonly proves: T }
  /** Nothing: it cannot be read, or it is about something else. */
  | { readonly isNothing: Refusal }
  /** Signed under what is trusted, or said to be, and yet it does not hold. It spoils the whole document. */
  | { readonly contradicts: Refusal }

export interface Findings<T> {
  readonly proven: readonly T[]
  readonly leftOut: readonly Refusal[]
}

/** A step that refused: what it could not read is left out, everything else contradicts. */
export function refusedStep({ refusal }: { readonly refusal: Refusal }): AttestationFinding<never> {
  return UNREAD.has(refusal.code) ? { isNothing: refusal } : { contradicts: refusal }
}

/** Judges each attestation alone. Refuses as soon as one contradicts. */
export function judgeEach<T>(
  attestations: readonly Result<Bundle>[],
  judge: (bundle: Bundle) => AttestationFinding<T>,
): Result<Findings<T>> {
  const proven: T[] = []
  const leftOut: Refusal[] = []
  for (const [index, attestation] of attestations.entries()) {
    const found = attestation.ok ? judge(attestation.value) : refusedStep(attestation)
    if ('contradicts' in found) return { ok: false, refusal: found.contradicts }
    if ('proves' in found) proven.push(found.proves)
    // What could not even be parsed says already which one it is.
    else leftOut.push(short(attestation.ok ? numbered(found.isNothing, index, attestations.length) : found.isNothing))
  }
  return ok({ proven, leftOut })
}

/** They are kept from one run to the next, and a stranger may have written sixteen for every package. */
function short(refusal: Refusal): Refusal {
  return { ...refusal, found: cut(refusal.found, MOST) }
}

const MOST = 500

function numbered(refusal: Refusal, index: number, count: number): Refusal {
  return count === 1 ? refusal : { ...refusal, found: `attestation ${index + 1}: ${refusal.found}` }
}

/** The refusal of a document that proves nothing: why the first was left out that could have, or that there was none. */
export function nothingProven(leftOut: readonly Refusal[], none: Refusal): { ok: false; refusal: Refusal } {
  if (leftOut.length === 0) return { ok: false, refusal: none }
  const { code, found, expected } =
    unreadOf(leftOut) ?? leftOut.find((each) => each.code !== 'EVIDENCE_MISSING') ?? none
  return { ok: false, refusal: { code, found, expected, leftOut } }
}
