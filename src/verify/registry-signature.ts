import { verify } from 'node:crypto'
import * as v from 'valibot'
import { ok, type Result, refuse } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import { show } from '../util/text.ts'
import { lockedDigest } from './subject.ts'
import type { ProvenSignature, SignatureKey, SignatureKeys } from './types.ts'

/** More than a registry has keys. */
const MAX_SIGNATURES = 8
const text = v.pipe(v.string(), v.maxLength(1_024))

/** https://docs.npmjs.com/about-registry-signatures */
const DocumentSchema = v.object({
  integrity: v.nullish(text),
  signatures: v.nullish(v.pipe(v.array(v.object({ keyid: text, sig: text })), v.maxLength(MAX_SIGNATURES))),
  published: v.nullish(v.pipe(text, v.isoTimestamp())),
})

/**
 * Verifies the registry's signature over `name@version:integrity`, with the integrity of the lockfile: what the registry
 * says of itself could be made to agree with anything. ECDSA over SHA-256. Of several signatures each by a known key has to
 * hold, and one has to be there.
 *
 * Nobody has signed when it was made. A key that is over vouches for what the registry says was published in its time:
 * whoever has such a key and the registry's metadata could say that of anything, as with `npm audit signatures`.
 *
 * Errors: INTEGRITY_MISSING, EVIDENCE_MALFORMED, EVIDENCE_MISSING, EVIDENCE_UNKNOWN, CERTIFICATE_UNTRUSTED, SIGNATURE_INVALID,
 * DIGEST_MISMATCH.
 *
 * @param keyIds of all keys of the trust root, whatever each may sign
 */
export function verifySignatures(
  pkg: LockedPackage,
  document: unknown,
  keys: SignatureKeys,
  now: Date,
  keyIds: ReadonlySet<string> = new Set(),
): Result<ProvenSignature> {
  const digest = lockedDigest(pkg)
  if (!digest.ok) return digest
  const parsed = v.safeParse(DocumentSchema, document)
  if (!parsed.success) {
    const where = v.getDotPath(parsed.issues[0]) ?? 'the metadata'
    return refuse('EVIDENCE_MALFORMED', `signatures of which ${where} cannot be read`, 'those of a registry')
  }
  const { integrity, signatures, published } = parsed.output
  const [first] = signatures ?? []
  if (first === undefined) {
    return refuse('EVIDENCE_MISSING', 'no signature of the registry', "one that the registry's own key has made")
  }
  const known = (signatures ?? []).flatMap(({ keyid, sig }) => {
    const key = keys.get(keyid)
    return key === undefined ? [] : [{ keyId: keyid, key, sig }]
  })
  const [best] = known
  if (best === undefined)
    return signatures?.some(({ keyid }) => keyIds.has(keyid))
      ? refuse(
          'CERTIFICATE_UNTRUSTED',
          `a signature by the key ${show(first.keyid)}, which is not for signatures`,
          'one by a key of the registry for signatures',
        )
      : refuse(
          'EVIDENCE_UNKNOWN',
          `a signature by the key ${show(first.keyid)}, which the trust root does not have`,
          'one by a key of the registry; those that are trusted may be older than it (docs/trust.md says how to renew them), and another registry\'s are named under "trust"',
        )
  for (const { keyId, key, sig } of known) {
    const over = (subject: string) =>
      verify('sha256', Buffer.from(`${pkg.name}@${pkg.version}:${subject}`), key.key, Buffer.from(sig, 'base64'))
    if (!over(pkg.integrity ?? '')) {
      return typeof integrity === 'string' && integrity !== pkg.integrity && over(integrity)
        ? refuse('DIGEST_MISMATCH', `a signature over ${show(integrity)}`, `${pkg.integrity}, as in the lockfile`)
        : refuse('SIGNATURE_INVALID', 'a signature that does not verify', 'one over name, version and integrity')
    }
    const time = timeProblem(key, published ?? undefined, now)
    if (time !== undefined)
      return refuse(
        'CERTIFICATE_UNTRUSTED',
        `a signature by the key ${show(keyId)}, ${time}`,
        'a key that was good then',
      )
  }
  const { registry } = best.key
  return ok({ keyId: best.keyId, ...(registry !== undefined && { registry }) })
}

function timeProblem(key: SignatureKey, published: string | undefined, now: Date): string | undefined {
  if (key.start > now) return `which is good from ${key.start.toISOString()} on only`
  if (key.end === undefined || key.end >= now) return undefined
  const until = `which was good until ${key.end.toISOString()}`
  if (published === undefined) return `${until}, and at no known time`
  const at = new Date(published)
  return at >= key.start && at <= key.end ? undefined : `${until}, for what was published at ${at.toISOString()}`
}

/** Whether one of the signatures is by a key that is over, so that it counts when it was made. */
export function isBeyondKeys(document: unknown, keys: SignatureKeys, now: Date): boolean {
  const parsed = v.safeParse(DocumentSchema, document)
  return (
    parsed.success &&
    (parsed.output.signatures ?? []).some(({ keyid }) => {
      const end = keys.get(keyid)?.end
      return end !== undefined && end < now
    })
  )
}
