import type { Bundle } from '@sigstore/bundle'

type LogEntry = Bundle['verificationMaterial']['tlogEntries'][number]

/** Where an entry names who signed: https://github.com/sigstore/rekor/tree/main/pkg/types and rekor-tiles for 0.0.2. */
const SIGNER: ReadonlyMap<string, readonly (string | number)[]> = new Map([
  ['intoto 0.0.2', ['content', 'envelope', 'signatures', 0, 'publicKey']],
  ['dsse 0.0.1', ['signatures', 0, 'verifier']],
  ['hashedrekord 0.0.1', ['signature', 'publicKey', 'content']],
  ['dsse 0.0.2', ['dsseV002', 'signatures', 0, 'verifier']],
  ['hashedrekord 0.0.2', ['hashedRekordV002', 'signature', 'verifier']],
])

/** Whether an entry is of a kind, or a version of one, that this gate has never heard of. It has to say so of itself, too. */
export function isOfUnknownKind({ kindVersion, canonicalizedBody }: LogEntry): boolean {
  const { kind = '', version = '' } = kindVersion ?? {}
  if (SIGNER.has(`${kind} ${version}`)) return false
  try {
    const body: unknown = JSON.parse(canonicalizedBody.toString('utf8'))
    return at(body, 'kind') === kind && at(body, 'apiVersion') === version
  } catch {
    return false
  }
}

/**
 * Whether a log entry names the certificate or key, DER, that the bundle was signed with. To be called on entries that
 * were verified: the library compares signature and payload with them, but not who signed.
 *
 * A log takes an entry with any key under which the signature verifies: the bare key without its certificate, or the
 * second key that every ECDSA signature has. Whoever watches the log for an identity would not find such a use of it.
 */
export function namesSigner(entry: LogEntry, signer: Buffer): boolean {
  const { kind = '', version = '' } = entry.kindVersion ?? {}
  const place = SIGNER.get(`${kind} ${version}`)
  if (place === undefined) return false
  let value: unknown = JSON.parse(entry.canonicalizedBody.toString('utf8'))
  for (const key of ['spec', ...place]) value = at(value, key)
  return (typeof value === 'string' ? fromPem(value) : fromKeyOrCertificate(value))?.equals(signer) === true
}

/** Rekor v1: PEM, in base64 once more. Of a chain the signing certificate is the first. */
function fromPem(base64: string): Buffer | undefined {
  const pem = Buffer.from(base64, 'base64').toString('latin1')
  const body = /-----BEGIN [A-Z ]+-----([A-Za-z0-9+/=\s]+)-----END/.exec(pem)?.[1]
  return body === undefined ? undefined : Buffer.from(body, 'base64')
}

/** Rekor v2: DER in base64. */
function fromKeyOrCertificate(verifier: unknown): Buffer | undefined {
  const bytes = at(at(verifier, 'x509Certificate') ?? at(verifier, 'publicKey'), 'rawBytes')
  return typeof bytes === 'string' ? Buffer.from(bytes, 'base64') : undefined
}

function at(value: unknown, key: string | number): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[key] : undefined
}
