import { lstatSync, mkdirSync } from 'node:fs'
import { enableCompileCache, flushCompileCache } from 'node:module'
import path from 'node:path'
import envPaths from 'env-paths'
import { isInside } from './evidence/places.ts'

/**
 * Has Node keep what it has compiled, for what is loaded from here on: that is half of the time of a run that has nothing to
 * verify. What is kept is run and not verified, so it must lie where caches are not restored from elsewhere: with the key,
 * and for this user alone.
 */
export function keepCompiled(): void {
  try {
    const { cache, data } = envPaths('provenance-gate', { suffix: '' })
    if (isInside(cache, data)) return
    const folder = path.join(data, 'compiled')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    // It may have been there before, as with a HOME that everybody may write into.
    const { mode, uid } = lstatSync(folder)
    const isPrivate = process.platform === 'win32' || ((mode & 0o022) === 0 && uid === process.getuid?.())
    if (isPrivate) enableCompileCache(folder)
  } catch {}
}

/** The same now: a process that is killed when it is not needed any more never comes to its end, at which Node does so. */
export function writeCompiled(): void {
  try {
    flushCompileCache()
  } catch {}
}
