import type { EnvelopeJSON } from './envelope.ts'
import type { LogEntryJSON } from './rekor.ts'

export type BundleVersion = '0.1' | '0.2' | '0.3'

/** A Sigstore bundle with a DSSE envelope, protobuf JSON. Not readonly: negative tests change it. */
export interface SerializedBundleJSON {
  mediaType: string
  verificationMaterial: KeyMaterialJSON & {
    tlogEntries: LogEntryJSON[]
    timestampVerificationData: { rfc3161Timestamps: { signedTimestamp: string }[] }
  }
  dsseEnvelope: EnvelopeJSON
}

/** The same over a file's bytes. */
export type BlobBundleJSON = Omit<SerializedBundleJSON, 'dsseEnvelope'> & {
  messageSignature: { messageDigest?: { algorithm: string; digest: string }; signature: string }
}

/** Exactly one of the three is there. */
export interface KeyMaterialJSON {
  x509CertificateChain?: { certificates: { rawBytes: string }[] }
  certificate?: { rawBytes: string }
  publicKey?: { hint: string }
}

/** By what the signature is to be verified: a certificate with its issuers, leaf first, or a key known by its name. */
export type Verifier = { readonly chain: readonly [Buffer, ...Buffer[]] } | { readonly keyId: string }

const MEDIA_TYPE = {
  '0.1': 'application/vnd.dev.sigstore.bundle+json;version=0.1',
  '0.2': 'application/vnd.dev.sigstore.bundle+json;version=0.2',
  '0.3': 'application/vnd.dev.sigstore.bundle.v0.3+json',
} as const satisfies Record<BundleVersion, string>

export function bundleJSON<Content>(
  version: BundleVersion,
  verifier: Verifier,
  entry: LogEntryJSON,
  content: Content,
): Omit<SerializedBundleJSON, 'dsseEnvelope'> & Content {
  return {
    mediaType: MEDIA_TYPE[version],
    verificationMaterial: {
      ...keyMaterial(version, verifier),
      tlogEntries: [entry],
      timestampVerificationData: { rfc3161Timestamps: [] },
    },
    ...content,
  }
}

/** Clients of early 2023 sent the whole chain, later ones the leaf as a chain of one; since 0.3 it stands alone. */
function keyMaterial(version: BundleVersion, verifier: Verifier): KeyMaterialJSON {
  if ('keyId' in verifier) return { publicKey: { hint: verifier.keyId } }
  const [leaf, ...issuers] = verifier.chain.map((der) => ({ rawBytes: der.toString('base64') }))
  if (leaf === undefined) throw new TypeError('a chain has a leaf')
  switch (version) {
    case '0.1':
      return { x509CertificateChain: { certificates: [leaf, ...issuers] } }
    case '0.2':
      return { x509CertificateChain: { certificates: [leaf] } }
    case '0.3':
      return { certificate: leaf }
  }
}
