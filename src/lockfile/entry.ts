import { isDeepStrictEqual } from 'node:util'
import { isVersion, type PackageId, parseId } from './dep-path.ts'
import { githubOrigin, resolutionId } from './github.ts'
import { type Fields, field, isPlain } from './record.ts'
import type { GithubOrigin, PackageSource } from './types.ts'

/** What one entry of `packages` and `snapshots` says of itself, before it is known who depends on it. */
export interface Claim {
  readonly name: string
  readonly version: string
  readonly integrity: string | undefined
  readonly source: PackageSource
  readonly origin: string | undefined
  readonly atNpmjs?: true
  readonly outside?: string
  readonly unlocked?: string
  readonly askedOf?: string
  readonly github?: GithubOrigin
}

type Origin = Omit<Claim, 'name' | 'version'>

/**
 * Judges one entry. `info` is its record in `packages`, `snapshot` the one in `snapshots`; one of them is undefined in
 * an object of pnpm 10 and 11, which holds both as one.
 *
 * More than one claim comes back where the entry contradicts itself (the key says `a@1.0.0`, a field says `name: b`):
 * then it is `unknown` under every name it uses, so that no choice of name slips past the rules for the other.
 */
export function claims(id: string, info: unknown, snapshot: unknown): readonly Claim[] {
  const parsed = parseId(id)
  const keyed = { name: parsed.name, version: versionOf(parsed) ?? '' }
  const records = [info, snapshot].filter((record) => record !== undefined)
  if (!records.every(isPlain)) return [{ ...keyed, ...unknown('entry is not a map') }]

  const fromFile = info !== undefined && snapshot !== undefined
  const overrides = fromFile && isPlain(info) && DEPENDENCIES.some((key) => field(info, key) !== undefined)
  const [name, version, resolution] = ['name', 'version', 'resolution'].map((key) => read(records, key))
  if (overrides || name === AMBIGUOUS || version === AMBIGUOUS || resolution === AMBIGUOUS) {
    return [{ ...keyed, ...unknown('`packages` and `snapshots` disagree about this entry') }]
  }
  const named = {
    name: typeof name === 'string' ? name : parsed.name,
    version: typeof version === 'string' ? version : keyed.version,
  }
  const wrongType = name !== undefined && typeof name !== 'string'
  // pnpm downloads `version` where the entry has one, whatever its key says.
  const renamed = named.name !== parsed.name
  const reversioned = versionOf(parsed) !== undefined && (named.version !== keyed.version || !isOptionalString(version))
  if (wrongType || renamed || reversioned) {
    const contradiction = unknown('the fields of this entry contradict its key')
    const both = [keyed, named].map((claimed) => ({ ...claimed, ...contradiction }))
    return isDeepStrictEqual(keyed, named) ? both.slice(0, 1) : both
  }
  const shown = versionOf(parsed) ?? (isVersion(named.version) ? named.version : '')
  return [{ name: parsed.name, version: shown, ...originOf(parsed, resolution) }]
}

/** A reference that leads to no entry. pnpm may fetch it, skip it or fail; nothing is known of its bytes. */
export function danglingClaim(id: string): Claim {
  const parsed = parseId(id)
  const version = versionOf(parsed)
  const isOfRegistry = parsed.validName && parsed.reference.kind === 'version'
  const claim = { name: parsed.name, version: version ?? '', ...unknown('no entry of the lockfile has this key') }
  return isOfRegistry && version !== undefined ? { ...claim, unlocked: version } : claim
}

/** In a file these stand in `snapshots`. In `packages` they would hide what the snapshot says, from pnpm 10 and 11. */
const DEPENDENCIES = ['dependencies', 'optionalDependencies']

const AMBIGUOUS = Symbol('ambiguous')

/**
 * A field that either record may hold. pnpm 10 and 11 let `packages` override `snapshots`, pnpm 12 ignores what it does
 * not expect there: where the two differ, the versions of pnpm would install different bytes from one file.
 */
function read(records: readonly Fields[], name: string): unknown {
  const values = records.map((record) => field(record, name)).filter((value) => value !== undefined)
  return values.every((value) => isDeepStrictEqual(value, values[0])) ? values[0] : AMBIGUOUS
}

function versionOf({ reference }: PackageId): string | undefined {
  return 'version' in reference ? reference.version : undefined
}

function isOptionalString(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}

function unknown(origin: string): Origin {
  return { source: 'unknown', integrity: undefined, origin }
}

function originOf(id: PackageId, resolution: unknown): Origin {
  if (!id.validName) return unknown('not a package name')
  if (resolution === undefined) {
    // pnpm rebuilds what some tools drop when they prune a lockfile: an injected project of the workspace.
    if (id.reference.kind === 'file' && !LOCAL_TARBALL.test(id.text)) {
      return { source: 'directory', integrity: undefined, origin: id.text }
    }
    return unknown('entry has no resolution')
  }
  if (!isPlain(resolution)) return unknown('resolution is not a map')
  // Any `type`, also an empty one or null: what pnpm makes of those depends on the line of pnpm that looks.
  const origin = field(resolution, 'type') === undefined ? fromTarball(id, resolution) : fromTyped(id, resolution)
  const github = githubOrigin(resolution)
  if (github === undefined || resolutionId(resolution) !== id.text) return origin
  return origin.source === ('tag' in github ? 'tarball' : 'git') ? { ...origin, github } : origin
}

