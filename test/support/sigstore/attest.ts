import { type Authority, issueCertificate } from './authority.ts'
import {
  type BlobBundleJSON,
  type BundleVersion,
  bundleJSON,
  type SerializedBundleJSON,
  type Verifier,
} from './bundle.ts'
import { overrideClaims, personClaims, workflowClaims } from './claims.ts'
import { blobBody, type EntryVerifier, entryBody } from './entry.ts'
import { IN_TOTO_PAYLOAD, signEnvelope } from './envelope.ts'
import { GITHUB_LOGIN, resolveIdentity } from './identity.ts'
import { generateKey, type SigningKey, sha256, sign } from './keys.ts'
import type { NpmKey } from './npm-keys.ts'
import type { BlobOptions, CertificateOptions, SigningOptions } from './options.ts'
import type { LogEntryJSON, TransparencyLog } from './rekor.ts'

export interface Services {
  readonly authority: Authority
  readonly log: TransparencyLog
  readonly npmKeys: readonly NpmKey[]
}

/** Signs a statement, whatever it says, has it logged, and packs the result: the one road of every attestation. */
export function attest(
  { authority, log, npmKeys }: Services,
  statement: unknown,
  options: SigningOptions & { readonly bundleVersion: BundleVersion },
): SerializedBundleJSON {
  const { now, entryKind = 'dsse', integratedTime = now, payloadType = IN_TOTO_PAYLOAD } = options
  const signer =
    options.signWith === 'registry-key'
      ? registrySigner(npmKeys, options.npmKey)
      : certificateSigner(authority, options)
  const payload = Buffer.from(JSON.stringify(statement))
  const envelope = signEnvelope(payload, payloadType, signer.key, signer.keyId)
  const entry = log.append(entryKind, entryBody(entryKind, envelope, signer.logged), integratedTime)
  return bundleJSON(options.bundleVersion, signer.verifier, withhold(entry, options), { dsseEnvelope: envelope })
}

/** Signs a file's bytes, as `cosign sign-blob` does: with a certificate, or with a key of one's own. */
export function signBlob(
  { authority, log }: Services,
  bytes: Buffer,
  { key, bundleVersion = '0.3', ...options }: BlobOptions,
): BlobBundleJSON {
  const signer = key === undefined ? certificateSigner(authority, options) : ownSigner(key)
  const hash = sha256(bytes)
  const signature = sign(signer.key, bytes)
  const entry = log.append('hashedrekord', blobBody(hash, signature, signer.logged), options.now)
  return bundleJSON(bundleVersion, signer.verifier, entry, {
    messageSignature: {
      messageDigest: { algorithm: 'SHA2_256', digest: hash.toString('base64') },
      signature: signature.toString('base64'),
    },
  })
}

function ownSigner(key: SigningKey): Signer {
  const keyId = sha256(key.spki).toString('base64')
  return { key, keyId, logged: { label: 'PUBLIC KEY', der: key.spki }, verifier: { keyId } }
}

/** Who signs, under which (unauthenticated) key id, and by what others are to verify it: in Rekor, and in the bundle. */
interface Signer {
  readonly key: SigningKey
  readonly keyId: string
  readonly logged: EntryVerifier
  readonly verifier: Verifier
}

/** A fresh key with a certificate of its own, as every client of Fulcio makes one. */
function certificateSigner(authority: Authority, options: CertificateOptions & { readonly now: Date }): Signer {
  const key = generateKey('P-256')
  const { now, certificateLifetimeMinutes = 10, withoutSct = false } = options
  const request = {
    ...certified(options),
    spki: key.spki,
    notBefore: now,
    lifetimeMinutes: certificateLifetimeMinutes,
  }
  const leaf = issueCertificate(authority, request, withoutSct)
  return {
    key,
    keyId: '',
    logged: { label: 'CERTIFICATE', der: leaf },
    verifier: { chain: [leaf, authority.intermediate, authority.root] },
  }
}

/** Whom the certificate names, and what it claims of them. */
function certified({ identity, emailIdentity, legacyClaims = false, claims }: CertificateOptions) {
  if (emailIdentity !== undefined) {
    const issuer = identity?.issuer ?? GITHUB_LOGIN
    return { subject: { email: emailIdentity }, claims: overrideClaims(personClaims(issuer, legacyClaims), claims) }
  }
  const who = resolveIdentity(identity)
  return {
    subject: { uri: who.subjectAlternativeName },
    claims: overrideClaims(workflowClaims(who, legacyClaims), claims),
  }
}

function registrySigner(npmKeys: readonly NpmKey[], index = -1): Signer {
  const npmKey = npmKeys.at(index)
  if (npmKey === undefined) throw new RangeError(`this registry has ${npmKeys.length} keys, none at ${index}`)
  const { key, keyId } = npmKey
  return { key, keyId, logged: { label: 'PUBLIC KEY', der: key.spki }, verifier: { keyId } }
}

function withhold(entry: LogEntryJSON, { withoutPromise, withoutProof }: SigningOptions): LogEntryJSON {
  const { inclusionPromise, inclusionProof, canonicalizedBody, ...rest } = entry
  return {
    ...rest,
    ...(inclusionPromise && !withoutPromise && { inclusionPromise }),
    ...(inclusionProof && !withoutProof && { inclusionProof }),
    canonicalizedBody,
  }
}
