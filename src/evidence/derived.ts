import { createHash } from 'node:crypto'
import path from 'node:path'
import { keyOnce } from './key.ts'
import type { Places } from './places.ts'
import { readSealed, sealedName, writeSealed } from './sealed.ts'

/** As a lockfile with all of its packages. */
const MAX_BYTES = 64 << 20

/** Finds out what follows from a text, or knows it from an earlier time. */
export type Derived = <T>(
  what: readonly string[],
  text: string | Uint8Array,
  derive: () => T | Promise<T>,
) => Promise<T>

/**
 * What follows from a text alone, found out once, such as what a lockfile has. Signed like everything that is remembered:
 * it takes the place of the text. `what` is derived, and of what: the last one is kept. The result is plain data.
 *
 * @param code of the gate, which derives it
 */
export function derivedIn(places: Places, code: string): Derived {
  const key = keyOnce(places)
  return async <T>(what: readonly string[], text: string | Uint8Array, derive: () => T | Promise<T>): Promise<T> => {
    const secret = await key()
    if (secret === undefined) return derive()
    const subject = [code, ...what]
    const file = path.join(places.cache, 'derived', `${sealedName(secret, subject)}.json`)
    const about = [...subject, createHash('sha256').update(text).digest('hex')]
    const known = await readSealed(file, secret, about, MAX_BYTES)
    if (known !== undefined) return JSON.parse(known) as T
    const found = await derive()
    const plain = JSON.stringify(found)
    // A longer one would not be read again.
    if (plain.length <= MAX_BYTES) await writeSealed(file, secret, about, plain)
    return found
  }
}
