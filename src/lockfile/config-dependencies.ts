import { GateError } from '../errors.ts'
import { isPackageName } from '../util/package-name.ts'
import { isVersion } from './dep-path.ts'
import { mergePackages } from './merge.ts'
import { type Fields, field, isPlain } from './record.ts'
import type { LockedPackage } from './types.ts'

/**
 * The config dependencies that `pnpm-workspace.yaml` pins, which pnpm installs before everything else. Takes the parsed
 * file, or a config object of a hook; anything with `configDependencies` in it.
 *
 * pnpm 10 has their digests here: `name: 1.0.0+sha512-…`, or `name: {tarball, integrity: 1.0.0+sha512-…}` where the
 * registry has a layout of its own. pnpm 11 and 12 write `name: 1.0.0` and keep the digests in the lockfile's first
 * document. Such an entry is listed without integrity: whoever judges it looks for its digest among the packages of
 * that document, and there is none to find where pnpm 10 reads the file (it refuses to install it).
 */
export function configDependencies(workspaceManifest: unknown): readonly LockedPackage[] {
  if (workspaceManifest === undefined || workspaceManifest === null) return []
  if (!isPlain(workspaceManifest)) throw unreadable('pnpm-workspace.yaml')
  const declared = field(workspaceManifest, 'configDependencies')
  if (declared === undefined || declared === null) return []
  if (!isPlain(declared)) throw unreadable('`configDependencies` in pnpm-workspace.yaml')
  return mergePackages(Object.entries(declared).map(([name, value]) => configDependency(name, value)))
}

function configDependency(name: string, value: unknown): LockedPackage {
  const isPinned = isPlain(value)
  const spec = isPinned ? field(value, 'integrity') : value
  const tarball = isPinned ? field(value, 'tarball') : undefined
  const text = typeof spec === 'string' ? spec : ''
  // The first `+`, as pnpm reads it. Build metadata in a version would end up in the integrity, and fail there.
  const plus = text.indexOf('+')
  const version = plus === -1 ? text : text.slice(0, plus)
  const integrity = plus === -1 ? '' : text.slice(plus + 1)
  const understood =
    isPackageName(name) &&
    isVersion(version) &&
    (tarball === undefined || typeof tarball === 'string') &&
    (!isPinned || hasOnly(value, ['integrity', 'tarball']))
  return {
    name,
    version: isVersion(version) ? version : '',
    integrity: integrity === '' ? undefined : integrity,
    source: understood ? 'registry' : 'unknown',
    origin: typeof tarball === 'string' ? tarball : undefined,
    ...(typeof tarball === 'string' && { outside: '' }),
    importers: ['.'],
    key: `${name}@${version}`,
  }
}

function hasOnly(record: Fields, names: readonly string[]): boolean {
  return Object.keys(record).every((key) => names.includes(key))
}

function unreadable(what: string): GateError {
  return new GateError(
    `${what} is not a plain map. Correct the file; pnpm itself writes it with \`pnpm add --config\`.`,
  )
}
