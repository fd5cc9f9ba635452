import type { AuthorityName } from './certificate.ts'
import { logId, type SigningKey } from './keys.ts'

/** A `trusted_root.json`, protobuf JSON. Not readonly: negative tests take things out of it. */
export interface TrustedRootJSON {
  mediaType: string
  tlogs: LogJSON[]
  certificateAuthorities: AuthorityJSON[]
  ctlogs: LogJSON[]
  timestampAuthorities: AuthorityJSON[]
}

interface LogJSON {
  baseUrl: string
  hashAlgorithm: string
  publicKey: { rawBytes: string; keyDetails: string; validFor: Validity }
  logId: { keyId: string }
}

interface AuthorityJSON {
  subject: AuthorityName
  uri: string
  certChain: { certificates: { rawBytes: string }[] }
  validFor: Validity
}

interface Validity {
  start: string
  end?: string
}

export interface TrustedServices {
  readonly start: Date
  readonly rekor: { readonly baseUrl: string; readonly key: SigningKey }
  readonly ctLog: { readonly baseUrl: string; readonly key: SigningKey }
  /** `chain` goes from the intermediate to the root. */
  readonly fulcio: { readonly baseUrl: string; readonly subject: AuthorityName; readonly chain: readonly Buffer[] }
}

/** Everything is valid from `start`, openly ended: services in use have no end in the public root either. */
export function trustedRootJSON({ start, rekor, ctLog, fulcio }: TrustedServices): TrustedRootJSON {
  const validFor = { start: start.toISOString() }
  const log = ({ baseUrl, key }: TrustedServices['rekor']): LogJSON => ({
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes: key.spki.toString('base64'), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor },
    logId: { keyId: logId(key).toString('base64') },
  })
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [log(rekor)],
    certificateAuthorities: [
      {
        subject: fulcio.subject,
        uri: fulcio.baseUrl,
        certChain: { certificates: fulcio.chain.map((der) => ({ rawBytes: der.toString('base64') })) },
        validFor,
      },
    ],
    ctlogs: [log(ctLog)],
    timestampAuthorities: [],
  }
}
