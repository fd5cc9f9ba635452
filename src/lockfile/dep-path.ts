import { isPackageName } from '../util/package-name.ts'

/**
 * The names that pnpm's lockfile gives to packages, read exactly as pnpm reads them (`@pnpm/deps.path`): another reading
 * than pnpm's would verify one entry while pnpm installs another.
 *
 *     depPath  use-sync-external-store@1.2.0(patch_hash=86a9…)(react@18.2.0)     key of `snapshots`
 *     id       use-sync-external-store@1.2.0                                     key of `packages`
 *     ref      1.2.0(patch_hash=86a9…)(react@18.2.0)                             value in `dependencies`
 */

/** A depPath without its suffix. Which peers and which local patch a package gets does not change its tarball. */
export function packageId(depPath: string): string {
  if (!depPath.endsWith(')')) return depPath
  let open = 0
  for (let i = depPath.length - 1; i >= 0; i--) {
    const char = depPath[i]
    if (char === ')') open++
    else if (char === '(') open--
    else if (open === 0) return depPath.slice(0, i + 1)
  }
  return depPath
}

/** The depPath that a reference in `dependencies` points to; undefined for `link:`, which points to a folder. */
export function toDepPath(ref: string, alias: string): string | undefined {
  if (ref.startsWith('link:')) return undefined
  if (ref.startsWith('@')) return ref
  const at = ref.indexOf('@')
  const colon = ref.indexOf(':')
  const bracket = ref.indexOf('(')
  // `other@1.0.0` is an alias' target; in `https://user@host/…` and `1.0.0(peer@2.0.0)` the `@` means something else.
  const namesTarget = at !== -1 && (colon === -1 || at < colon) && (bracket === -1 || at < bracket)
  return namesTarget ? ref : `${alias}@${ref}`
}

/** How the part of an id after the name says where the package comes from. */
export type Reference =
  | { readonly kind: 'version'; readonly version: string }
  /** `work:1.0.0`: a version from the registry that the project's settings call `work`. */
  | { readonly kind: 'named-registry'; readonly registry: string; readonly version: string }
  /** `runtime:24.0.0`: a JavaScript runtime, downloaded from its own project. */
  | { readonly kind: 'runtime'; readonly version: string | undefined }
  | { readonly kind: 'file' }
  | { readonly kind: 'url' }
  | { readonly kind: 'other' }

export interface PackageId {
  /** What stands before the `@`, whether or not it is a valid name. */
  readonly name: string
  readonly validName: boolean
  /** What stands after it. */
  readonly text: string
  readonly reference: Reference
}

/** Splits an id at the first `@` that is not the first character, as pnpm does. */
export function parseId(id: string): PackageId {
  const at = id.indexOf('@', 1)
  const name = at === -1 ? id : id.slice(0, at)
  const text = at === -1 ? '' : id.slice(at + 1)
  return { name, validName: isPackageName(name), text, reference: parseReference(name, text) }
}

function parseReference(name: string, text: string): Reference {
  if (isVersion(text)) return { kind: 'version', version: text }
  const colon = text.indexOf(':')
  if (colon === -1) return { kind: 'other' }
  const scheme = text.slice(0, colon)
  const rest = text.slice(colon + 1)
  if (scheme === 'runtime' && RUNTIMES.has(name)) {
    return { kind: 'runtime', version: isVersion(rest) ? rest : undefined }
  }
  if (scheme === 'file') return { kind: 'file' }
  if (/^https?:\/\//.test(text)) return { kind: 'url' }
  const registry = registryNameIn(text)
  if (registry !== undefined && isVersion(rest)) return { kind: 'named-registry', registry, version: rest }
  return { kind: 'other' }
}

/** `work` of `work:^1.0.0`: what may be the name of a registry. */
export function registryNameIn(text: string): string | undefined {
  const [, name] = /^([A-Za-z][\w.-]*):/.exec(text) ?? []
  return name === undefined || RESERVED_SCHEMES.has(name) ? undefined : name
}

const RUNTIMES: ReadonlySet<string> = new Set(['node', 'bun', 'deno'])

/** Prefixes that no registry may be called by, so that `foo@git:1.0.0` never passes for a registry's package. */
const RESERVED_SCHEMES: ReadonlySet<string> = new Set([
  ...['bitbucket', 'cargo', 'catalog', 'crates', 'custom', 'file', 'git', 'github', 'gitlab', 'http', 'https', 'jsr'],
  ...['link', 'npm', 'patch', 'pkg', 'pypi', 'runtime', 'ssh', 'tool', 'workspace'],
])

/** One exact version by the grammar of semver.org. pnpm also takes `v1.0.0` and `=1.0.0`, which no registry serves. */
const VERSION =
  /^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$/

export function isVersion(text: string): boolean {
  return text.length <= 256 && VERSION.test(text)
}
