import '../home.ts'
import { existsSync } from 'node:fs'
import path from 'node:path'
import envPaths from 'env-paths'
import { upwards } from '../folders.ts'
import { isReachedFrom } from '../util/places.ts'

/** Where what was found out is kept, and the key under which it is signed. */
export interface Places {
  /** Evidence, facts and proofs. What others put there is not believed. */
  readonly cache: string
  /** Undefined where others could bring a key along: then nothing is believed, and nothing is signed. */
  readonly keyFile: string | undefined
}

export interface PlaceOptions {
  /** Another folder for the cache. */
  readonly cache?: string | undefined
  /** The folder of the lockfile. */
  readonly project: string
  /** Told why nothing is remembered. */
  readonly warn: (text: string) => void
}

/**
 * Those of this user, on each platform: docs/cache.md.
 *
 * The key must come with no cache and no repository, for it decides what is believed. Links on the way to it are looked at.
 */
export function userPlaces({ cache: other, project, warn }: PlaceOptions): Places {
  const paths = envPaths('provenance-gate', { suffix: '' })
  const cache = other === undefined ? paths.cache : path.resolve(other)
  const keyFile = path.join(paths.data, 'key')
  const caches = [cache, paths.cache, ...(process.platform === 'win32' ? [] : [path.dirname(paths.cache)])]
  const brought = caches.find((folder) => isReachedFrom(folder, keyFile))
  const repository = [project, process.cwd()].flatMap(repositoryOf).find((folder) => isReachedFrom(folder, keyFile))
  const why =
    brought !== undefined
      ? `a restored cache can bring it along (${brought})`
      : repository !== undefined
        ? `a repository can bring it along (${repository})`
        : isReachedFrom(paths.data, cache)
          ? `the cache is in the same folder (${cache}), and would be restored with it`
          : undefined
  if (why === undefined) return { cache, keyFile }
  warn(
    `The key ${keyFile} is not used: ${why}. Nothing is remembered. Let XDG_DATA_HOME name a folder outside of caches and repositories.`,
  )
  return { cache, keyFile: undefined }
}

/** A folder, and the repository that it is in. */
function repositoryOf(folder: string): readonly string[] {
  const root = upwards(path.resolve(folder)).find((each) => existsSync(path.join(each, '.git')))
  return root === undefined ? [folder] : [folder, root]
}
