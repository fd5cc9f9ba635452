import type { LockedPackage } from '../src/lockfile/types.ts'
import type { Manifest, PnpmConfig } from './pnpm.ts'
import { sourceOf } from './specifier.ts'

/**
 * A dependency that no registry has, by the name under which it is wanted ('' where nobody gave one): its own is not
 * known before it is fetched.
 */
export function stranger(alias: string, specifier: string): LockedPackage {
  const key = alias === '' ? specifier : `${alias}@${specifier}`
  const source = sourceOf(specifier)
  const who = { importers: [], forAnyone: true } as const
  const unnamed = alias === '' ? { unnamed: true as const } : {}
  return { name: alias, version: '', integrity: undefined, source, origin: specifier, ...who, ...unnamed, key }
}

/**
 * Whether pnpm may run scripts (`prepare`) of what this leads to as soon as it has fetched it: git repositories, the
 * archives that git hosts make of them, and what is not understood. Folders and other tarballs run nothing before they
 * are linked.
 */
function runsWhenFetched(specifier: string): boolean {
  const source = sourceOf(specifier)
  return source === 'git' || source === 'unknown' || (source === 'tarball' && /^https?:/i.test(specifier))
}

/*
 * pnpm 11 and 12 ask a resolver about each dependency. pnpm 10 asks none, and tells whom it fetches a repository for
 * only if the lockfile has it already. There, whoever may be meant is gathered from all places that can want one.
 */

export function strangersOfManifest(manifest: Manifest): readonly LockedPackage[] {
  const { dist, dependencies, optionalDependencies, peerDependencies, devDependencies } = manifest
  // Of a registry's package nobody installs devDependencies, and peers only by versions of a registry.
  const own = dist === undefined ? [peerDependencies, devDependencies] : []
  const records = [dependencies, optionalDependencies, ...own]
  return records.flatMap((record) => strangersIn(Object.entries(record ?? {})))
}

/** `overrides` are applied after a manifest has passed the hooks, and `catalogs` give `catalog:` its meaning. */
export function strangersOfConfig({ overrides, catalogs }: PnpmConfig): readonly LockedPackage[] {
  const overriding = Object.entries(overrides ?? {}).map(([selector, to]) => [overridden(selector), to] as const)
  const listed = Object.values(catalogs ?? {}).flatMap((catalog) => Object.entries(catalog ?? {}))
  // `-` takes a dependency away.
  return strangersIn([...overriding.filter(([, to]) => to !== '-'), ...listed])
}

/** `add alias@git+https://…`: wanted, and in no manifest yet. Without an alias there is nothing to judge so early. */
export function strangersOnCommandLine(argv: readonly string[]): readonly LockedPackage[] {
  return strangersIn(
    argv.flatMap((word) => {
      const [, alias, specifier] = /^((?:@[^/@:]+\/)?[^/@:]+)@(.+)$/s.exec(word) ?? []
      // `--filter=@acme/app` and the like: no package has such a name, for pnpm either.
      return alias === undefined || /^[-.]|=/.test(alias) ? [] : [[alias, specifier] as const]
    }),
  )
}

function strangersIn(entries: readonly (readonly [string, unknown])[]): readonly LockedPackage[] {
  return entries.flatMap(([alias, specifier]) =>
    typeof specifier === 'string' && runsWhenFetched(specifier) && !specifier.startsWith('catalog:')
      ? [stranger(alias, specifier)]
      : [],
  )
}

/** The package that the key of an override is about, read as pnpm reads it: `a@1>@b/c@>=2` is about `@b/c`. */
function overridden(selector: string): string {
  const parent = selector.search(/[^ |@]>/)
  const own = parent === -1 ? selector : selector.slice(parent + 2)
  const at = own.indexOf('@', 1)
  return at === -1 ? own : own.slice(0, at)
}
