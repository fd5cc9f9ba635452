import { json } from '@sigstore/core'
import type { EnvelopeJSON } from './envelope.ts'
import { sha256 } from './keys.ts'

/** The two kinds of Rekor entry that npm has written: intoto until 2024, dsse since. */
export type EntryKind = 'intoto' | 'dsse'

export const ENTRY_VERSION = { intoto: '0.0.2', dsse: '0.0.1', hashedrekord: '0.0.1' } as const

/** What Rekor is given to verify the signature with: a certificate, or a SubjectPublicKeyInfo. */
export interface EntryVerifier {
  readonly label: 'CERTIFICATE' | 'PUBLIC KEY'
  readonly der: Buffer
}

/** The body that Rekor stores and hashes into its tree: canonical JSON, with digests in place of the payload. */
export function entryBody(kind: EntryKind, envelope: EnvelopeJSON, verifier: EntryVerifier): Buffer {
  const spec = kind === 'intoto' ? intotoSpec(envelope, verifier) : dsseSpec(envelope, verifier)
  return Buffer.from(json.canonicalize({ apiVersion: ENTRY_VERSION[kind], kind, spec }))
}

/** The same of a signature over bytes. */
export function blobBody(hash: Buffer, signature: Buffer, { label, der }: EntryVerifier): Buffer {
  const spec = {
    data: { hash: { algorithm: 'sha256', value: hash.toString('hex') } },
    signature: {
      content: signature.toString('base64'),
      publicKey: { content: base64(`${pem(label, der, 64)}\n`) },
    },
  }
  return Buffer.from(json.canonicalize({ apiVersion: ENTRY_VERSION.hashedrekord, kind: 'hashedrekord', spec }))
}

/**
 * Here the key is kept as the client sent it: without a final newline, and npm's own key all on one line. The envelope's
 * digest is over canonical JSON that carries the key; signature and key are base64 twice.
 */
function intotoSpec({ payload, payloadType, signatures }: EnvelopeJSON, { label, der }: EntryVerifier): object {
  const publicKey = pem(label, der, label === 'CERTIFICATE' ? 64 : Number.POSITIVE_INFINITY)
  const withKey = signatures.map(({ sig, keyid }) => ({ ...named(keyid), publicKey, sig }))
  const encoded = withKey.map(({ sig, ...signature }) => ({
    ...signature,
    publicKey: base64(publicKey),
    sig: base64(sig),
  }))
  return {
    content: {
      envelope: { payloadType, signatures: encoded },
      hash: digest(json.canonicalize({ payload, payloadType, signatures: withKey })),
      payloadHash: digest(Buffer.from(payload, 'base64')),
    },
  }
}

/**
 * Here Rekor writes the key anew, with a final newline. The envelope's digest is over the JSON just as the client sent
 * it, whose fields stand in this order.
 */
function dsseSpec({ payload, payloadType, signatures }: EnvelopeJSON, { label, der }: EntryVerifier): object {
  const verifier = base64(`${pem(label, der, 64)}\n`)
  const sent = { payload, payloadType, signatures: signatures.map(({ sig, keyid }) => ({ sig, ...named(keyid) })) }
  return {
    envelopeHash: digest(JSON.stringify(sent)),
    payloadHash: digest(Buffer.from(payload, 'base64')),
    signatures: signatures.map(({ sig }) => ({ signature: sig, verifier })),
  }
}

/** npm's client leaves an empty key id out of what it sends. */
function named(keyid: string): { keyid?: string } {
  return keyid === '' ? {} : { keyid }
}

function pem(label: EntryVerifier['label'], der: Buffer, width: number): string {
  const text = der.toString('base64')
  const lines = width < text.length ? (text.match(new RegExp(`.{1,${width}}`, 'g')) ?? []) : [text]
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join('\n')
}

function digest(data: string | Buffer): object {
  return { algorithm: 'sha256', value: sha256(Buffer.from(data)).toString('hex') }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
