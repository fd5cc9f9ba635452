import { createHash } from 'node:crypto'
import path from 'node:path'
import { openKey } from './key.ts'
import type { Places } from './places.ts'
import { readSealed, sealedName, writeSealed } from './sealed.ts'

/** As a lockfile with all of its packages. */
const MAX_BYTES = 64 << 20

/**
 * What follows from a text alone, found out once, such as what a lockfile has. Signed like everything that is remembered:
 * it takes the place of the text.
 *
 * @param what is derived, and of what: the last one is kept. By which version of the gate belongs to it
 * @param derive its result is plain data
 */
export async function derived<T>(
  places: Places,
  what: readonly string[],
  text: string | Uint8Array,
  derive: () => T | Promise<T>,
): Promise<T> {
  const key = await openKey(places).catch(() => undefined)
  if (key === undefined) return derive()
  const file = path.join(places.cache, 'derived', `${sealedName(key, what)}.json`)
  const about = [...what, createHash('sha256').update(text).digest('hex')]
  const known = await readSealed(file, key, about, MAX_BYTES)
  if (known !== undefined) return JSON.parse(known) as T
  const found = await derive()
  await writeSealed(file, key, about, JSON.stringify(found))
  return found
}

/** The same for one place and one version of the gate. */
export function derivedIn(places: Places, version: string) {
  return <T>(what: readonly string[], text: string | Uint8Array, derive: () => T | Promise<T>): Promise<T> =>
    derived(places, [version, ...what], text, derive)
}
