import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { GateError } from '../errors.ts'
import { holdsPolicy, readPolicyText, refuseExecutable } from './file.ts'
import { MANIFEST, MANIFEST_KEY } from './names.ts'

export const DATA = ['.sigstorerc', '.sigstorerc.yaml', '.sigstorerc.yml', '.sigstorerc.json']
const PROGRAMS = ['js', 'cjs', 'mjs', 'ts', 'cts', 'mts'].flatMap((type) => [
  `.sigstorerc.${type}`,
  `sigstore.config.${type}`,
])
const PLACES = [...PROGRAMS, ...DATA, MANIFEST]

/**
 * The part of cosmiconfig 10 that searches. Its public function cannot be used: before anything else it looks in the
 * working directory for a configuration of its own, runs `.config/config.{js,cjs,ts,…}` where it finds one, and lets it
 * (or the key `cosmiconfig` of package.json) put other files before ours. A test holds that none of this happens.
 */
interface Explorer {
  search(folder: string): Promise<{ readonly filepath: string } | null>
}
interface ExplorerOptions {
  readonly moduleName: string
  readonly searchPlaces: readonly string[]
  readonly searchStrategy: 'none'
  readonly ignoreEmptySearchPlaces: boolean
  readonly cache: boolean
  readonly loaders: { readonly default: (file: string, content: string) => unknown }
  readonly transform: (result: { readonly filepath: string } | null) => { readonly filepath: string } | null
}
interface Internals {
  readonly Explorer: new (options: ExplorerOptions) => Explorer
}

/**
 * The one policy file of a folder, if it has one; only of this folder, for a policy that lies further up would rule over
 * projects whose reviewers never saw it. Two are an error: nobody could see which one rules.
 */
export async function findPolicy(folder: string): Promise<string | undefined> {
  const holding: string[] = []
  for (const name of await list(folder)) {
    refuseExecutable(join(folder, name))
    // cosmiconfig steps over what it cannot read and goes on to the next place; here that is an error.
    const text = await readPolicyText(join(folder, name))
    // It calls no loader for an empty file.
    const holds = name !== MANIFEST || holdsPolicy(text, join(folder, name), MANIFEST_KEY)
    if (holds) holding.push(name)
  }
  const [only, ...rest] = holding
  if (only === undefined) return undefined
  // Nothing to search: cosmiconfig takes 4 ms to be loaded, and this is asked before every install.
  if (rest.length === 0) return join(folder, only)

  const { Explorer } = (await import('cosmiconfig/dist/Explorer.js')) as unknown as Internals
  const found = new Set<string>()
  const explorer = new Explorer({
    moduleName: MANIFEST_KEY,
    searchPlaces: PLACES,
    searchStrategy: 'none',
    ignoreEmptySearchPlaces: false,
    cache: false,
    // The only loader: it notes the place, and by returning nothing makes the search go on. No file's content goes
    // through cosmiconfig, which would follow a key `$import` in it.
    loaders: {
      default: (file, content) => {
        if (basename(file) === MANIFEST) {
          if (holdsPolicy(content, file, MANIFEST_KEY)) found.add(MANIFEST)
          return {}
        }
        found.add(basename(file))
        return null
      },
    },
    transform: (result) => result,
  })
  // It ends early at an empty file only, and that is an error later.
  const empty = await explorer.search(folder)
  if (empty !== null) found.add(basename(empty.filepath))

  const [name, ...others] = found
  if (name === undefined) return undefined
  if (others.length > 0) {
    const names = [name, ...others].map((each) =>
      each === MANIFEST ? `the key "${MANIFEST_KEY}" of ${MANIFEST}` : each,
    )
    throw new GateError(
      `${folder}: ${names.length} policies, ${names.join(' and ')}, and nobody could see which one rules. Keep one and remove the rest`,
    )
  }
  refuseExecutable(join(folder, name))
  return join(folder, name)
}

async function list(folder: string): Promise<readonly string[]> {
  try {
    const names = new Set(await readdir(folder))
    return PLACES.filter((place) => names.has(place))
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new GateError(
      `${folder}: the folder in which to look for a policy cannot be read (${code}). Correct the path, or name a policy with --policy FILE`,
      { cause },
    )
  }
}
