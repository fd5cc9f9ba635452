import validRange from 'semver/ranges/valid.js'
import { GateError } from '../errors.ts'
import { isPackageName } from '../util/package-name.ts'
import { isVersion } from './dep-path.ts'
import { type Dependency, dependenciesOf, type Manifests, section } from './dependencies.ts'
import type { Claim } from './entry.ts'
import { folderClaim, type LockGraph, missingClaim, openGraph, projectClaim, unknownClaim } from './graph.ts'
import { comparedDigest } from './integrity.ts'
import { npmClaim } from './npm-entry.ts'
import { type Fields, field, isPlain } from './record.ts'
import { asLocked, folderAskedFor, isLocalArchive, type Specifier, specifierOf } from './specifier.ts'
import type { LockedPackage } from './types.ts'

/**
 * Every package of a yarn.lock as yarn 1 writes it. The lockfile does not say who needs what of it: `manifests` do.
 *
 * @param document the parsed file: each key is a pattern, `name@range`
 * @param copied manifests of folders that are installed as packages, by their pattern; also of those that a tag is the name of
 */
export function yarnClassicPackages(
  document: Fields,
  manifests: Manifests,
  copied: ReadonlyMap<string, readonly Fields[]> = new Map(),
): readonly LockedPackage[] {
  const graph = openGraph()
  const byPattern = new Map<string, number>()
  const owners: { readonly node: number; readonly entry: Fields; readonly key: string }[] = []
  // yarn's parser gives the patterns of one entry the same object.
  const patternsOf = Map.groupBy(Object.keys(document), (pattern) => field(document, pattern))
  for (const [entry, texts] of patternsOf) {
    const key = texts.join(', ')
    if (!isPlain(entry)) throw new GateError(`The entry ${JSON.stringify(key)} of the lockfile is not a plain map.`)
    const patterns = texts.map((text) => patternOf(text, copied))
    const node = addEntry(graph, patterns, entry)
    owners.push({ node, entry, key })
    for (const { pattern, name } of patterns) {
      byPattern.set(pattern, node)
      graph.name(node, name)
    }
  }
  const projects = projectNodes(graph, manifests)
  for (const { name, text, within } of resolutionsOf(manifests.get('.') ?? {})) {
    const isUsed = graph.anyOf(name) !== undefined && (within === undefined || graph.anyOf(within) !== undefined)
    if (!isUsed || byPattern.has(`${name}@${text}`)) continue
    // yarn 1 does not miss it with --frozen-lockfile, and fetches whatever it is (tried).
    graph.need(
      '.',
      graph.add(`${name}@${text}`, [
        missingClaim({ name, text, specifier: specifierOf(text) }, '`resolutions` ask for it'),
      ]),
    )
  }
  const overridden = overriddenNames(manifests)

  const nodesFor = (asked: Dependency, from: string, folder = '.'): readonly number[] => {
    const { name, text } = asked
    const exact = byPattern.get(`${name}@${text}`) ?? byPattern.get(`${name}@${asLocked(text, folder)}`)
    if (exact !== undefined) return [exact]
    const [, linked] = /^link:(.*)$/s.exec(text) ?? []
    if (linked !== undefined) return [graph.add(`${name}@${text}`, [folderClaim(name, `link:${linked}`)])]
    const project = projects.get(name)
    if (project !== undefined) return [projectLink(graph, name, project)]
    // `resolutions` give it another version than it was asked for.
    const others = overridden.has(name) ? graph.anyOf(name) : undefined
    if (others !== undefined) return [others]
    // Also an optional one: yarn 1 does not miss it with --frozen-lockfile, and fetches it (tried).
    return [graph.add(`${name}@${text}`, [missingClaim(asked, `needed by ${from}, and not in the lockfile`)])]
  }
  for (const { node, entry, key } of owners) {
    // yarn 1 lets whoever needs a package bring its peers.
    const needed = dependenciesOf({ ...entry, peerDependencies: undefined }, JSON.stringify(key), false)
    for (const target of needed.flatMap((each) => nodesFor(each, key))) graph.connect(node, target)
  }
  // Many patterns may lead to one folder: what that needs is written down once.
  const folders = new Map<Fields, number>()
  const folderNode = (manifest: Fields, pattern: string) => {
    const known = folders.get(manifest)
    if (known !== undefined) return known
    const folder = graph.add(pattern, [])
    folders.set(manifest, folder)
    const needed = dependenciesOf({ ...manifest, peerDependencies: undefined }, pattern, false)
    for (const target of needed.flatMap((each) => nodesFor(each, pattern))) graph.connect(folder, target)
    return folder
  }
  for (const [pattern, all] of copied) {
    const node = byPattern.get(pattern)
    if (node === undefined) continue
    for (const manifest of all) graph.connect(node, folderNode(manifest, pattern))
  }
  for (const [folder, manifest] of manifests) {
    const where = `${folder}/package.json`
    const own = { ...manifest, peerDependencies: undefined }
    const runtime = new Set(dependenciesOf(own, where, false).map(({ name }) => name))
    const self = projects.get(String(field(manifest, 'name')))?.node
    for (const dependency of dependenciesOf(own, where, true)) {
      for (const node of nodesFor(dependency, folder, folder)) {
        graph.need(folder, node)
        if (self !== undefined && runtime.has(dependency.name)) graph.connect(self, node)
      }
    }
  }
  return graph.packages()
}

