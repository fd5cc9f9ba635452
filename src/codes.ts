/**
 * Every reason for which the gate refuses a package: a closed union, and what each one means.
 *
 * Two families are kept apart (safety rule 2). Those of `UNDECIDED` say "could not find out"; all others say that something
 * was found and is not good enough. Both stop an install.
 */
export const CODES = {
  EVIDENCE_MISSING: 'no attestation that could prove this package exists',
  EVIDENCE_UNAVAILABLE: 'the attestations could not be fetched, so nothing is known about them',
  EVIDENCE_UNKNOWN:
    'under a log, an authority or a key that the trust root does not have, or of a form that this gate does not know, so nothing is known about it',
  EVIDENCE_MALFORMED: 'the attestation document is not of the form that its specification gives',
  SIGNATURE_INVALID: 'the signature does not match what was signed',
  CERTIFICATE_UNTRUSTED: 'the signing certificate or key is not vouched for by the trust root',
  LOG_ENTRY_INVALID: 'the transparency log entry is missing, or does not belong to this signature',
  TIMESTAMP_INVALID: 'no trusted time of signing, or one that lies outside what is allowed',
  SUBJECT_MISMATCH: 'the attestation is about another package or version',
  DIGEST_MISMATCH: 'the attestation is about other bytes than those that the lockfile names',
  INTEGRITY_MISSING: 'the lockfile entry has no sha512, so nothing can be bound to it',
  UNBOUND: "the lockfile has a checksum of yarn's own archive alone, with which no evidence can be compared",
  PREDICATE_MISMATCH: 'the provenance says something else than the certificate that signed it',
  PREDICATE_TYPE_MISMATCH: 'what was signed is of another predicate type than the one that was named',
  SIGNER_MISMATCH: 'signed by another identity or key than the one that was named',
  DOMAIN_MISMATCH: 'vouched for in another trust domain than the policy allows',
  ISSUER_MISMATCH: 'the identity was vouched for by another issuer than the policy allows',
  REGISTRY_MISMATCH: 'signed by another registry than the policy names',
  CLAIM_MISSING: 'the policy asks for a claim that the certificate does not have',
  OWNER_MISMATCH: 'built from a repository of another owner than the policy allows',
  REPOSITORY_MISMATCH: 'built from another repository than the policy allows',
  WORKFLOW_MISMATCH: 'built by another workflow than the policy allows',
  BUILDER_MISMATCH: 'built in another called (reusable) workflow than the policy allows',
  TRIGGER_MISMATCH: 'the build was started by another event than the policy allows',
  RUNNER_MISMATCH: 'built on another kind of machine than the policy allows',
  ENVIRONMENT_MISMATCH: 'built in another deployment environment than the policy allows',
  REF_MISMATCH: 'built from another ref than the policy allows',
  COMMIT_MISMATCH: 'built from another commit than the policy allows',
  VISIBILITY_MISMATCH: 'built from a repository of another visibility than the policy allows',
  IDENTITY_UNKNOWN: 'the identity lock does not say who publishes this package',
  IDENTITY_CHANGED: 'published by somebody else than the identity lock says',
  PROVENANCE_LOST: 'earlier versions had provenance, this one has none',
  LOCK_LOOSENED: 'the identity lock of a change asks for less than that of the protected branch',
  TOO_YOUNG: 'signed more recently than the policy allows',
  EXCEPTION_EXPIRED: 'refused for another reason, which an exception excused until a day that is over',
  ALIAS_INVALID: 'it would be installed under what is no name of a package, or differs from another name by case alone',
  SOURCE_NOT_ALLOWED: 'comes from somewhere else than the rules for its name permit',
  GATE_REPLACED: 'something else stands where the gate itself would be installed',
  NO_RULE: 'no rule of the policy is about this package',
  INTERNAL_ERROR: 'the gate itself failed while deciding, which is never a pass',
} as const satisfies Record<string, string>

/** Why a package was refused. */
export type RefusalCode = keyof typeof CODES

/**
 * What no rule, exception or mode can excuse. `INTERNAL_ERROR`: nobody knows what would have been found. `ALIAS_INVALID`:
 * it is about the folder that the package takes, which may be the folder of another one.
 */
export const INEXCUSABLE: ReadonlySet<RefusalCode> = new Set(['INTERNAL_ERROR', 'ALIAS_INVALID'])

/** One refusal, in the words that a person needs: what was there, and what would have been accepted. */
export interface Refusal {
  readonly code: RefusalCode
  /** What was found. A phrase, without a full stop. */
  readonly found: string
  /** What would have been accepted. A phrase, without a full stop. */
  readonly expected: string
  /** Why each attestation was left out of a document that proves nothing. Absent if it has none, or if one contradicts. */
  readonly leftOut?: readonly Refusal[]
}

/** "Could not find out": neither good nor bad, and asked again it may be known. */
export const UNDECIDED: ReadonlySet<RefusalCode> = new Set([
  'EVIDENCE_UNAVAILABLE',
  'EVIDENCE_UNKNOWN',
  'INTERNAL_ERROR',
])

/** Of an attestation that could not be read: nobody knows what it would have proven. */
export const UNREAD: ReadonlySet<RefusalCode> = new Set(['EVIDENCE_UNKNOWN', 'EVIDENCE_MALFORMED'])

/** Why an attestation was left out unread, if one was: then it is not known that there was nothing. */
export function unreadOf(leftOut: readonly Refusal[] | undefined): Refusal | undefined {
  // What a newer trust root would read goes first: that can be mended.
  return leftOut?.find(({ code }) => code === 'EVIDENCE_UNKNOWN') ?? leftOut?.find(({ code }) => UNREAD.has(code))
}

/** Result of a step that may refuse. Inside the gate refusals are values; they become errors only at its edges. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal }

export function ok<T>(value: T): Result<T> {
  return { ok: true, value }
}

export function refuse(code: RefusalCode, found: string, expected: string): { ok: false; refusal: Refusal } {
  return { ok: false, refusal: { code, found, expected } }
}
