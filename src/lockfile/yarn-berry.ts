import { GateError } from '../errors.ts'
import { isPackageName, isProjectName } from '../util/package-name.ts'
import { isVersion } from './dep-path.ts'
import { type Dependency, dependenciesOf } from './dependencies.ts'
import { type Claim, isDefaultTarball, isGitArchive, LOCAL_TARBALL } from './entry.ts'
import { githubOrigin } from './github.ts'
import {
  folderClaim,
  type GraphNode,
  missingClaim,
  openGraph,
  projectClaim,
  swappedClaim,
  unknownClaim,
} from './graph.ts'
import { type Fields, field, isPlain } from './record.ts'
import { specifierOf } from './specifier.ts'
import type { LockedPackage } from './types.ts'

/**
 * Every package of a yarn.lock as yarn 2 to 4 write it. What is of a registry is `unbound`: its checksum is of an archive that
 * yarn makes itself, so the lockfile names no bytes that anybody has attested.
 */
export function yarnBerryPackages(document: Fields): readonly LockedPackage[] {
  checkMetadata(field(document, '__metadata'))
  const graph = openGraph()
  const byDescriptor = new Map<string, Set<number>>()
  const put = (map: Map<string, Set<number>>, key: string, node: number) =>
    map.set(key, (map.get(key) ?? new Set()).add(node))
  const owners: { readonly node: number; readonly entry: Fields; readonly key: string; readonly project?: string }[] =
    []

  for (const [key, entry] of Object.entries(document)) {
    if (key === '__metadata') continue
    if (!isPlain(entry)) throw new GateError(`The entry ${JSON.stringify(key)} of the lockfile is not a plain map.`)
    const locator = locatorOf(entry, key)
    const project = locator.reference.startsWith('workspace:')
      ? locator.reference.slice('workspace:'.length)
      : undefined
    const claims = claimsOf(locator, entry)
    const [first] = claims
    const node = graph.add(first === undefined ? key : `${first.name}@${first.version || (first.origin ?? '')}`, claims)
    if (project === undefined) owners.push({ node, entry, key })
    else {
      // Two nodes: the project itself, and what others get who ask for it.
      const self = graph.add(project, [])
      owners.push({ node: self, entry, key, project })
      graph.connect(node, self)
      const own = graph.nodes[node]
      if (own !== undefined) own.isProject = true
    }
    for (const descriptor of key.split(/ *, */)) {
      const { name, reference } = split(descriptor)
      graph.name(node, name)
      for (const each of descriptorsFor(name, reference)) put(byDescriptor, each, node)
      if (first === undefined || first.name === name) continue
      graph.nodes[node]?.aliases.add(name)
      if (specifierOf(reference).kind !== 'registry') continue
      // Asked for by its own name, and another is installed in its place.
      put(byDescriptor, descriptor, graph.add(`${name}@${reference}`, [swappedClaim(name, first.name)]))
    }
  }

  const nodesFor = (asked: Dependency, from: string): readonly number[] => {
    const { name, text, isRequired } = asked
    const exact = byDescriptor.get(`${name}@${text}`) ?? byDescriptor.get(`${name}@npm:${text}`)
    // `resolutions` and catalogs lead elsewhere than the range says: then it may be any of that name.
    if (exact !== undefined) return [...exact]
    const any = graph.anyOf(name)
    if (any !== undefined) return [any]
    if (!isRequired) return []
    return [graph.add(`${name}@${text}`, [missingClaim(asked, `needed by ${from}, and not in the lockfile`)])]
  }
  for (const { node, entry, key, project } of owners) {
    // Peers are brought by whoever needs the package, and are among what that one depends on.
    const needed = dependenciesOf({ dependencies: field(entry, 'dependencies') }, JSON.stringify(key), false)
    const optional = optionalIn(entry)
    for (const each of needed) {
      const isRequired = !optional.has(each.name) || !isPackageName(each.name)
      for (const target of nodesFor({ ...each, isRequired }, key)) {
        graph.connect(node, target)
        if (project !== undefined) graph.need(project, target)
      }
    }
  }
  return graph.packages()
}

/** Those that yarn 2.0 to 4.18 write. */
const [OLDEST, NEWEST] = [4, 10]

function checkMetadata(metadata: unknown): void {
  const version = isPlain(metadata) ? Number(field(metadata, 'version')) : Number.NaN
  if (Number.isInteger(version) && version >= OLDEST && version <= NEWEST) return
  throw new GateError(
    `The lockfile is of version ${JSON.stringify(isPlain(metadata) ? field(metadata, 'version') : metadata)?.slice(0, 40)}. ` +
      `The gate reads versions ${OLDEST} to ${NEWEST}, which yarn 2 to 4 write. Write it anew with one of those.`,
  )
}

interface Locator {
  readonly name: string
  readonly reference: string
}

function locatorOf(entry: Fields, key: string): Locator {
  const resolution = field(entry, 'resolution')
  if (typeof resolution === 'string') return split(resolution)
  throw new GateError(
    `The entry ${JSON.stringify(key.slice(0, 200))} of the lockfile has no \`resolution\`. Restore it, or write it anew with \`yarn install\`.`,
  )
}

function split(text: string): Locator {
  const at = text.indexOf('@', 1)
  return at === -1 ? { name: text, reference: '' } : { name: text.slice(0, at), reference: text.slice(at + 1) }
}

