import type { KeyObject } from 'node:crypto'
import { p256, p384 } from '@noble/curves/nist.js'
import { VerificationError } from '@sigstore/verify'

const CURVES: Readonly<Record<string, typeof p256>> = { 'P-256': p256, 'P-384': p384 }

/**
 * ECDSA over a digest, where the bytes are not at hand. Node's own `verify` always hashes what it is given; the signature
 * is the same. Other signatures cannot be checked so.
 */
export function verifyDigest(digest: Buffer, key: KeyObject, signature: Buffer): boolean {
  const { crv = '', x = '', y = '' } = key.asymmetricKeyType === 'ec' ? key.export({ format: 'jwk' }) : {}
  const curve = CURVES[crv]
  if (curve === undefined) {
    throw new VerificationError({
      code: 'SIGNATURE_ERROR',
      message: `a signature by a key of type ${key.asymmetricKeyType} can only be checked over the file itself`,
    })
  }
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')])
  try {
    return curve.verify(signature, digest, point, { prehash: false, format: 'der', lowS: false })
  } catch {
    return false
  }
}
