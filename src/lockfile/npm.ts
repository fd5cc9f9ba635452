import { posix } from 'node:path'
import { GateError } from '../errors.ts'
import { isPackageName } from '../util/package-name.ts'
import { isDownloaded } from '../util/sources.ts'
import { type Dependency, dependenciesOf, type Manifests } from './dependencies.ts'
import type { Claim } from './entry.ts'
import {
  folderClaim,
  type LockGraph,
  missingClaim,
  openGraph,
  projectClaim,
  swappedClaim,
  unknownClaim,
} from './graph.ts'
import { isMember } from './members.ts'
import type { Anew } from './npm-anew.ts'
import { bundlersOf } from './npm-bundled.ts'
import { npmClaim } from './npm-entry.ts'
import { checkLegacy } from './npm-legacy.ts'
import { takenAnew } from './npm-overrides.ts'
import { type Fields, field, isPlain } from './record.ts'
import type { LockedPackage } from './types.ts'

/**
 * Every package of a lockfile of npm: package-lock.json and npm-shrinkwrap.json of version 2, 3 or 4 (3 with patches or
 * extensions), and the hidden one that npm leaves in node_modules.
 *
 * @param document the parsed file
 * @param manifests of its projects: npm takes their dependencies from there, and not from the lockfile
 * @throws GateError where the structure itself is not one that npm writes
 */
export function npmPackages(document: unknown, manifests: Manifests = new Map()): readonly LockedPackage[] {
  if (!isPlain(document)) throw broken('The lockfile', 'is not a plain map')
  checkVersion(document)
  const packages = packagesIn(document)
  if (field(document, 'dependencies') !== undefined) checkLegacy(document, packages)

  const graph = openGraph()
  const places = new Map([...packages].map(([location, entry]) => [location, placeOf(location, entry, packages)]))
  const edges = edgesOf(places, manifests)
  const elsewhere = new Set(
    edges.flatMap(({ to, dependency }) => (to !== undefined && dependency.specifier.kind === 'other' ? [to] : [])),
  )
  const bundlers = bundlersOf(packages, edges)
  const anew = takenAnew(edges, places, manifests, bundlers)
  const numbers = new Map<string, number>()
  for (const [location, place] of places) {
    const node = addPlace(graph, place, elsewhere.has(location), anew.get(location), isProjectLink(place, places))
    numbers.set(location, node)
    const own = graph.nodes[node]
    if (own !== undefined) own.isProject = isOwnProject(place, places)
  }
  for (const [location, bundler] of bundlers) {
    if (anew.has(location)) continue
    const [node, number] = [graph.nodes[numbers.get(location) ?? -1], numbers.get(bundler)]
    if (node !== undefined && number !== undefined) node.bundler = number
  }
  for (const edge of edges) addEdge(graph, edge, places, numbers, bundlers.has(edge.from))
  for (const [location, place] of places) {
    if (place.kind !== 'link') continue
    const [link, target] = [numbers.get(location), numbers.get(place.target)]
    // Who links a project gets what that needs to run; all that it needs is its own.
    if (link !== undefined && target !== undefined) graph.connect(link, target)
  }
  return graph.packages()
}

/** What stands at a location of a lockfile. */
export type Place =
  | { readonly kind: 'project'; readonly location: string; readonly entry: Fields }
  | { readonly kind: 'link'; readonly location: string; readonly folder: string; readonly target: string }
  | { readonly kind: 'package'; readonly location: string; readonly folder: string; readonly entry: Fields }

/** A dependency of what stands at `from`, met by what stands at `to`; undefined where nothing meets it. */
export interface Edge {
  readonly from: string
  readonly to: string | undefined
  readonly dependency: Dependency
  /** Where it is a project's: how the project is called, and whether only for its own development. */
  readonly project: string | undefined
  readonly isRuntime: boolean
  /** Whether the lockfile says so, and not a package.json. */
  readonly isLocked: boolean
}

const ANEW = 'Write it anew: `npm install --package-lock-only --lockfile-version 3`.'

