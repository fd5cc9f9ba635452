import { createHash, type KeyObject, verify as verifyBytes } from 'node:crypto'
import type { Bundle } from '@sigstore/bundle'
import { HashAlgorithm } from '@sigstore/protobuf-specs'
import { type TrustMaterial, VerificationError } from '@sigstore/verify'
import { ok, type Result, refuse } from '../codes.ts'
import { quoteText, show } from '../util/text.ts'
import { parseAnyBundle } from './bundle.ts'
import { certificateClaims, issuerOf } from './claims.ts'
import { isRecord } from './document.ts'
import { openDomain } from './domain.ts'
import { guarded } from './guard.ts'
import { verifyDigest } from './prehashed.ts'
import { type SignatureContent, type VerifiedSignature, verifySignature } from './signature.ts'
import { parseStatement, type Statement } from './statement.ts'
import type { TrustDomain } from './types.ts'

/** What a bundle has to be about: a file's bytes, or its digest alone. */
export type Artifact = { readonly bytes: Buffer } | { readonly sha256: Buffer } | { readonly sha512: Buffer }

/** Who has to have signed it: exactly that name of that issuer, or the holder of that key. */
export type Signer = { readonly identity: string; readonly issuer: string } | { readonly key: KeyObject }

export interface VerifiedArtifact {
  /** Subject alternative name of the certificate; undefined where a key was named. */
  readonly identity: string | undefined
  /** The earliest verified time of signing, ISO 8601, UTC. */
  readonly signedAt: string
  /** What kind of statement was signed; absent where the file itself was. */
  readonly predicateType?: string
}

/**
 * Verifies any Sigstore bundle against what it has to be about and who has to have signed it, as
 * https://github.com/sigstore/sigstore-conformance asks of a client. Pure, and never throws.
 *
 * @param predicateType of the statement that must have been signed; undefined where any will do, and a file's bytes, too
 */
export function verifyArtifact(
  json: unknown,
  artifact: Artifact,
  signer: Signer,
  trust: TrustDomain,
  now: Date,
  predicateType?: string,
): Result<VerifiedArtifact> {
  return guarded(() => verify(json, artifact, signer, trust, now, predicateType))
}

function verify(
  json: unknown,
  artifact: Artifact,
  signer: Signer,
  trust: TrustDomain,
  now: Date,
  predicateType: string | undefined,
): Result<VerifiedArtifact> {
  const bundle = parseAnyBundle(withDigest(json, artifact), 'the bundle')
  if (!bundle.ok) return bundle
  const content = contentOf(bundle.value, artifact)
  if (!content.ok) return content
  const { content: by } = bundle.value.verificationMaterial
  if (by.$case === 'publicKey' && !('key' in signer))
    return refuse(
      'CERTIFICATE_UNTRUSTED',
      `no key was named, and the bundle is signed by one (${show(by.publicKey.hint)})`,
      'the key, or a bundle signed by the holder of a certificate',
    )
  // A key that was named is the only one: the trust root's vouch for nothing here.
  const material = { ...trust.material, publicKey: keyFinder('key' in signer ? signer.key : undefined) }
  const signature = verifySignature(bundle.value, openDomain({ ...trust, material }), now, content.value)
  if (!signature.ok) return signature
  const identity = checkSigner(signature.value, signer, trust.name)
  if (!identity.ok) return identity
  const signedAt = signature.value.signedAt.toISOString()
  if (content.value !== undefined) {
    return predicateType === undefined
      ? ok({ identity: identity.value, signedAt })
      : refuse('PREDICATE_TYPE_MISMATCH', 'a signature over the file, and no statement', ofType(predicateType))
  }
  const statement = checkStatement(bundle.value, artifact, predicateType)
  return statement.ok
    ? ok({ identity: identity.value, signedAt, predicateType: statement.value.predicateType })
    : statement
}

/**
 * A message signature need not say of what it is, and where the file is at hand nobody has to be told: it is sha256 then, as of
 * one that does not say which digest it means.
 */
function withDigest(json: unknown, artifact: Artifact): unknown {
  if (!('bytes' in artifact) || !isRecord(json) || !isRecord(json.messageSignature)) return json
  const { messageDigest, ...message } = json.messageSignature
  if (messageDigest !== undefined && messageDigest !== null) return json
  const digest = createHash('sha256').update(artifact.bytes).digest('base64')
  return { ...json, messageSignature: { ...message, messageDigest: { algorithm: 'SHA2_256', digest } } }
}

const HASHES: ReadonlyMap<HashAlgorithm, 'sha256' | 'sha384' | 'sha512'> = new Map([
  // Unspecified is sha256, as the specification says.
  [HashAlgorithm.HASH_ALGORITHM_UNSPECIFIED, 'sha256'],
  [HashAlgorithm.SHA2_256, 'sha256'],
  [HashAlgorithm.SHA2_384, 'sha384'],
  [HashAlgorithm.SHA2_512, 'sha512'],
])

