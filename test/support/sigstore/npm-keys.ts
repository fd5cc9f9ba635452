import { generateKey, npmKeyId, type SigningKey, sign } from './keys.ts'
import type { PackageVersion } from './statement.ts'

export type NpmKeyUsage = 'npm:signatures' | 'npm:attestations'

/** A key of the registry and when it may be used. The real registry has one that expired and one that replaced it. */
export interface NpmKeyOptions {
  readonly start: Date
  readonly end?: Date | undefined
  /** Default: both. A key for `npm:signatures` only must not vouch for attestations. */
  readonly usages?: readonly NpmKeyUsage[] | undefined
}

/** The registry's keys as the TUF target `registry.npmjs.org/keys.json` has them. */
export interface NpmKeysJSON {
  keys: {
    keyId: string
    keyUsage: NpmKeyUsage
    publicKey: { rawBytes: string; keyDetails: string; validFor: { start: string; end?: string } }
  }[]
}

export interface NpmKey extends NpmKeyOptions {
  readonly key: SigningKey
  readonly keyId: string
}

export function createNpmKey(options: NpmKeyOptions): NpmKey {
  const key = generateKey('P-256')
  return { ...options, key, keyId: npmKeyId(key.spki) }
}

/** What the registry says of a version in its metadata, by its last key or the one at that index. */
export function registrySignature(
  keys: readonly NpmKey[],
  { name, version, integrity }: PackageVersion,
  index = -1,
): { keyid: string; sig: string } {
  const npmKey = keys.at(index)
  if (npmKey === undefined) throw new RangeError(`this registry has ${keys.length} keys, none at ${index}`)
  const sig = sign(npmKey.key, Buffer.from(`${name}@${version}:${integrity}`))
  return { keyid: npmKey.keyId, sig: sig.toString('base64') }
}

/** One item per key and usage, as the registry's own file repeats each key. */
export function npmKeysJSON(keys: readonly NpmKey[]): NpmKeysJSON {
  const items = keys.flatMap(({ key, keyId, start, end, usages = ['npm:signatures', 'npm:attestations'] }) =>
    usages.map((keyUsage) => ({
      keyId,
      keyUsage,
      publicKey: {
        rawBytes: key.spki.toString('base64'),
        keyDetails: 'PKIX_ECDSA_P256_SHA_256',
        validFor: { start: start.toISOString(), ...(end && { end: end.toISOString() }) },
      },
    })),
  )
  return { keys: items }
}