interface Pattern {
  readonly pattern: string
  /** Under which it is installed. */
  readonly name: string
  readonly text: string
  readonly specifier: Specifier
  /** A folder or a file of the project's, and no package of a registry or a repository. */
  readonly local: 'folder' | 'archive' | undefined
}

/** Splits a pattern at the first `@` that is not its first character, as yarn does. */
function patternOf(pattern: string, copied: ReadonlyMap<string, unknown>): Pattern {
  const at = pattern.indexOf('@', 1)
  const name = at === -1 ? pattern : pattern.slice(0, at)
  const text = at === -1 ? '' : pattern.slice(at + 1)
  // Also a tag, where it is the name of a folder.
  const specifier: Specifier = copied.has(pattern) ? { kind: 'other' } : specifierOf(text)
  const isLocal =
    copied.has(pattern) ||
    (specifier.kind === 'other' && (folderAskedFor(text) !== undefined || /^(?:link|portal):|^~/i.test(text)))
  const local = isLocal ? (isLocalArchive(text) ? 'archive' : 'folder') : undefined
  return { pattern, name, text, specifier, local }
}

function addEntry(graph: LockGraph, patterns: readonly Pattern[], entry: Fields): number {
  const claims = claimsOf(patterns, entry)
  const [first] = claims
  const node = graph.add(first === undefined ? '' : `${first.name}@${first.version || (first.origin ?? '')}`, claims)
  const real = new Set(claims.map(({ name }) => name))
  for (const { name } of patterns) if (!real.has(name)) graph.nodes[node]?.aliases.add(name)
  return node
}

/**
 * One claim for each name that the patterns, or the entry, give to the package. yarn writes a name only where several
 * patterns of an entry have others: where it is no name that they lead to, the entry contradicts itself.
 */
function claimsOf(patterns: readonly Pattern[], entry: Fields): readonly Claim[] {
  const isFromElsewhere = patterns.some(({ specifier }) => specifier.kind === 'other')
  const local = patterns.find((pattern) => pattern.local !== undefined)
  const resolved = field(entry, 'resolved')
  if (local !== undefined && resolved !== undefined && !isOwnFile(local, String(resolved))) {
    // Of a folder yarn 1 looks at neither address nor digest, and a tarball it fetches from that address (tried).
    return [unknownClaim(local.name, '', `asked for as ${local.pattern}, and locked at ${String(resolved)}`)]
  }
  const names = new Set(patterns.map(({ name, specifier }) => (specifier.kind === 'alias' ? specifier.name : name)))
  const own = field(entry, 'name')
  if (typeof own === 'string' && !names.has(own) && !isFromElsewhere) {
    return [...names, own].map((name) => unknownClaim(name, '', 'the name of this entry contradicts its key'))
  }
  const real = typeof own === 'string' ? new Set([own]) : names
  const isPath = local?.text === withoutHash(String(resolved)) && !/^file:/i.test(local.text)
  const located = isPath ? { ...entry, resolved: `file:${resolved}` } : entry
  return [...real].map((name) => claimOf(name, located, isFromElsewhere))
}

