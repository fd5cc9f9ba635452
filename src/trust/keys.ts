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

/**
 * What a registry itself says of its keys, `GET {registry}/-/npm/v1/keys`: each may sign everything, from ever on.
 * https://docs.npmjs.com/about-registry-signatures
 */
const AnswerSchema = v.object({
  keys: v.array(
    v.object({
      keyid: v.string(),
      key: v.pipe(v.string(), v.base64()),
      expires: v.nullish(v.pipe(v.string(), v.isoTimestamp())),
    }),
  ),
})

/** A key, when it may be used, and whose it is: the name of a registry; undefined for the default one. */
export interface RegistryKey {
  readonly key: KeyObject
  readonly start: Date
  readonly end: Date | undefined
  readonly registry?: string
}

/** The registry's keys of one usage, by their ids. */
export type RegistryKeys = ReadonlyMap<string, RegistryKey>

export type KeyUsage = 'npm:attestations' | 'npm:signatures'

/**
 * Reads `keys.json`. A key is only good for what its usage says: one that signs tarballs alone must not vouch for
 * statements.
 *
 * @throws an Error where `keys` is not of the form above, or names one key twice: which of two keys, or of two
 * periods, is meant by an id must not depend on their order.
 */
export function registryKeys(keys: unknown, usage: KeyUsage): RegistryKeys {
  const used = v.parse(KeysSchema, keys).keys.filter(({ keyUsage }) => keyUsage === usage)
  return byId(
    used.map(
      ({ keyId, publicKey: { rawBytes, validFor } }) => [keyId, rawBytes, validFor.start, validFor.end] as const,
    ),
    ` for ${usage.slice(4)}`,
  )
}

/** The keys of another registry: in the form of `keys.json`, or as the registry says them. @throws as above */
export function otherKeys(keys: unknown, usage: KeyUsage): RegistryKeys {
  const said = v.safeParse(AnswerSchema, keys)
  if (!said.success) return registryKeys(keys, usage)
  return byId(
    said.output.keys.map(({ keyid, key, expires }) => [keyid, key, EVER, expires ?? undefined] as const),
    '',
  )
}

const IdsSchema = v.object({
  keys: v.array(v.object({ keyId: v.optional(v.string()), keyid: v.optional(v.string()) })),
})

/** The ids of all keys, in either form, whatever each may sign. Of what is not of that form nobody has heard. */
export function keyIds(keys: unknown): readonly string[] {
  const read = v.safeParse(IdsSchema, keys)
  return read.success ? read.output.keys.flatMap(({ keyId, keyid }) => [keyId ?? [], keyid ?? []].flat()) : []
}

const EVER = '1970-01-01T00:00:00.000Z'

function byId(
  keys: readonly (readonly [id: string, spki: string, start: string, end: string | undefined])[],
  what: string,
): RegistryKeys {
  const found = new Map<string, RegistryKey>()
  for (const [id, spki, start, end] of keys) {
    if (found.has(id)) throw new Error(`the key ${JSON.stringify(id)}${what} is in it twice`)
    found.set(id, {
      key: createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' }),
      start: new Date(start),
      end: end === undefined ? undefined : new Date(end),
    })
  }
  return found
}

/** Both ends belong to it. */
export function isValidAt({ start, end }: RegistryKey, date: Date): boolean {
  return date >= start && (end === undefined || date <= end)
}

/**
 * Finds the registry's key for an attestation by its hint. The library asks `validFor` with the verified time of signing,
 * so an expired key is still right for what it signed before.
 */
export function keyFinder(keys: RegistryKeys): KeyFinder {
  return (hint) => {
    const found = keys.get(hint)
    if (found === undefined) {
      throw new VerificationError({
        code: 'PUBLIC_KEY_ERROR',
        message: `no key ${JSON.stringify(hint)} for attestations`,
      })
    }
    return { publicKey: found.key, validFor: (date) => isValidAt(found, date) }
  }
}