/** What a message signature signs: the artifact itself, and not what the bundle says of it. Undefined for an envelope. */
function contentOf(bundle: Bundle, artifact: Artifact): Result<SignatureContent | undefined> {
  if (bundle.content.$case === 'dsseEnvelope') return ok(undefined)
  const { messageDigest, signature } = bundle.content.messageSignature
  const hash = HASHES.get(messageDigest.algorithm)
  if (hash === undefined) return refuse('EVIDENCE_MALFORMED', 'a digest of another kind', 'sha256, sha384 or sha512')
  const digest = digestOf(artifact, hash)
  if (digest === undefined) {
    return refuse('DIGEST_MISMATCH', `a signature over a ${hash}`, `the ${hash} of the file, or the file itself`)
  }
  // Not signed, and of use to find the artifact only. But who reads it should read the truth.
  if (!messageDigest.digest.equals(digest)) {
    return refuse(
      'DIGEST_MISMATCH',
      `a signature over ${hash} ${messageDigest.digest.toString('hex')}`,
      `${hash} ${digest.toString('hex')}, which the artifact has`,
    )
  }
  const isDigest = (other: Buffer) => other.equals(digest)
  return ok({
    compareDigest: isDigest,
    compareSignedDigest: isDigest,
    compareSignature: (other) => other.equals(signature),
    verifySignature: (key) =>
      'bytes' in artifact
        ? verifyBytes(algorithmFor(key, hash), artifact.bytes, key, signature)
        : verifyDigest(digest, key, signature),
    signature,
  })
}

/** Ed25519 hashes by itself. */
function algorithmFor(key: KeyObject, hash: string): string | undefined {
  return key.asymmetricKeyType === 'ed25519' ? undefined : hash
}

function digestOf(artifact: Artifact, hash: 'sha256' | 'sha384' | 'sha512'): Buffer | undefined {
  if ('bytes' in artifact) return createHash(hash).update(artifact.bytes).digest()
  if ('sha256' in artifact) return hash === 'sha256' ? artifact.sha256 : undefined
  return hash === 'sha512' ? artifact.sha512 : undefined
}

function keyFinder(key: KeyObject | undefined): TrustMaterial['publicKey'] {
  return (hint) => {
    if (key === undefined) {
      const message = `no key was named, and the bundle is signed by one (${show(hint)})`
      throw new VerificationError({ code: 'PUBLIC_KEY_ERROR', message })
    }
    return { publicKey: key, validFor: () => true }
  }
}

/** Exactly: neither a prefix nor a pattern, for whoever can choose the rest of a name could choose one that matches. */
function checkSigner({ certificate }: VerifiedSignature, signer: Signer, domain: string): Result<string | undefined> {
  if ('key' in signer) {
    return certificate === undefined
      ? ok(undefined)
      : refuse(
          'SIGNER_MISMATCH',
          'a bundle signed by the holder of a certificate',
          'one signed by the key that was named',
        )
  }
  if (certificate === undefined)
    return refuse('SIGNER_MISMATCH', 'a bundle signed by a key', 'one signed by the holder of a certificate')
  const claims = certificateClaims(certificate)
  if (!claims.ok) return claims
  const { subjectAlternativeName } = claims.value
  const issuer = issuerOf(claims.value, domain)
  if (issuer !== signer.issuer)
    return refuse('ISSUER_MISMATCH', `issuer ${show(issuer)}`, `issuer ${show(signer.issuer)}`)
  if (subjectAlternativeName !== signer.identity)
    return refuse('SIGNER_MISMATCH', `identity ${show(subjectAlternativeName)}`, `identity ${show(signer.identity)}`)
  return ok(subjectAlternativeName)
}

/** A statement is about several artifacts, of which this has to be one, whatever it is called there. */
function checkStatement(bundle: Bundle, artifact: Artifact, predicateType: string | undefined): Result<Statement> {
  const statement = parseStatement(bundle)
  if (!statement.ok) return statement
  const sha256 = digestOf(artifact, 'sha256')?.toString('hex')
  const sha512 = digestOf(artifact, 'sha512')?.toString('hex')
  const isAbout = statement.value.subject.some((subject) => {
    const same = [
      ...(subject.sha256 === undefined || sha256 === undefined ? [] : [subject.sha256.toLowerCase() === sha256]),
      ...(subject.sha512 === undefined || sha512 === undefined ? [] : [subject.sha512.toLowerCase() === sha512]),
    ]
    return same.length > 0 && same.every(Boolean)
  })
  if (isAbout) {
    const isOther = predicateType !== undefined && statement.value.predicateType !== predicateType
    return isOther
      ? refuse('PREDICATE_TYPE_MISMATCH', ofType(statement.value.predicateType), ofType(predicateType))
      : statement
  }
  const expected = sha256 === undefined ? `sha512 ${sha512}` : `sha256 ${sha256}`
  const [first] = statement.value.subject
  const about =
    first === undefined
      ? 'nothing'
      : [first.name || (first.uri ?? []), first.sha256 ?? first.sha512 ?? first.sha1].flat().map(show).join(', ')
  const more = statement.value.subject.length > 1 ? `, and ${statement.value.subject.length - 1} more` : ''
  return refuse('DIGEST_MISMATCH', `a statement about ${about}${more}`, `a statement about ${expected}`)
}

function ofType(predicateType: string): string {
  return `a statement of type ${quoteText(predicateType, 200)}`
}
