import { extension } from './certificate.ts'
import { octetString } from './der.ts'
import { logId, type SigningKey, sha256, sign } from './keys.ts'

/** One octet each of RFC 6962: v1, signature type certificate_timestamp; and the TLS names of SHA-256 and ECDSA. */
const V1_CERTIFICATE_TIMESTAMP = Buffer.from([0, 0])
const SHA256_ECDSA = Buffer.from([4, 3])
const PRECERT_ENTRY = uint(2, 1)
const NO_EXTENSIONS = uint(2, 0)

/**
 * The log's promise to publish a certificate: a SignedCertificateTimestamp of RFC 6962, section 3.2. It is over the
 * certificate as it was before the promise went into it, and over its issuer's key, so it fits no other certificate.
 */
export function signedCertificateTimestamp(log: SigningKey, issuerSpki: Buffer, precertificate: Buffer, at: Date) {
  const timestamp = uint(8, at.getTime())
  const signature = sign(
    log,
    Buffer.concat([
      V1_CERTIFICATE_TIMESTAMP,
      timestamp,
      PRECERT_ENTRY,
      sha256(issuerSpki),
      opaque(3, precertificate),
      NO_EXTENSIONS,
    ]),
  )
  return Buffer.concat([uint(1, 0), logId(log), timestamp, NO_EXTENSIONS, SHA256_ECDSA, opaque(2, signature)])
}

/** The list is TLS-encoded inside an OCTET STRING, which the extension wraps in another one. */
export function timestampListExtension(timestamps: readonly Buffer[]): Buffer {
  const list = opaque(2, Buffer.concat(timestamps.map((timestamp) => opaque(2, timestamp))))
  return extension('1.3.6.1.4.1.11129.2.4.2', octetString(list))
}

/** TLS's variable-length vector: the length in `octets` octets, then the value. */
function opaque(octets: number, value: Buffer): Buffer {
  return Buffer.concat([uint(octets, value.length), value])
}

function uint(octets: number, value: number): Buffer {
  const wide = Buffer.alloc(8)
  wide.writeBigUInt64BE(BigInt(value))
  return wide.subarray(8 - octets)
}