/** What asks for this entry: without whose it is (`::locator=`), and, of what is patched, also what asks for it unpatched. */
function descriptorsFor(name: string, reference: string): readonly string[] {
  const bare = reference.replace(/::.*$/s, '')
  const inner = innerOf(reference)
  return [
    `${name}@${reference}`,
    `${name}@${bare}`,
    ...(inner === undefined ? [] : [`${inner.name}@${inner.reference}`]),
  ]
}

/** What is patched: `patch:name@npm%3A1.0.0#…`. */
function innerOf(reference: string): Locator | undefined {
  const [, encoded] = /^patch:([^#]+)#/.exec(reference) ?? []
  if (encoded === undefined) return undefined
  try {
    return split(decodeURIComponent(encoded))
  } catch {
    return undefined
  }
}

/** Patches of patches; no more than anybody has written. */
const MAX_PATCHES = 8

type BerryClaim = GraphNode['claims'][number]

/** What is fetched is what the locator says. The version beside it is what the manifest said, once it was fetched. */
function claimsOf(locator: Locator, entry: Fields): readonly BerryClaim[] {
  let { name, reference } = locator
  for (let patches = 0; reference.startsWith('patch:'); patches++) {
    const inner = patches < MAX_PATCHES ? innerOf(reference) : undefined
    if (inner === undefined) return [unknownClaim(name, '', 'a patch of what cannot be read')]
    ;({ name, reference } = inner)
  }
  const written = field(entry, 'version')
  const version = typeof written === 'string' && isVersion(written) ? written : ''
  const isName = reference.startsWith('workspace:') ? isProjectName : isPackageName
  if (!isName(name)) return [unknownClaim(name, version, 'not a package name')]
  const [, exact, params] = /^npm:([^:]*)((?:::.*)?)$/s.exec(reference) ?? []
  if (exact === undefined) return [elsewhere(name, reference, version)]
  if (!isVersion(exact)) return [unknownClaim(name, version, `no exact version: ${reference}`)]
  if (exact !== version) {
    return [exact, version].map((each) =>
      unknownClaim(name, each, 'the version of this entry contradicts its resolution'),
    )
  }
  const url = archiveIn(params ?? '')
  if (url === UNKNOWN) return [unknownClaim(name, version, `parameters that yarn does not write: ${params}`)]
  const claim = { name, version, integrity: undefined, unbound: true, source: 'registry' } as const
  if (url === undefined) return [{ ...claim, origin: undefined }]
  return isDefaultTarball(url, name, version)
    ? [{ ...claim, origin: undefined, atNpmjs: true }]
    : [{ ...claim, origin: url, outside: '' }]
}

const UNKNOWN = Symbol('unknown')

/** Where a registry does not have it at its usual place. */
function archiveIn(params: string): string | undefined | typeof UNKNOWN {
  if (params === '') return undefined
  const [, encoded] = /^::__archiveUrl=([^&]+)$/.exec(params) ?? []
  try {
    const url = decodeURIComponent(encoded ?? '')
    return /^https?:\/\/[^/]/.test(url) && URL.canParse(url) ? url : UNKNOWN
  } catch {
    return UNKNOWN
  }
}

function elsewhere(name: string, reference: string, version: string): Claim {
  const [, protocol = ''] = /^([a-z+]+):/i.exec(reference) ?? []
  const bare = reference.replace(/::.*$/s, '')
  if (protocol === 'workspace') return projectClaim(name, bare.slice('workspace:'.length))
  if (protocol === 'link' || protocol === 'portal') return folderClaim(name, bare)
  const claim = { name, version, integrity: undefined, origin: bare }
  const pinned = commitOf(bare)
  if (pinned !== undefined) {
    const { repo, commit } = pinned
    const isWhole = bare === `${repo}#commit=${commit}`
    const github = isWhole ? githubOrigin({ type: 'git', repo, commit }) : undefined
    return { ...claim, source: 'git', ...(github && { github }) }
  }
  if (protocol === 'file') return { ...claim, source: LOCAL_TARBALL.test(bare) ? 'tarball' : 'directory' }
  if (/^https?:\/\/[^/]/i.test(bare) && URL.canParse(bare))
    return { ...claim, source: isGitArchive(bare) ? 'git' : 'tarball' }
  return unknownClaim(name, version, bare)
}

/** `repo#commit=abc`, `repo#workspace=x&commit=abc`. One pattern for all of it would try each `#` with each `&`. */
function commitOf(bare: string): { readonly repo: string; readonly commit: string } | undefined {
  const hash = bare.indexOf('#')
  if (hash === -1) return undefined
  const rest = bare.slice(hash)
  const [, last] = [...rest.matchAll(/&commit=([0-9a-f]+)(?=&|$)/g)].at(-1) ?? []
  if (last !== undefined) return { repo: bare.slice(0, hash), commit: last }
  const first = /#commit=([0-9a-f]+)(?=&|$)/.exec(rest)
  return first?.[1] === undefined ? undefined : { repo: bare.slice(0, hash + first.index), commit: first[1] }
}

function optionalIn(entry: Fields): ReadonlySet<string> {
  const meta = field(entry, 'dependenciesMeta')
  const names = Object.entries(isPlain(meta) ? meta : {}).flatMap(([name, each]) =>
    isPlain(each) && ['true', true].includes(field(each, 'optional') as string) ? [name] : [],
  )
  return new Set(names)
}