function fromTyped(id: PackageId, resolution: Fields): Origin {
  const type = field(resolution, 'type')
  const isRuntime = id.reference.kind === 'runtime'
  // No `integrity` is handed on: git and directories are not checked against any, a runtime has one per platform.
  if (type === 'git') return { source: 'git', integrity: undefined, origin: gitOrigin(resolution) }
  if (type === 'directory') {
    return { source: 'directory', integrity: undefined, origin: `file:${text(field(resolution, 'directory'))}` }
  }
  if ((type === 'variations' || type === 'binary') && isRuntime) {
    return { source: 'runtime', integrity: undefined, origin: id.text }
  }
  return unknown(`resolution of type ${typeof type === 'string' ? JSON.stringify(type) : typeof type}`)
}

/** What `origin` says of a git repository, or of the archive that its host makes of it. */
export function gitOrigin(resolution: unknown): string {
  if (!isPlain(resolution)) return ''
  const [type, tarball] = [field(resolution, 'type'), text(field(resolution, 'tarball'))]
  if (type === undefined) return tarball
  const [repo, commit, path] = ['repo', 'commit', 'path'].map((key) => text(field(resolution, key)))
  return `${repo}#${commit}${path === '' ? '' : `&path:${path}`}`
}

/**
 * A tarball, from the registry or elsewhere. The key decides, not the host: pnpm gives `name@1.0.0` to what it resolved
 * in a registry, and keeps the URL there too when the registry (GitHub Packages, Artifactory) has its own layout. For a
 * proof the host does not matter, since pnpm checks the bytes against `integrity` and the gate verifies the evidence
 * against the same `integrity`. For a rule that asks for no proof it does: `outside` says so. Whatever makes pnpm install something else than exactly those
 * bytes is therefore not `registry`: a git host's archive is repacked, by scripts of its own; `path` picks a subfolder.
 */
function fromTarball(id: PackageId, resolution: Fields): Origin {
  const [integrity, tarball, gitHosted] = ['integrity', 'tarball', 'gitHosted'].map((key) => field(resolution, key))
  const strange = Object.keys(resolution).find((key) => resolution[key] !== undefined && !TARBALL_FIELDS.has(key))
  if (strange !== undefined) return unknown(`resolution with a field ${JSON.stringify(strange)}`)
  if (!isOptionalString(integrity) || !isOptionalString(tarball) || integrity === '' || tarball === '') {
    return unknown('integrity or tarball is empty, or is not a text')
  }
  if (gitHosted !== undefined && typeof gitHosted !== 'boolean') return unknown('gitHosted is neither true nor false')
  const locked = { integrity: text(integrity) === '' ? undefined : text(integrity) }
  const url = tarball === undefined ? undefined : text(tarball)
  const { kind } = id.reference
  const isRegistry = kind === 'version' || kind === 'named-registry'
  if (!isRegistry && kind !== 'file' && kind !== 'url') return unknown('this kind of key has no tarball')

  const origin = url ?? (kind === 'version' ? undefined : id.text)
  if (gitHosted === true || isGitArchive(origin ?? '')) return { ...locked, source: 'git', origin }
  if (!isRegistry || url?.startsWith('file:') === true) return { ...locked, source: 'tarball', origin }
  if (field(resolution, 'path') !== undefined) return unknown('resolution of a registry package with a path')
  if (url !== undefined && !isFetchable(url)) return unknown(`tarball at ${JSON.stringify(url)}`)
  const source = 'registry' as const
  // Who is asked is then what the name of the registry leads to.
  if (url === undefined) return { ...locked, source, origin, ...(kind === 'named-registry' && { outside: '' }) }
  return kind === 'version' && isDefaultTarball(url, id.name, id.text)
    ? { ...locked, source, origin: undefined, atNpmjs: true }
    : { ...locked, source, origin, outside: '' }
}

const TARBALL_FIELDS: ReadonlySet<string> = new Set(['integrity', 'tarball', 'gitHosted', 'path', 'revision'])

export const LOCAL_TARBALL = /\.(?:tgz|tar\.gz|tar)$/i

/** pnpm treats these three hosts' archives as git checkouts, flag or no flag. Wider than any pnpm: never narrower. */
export function isGitArchive(url: string): boolean {
  return /^https?:\/\/(?:codeload\.github\.com|bitbucket\.org|gitlab\.com)[:/]/i.test(url) && /tar\.gz/i.test(url)
}

/** An http(s) URL, or a path that pnpm resolves below the registry (not `//host/…`, which leaves it). */
function isFetchable(url: string): boolean {
  if (/^https?:\/\/[^/]/i.test(url)) return URL.canParse(url)
  return !/^(?:[a-z][a-z0-9+.-]*:|[/\\])/i.test(url)
}

/** Where the public registry has it. */
export function isDefaultTarball(url: string, name: string, version: string): boolean {
  const base = name.slice(name.indexOf('/') + 1)
  const expected = `https://registry.npmjs.org/${name}/-/${base}-${version.split('+', 1)[0]}.tgz`
  return url.replace(/%2f/i, '/') === expected
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
