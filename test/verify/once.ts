/**
 * Thousands of bundles that differ in one byte, in seconds: what that byte does not touch is not computed again. Nothing
 * of it decides anything. All answers are those of the real functions.
 */
import crypto, { type KeyObject } from 'node:crypto'

const real = { alloc: Buffer.alloc, createPublicKey: crypto.createPublicKey, verify: crypto.verify }

/** Of signatures that do not hold: enough for a bundle that is verified twice. */
const LATELY = 16

/**
 * The library is given remembered answers: a signature that held over the same bytes, by the same key and algorithm, holds;
 * one that was found not to hold a moment ago does not. And the kilobyte that it allocates for each field of DER that it
 * encodes comes from a pool.
 */
export function checkOnce(): void {
  const keys = new Map<string, KeyObject>()
  const held = new Map<KeyObject, Set<string>>()
  const broken = new Map<KeyObject, string[]>()

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
    const lately = broken.get(key) ?? []
    broken.set(key, lately)
    const id = `${algorithm} ${data.length} ${data.toString('latin1')}${signature.toString('latin1')}`
    if (signatures.has(id)) return true
    if (lately.includes(id)) return false
    const holds = real.verify(algorithm, data, key, signature)
    if (holds) signatures.add(id)
    else if (lately.push(id) > LATELY) lately.shift()
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
