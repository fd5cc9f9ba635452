import { mkdirSync } from 'node:fs'
import { enableCompileCache, flushCompileCache } from 'node:module'
import path from 'node:path'
import envPaths from 'env-paths'

/**
 * Has Node keep what it has compiled, for what is loaded from here on: that is half of the time of a run that has nothing to
 * verify. What is kept is run and not verified, so it must lie where caches are not restored from elsewhere: with the key,
 * and for this user alone.
 */
export function keepCompiled(): void {
  try {
    const folder = path.join(envPaths('provenance-gate', { suffix: '' }).data, 'compiled')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    enableCompileCache(folder)
  } catch {}
}

/** The same now: a process that is killed when it is not needed any more never comes to its end, at which Node does so. */
export function writeCompiled(): void {
  try {
    flushCompileCache()
  } catch {}
}
