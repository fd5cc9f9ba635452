import { GateError } from '../errors.ts'
import { isPackageName, isProjectName } from '../util/package-name.ts'
import { isFolder } from '../util/sources.ts'
import { isVersion } from './dep-path.ts'
import { type Dependency, dependenciesOf } from './dependencies.ts'
import { type Claim, LOCAL_TARBALL } from './entry.ts'
import { folderClaim, missingClaim, openGraph, projectClaim, swappedClaim, unknownClaim } from './graph.ts'
import { remoteOrigin } from './npm-entry.ts'
import { type Fields, field, isPlain } from './record.ts'
import type { LockedPackage } from './types.ts'

/** Those that bun 1.2 to 1.4 write. */
const VERSIONS: readonly unknown[] = [0, 1, 2]

/**
 * Every package of a bun.lock. Its keys are paths of names, `a/@scope/b`: b as a finds it, where that is not what all others
 * find. Its values are lists whose first element, `name@…`, says what is fetched.
 */
export function bunPackages(document: unknown): readonly LockedPackage[] {
  if (!isPlain(document)) throw broken('The lockfile', 'is not a plain map')
  const version = field(document, 'lockfileVersion')
  if (!VERSIONS.includes(version)) {
    throw new GateError(
      `The lockfile is of version ${JSON.stringify(version)?.slice(0, 40)}. The gate reads versions ${VERSIONS.join(', ')} of bun.lock. Write it anew with a bun that writes one of those: \`bun install --lockfile-only\`.`,
    )
  }
  const entries = entriesOf(mapOf(document, 'packages'))
  const workspaces = mapOf(document, 'workspaces')
  const overridden = new Set(mapOf(document, 'overrides').keys())
  const names = new Map([...workspaces].map(([folder, each]) => [folder, nameOf(each)]))
  const bundlers = bundlersOf(entries, new Set(names.values()))

  const graph = openGraph()
  const projects = new Map([...workspaces.keys()].map((folder) => [folder, graph.add(folder, [])]))
  const numbers = new Map<string, number>()
  for (const [key, entry] of entries) {
    const claim = claimOf(entry, names)
    const node = graph.add(`${claim.name}@${claim.version || (claim.origin ?? '')}`, [claim])
    numbers.set(key, node)
    const installed = entry.path.at(-1) ?? key
    if (installed !== claim.name) graph.nodes[node]?.aliases.add(installed)
    // Folders on the way to its own: `./b` is no `b` of another package.
    if (!entry.path.every(isPackageName)) graph.nodes[node]?.aliases.add(key)
    const [, folder] = /^workspace:(.*)$/s.exec(isFolder(claim.source) ? (claim.origin ?? '') : '') ?? []
    const project = folder === undefined ? undefined : projects.get(folder)
    if (project === undefined) continue
    graph.connect(node, project)
    // An entry under the name of a project that leads to it is that project.
    const own = graph.nodes[node]
    if (own !== undefined) own.isProject = entry.path.length === 1 && names.get(folder ?? '') === key
  }
  for (const [key, bundler] of bundlers) {
    const [node, number] = [graph.nodes[numbers.get(key) ?? -1], numbers.get(bundler)]
    if (node !== undefined && number !== undefined) node.bundler = number
  }

  const missing = (asked: Dependency): Claim => {
    const why = 'no entry of the lockfile meets it'
    // `overrides` of the lockfile may ask for something else in its place.
    return overridden.has(asked.name) ? unknownClaim(asked.name, '', why) : missingClaim(asked, why)
  }
  /** As seen from a path: the nearest entry on the way up. */
  const meet = (path: readonly string[], name: string): number | undefined => {
    for (let length = path.length; length >= 0; length--) {
      const found = numbers.get([...path.slice(0, length), name].join('/'))
      if (found !== undefined) return found
    }
    return undefined
  }
  /** `a/b` as a name finds the entry of the `b` that `a` gets. */
  const named = (node: number, name: string): number => {
    if (!isPackageName(name)) graph.nodes[node]?.aliases.add(name)
    return node
  }
  for (const [key, { path, info }] of entries) {
    const node = numbers.get(key)
    if (node === undefined) continue
    for (const asked of dependenciesOf(info, JSON.stringify(key), false)) {
      const { name, text, isRequired } = asked
      const found = meet(path, name)
      if (found !== undefined) graph.connect(node, named(found, name))
      else if (isRequired && !bundlers.has(key)) graph.connect(node, graph.add(`${name}@${text}`, [missing(asked)]))
    }
  }
  for (const [folder, workspace] of workspaces) {
    if (!isPlain(workspace)) throw broken(`The project ${JSON.stringify(folder)} of the lockfile`, 'is not a plain map')
    const project = folder === '' ? '.' : folder
    const own = names.get(folder)
    const path = folder === '' || own === undefined ? [] : [own]
    const runtime = new Set(dependenciesOf(workspace, folder, false).map(({ name }) => name))
    for (const asked of dependenciesOf(workspace, folder, true)) {
      const { name, text, specifier, isRequired } = asked
      const use = (node: number) => {
        graph.need(project, node)
        if (runtime.has(name)) graph.connect(projects.get(folder) ?? -1, node)
      }
      const found = meet(path, name)
      if (found === undefined) {
        if (isRequired) use(graph.add(`${name}@${text}`, [missing(asked)]))
        continue
      }
      use(named(found, name))
      const claim = graph.nodes[found]?.claims[0]
      if (claim === undefined || isFolder(claim.source) || specifier.kind === 'other' || overridden.has(name)) continue
      const wanted = specifier.kind === 'alias' ? specifier.name : name
      // Not what the project asks for, and installed all the same.
      if (claim.name !== wanted) use(graph.add(`${wanted}@${text}`, [swappedClaim(wanted, claim.name)]))
    }
  }
  return graph.packages()
}

