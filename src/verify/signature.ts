import { createPublicKey, type KeyObject } from 'node:crypto'
import type { Bundle } from '@sigstore/bundle'
import type { X509Certificate } from '@sigstore/core'
import { type TrustMaterial, toSignedEntity, VerificationError } from '@sigstore/verify'
import { ok, type RefusalCode, type Result, refuse } from '../codes.ts'
import { kept } from './certificate.ts'
import { domainOf, type OpenDomain, type OpenDomains } from './domain.ts'
import { namesSigner } from './log-entry.ts'
import type { Thresholds } from './types.ts'
import { unknownOf, withoutStrangers } from './unknown.ts'

type SignedEntity = ReturnType<typeof toSignedEntity>
export type SignatureContent = SignedEntity['signature']

/** Who signed a bundle, and when, after its signature, certificate or key, log entry and time were verified. */
export interface VerifiedSignature {
  /** The verified signing certificate; undefined where the signer is a key of the trust root. */
  readonly certificate: X509Certificate | undefined
  /** The earliest verified time of signing. */
  readonly signedAt: Date
}

/** How far the clocks of a log and of this machine may disagree, in milliseconds. */
const CLOCK_TOLERANCE = 5 * 60 * 1000

/** The same, and the trust domain in which it holds: that of the authority that its certificate names. */
export function verifyInDomain(
  bundle: Bundle,
  domains: OpenDomains,
  now: Date,
): Result<VerifiedSignature & { readonly domain: string }> {
  const domain = domainOf(bundle, domains)
  const signature = verifySignature(bundle, domain, now)
  return signature.ok ? ok({ ...signature.value, domain: domain.name }) : signature
}

/**
 * Verifies one bundle without looking at what it says. Errors: the codes of `CODE`, TIMESTAMP_INVALID.
 *
 * Timestamps and log entries of strangers are not looked at where there are enough of others.
 *
 * @param content what is signed, where the bundle does not have it: the bytes of a file
 */
export function verifySignature(
  whole: Bundle,
  domain: OpenDomain,
  now: Date,
  content?: SignatureContent,
): Result<VerifiedSignature> {
  const { verifier, material: trust, thresholds } = domain
  const bundle = withoutStrangers(whole, domain)
  if (!checkpointNamesAreLiteral(bundle)) {
    return refuse('LOG_ENTRY_INVALID', 'a checkpoint signed under a name that is a pattern', 'the name of a log')
  }
  let entity: SignedEntity
  try {
    const read = withoutStacks(() => toSignedEntity(bundle))
    const { key } = read
    entity = {
      ...read,
      ...(key.$case === 'certificate' && { key: { ...key, certificate: kept(key.certificate) } }),
      ...(content !== undefined && { signature: content }),
    }
  } catch (error) {
    return refuse(
      'EVIDENCE_MALFORMED',
      `a certificate or timestamp that cannot be read (${message(error)})`,
      'DER as in RFC 5280 and RFC 3161',
    )
  }
  try {
    verifier.verify(entity)
  } catch (error) {
    return refusalOf(error, entity, domain)
  }
  const signer = signerOf(bundle, trust)
  if (signer === undefined || !entity.tlogEntries.every((entry) => namesSigner(entry, signer))) {
    return refuse('LOG_ENTRY_INVALID', 'a log entry that names another signer', "the bundle's own certificate or key")
  }
  const enough = checkThresholds(entity, thresholds)
  if (!enough.ok) return enough
  const times = signedTimes(entity)
  const signedAt = new Date(Math.min(...times))
  const latest = new Date(Math.max(...times))
  if (!(latest.getTime() <= now.getTime() + CLOCK_TOLERANCE)) {
    return refuse(
      'TIMESTAMP_INVALID',
      `signed at ${isoTime(latest)}, which is in the future`,
      `a time before ${now.toISOString()} (is this machine's clock right?)`,
    )
  }
  return ok({ certificate: entity.key.$case === 'certificate' ? entity.key.certificate : undefined, signedAt })
}

/** The certificate or key by which the signature was verified, DER. */
function signerOf(bundle: Bundle, trust: TrustMaterial): Buffer | undefined {
  const { content } = bundle.verificationMaterial
  switch (content.$case) {
    case 'publicKey':
      return encoded(trust.publicKey(content.publicKey.hint).publicKey)
    case 'certificate':
      return content.certificate.rawBytes
    case 'x509CertificateChain':
      return content.x509CertificateChain.certificates[0]?.rawBytes
  }
}

const KEYS = new WeakMap<KeyObject, Buffer>()

function encoded(key: KeyObject): Buffer {
  const known = KEYS.get(key) ?? key.export({ format: 'der', type: 'spki' })
  KEYS.set(key, known)
  return known
}

/**
 * The library counts entries and timestamps. Two of one log, or of one authority that has changed its key, are the word of
 * one party: whoever asks for two wants two. To be called on what was verified.
 */
function checkThresholds(
  { tlogEntries, timestamps }: SignedEntity,
  { logEntries, signedTimestamps }: Thresholds,
): Result<undefined> {
  const logs = new Set(tlogEntries.map(({ logId }) => logId.keyId.toString('hex')))
  if (logs.size < logEntries) {
    return refuse('LOG_ENTRY_INVALID', `entries of ${logs.size} logs`, `entries of ${logEntries} different logs`)
  }
  const authorities = new Set(
    timestamps.flatMap((each) =>
      each.$case === 'timestamp-authority' ? [each.timestamp.signerIssuer.toString('hex')] : [],
    ),
  )
  return authorities.size < signedTimestamps
    ? refuse(
        'TIMESTAMP_INVALID',
        `signed timestamps of ${authorities.size} authorities`,
        `those of ${signedTimestamps} different authorities`,
      )
    : ok(undefined)
}

