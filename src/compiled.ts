import './home.ts'
import { lstatSync, mkdirSync } from 'node:fs'
import { enableCompileCache, flushCompileCache } from 'node:module'
import path from 'node:path'
import { isPrivate } from './evidence/key.ts'
import { isInside, userPlaces } from './evidence/places.ts'

/**
 * Has Node keep what it has compiled, for what is loaded from here on: of the 110 ms of a run that has nothing to verify 12.
 * What is kept is run and not verified, so it must lie where caches are not restored from elsewhere: with the key,
 * and for this user alone.
 */
export function keepCompiled(): void {
  try {
    const { cache, keyFile } = userPlaces()
    const folder = path.join(path.dirname(keyFile), 'compiled')
    if (isInside(cache, folder)) return
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    // It may have been there before, made by somebody else.
    if (isPrivate(lstatSync(folder))) enableCompileCache(folder)
  } catch {}
}

/** The same now: a process that is killed when it is not needed any more never comes to its end, at which Node does so. */
export function writeCompiled(): void {
  try {
    flushCompileCache()
  } catch {}
}
