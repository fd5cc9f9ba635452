import validRange from 'semver/ranges/valid.js'
import { parseId, registryNameIn } from './dep-path.ts'
import type { Claim } from './entry.ts'
import { type Fields, field, isPlain } from './record.ts'

/** The package that a specifier asks for, of a registry that it calls by a name: `work:^1.0.0`, `work:@acme/x@^1.0.0`. */
export interface NamedAsk {
  readonly name: string
  readonly registry: string
}

/** `usual`: of the registry that the settings give. `unknown`: the lockfile does not say. */
export type Ask = NamedAsk | 'usual' | 'unknown'

/** What a project asks for with a specifier, `catalog:` followed. */
export function askOf(specifier: unknown, alias: string): Ask {
  if (typeof specifier === 'string' && specifier.startsWith(CATALOG)) return 'unknown'
  return namedAsk(specifier, alias) ?? 'usual'
}

const CATALOG = 'catalog:'

/** As pnpm reads it: what is no range is a name, also `latest`. Undefined for what names no registry. */
export function namedAsk(specifier: unknown, alias: string): NamedAsk | undefined {
  if (typeof specifier !== 'string') return undefined
  const registry = registryNameIn(specifier)
  if (registry === undefined) return undefined
  const rest = specifier.slice(registry.length + 1)
  if (validRange(rest) !== null) return { name: alias, registry }
  const [, name] = /^((?:@[^/@]+\/)?[^/@]+)(?:@|$)/.exec(rest) ?? []
  return name === undefined ? undefined : { name, registry }
}

/**
 * What `catalog:` means. pnpm compares the lockfile's `catalogs` with those of the settings, and nothing where the lockfile
 * leaves them out: then it stays as it is.
 */
export function withoutCatalog(specifier: unknown, alias: string, lockfile: Fields): unknown {
  if (typeof specifier !== 'string' || !specifier.startsWith(CATALOG)) return specifier
  const at = (value: unknown, key: string) => (isPlain(value) ? field(value, key) : undefined)
  const catalog = at(field(lockfile, 'catalogs'), specifier.slice(CATALOG.length).trim() || 'default')
  return at(at(catalog, alias), 'specifier') ?? specifier
}

/** What `overrides` say of registries with names. pnpm compares them with those of the settings. */
export interface NamedOverrides {
  /** What they ask for of the registry that a key names. */
  asks(key: string): readonly NamedAsk[]
  /** What each dependency of that name is, whoever has it. */
  readonly always: ReadonlyMap<string, NamedAsk>
}

export function namedOverrides(lockfile: Fields): NamedOverrides {
  const overrides = field(lockfile, 'overrides')
  const all = Object.entries(isPlain(overrides) ? overrides : {}).map(([selector, value]) => {
    const target = targetOf(selector)
    return { target, isAlways: target === selector, ask: namedAsk(value, target) }
  })
  const byTarget = Map.groupBy(all, ({ target }) => target)
  const byPackage = new Map(
    all.flatMap(({ ask }) => (ask === undefined ? [] : [[`${ask.name}@${ask.registry}`, ask] as const])),
  )
  return {
    asks: (key) => {
      const { name, reference } = parseId(key)
      const ask = reference.kind === 'named-registry' ? byPackage.get(`${name}@${reference.registry}`) : undefined
      return ask === undefined ? [] : [ask]
    },
    // A selector with a parent or a range is stronger.
    always: new Map(
      all.flatMap(({ target, isAlways, ask }) =>
        isAlways && ask !== undefined && byTarget.get(target)?.length === 1 ? [[target, ask] as const] : [],
      ),
    ),
  }
}

/** `b` of `a>b@^1`; a `>` behind a `@`, a blank or a `|` belongs to a range. */
function targetOf(selector: string): string {
  const child = selector.split(/(?<=[^ |@])>/).at(-1) ?? selector
  return child.replace(/(?<=.)@.*$/s, '')
}

/**
 * A package with what is asked for in its place. Where that is not what its key says, it is `outside` until its registry is
 * compared with the one that was asked for. A key that names a registry which nobody asks for is `outside` as it is.
 */
export function asAsked<T extends Claim>(claim: T, key: string, asks: readonly Ask[]): T {
  const { reference } = parseId(key)
  const keyed = reference.kind === 'named-registry' ? reference.registry : undefined
  const isMeant = (ask: Ask) =>
    ask === 'usual' ? keyed === undefined : ask !== 'unknown' && ask.registry === keyed && ask.name === claim.name
  const others = [...new Set(asks.flatMap((ask) => (isMeant(ask) ? [] : [askedInstead(ask, keyed)])))]
  if (others.length === 0) return keyed === undefined || asks.length === 0 ? claim : { ...claim, askedOf: keyed }
  const [other] = others.length > 1 ? [NOBODY_KNOWS] : others
  return other === undefined ? claim : { ...claim, outside: '', askedOf: other }
}

/** The name of no registry. */
const NOBODY_KNOWS = ''

/** Another package of the key's registry counts as one that nobody has asked for there. */
function askedInstead(ask: Ask, keyed: string | undefined): string | undefined {
  if (typeof ask === 'object') return ask.registry === keyed ? undefined : ask.registry
  return ask === 'usual' ? undefined : NOBODY_KNOWS
}
