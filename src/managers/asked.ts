import { GateError } from '../errors.ts'
import { own, ownEntries } from './own.ts'

/** A dependency that somebody asks for, by the name under which it is installed. */
export interface Asked {
  readonly name: string
  readonly spec: string
  readonly importer: string
}

const LOCAL = /^(?:\.{1,2}(?:[/\\]|$)|[/\\~]|[A-Za-z]:[/\\]|(?:file|link|portal|workspace):)/
const ALIAS = /^npm:(@[^/@\s]+\/[^/@\s]+|[^/@\s:]+)(?:@(.*))?$/s
const NAMED = /^(@[^/@\s]+\/[^/@\s]+|[^/@\s:]+)(?:@(.*))?$/s
const NAMED_FOREIGN = /^(@[^/@\s]+\/[^/@\s]+|[^/@\s:]+)@((?:[a-z+]+:|[^@\s]+\/).*)$/is

/** `git@github.com:owner/name.git`, in which the user is no name of a package. */
const SSH = /^[^@/\s]+@[\w-]+(?:\.[\w-]+)+:/

/**
 * What an argument of a command asks for; undefined for folders and files, which nobody downloads.
 *
 * @throws GateError for a URL or a repository without a name: which rule it falls under would be up to whoever wrote it
 */
export function askedBy(word: string, importer: string): Asked | undefined {
  if (LOCAL.test(word) || word === '') return undefined
  const [, target, range = ''] = ALIAS.exec(word) ?? []
  if (target !== undefined) return { name: target, spec: range, importer }
  const [, jsr] = /^jsr:(@[^/@\s]+\/[^/@\s]+)/.exec(word) ?? []
  if (jsr !== undefined) return { name: jsr, spec: word, importer }
  const [, name, spec = ''] = SSH.test(word) ? [] : (NAMED_FOREIGN.exec(word) ?? NAMED.exec(word) ?? [])
  if (name !== undefined) return { name, spec, importer }
  throw new GateError(
    `${word} names no package: what a URL or a repository holds calls itself what it likes, and so chooses its rule. Expected the name by which the policy knows it. Name it: \`NAME@${word}\`.`,
  )
}

const KINDS = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies']

/** What a package.json asks for, by its dependencies, and by what it puts in the place of others'. */
export function askedIn(text: string, importer: string): readonly Asked[] {
  const manifest = parsed(text)
  const entries = KINDS.flatMap((kind) => {
    const dependencies = own(manifest, kind)
    // A key here is a name as a whole, and no selector: one that is a path has to be seen as it is.
    const whole = ownEntries(dependencies).flatMap(([name, spec]) =>
      typeof spec === 'string' && plainName(name) !== name ? [[name, spec] as const] : [],
    )
    return [...whole, ...textsIn(dependencies)]
  })
  return [...entries.map(([name, spec]) => ({ name, spec, importer })), ...replacedIn(manifest, importer)]
}

/** Of package.json, pnpm-workspace.yaml and .yarnrc.yml. */
const REPLACING = ['resolutions', 'overrides', 'packageExtensions', 'catalog', 'catalogs']

/**
 * What a file of a project puts in the place of dependencies, or adds to those of others' packages. And every alias, wherever
 * it stands, for whatever is invented next: what is none is of no meaning, for nobody downloads it.
 */
export function replacedIn(settings: unknown, importer: string): readonly Asked[] {
  const holders = [settings, own(settings, 'pnpm'), own(settings, 'workspaces')]
  const replaced = holders.flatMap((holder) => REPLACING.flatMap((key) => textsIn(own(holder, key))))
  const aliases = textsIn(settings).filter(([, spec]) => /^\s*(?:npm|jsr):/i.test(spec))
  return [...replaced, ...aliases].map(([name, spec]) => ({ name, spec, importer }))
}

/** The patterns of a package.json for the folders of its workspaces. */
export function workspacesOf(text: string): readonly string[] {
  const manifest = parsed(text)
  const value = own(manifest, 'workspaces')
  const patterns = own(value, 'packages') ?? value
  return Array.isArray(patterns) ? patterns.filter((each) => typeof each === 'string') : []
}

/** One that cannot be read asks for nothing: no package manager installs from it either. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return undefined
  }
}

/**
 * All texts, each with the name that it stands under. npm's overrides are nested, `{"a": {"b": "npm:c@1"}}`, and what stands
 * under `.` is about the name above it.
 */
function textsIn(value: unknown, above = '', depth = 0): readonly (readonly [string, string])[] {
  if (depth > MAX_DEPTH) return []
  if (Array.isArray(value)) return value.flatMap((each) => textsIn(each, above, depth + 1))
  return ownEntries(value).flatMap(([key, each]) => {
    const name = key === '.' ? above : plainName(key)
    return typeof each === 'string' ? [[name, each] as const] : textsIn(each, name, depth + 1)
  })
}

/** More than any package manager looks into. */
const MAX_DEPTH = 20

/** `b` of `a>b`, `a/b`, `b@^1`; a `>` behind a `@`, a blank or a `|` belongs to a range: `b@>=1`. */
function plainName(selector: string): string {
  const child = selector.split(/(?<=[^ |@])>/).at(-1) ?? selector
  const name = child.replace(/(?<=[^/])@.*$/s, '')
  const [last = '', scope = ''] = name.split('/').reverse()
  // A `/` at the end leaves no name.
  if (last === '') return selector
  const at = scope.slice(0, -1).indexOf('@')
  return at === -1 ? last : `${scope.slice(at)}/${last}`
}

/** With what `$name` stands for: the specifier with which a project asks for that name itself. */
export function withReferences(all: readonly Asked[]): readonly Asked[] {
  const referring = all.filter(({ spec }) => /^\s*\$/.test(spec))
  if (referring.length === 0) return all
  const byName = Map.groupBy(all, ({ name }) => name)
  const meant = referring.flatMap(({ name, spec, importer }) =>
    (byName.get(spec.trim().slice(1)) ?? []).map((each) => ({ name, spec: each.spec, importer })),
  )
  return [...all, ...meant]
}