function checkVersion(document: Fields): void {
  const version = field(document, 'lockfileVersion')
  if ((version === 2 || version === 3 || version === 4) && field(document, 'packages') !== undefined) return
  if (version === 1 || (version === undefined && field(document, 'dependencies') !== undefined)) {
    throw new GateError(
      'The lockfile is of version 1, as npm 5 and 6 write it: it does not say which package needs which. ' +
        'Write a newer one with npm 7 or later: `npm install --package-lock-only --lockfile-version 3`.',
    )
  }
  const found = JSON.stringify(version)?.slice(0, 40)
  throw new GateError(
    version === undefined
      ? 'The file has no `lockfileVersion`, so it is not a lockfile of npm. Name another file.'
      : `The lockfile is of version ${found}${field(document, 'packages') === undefined ? ' without `packages`' : ''}. The gate reads versions 2, 3 and 4. ${ANEW}`,
  )
}

/** Longer than any location that npm has written: below it, walking up from each costs little. */
const MAX_LOCATION = 1024

function packagesIn(document: Fields): ReadonlyMap<string, Fields> {
  const value = field(document, 'packages')
  if (!isPlain(value)) throw broken('`packages` of the lockfile', 'is not a plain map')
  return new Map(
    Object.entries(value).map(([location, entry]) => {
      const shown = JSON.stringify(location.slice(0, 200))
      // npm resolves locations as paths: `node_modules/x/../y` would be another name for `node_modules/y`.
      const isNormal = location === '' || (posix.normalize(location) === location && location !== '.')
      if (!isNormal || location.endsWith('/') || location.length > MAX_LOCATION || /^\/|\\|^[a-z]:/i.test(location)) {
        throw broken(`The location ${shown} of the lockfile`, 'is not a plain path relative to it')
      }
      if (!isPlain(entry)) throw broken(`The entry ${shown} of the lockfile`, 'is not a plain map')
      return [location, entry]
    }),
  )
}

function placeOf(location: string, entry: Fields, packages: ReadonlyMap<string, Fields>): Place {
  const [, folder] = /(?:^|\/)node_modules\/((?:(?!(?:^|\/)node_modules\/).)*)$/s.exec(location) ?? []
  const link = field(entry, 'link')
  if (link === true) {
    const resolved = field(entry, 'resolved')
    const target = typeof resolved === 'string' ? posix.normalize(resolved).replace(/\/$/, '') : undefined
    if (folder === undefined || target === undefined || !packages.has(target === '.' ? '' : target)) {
      throw broken(`The link ${JSON.stringify(location)} of the lockfile`, 'leads to nothing that the lockfile has')
    }
    return { kind: 'link', location, folder, target: target === '.' ? '' : target }
  }
  if (link !== undefined && link !== false) throw broken(`\`link\` of ${JSON.stringify(location)}`, 'is not true')
  return folder === undefined ? { kind: 'project', location, entry } : { kind: 'package', location, folder, entry }
}

function projectOf(location: string): string {
  return location === '' ? '.' : location
}

/** The folders of its projects, and `.`: those whose manifests npm reads. */
export function npmProjects(document: unknown): readonly string[] {
  const packages = isPlain(document) ? field(document, 'packages') : undefined
  const locations = isPlain(packages) ? Object.keys(packages) : []
  return ['.', ...locations.filter((location) => location !== '' && !IN_MODULES.test(location))]
}

const IN_MODULES = /(?:^|\/)node_modules\//

/** All that the entries need, and, of projects, what their own package.json asks for beside it. */
function edgesOf(places: ReadonlyMap<string, Place>, manifests: Manifests): readonly Edge[] {
  return [...places].flatMap(([location, place]) => {
    if (place.kind === 'link') return []
    const project = place.kind === 'project' ? projectOf(location) : undefined
    const manifest = project === undefined ? undefined : manifests.get(project)
    const where = JSON.stringify(location)
    const asked = (isWhole: boolean) => [
      ...dependenciesOf(place.entry, where, isWhole).map((dependency) => ({ dependency, isLocked: true })),
      ...(manifest === undefined ? [] : dependenciesOf(manifest, `${project}/package.json`, isWhole)).map(
        (dependency) => ({ dependency, isLocked: false }),
      ),
    ]
    const isInstalled = new Set(asked(false).map(({ dependency: { name, text } }) => `${name} ${text}`))
    return asked(project !== undefined).map(({ dependency, isLocked }) => ({
      from: location,
      to: meet(location, dependency.name, places),
      dependency,
      project,
      isRuntime: isInstalled.has(`${dependency.name} ${dependency.text}`),
      isLocked,
    }))
  })
}

