import path from 'node:path'
import { keyOnce } from './key.ts'
import type { Places } from './places.ts'
import { readSealed, sealedName, writeSealed } from './sealed.ts'

/**
 * What was found out once and stays true: `kind` of `id` is a short text. Each is signed (HMAC-SHA256) by a key that lies
 * outside of the cache, with the user's permissions only: a cache that somebody else has filled, as CI restores them from
 * pull requests, is never believed.
 */
export interface Facts {
  /** Undefined where nothing is known, or what is kept was not written with this key. Never throws. */
  get(kind: string, id: string): Promise<string | undefined>
  /** Keeps it, if that is possible. Never throws: what is not remembered is found out again. */
  put(kind: string, id: string, value: string): Promise<void>
}

const MAX_BYTES = 4_096

export function openFacts(places: Places): Facts {
  const key = keyOnce(places)
  const fileOf = (secret: Buffer, kind: string, id: string) =>
    path.join(places.cache, 'facts', `${sealedName(secret, [kind, id])}.txt`)
  return {
    get: async (kind, id) => {
      const secret = await key()
      return secret && readSealed(fileOf(secret, kind, id), secret, [kind, id], MAX_BYTES)
    },
    put: async (kind, id, value) => {
      const secret = await key()
      if (secret !== undefined) await writeSealed(fileOf(secret, kind, id), secret, [kind, id], value)
    },
  }
}