/**
 * The times that were verified, in milliseconds: a log's `integratedTime` only together with its promise, which is the
 * signature over it (an inclusion proof does not cover the time), and RFC 3161 timestamps.
 */
function signedTimes(entity: SignedEntity): readonly number[] {
  const times: number[] = []
  for (const timestamp of entity.timestamps) {
    if (timestamp.$case === 'timestamp-authority') times.push(timestamp.timestamp.signingTime.getTime())
    else if (timestamp.tlogEntry.inclusionPromise !== undefined)
      times.push(Number(timestamp.tlogEntry.integratedTime) * 1000)
  }
  return times
}

const CODE: Readonly<Record<VerificationError['code'], RefusalCode>> = {
  NOT_IMPLEMENTED_ERROR: 'EVIDENCE_MALFORMED',
  TLOG_ERROR: 'LOG_ENTRY_INVALID',
  TLOG_INCLUSION_PROOF_ERROR: 'LOG_ENTRY_INVALID',
  TLOG_INCLUSION_PROMISE_ERROR: 'LOG_ENTRY_INVALID',
  TLOG_MISSING_INCLUSION_ERROR: 'LOG_ENTRY_INVALID',
  TLOG_BODY_ERROR: 'LOG_ENTRY_INVALID',
  CERTIFICATE_ERROR: 'CERTIFICATE_UNTRUSTED',
  PUBLIC_KEY_ERROR: 'CERTIFICATE_UNTRUSTED',
  SIGNATURE_ERROR: 'SIGNATURE_INVALID',
  TIMESTAMP_ERROR: 'TIMESTAMP_INVALID',
}

const EXPECTED: Readonly<Partial<Record<RefusalCode, string>>> = {
  SIGNATURE_INVALID: 'a signature over exactly this payload',
  CERTIFICATE_UNTRUSTED: 'a certificate or key that the trust root vouches for at the time of signing',
  LOG_ENTRY_INVALID: 'an entry of a trusted transparency log for exactly this signature',
  TIMESTAMP_INVALID: 'a time of signing that a trusted log or timestamp authority signed',
}

/** How it is renewed depends on where it comes from, which each command says. */
const RENEW = 'what the trust root has, which may be older than the bundle (docs/trust.md says how to renew it)'

function refusalOf(error: unknown, entity: SignedEntity, domain: OpenDomain): Result<never> {
  // The library throws a TypeError or SyntaxError on some malformed bundles. What cannot be read proves nothing.
  if (!(error instanceof VerificationError)) {
    const why = error instanceof TypeError ? 'a part of it is missing' : message(error)
    return refuse('EVIDENCE_MALFORMED', `a bundle that cannot be verified (${why})`, 'a Sigstore bundle')
  }
  const { material: trust } = domain
  const unknown = unknownIn(entity, error, domain)
  // A signature that does not hold is a false one under any trust root. A key that is not there cannot say.
  if (unknown !== undefined)
    return error.code === 'PUBLIC_KEY_ERROR' || signatureHolds(entity, trust)
      ? refuse('EVIDENCE_UNKNOWN', unknown, RENEW)
      : refuse('SIGNATURE_INVALID', 'a signature that does not verify', EXPECTED.SIGNATURE_INVALID ?? '')
  let code = CODE[error.code] ?? 'SIGNATURE_INVALID'
  // The library compares the log entry before it checks the signature, so a changed payload or signature shows as a
  // log entry that does not fit. The cause is named only after looking whether the signature itself holds.
  if (error.code === 'TLOG_BODY_ERROR' && !signatureHolds(entity, trust)) code = 'SIGNATURE_INVALID'
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  const found =
    code === 'SIGNATURE_INVALID' ? `a signature that does not verify (${error.message})` : `${error.message}${cause}`
  return refuse(code, found, EXPECTED[code] ?? 'a Sigstore bundle')
}

/** Of a certificate or timestamp of which a part cannot be read nothing is known by its id. */
function unknownIn(...args: Parameters<typeof unknownOf>): string | undefined {
  try {
    return unknownOf(...args)
  } catch {
    return undefined
  }
}

function signatureHolds(entity: SignedEntity, trust: TrustMaterial): boolean {
  try {
    const key = entity.key.$case === 'certificate' ? entity.key.certificate.publicKey : undefined
    const keyObject =
      key === undefined
        ? trust.publicKey(keyHint(entity)).publicKey
        : createPublicKey({ key, format: 'der', type: 'spki' })
    return entity.signature.verifySignature(keyObject)
  } catch {
    return false
  }
}

/** The library tries whether each field of a certificate has others in it, by an error where it has not. */
function withoutStacks<T>(run: () => T): T {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return run()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

function keyHint(entity: SignedEntity): string {
  return entity.key.$case === 'public-key' ? entity.key.hint : ''
}

/**
 * A name in a checkpoint's signature lines is looked for in a log's URL before anything is verified. The library once
 * did so with the name as a regular expression, where `((.+)+)+x` hangs the install; names of logs and witnesses are
 * plain, so whatever a library makes of them, no pattern gets there.
 */
function checkpointNamesAreLiteral(bundle: Bundle): boolean {
  return bundle.verificationMaterial.tlogEntries.every((entry) =>
    [...(entry.inclusionProof?.checkpoint?.envelope ?? '').matchAll(/\u2014 (\S*)/g)].every(([, name = '']) =>
      /^[\w.:/-]*(?:\+[\w.:/-]*)?$/.test(name),
    ),
  )
}

function isoTime(date: Date): string {
  return Number.isNaN(date.getTime()) ? 'no time at all' : date.toISOString()
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
