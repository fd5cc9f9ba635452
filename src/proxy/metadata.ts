import { type Fields, field, isPlain } from '../lockfile/record.ts'
import { BadGateway } from './errors.ts'
import { decoded } from './places.ts'

/** What a document of a registry says of one version. */
export interface Announced {
  readonly name: string
  readonly version: string
  /** Where its tarball is said to be. */
  readonly tarball: URL | undefined
  /** What its bytes are said to be: each digest alone, as Subresource Integrity. */
  readonly digests: readonly string[]
  readonly dependencies: readonly Dependency[]
}

/** What somebody depends on: under which name, and what of it, as written. */
export interface Dependency {
  readonly name: string
  readonly spec: string
}

/** Of a package that somebody depends on. */
export const INSTALLED = ['dependencies', 'optionalDependencies', 'peerDependencies'] as const
const FIELDS = [...INSTALLED, 'devDependencies'] as const

/**
 * All versions that a document of a registry announces: those of a packument (`GET /name`), or the one of a manifest
 * (`GET /name/1.0.0`). Each under the name that was asked for, and under those that the document gives it: package managers
 * install what they have asked for, whatever the answer calls itself.
 *
 * @param path of the request, decoded or not
 * @throws BadGateway where it says something that clients would understand otherwise
 */
export function announced(document: unknown, path: string): readonly Announced[] {
  if (!isPlain(document)) return []
  const versions = field(document, 'versions')
  const asked = [nameAt(path, 0), field(document, 'name')]
  // A list has keys as well: `dist-tags: {latest: "0"}` leads npm and pnpm to its first.
  if (Array.isArray(versions) && versions.length > 0) throw new BadGateway('metadata with a list of versions')
  const all = isPlain(versions)
    ? Object.entries(versions).flatMap(([version, manifest]) =>
        isPlain(manifest) ? each(manifest, version, asked) : [],
      )
    : []
  // It may be both: what it is depends on who asks.
  if (!isPlain(field(document, 'dist'))) return all
  const version = field(document, 'version')
  return [...all, ...each(document, typeof version === 'string' ? version : '', [nameAt(path, 1)])]
}

/** Somewhere else than at an absolute URL clients look for it in different places. @throws BadGateway */
function placeOf(tarball: unknown, name: string): URL | undefined {
  if (tarball === undefined) return undefined
  const url = typeof tarball === 'string' ? URL.parse(tarball) : null
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url
  throw new BadGateway(`metadata of ${name}, with a tarball at something that is no http or https URL`)
}

function each(manifest: Fields, version: string, asked: readonly unknown[]): readonly Announced[] {
  const dist = field(manifest, 'dist')
  const tarball = isPlain(dist) ? field(dist, 'tarball') : undefined
  // npm and yarn classic keep notes of their own in manifests, and overwrite them by what `dist` says.
  if (tarball === undefined && ['_resolved', '_remote'].some((note) => field(manifest, note) !== undefined))
    throw new BadGateway(`metadata of ${String(asked[0])}, with a place that is no tarball's`)
  const names = [...asked, field(manifest, 'name')].filter((name) => typeof name === 'string' && name !== '')
  const versions = [version, field(manifest, 'version')].filter((one) => typeof one === 'string')
  const dependencies = dependenciesOf(manifest, INSTALLED)
  const digests = isPlain(dist) ? digestsOf(field(dist, 'integrity'), field(dist, 'shasum')) : []
  return [...new Set(names)].flatMap((name) =>
    [...new Set(versions)].map((one) => ({
      name: name as string,
      version: one as string,
      tarball: placeOf(tarball, name as string),
      digests,
      dependencies,
    })),
  )
}

/** `sha512-… sha1-…`; where there is none, package managers look for the older sha1 in hexadecimal. */
export function digestsOf(integrity: unknown, shasum?: unknown): readonly string[] {
  if (typeof integrity === 'string' && integrity !== '') return integrity.trim().split(/\s+/)
  return typeof shasum === 'string' ? [`sha1-${Buffer.from(shasum, 'hex').toString('base64')}`] : []
}

/**
 * Of one digest, for a look-up: the same for all spellings of it, and as small as many of them have to be. Where two digests
 * have the same, more has to be allowed than is needed.
 */
export function digestKey(digest: string): number | undefined {
  const bytes = Buffer.from(/^[a-z0-9]+-([^?]+)/i.exec(digest)?.[1] ?? '', 'base64')
  return bytes.length < 6 ? undefined : bytes.readUIntBE(0, 6)
}

/** The dependencies of a manifest, of all kinds where none are named. */
export function dependenciesOf(manifest: Fields, kinds: readonly string[] = FIELDS): readonly Dependency[] {
  return kinds.flatMap((kind) => {
    const value = field(manifest, kind)
    if (!isPlain(value)) return []
    return Object.entries(value).flatMap(([name, spec]) => (typeof spec === 'string' ? [{ name, spec }] : []))
  })
}

/** The package name that a path ends with, before `skip` further segments. */
function nameAt(path: string, skip: number): string | undefined {
  const segments = decoded(path)
    .split('/')
    .filter((segment) => segment !== '')
  const end = segments.length - skip
  const [scope = '', name] = [segments[end - 2], segments[end - 1]]
  return name !== undefined && scope.startsWith('@') ? `${scope}/${name}` : name
}

/**
 * What the usual place of a tarball says that it is: `…/@scope/name/-/name-1.0.0.tgz`. Some clients go there without having
 * been told to.
 */
export function usualPlace(path: string): { readonly name: string; readonly version: string } | undefined {
  const [, before = '', file = ''] = /^(.*)\/-\/(?:@[^/]+\/)?([^/]+)\.tgz$/.exec(decoded(path)) ?? []
  const name = nameAt(before, 0)
  if (name === undefined) return undefined
  const base = name.slice(name.indexOf('/') + 1)
  return file.startsWith(`${base}-`) ? { name, version: file.slice(base.length + 1) } : undefined
}
