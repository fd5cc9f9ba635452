import { generateKeyPairSync, hash, type KeyObject, sign as signBytes } from 'node:crypto'

/** A key that signs, and its public half as everything else names it: the DER of its SubjectPublicKeyInfo. */
export interface SigningKey {
  readonly privateKey: KeyObject
  readonly spki: Buffer
  readonly digest: 'sha256' | 'sha384'
}

export function generateKey(curve: 'P-256' | 'P-384'): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve })
  return {
    privateKey,
    spki: publicKey.export({ format: 'der', type: 'spki' }),
    digest: curve === 'P-256' ? 'sha256' : 'sha384',
  }
}

/** ECDSA over the digest that goes with the curve, DER-encoded. */
export function sign(key: SigningKey, data: Buffer): Buffer {
  return signBytes(key.digest, data, key.privateKey)
}

export function sha256(data: Buffer): Buffer {
  return hash('sha256', data, 'buffer')
}

/** How transparency logs are named (RFC 6962, 3.2): the SHA-256 of the SubjectPublicKeyInfo. */
export function logId(key: SigningKey): Buffer {
  return sha256(key.spki)
}

/** Subject and authority key identifiers: the SHA-1 of the public key's bits (RFC 5280, 4.2.1.2, method 1). */
export function keyIdentifier(spki: Buffer): Buffer {
  return hash('sha1', publicPoint(spki), 'buffer')
}

/**
 * How npm names its keys. `SHA256:…` is OpenSSH's fingerprint: the digest is of the key in SSH's wire format
 * (RFC 5656, 3.1), not of the SubjectPublicKeyInfo as npm's documentation suggests.
 */
export function npmKeyId(spki: Buffer): string {
  const wire = [Buffer.from('ecdsa-sha2-nistp256'), Buffer.from('nistp256'), publicPoint(spki)].map(withLength)
  return `SHA256:${sha256(Buffer.concat(wire)).toString('base64').replace(/=+$/, '')}`
}

function withLength(value: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(value.length)
  return Buffer.concat([length, value])
}

/**
 * The elliptic curve point at the end of a SubjectPublicKeyInfo: after the outer header (2), the algorithm with its
 * header (2 + its length), and the BIT STRING's header and count of unused bits (3). All are shorter than 128 octets.
 */
function publicPoint(spki: Buffer): Buffer {
  return spki.subarray(4 + spki.readUInt8(3) + 3)
}
