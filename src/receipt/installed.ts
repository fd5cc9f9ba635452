import { type Dirent, existsSync, lstatSync, readdirSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { GateError } from '../errors.ts'
import { readBoundedFileSync } from '../util/files.ts'
import { outermostCheckout } from '../util/links.ts'
import type { InstalledEntry } from './types.ts'

/** So many names are looked at. The largest real workspaces have a tenth. */
const MAX_ENTRIES = 1_000_000

/** A package.json has some kilobytes, and with long lists of exports some hundred. */
const MAX_MANIFEST = 4 << 20

interface Manifest {
  readonly name?: string
  readonly version?: string
  readonly bundles: boolean
  readonly hasScripts: boolean
}

/**
 * Everything that code could load by a name from these node_modules folders, whichever package manager has laid it out: the
 * names in them, and those in every node_modules folder that Node would look into from a package found there. What no name
 * leads to is not listed, such as packages that pnpm keeps in `.pnpm` for a later install.
 *
 * Links are followed, each real folder is looked into once, and no more than a bounded number of names is looked at.
 *
 * @param root the project's real path: what lies in it, and not in one of these folders, is the repository's own
 * @param stores folders elsewhere in which the package manager keeps packages, and to which it links
 * @throws GateError where there is more than that
 */
export function installedIn(
  modules: readonly string[],
  root: string,
  stores: readonly string[] = [],
  maxEntries: number = MAX_ENTRIES,
): readonly InstalledEntry[] {
  const kept = [...modules, ...stores].flatMap((each) => realFolder(each) ?? [])
  const repository = outermostCheckout(root)
  const found: InstalledEntry[] = []
  const queue: string[] = []
  const queued = new Set<string>()
  /** Those that belong to a project or a package that was found by a name. */
  const named = new Set<string>()
  const manifests = new Map<string, Manifest | string | undefined>()
  let count = 0

  const enqueue = (folder: string, isNamed = false) => {
    const real = realFolder(folder)
    if (real !== undefined && isNamed) named.add(real)
    if (real === undefined || queued.has(real)) return
    queued.add(real)
    queue.push(real)
  }
  const manifestOf = (folder: string) => {
    if (!manifests.has(folder)) manifests.set(folder, readManifest(path.join(folder, 'package.json')))
    return manifests.get(folder)
  }
  const list = (folder: string): readonly Dirent[] => {
    const entries = readdirSync(folder, { withFileTypes: true })
    count += entries.length
    if (count > maxEntries)
      throw new GateError(
        `${root}: node_modules has more than ${maxEntries} names, which is more than any install makes. Remove node_modules and install again.`,
      )
    return entries
  }
  const add = (modulesFolder: string, alias: string) => {
    const place = path.join(modulesFolder, alias)
    const at = path.relative(root, place)
    const real = realFolder(place)
    if (real === undefined) {
      // A link that leads nowhere loads nothing; so does one to a package that this platform does not get.
      if (!isDangling(place)) found.push(strange(at, alias, place, 'is not a folder, and code can load it by its name'))
      return
    }
    const manifest = manifestOf(real)
    const isOwn = isLocal(real)
    if (typeof manifest === 'string') found.push(strange(at, alias, real, manifest))
    else if (manifest === undefined) {
      if (holdsCode(list(real))) found.push(strange(at, alias, real, 'has no package.json, and code can load it'))
    } else {
      const { name, version } = manifest
      const hasScripts = manifest.hasScripts || existsSync(path.join(real, 'binding.gyp'))
      const kind = isOwn ? 'local' : 'package'
      const linkedAt = linkTime(place)
      found.push({
        ...{ at, alias, folder: real, kind, hasScripts },
        ...(name && { name }),
        ...(version && { version }),
        ...(linkedAt !== undefined && { linkedAt }),
      })
    }
    follow(real, manifest, isOwn)
  }
  /** A folder of the repository itself, such as a project of the workspace, or one that somebody has linked from elsewhere. */
  const isLocal = (real: string) => {
    if (kept.some((each) => isBelow(each, real)) || named.has(modulesOf(real))) return false
    return isBelow(repository, real) || !real.split(path.sep).includes('node_modules')
  }
  /** Where Node looks from a package. */
  const follow = (real: string, manifest: Manifest | string | undefined, isOwn: boolean) => {
    // Bytes of the package's own tarball, which a folder of the repository does not have.
    if (isOwn || typeof manifest !== 'object' || !manifest.bundles) enqueue(path.join(real, 'node_modules'), true)
    const above = ancestors(real, root)
    for (const each of above) enqueue(path.basename(each) === 'node_modules' ? each : path.join(each, 'node_modules'))
  }

  for (const each of modules) enqueue(each, true)
  // It grows while it is gone through.
  for (const folder of queue) {
    for (const { name } of list(folder)) {
      if (name.startsWith('.')) continue
      if (!name.startsWith('@')) add(folder, name)
      else if (realFolder(path.join(folder, name)) === undefined) add(folder, name)
      else
        for (const inner of list(path.join(folder, name)))
          if (!inner.name.startsWith('.')) add(folder, `${name}/${inner.name}`)
    }
  }
  return found
}

function strange(at: string, alias: string, folder: string, what: string): InstalledEntry {
  return { at, alias, folder, kind: 'strange', what }
}

/** The folder that a package lies in, its scope aside. */
function modulesOf(real: string): string {
  const parent = path.dirname(real)
  return path.basename(parent).startsWith('@') ? path.dirname(parent) : parent
}

/** Folders above a package, as far as the project reaches; of a store elsewhere only the node_modules that it lies in. */
function ancestors(real: string, root: string): readonly string[] {
  const parent = path.dirname(real)
  const modules = modulesOf(real)
  if (!isBelow(root, real)) return path.basename(modules) === 'node_modules' ? [modules] : []
  const folders: string[] = []
  for (let each = parent; isBelow(root, each) || each === root; each = path.dirname(each)) folders.push(each)
  return folders
}

/** When a link was made, in milliseconds; undefined of what is none. No file of a repository or a cache can set it. */
function linkTime(place: string): number | undefined {
  const stats = lstatSync(place)
  return stats.isSymbolicLink() ? stats.ctimeMs : undefined
}

function isBelow(root: string, folder: string): boolean {
  return folder.startsWith(root.endsWith(path.sep) ? root : root + path.sep)
}

/** What Node could load of a folder without a package.json: anything but what is hidden, and folders that are looked at by themselves. */
function holdsCode(entries: readonly Dirent[]): boolean {
  return entries.some(({ name }) => !name.startsWith('.') && name !== 'node_modules')
}

function realFolder(place: string): string | undefined {
  try {
    const real = realpathSync(place)
    return lstatSync(real).isDirectory() ? real : undefined
  } catch {
    return undefined
  }
}

function isDangling(place: string): boolean {
  try {
    realpathSync(place)
    return false
  } catch (error) {
    return ['ENOENT', 'ELOOP', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
  }
}

const INSTALLING = ['preinstall', 'install', 'postinstall']

/** Undefined where there is none, and a clause where nobody can say what it says. */
function readManifest(file: string): Manifest | string | undefined {
  try {
    const bytes = readBoundedFileSync(file, MAX_MANIFEST)
    if (bytes === undefined) return undefined
    const parsed: unknown = JSON.parse(bytes.toString('utf8').replace(/^\uFEFF/, ''))
    if (typeof parsed !== 'object' || parsed === null) return 'has a package.json that is no object'
    const { name, version, scripts, bundledDependencies, bundleDependencies } = parsed as Readonly<
      Record<string, unknown>
    >
    const lists = [bundledDependencies, bundleDependencies]
    return {
      ...(typeof name === 'string' && { name }),
      ...(typeof version === 'string' && { version }),
      hasScripts:
        typeof scripts === 'object' && scripts !== null && INSTALLING.some((each) => Object.hasOwn(scripts, each)),
      bundles: lists.some((each) => each === true || (Array.isArray(each) && each.length > 0)),
    }
  } catch (error) {
    return `has a package.json that ${error instanceof SyntaxError ? 'is not JSON' : (error as Error).message}`
  }
}
