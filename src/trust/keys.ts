import { createPublicKey, type KeyObject } from 'node:crypto'
import { type TrustMaterial, VerificationError } from '@sigstore/verify'
import * as v from 'valibot'

type KeyFinder = TrustMaterial['publicKey']

/**
 * `keys.json` of an npm registry, as in the TUF target `registry.npmjs.org/keys.json`: base64 SubjectPublicKeyInfo,
 * what each key may sign (`npm:signatures`, `npm:attestations`) and when.
 */
const KeysSchema = v.object({
  keys: v.array(
    v.object({
      keyId: v.string(),
      keyUsage: v.string(),
      publicKey: v.object({
        rawBytes: v.pipe(v.string(), v.base64()),
        validFor: v.object({
          start: v.pipe(v.string(), v.isoTimestamp()),
          end: v.optional(v.pipe(v.string(), v.isoTimestamp())),
        }),
      }),
    }),
  ),
})

/** A key, and when it may be used. */
export interface RegistryKey {
  readonly key: KeyObject
  readonly start: Date
  readonly end: Date | undefined
}

/** The registry's keys of one usage, by their ids. */
export type RegistryKeys = ReadonlyMap<string, RegistryKey>

/**
 * Reads `keys.json`. A key is only good for what its usage says: one that signs tarballs alone must not vouch for
 * statements.
 *
 * @throws an Error where `keys` is not of the form above, or names one key twice: which of two keys, or of two
 * periods, is meant by an id must not depend on their order.
 */
export function registryKeys(keys: unknown, usage: 'npm:attestations' | 'npm:signatures'): RegistryKeys {
  const byId = new Map<string, RegistryKey>()
  for (const { keyId, keyUsage, publicKey } of v.parse(KeysSchema, keys).keys) {
    if (keyUsage !== usage) continue
    if (byId.has(keyId)) throw new Error(`the key ${JSON.stringify(keyId)} for ${usage.slice(4)} is in it twice`)
    const { start, end } = publicKey.validFor
    byId.set(keyId, {
      key: createPublicKey({ key: Buffer.from(publicKey.rawBytes, 'base64'), format: 'der', type: 'spki' }),
      start: new Date(start),
      end: end === undefined ? undefined : new Date(end),
    })
  }
  return byId
}

/** Both ends belong to it. */
export function isValidAt({ start, end }: RegistryKey, date: Date): boolean {
  return date >= start && (end === undefined || date <= end)
}

/**
 * Finds the registry's key for an attestation by its hint. The library asks `validFor` with the verified time of signing,
 * so an expired key is still right for what it signed before.
 */
export function attestationKeys(keys: unknown): KeyFinder {
  const byId = registryKeys(keys, 'npm:attestations')
  return (hint) => {
    const found = byId.get(hint)
    if (found === undefined) {
      throw new VerificationError({
        code: 'PUBLIC_KEY_ERROR',
        message: `no key ${JSON.stringify(hint)} for attestations`,
      })
    }
    return { publicKey: found.key, validFor: (date) => isValidAt(found, date) }
  }
}