interface Entry {
  readonly path: readonly string[]
  readonly name: string
  readonly reference: string
  readonly rest: readonly unknown[]
  readonly info: Fields
}

/** Deeper than anything that bun has nested: walking up from each costs little. */
const MAX_NAMES = 64

function entriesOf(packages: ReadonlyMap<string, unknown>): ReadonlyMap<string, Entry> {
  return new Map(
    [...packages].map(([key, value]) => {
      const shown = `The entry ${JSON.stringify(key.slice(0, 200))} of the lockfile`
      if (!Array.isArray(value) || typeof value[0] !== 'string')
        throw broken(shown, 'is not a list that begins with a name')
      const path = key.match(/@[^/]*\/[^/]*|[^/]+/g) ?? []
      if (path.length > MAX_NAMES || path.join('/') !== key) throw broken(shown, 'is not a path of names')
      const [id, ...rest] = value as [string, ...unknown[]]
      const at = id.indexOf('@', 1)
      const [name, reference] = at === -1 ? [id, ''] : [id.slice(0, at), id.slice(at + 1)]
      const info = rest[isVersion(reference) ? 1 : 0]
      if (info !== undefined && !isPlain(info)) throw broken(shown, 'has something else where its dependencies are')
      return [key, { path, name, reference, rest, info: info ?? {} }]
    }),
  )
}

/** @param projects their names, by their folders */
function claimOf({ name, reference, rest }: Entry, projects: ReadonlyMap<string, string | undefined>): Claim {
  const isName = reference.startsWith('workspace:') ? isProjectName : isPackageName
  if (!isName(name)) return unknownClaim(name, '', 'not a package name')
  const isRegistry = isVersion(reference)
  const version = isRegistry ? reference : ''
  const [address, integrity] = isRegistry ? [rest[0], rest[2]] : ['', rest[1]]
  if (typeof address !== 'string' || !(integrity === undefined || typeof integrity === 'string')) {
    return unknownClaim(name, version, 'address or integrity is not a text')
  }
  const locked = integrity === '' ? undefined : integrity
  if (isRegistry) {
    if (address === '') return { name, version, integrity: locked, source: 'registry', origin: undefined }
    if (!/^https?:\/\/[^/]/i.test(address) || !URL.canParse(address))
      return unknownClaim(name, version, `at ${address}`)
    return { name, version, ...remoteOrigin(name, version, address, locked, false) }
  }
  const [, project] = /^workspace:(.*)$/s.exec(reference) ?? []
  if (project !== undefined && projects.get(project) === name) return projectClaim(name, project)
  if (/^(?:workspace|link|file|root):/.test(reference)) {
    return LOCAL_TARBALL.test(reference)
      ? { name, version, integrity: locked, source: 'tarball', origin: reference }
      : folderClaim(name, reference)
  }
  if (/^https?:\/\/[^/]/i.test(reference) && URL.canParse(reference)) {
    return { name, version, ...remoteOrigin(name, version, reference, locked, true) }
  }
  // bun writes the first seven characters of a commit, and a tag of its own: nothing that GitHub has signed.
  if (/^(?:git[+@:]|github:|ssh:)/.test(reference)) {
    return { name, version, integrity: undefined, source: 'git', origin: reference }
  }
  if (LOCAL_TARBALL.test(reference)) return { name, version, integrity: locked, source: 'tarball', origin: reference }
  return unknownClaim(name, version, reference)
}

/**
 * The entries that are in another's tarball, with the key of that one. bun 1.4 fetches what says so of itself all the same
 * unless it lies below another package (tried); below a project it is nobody's.
 */
function bundlersOf(
  entries: ReadonlyMap<string, Entry>,
  projects: ReadonlySet<string | undefined>,
): ReadonlyMap<string, string> {
  const bundlers = new Map<string, string>()
  const marked = [...entries].filter(
    ([, { info, reference }]) => isVersion(reference) && field(info, 'bundled') === true,
  )
  for (const [key, { path }] of marked.toSorted(([, a], [, b]) => a.path.length - b.path.length)) {
    const holder = path.slice(0, -1).join('/')
    const found = entries.get(holder)
    if (found === undefined) continue
    const isMarked = field(found.info, 'bundled') === true
    const bundler = isMarked ? bundlers.get(holder) : holder
    const isLink = /^(?:workspace|link|file|root):/.test(found.reference) || (path.length === 2 && projects.has(holder))
    if (bundler !== undefined && !isLink) bundlers.set(key, bundler)
  }
  return bundlers
}

function nameOf(workspace: unknown): string | undefined {
  const name = isPlain(workspace) ? field(workspace, 'name') : undefined
  return typeof name === 'string' ? name : undefined
}

function mapOf(document: Fields, name: string): ReadonlyMap<string, unknown> {
  const value = field(document, name)
  if (value === undefined) return new Map()
  if (!isPlain(value)) throw broken(`\`${name}\` of the lockfile`, 'is not a plain map')
  return new Map(Object.entries(value))
}

function broken(what: string, how: string): GateError {
  return new GateError(`${what} ${how}. Restore it, or write it anew: \`bun install --lockfile-only\`.`)
}
