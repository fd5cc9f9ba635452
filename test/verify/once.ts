/**
 * Thousands of bundles that differ in one byte, in seconds: what that byte does not touch is not computed again. Nothing
 * of it decides anything. All answers are those of the real functions.
 */
import crypto, { type KeyObject } from 'node:crypto'
import type { TrustMaterial } from '@sigstore/verify'

const real = { alloc: Buffer.alloc, createPublicKey: crypto.createPublicKey, verify: crypto.verify }

/**
 * The library is given remembered answers: a signature that held over the same bytes, by the same key and algorithm, holds.
 * One that does not hold is checked each time. And the kilobyte that it allocates for each field of DER comes from a pool.
 */
export function checkOnce(): void {
  const keys = new Map<string, KeyObject>()
  const held = new Map<KeyObject, Set<string>>()

  crypto.createPublicKey = (input) => {
    if (typeof input !== 'object' || !('key' in input) || !Buffer.isBuffer(input.key))
      return real.createPublicKey(input)
    const id = `${input.format} ${'type' in input ? input.type : ''} ${input.key.toString('latin1')}`
    const key = keys.get(id) ?? real.createPublicKey(input)
    keys.set(id, key)
    return key
  }

  const verify = (algorithm: string | undefined, data: Buffer, key: KeyObject, signature: Buffer) => {
    const signatures = held.get(key) ?? new Set()
    held.set(key, signatures)
    const id = `${algorithm} ${data.length} ${data.toString('latin1')}${signature.toString('latin1')}`
    const holds = signatures.has(id) || real.verify(algorithm, data, key, signature)
    if (holds) signatures.add(id)
    return holds
  }
  crypto.verify = verify as typeof crypto.verify

  Buffer.alloc = (size, ...fill: [(string | Uint8Array | number)?, BufferEncoding?]) =>
    fill.length > 0 ? real.alloc(size, ...fill) : (Buffer.allocUnsafe(size).fill(0) as Buffer<ArrayBuffer>)
}

export function checkAlways(): void {
  crypto.createPublicKey = real.createPublicKey
  crypto.verify = real.verify
  Buffer.alloc = real.alloc
}

/** The library encodes the certificates of the trust root for each comparison. Nothing changes them, so once is enough. */
export function encodedOnce(trust: TrustMaterial): TrustMaterial {
  for (const { certChain } of [...trust.certificateAuthorities, ...trust.timestampAuthorities]) {
    for (const certificate of certChain) encodeOnce(certificate.root)
  }
  return trust
}

type Encoded = TrustMaterial['certificateAuthorities'][number]['certChain'][number]['root']

function encodeOnce(object: Encoded): void {
  const der = object.toDER()
  object.toDER = () => Buffer.from(der)
  object.subs.forEach(encodeOnce)
}
