import '../home.ts'
import path from 'node:path'
import envPaths from 'env-paths'

/** Where what was found out is kept, and the key under which it is signed. */
export interface Places {
  /** Evidence, facts and proofs. Whatever somebody else puts there is not believed. */
  readonly cache: string
  /** Never in the cache: who restores a cache from elsewhere must not restore a key with it. */
  readonly keyFile: string
}

/** Those of this user, on each platform: docs/cache.md. @param cache another folder for the cache */
export function userPlaces(cache?: string): Places {
  const paths = envPaths('provenance-gate', { suffix: '' })
  return { cache: cache === undefined ? paths.cache : path.resolve(cache), keyFile: path.join(paths.data, 'key') }
}

/** Whether a file or folder lies in a folder, or is it: XDG_CACHE_HOME and XDG_DATA_HOME may be one, and --cache anything. */
export function isInside(folder: string, file: string): boolean {
  const way = path.relative(folder, file)
  return way !== '..' && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way)
}