/** By Node's own resolution: in the nearest node_modules on the way up. */
function meet(location: string, name: string, places: ReadonlyMap<string, Place>): string | undefined {
  let folder = location
  while (true) {
    if (!/(?:^|\/)node_modules$/.test(folder)) {
      const found = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`
      if (places.has(found)) return found
    }
    if (folder === '' || folder === '..' || folder.endsWith('/..')) return undefined
    const slash = folder.lastIndexOf('/')
    folder = slash === -1 ? '' : folder.slice(0, slash)
  }
}

function addPlace(
  graph: LockGraph,
  place: Place,
  isFromElsewhere: boolean,
  anew: Anew | undefined,
  isMember: boolean,
): number {
  if (place.kind === 'project') return graph.add(place.location, [])
  const { folder, location } = place
  if (place.kind === 'link') {
    const origin = `${isMember ? 'workspace' : 'link'}:${projectOf(place.target)}`
    const claim = isMember ? projectClaim(folder, projectOf(place.target)) : folderClaim(folder, origin)
    return graph.add(`${folder}@${origin}`, [claim])
  }
  if (!isPackageName(folder)) return graph.add(location, [unknownClaim(folder, '', 'not a package name')])
  const locked = npmClaim(place.entry, folder, isFromElsewhere)
  const claim = anew === undefined ? locked : anewClaim(locked, anew)
  // npm up to 11 installs what that file says, and not what the lockfile has below it.
  const own = field(place.entry, 'hasShrinkwrap')
  const brought = own ? [unknownClaim(claim.name, claim.version, 'brings versions in an npm-shrinkwrap.json')] : []
  const node = graph.add(`${claim.name}@${claim.version || (claim.origin ?? '')}`, [claim, ...brought])
  if (claim.name !== folder) graph.nodes[node]?.aliases.add(folder)
  return node
}

/** What is locked may be installed all the same, for others who ask for it: unless it is downloaded, it is refused as it is. */
function anewClaim(locked: Claim, { why, unlocked }: Anew): Claim {
  const claim = unknownClaim(locked.name, locked.version, why)
  return unlocked !== undefined && isDownloaded(locked) ? { ...claim, unlocked } : claim
}

function addEdge(
  graph: LockGraph,
  { from, to, dependency, project, isRuntime }: Edge,
  places: ReadonlyMap<string, Place>,
  numbers: ReadonlyMap<string, number>,
  isBundled: boolean,
): void {
  const { name, text, specifier, isRequired } = dependency
  const owner = numbers.get(from)
  if (owner === undefined) return
  const use = (node: number) => {
    if (project !== undefined) graph.need(project, node)
    if (isRuntime) graph.connect(owner, node)
  }
  const node = to === undefined ? undefined : numbers.get(to)
  if (to === undefined || node === undefined) {
    // npm would look for it anew. What is missing in a tarball that brings its own is nobody's to be fetched.
    if (isRequired && !isBundled)
      use(graph.add(`${name}@${text}`, [missingClaim(dependency, 'no entry of the lockfile meets it')]))
    return
  }
  use(node)
  const place = places.get(to)
  if (project === undefined || place?.kind !== 'package' || specifier.kind === 'other') return
  const asked = specifier.kind === 'alias' ? specifier.name : name
  const found = graph.nodes[node]?.claims[0]?.name
  // Not what the project asks for, and installed all the same.
  if (found !== undefined && found !== asked)
    use(graph.add(`${asked}@${text}`, [swappedClaim(asked, `${found} at ${to}`)]))
}

/**
 * npm links every project of a workspace into node_modules, whether or not somebody depends on it. Under another name than its
 * own it takes the place of something else.
 */
function isOwnProject(place: Place, places: ReadonlyMap<string, Place>): boolean {
  const isAtTop = place.kind === 'link' && place.location === `node_modules/${place.folder}`
  return isAtTop && isProjectLink(place, places)
}

/** A link to a project of the workspace, under that project's own name. */
function isProjectLink(place: Place, places: ReadonlyMap<string, Place>): boolean {
  const root = places.get('')
  if (place.kind !== 'link' || root?.kind !== 'project' || !isMember(place.target, root.entry)) return false
  const target = places.get(place.target)
  return target?.kind === 'project' && place.folder === (field(target.entry, 'name') ?? posix.basename(place.target))
}

function broken(what: string, how: string): GateError {
  return new GateError(`${what} ${how}. Restore it from version control. ${ANEW}`)
}