/** Whether the address of an entry is that of the file that is asked for. */
function isOwnFile({ text, local }: Pattern, resolved: string): boolean {
  return local === 'archive' && (/^file:/i.test(resolved) || withoutHash(resolved) === text)
}

function withoutHash(resolved: string): string {
  return resolved.replace(/#[^#]*$/, '')
}

function claimOf(name: string, entry: Fields, isFromElsewhere: boolean): Claim {
  const [version, resolved] = ['version', 'resolved'].map((key) => field(entry, key))
  const shown = typeof version === 'string' && isVersion(version) ? version : ''
  if (!isPackageName(name)) return unknownClaim(name, shown, 'not a package name')
  if (resolved === undefined) {
    // A folder (`file:./folder`), which is copied. What is of a registry has always been resolved.
    return isFromElsewhere ? folderClaim(name, 'file') : unknownClaim(name, shown, 'entry is not resolved')
  }
  if (typeof resolved !== 'string') return unknownClaim(name, shown, 'resolved is not a text')
  const isGit = /^git(?:\+|:|@)|\.git(?:#|$)|^ssh:/i.test(resolved)
  // What stands behind `#` is the sha1 of a tarball, or the commit of a repository.
  const address = isGit ? `git+${resolved.replace(/^git\+/, '')}` : withoutHash(resolved)
  // Of an offline mirror only the file's name is written.
  const isMirrored = /^[^:/\\#]+\.tgz$/.test(address)
  const integrity = comparedDigest(field(entry, 'integrity'))
  return npmClaim({ ...entry, name, integrity, resolved: isMirrored ? undefined : address }, name, isFromElsewhere)
}

interface Project {
  readonly node: number
  readonly folder: string
}

/** Those of the workspace by their names, which is how others ask for them. */
function projectNodes(graph: LockGraph, manifests: Manifests): ReadonlyMap<string, Project> {
  const projects = new Map<string, Project>()
  for (const [folder, manifest] of manifests) {
    const name = field(manifest, 'name')
    if (typeof name === 'string') projects.set(name, { node: graph.add(folder, []), folder })
  }
  return projects
}

function projectLink(graph: LockGraph, name: string, { node, folder }: Project): number {
  const link = graph.add(`${name}@workspace:${folder}`, [projectClaim(name, folder)])
  graph.connect(link, node)
  return link
}

interface Resolution {
  readonly name: string
  readonly text: string
  /** The package whose dependencies it is for; undefined where that is anyone's, or a pattern says it. */
  readonly within: string | undefined
}

/** Those of the root, which alone count, without those that yarn ignores: tags. */
function resolutionsOf(root: Fields): readonly Resolution[] {
  return section(root, 'resolutions', './package.json').flatMap(([pattern, value]) => {
    const text = typeof value === 'string' ? value : ''
    const names = pattern.match(/@[^/]+\/[^/]+|[^/]+/g) ?? []
    const [name, first] = [names.at(-1), names.length > 1 ? names[0] : undefined]
    const isIgnored = specifierOf(text).kind === 'registry' && validRange(text, { loose: true }) === null
    if (name === undefined || isIgnored) return []
    return [{ name, text, within: first?.includes('*') ? undefined : first }]
  })
}

/** The last name in each pattern of `resolutions`: `a/b`, `@s/a/b`, `b`. */
function overriddenNames(manifests: Manifests): ReadonlySet<string> {
  const names = [...manifests].flatMap(([folder, manifest]) =>
    section(manifest, 'resolutions', `${folder}/package.json`).map(
      ([pattern]) => /(?:^|\/)((?:@[^/]+\/)?[^/@]+)(?:@[^/]*)?$/.exec(pattern)?.[1] ?? '',
    ),
  )
  return new Set(names)
}
