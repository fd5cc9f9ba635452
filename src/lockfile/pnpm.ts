import { posix } from 'node:path'
import { GateError } from '../errors.ts'
import { type Ask, asAsked, askOf, namedOverrides, withoutCatalog } from './asked.ts'
import { packageId, parseId, toDepPath } from './dep-path.ts'
import { type Claim, claims, danglingClaim } from './entry.ts'
import { folderClaim, projectClaim } from './graph.ts'
import { type InstallingPnpm, openIdentities } from './identities.ts'
import { isOwnFolder } from './importers.ts'
import { mergeEntries } from './merge.ts'
import { type Fields, field, isPlain, majorVersion } from './record.ts'
import type { LockedPackage } from './types.ts'

export { configDependencies } from './config-dependencies.ts'
export { gitOrigin, isGitArchive } from './entry.ts'
export { githubAsset, githubOrigin } from './github.ts'

/**
 * Every package of a pnpm lockfile, in whichever of its two shapes:
 *
 * - the object that pnpm 10 and 11 hand to hooks, and that `@pnpm/lockfile.fs` returns: `packages` keyed by depPath,
 *   the dependencies merged into it;
 * - the file of version 9.0 itself, which is what pnpm 12 hands to hooks (also where the file on disk is of its own
 *   version 13.0): `packages` keyed by id, `snapshots` by depPath. The first document of a file (config dependencies,
 *   pnpm itself) has this shape too.
 *
 * A lockfile comes out of a pull request, so an attacker wrote it. Nothing is left out: an entry that cannot be
 * understood, a reference that leads nowhere, a folder linked in a package's place are all listed, as what they are;
 * whether they may be installed is for the policy to say. Where the structure itself is broken, so that an entry could
 * be overlooked, it is a GateError.
 *
 * @param pnpm which may install from it
 */
export function lockedPackages(lockfile: unknown, pnpm: InstallingPnpm = 'any'): readonly LockedPackage[] {
  try {
    return listPackages(lockfile, pnpm)
  } catch (error) {
    if (error instanceof GateError) throw error
    throw new GateError(`The lockfile could not be understood: ${String(error)}`, { cause: error })
  }
}

/** A node of the dependency graph. Projects of the workspace are nodes too, with no claims of their own. */
interface Node {
  readonly key: string
  readonly claims: readonly Claim[]
  /** Nodes that this one leads to. */
  targets: readonly number[]
  readonly aliases: Set<string>
}

interface Reference {
  readonly alias: string
  /** Undefined where the lockfile has something else than text. */
  readonly ref: string | undefined
  /** What the project asks for; only known of projects. */
  readonly specifier: unknown
}

function listPackages(lockfile: unknown, pnpm: InstallingPnpm): readonly LockedPackage[] {
  if (!isPlain(lockfile)) throw unreadable('The lockfile')
  checkVersion(lockfile)
  const packages = section(lockfile, 'packages')
  const snapshots = section(lockfile, 'snapshots')
  const importers = section(lockfile, 'importers')

  const nodes: Node[] = []
  const push = (key: string, claimed: readonly Claim[]): number =>
    nodes.push({ key, claims: claimed, targets: [], aliases: new Set() }) - 1

  const folders = new Set(importers.keys())
  const projects = new Map([...importers.keys()].map((folder) => [folder, push(folder, [])]))
  // Each record with its node: two for an entry of a file, one for an entry of an object.
  const records: { readonly node: number; readonly record: Fields }[] = []
  const entries = new Map<string, number>()
  const identities = openIdentities(pnpm)
  const pushEntry = (key: string, info: unknown, snapshot: unknown): void => {
    const id = packageId(key)
    const own = [info, snapshot].filter(isPlain)
    identities.check(id, own)
    const node = push(
      id,
      claims(id, info, snapshot).map((claim) => asProject(claim, folders)),
    )
    if (!entries.has(key)) entries.set(key, node)
    records.push(...own.map((record) => ({ node, record })))
  }
  const found = new Set([...snapshots.keys()].map(packageId))
  for (const [depPath, snapshot] of snapshots) pushEntry(depPath, packages.get(packageId(depPath)), snapshot)
  // Also what no snapshot refers to: pnpm should not install it, but it is an entry of the lockfile.
  for (const [key, info] of packages) if (!found.has(key)) pushEntry(key, info, undefined)

  // By kind and key, since an attacker chooses the keys: a link must not take the place of another node.
  const extra = new Map<string, number>()
  const pushOnce = (kind: 'link' | 'dangling' | 'swapped', key: string, claim: () => Claim): number => {
    const known = extra.get(`${kind} ${key}`)
    if (known !== undefined) return known
    const node = push(key, [claim()])
    extra.set(`${kind} ${key}`, node)
    return node
  }
  const link = (alias: string, path: string): number => {
    const project = projects.get(path)
    const node = pushOnce('link', `${alias}@link:${path}`, () => linkClaim(alias, path, project !== undefined))
    const linked = nodes[node]
    if (project !== undefined && linked !== undefined) linked.targets = [project]
    return node
  }
  const overrides = namedOverrides(lockfile)
  /** By key, what is asked for where the lockfile gives this entry. */
  const asks = new Map<string, Set<Ask>>()
  const targetsOf = ({ alias, ref, specifier }: Reference, folder: string, ask: Ask | undefined): readonly number[] => {
    if (ref === undefined) return [pushOnce('dangling', `${alias}@`, () => danglingClaim(`${alias}@`))]
    const depPath = toDepPath(ref, alias)
    if (depPath === undefined) return [link(alias, linkedPath(ref.slice('link:'.length), folder))]
    const id = packageId(depPath)
    const node = entries.get(depPath) ?? entries.get(id) ?? pushOnce('dangling', id, () => danglingClaim(id))
    if (ask !== undefined) asks.set(id, (asks.get(id) ?? new Set()).add(ask))
    if (parseId(id).name === alias) return [node]
    nodes[node]?.aliases.add(alias)
    const isOwn = isRange(specifier) || (typeof ask === 'object' && ask.name === alias)
    if (!isOwn) return [node]
    return [node, pushOnce('swapped', `${alias}@${id}`, () => swappedClaim(alias, id))]
  }

  for (const { node, record } of records) {
    const owner = nodes[node]
    if (owner === undefined) continue
    // A link inside an entry is relative to the lockfile, in a project to the project.
    const refs = references(record, RUNTIME_FIELDS, owner.key).map((ref) => ({ ...ref, specifier: undefined }))
    const targets = refs.flatMap((ref) => targetsOf(ref, '.', overrides.always.get(ref.alias)))
    owner.targets = [...owner.targets, ...targets]
  }
  const roots = new Map<string, readonly number[]>()
  for (const [folder, project] of importers) {
    if (!isPlain(project)) throw unreadable(`The project ${JSON.stringify(folder)} in the lockfile`)
    const [runtime, other] = [RUNTIME_FIELDS, OTHER_PROJECT_FIELDS].map((fields) =>
      references(project, fields, folder).flatMap((ref) => {
        const specifier = withoutCatalog(ref.specifier, ref.alias, lockfile)
        return targetsOf({ ...ref, specifier }, folder, askOf(specifier, ref.alias))
      }),
    )
    roots.set(folder, [...(runtime ?? []), ...(other ?? [])])
    // Who links a project gets what it needs to run, and not its devDependencies.
    const node = nodes[projects.get(folder) ?? -1]
    if (node !== undefined) node.targets = runtime ?? []
  }

  const placed = (claim: Claim, key: string): Claim =>
    claim.source === 'registry' ? asAsked(claim, key, [...(asks.get(key) ?? overrides.asks(key))]) : claim
  const listed = nodes.flatMap(({ key, claims: claimed, aliases }, node) =>
    claimed.map((claim) => ({ node, pkg: { ...placed(claim, key), aliases: [...aliases], key } })),
  )
  return mergeEntries(listed, { roots, edges: nodes.map(({ targets }) => targets) }, 'nobody')
}

const RUNTIME_FIELDS = ['dependencies', 'optionalDependencies'] as const
const OTHER_PROJECT_FIELDS = ['devDependencies', 'configDependencies', 'packageManagerDependencies'] as const

/** Absent, for a hook of pnpm 12 without a lockfile; 9.0, for all current ones; 13.0, which pnpm 12 converts itself. */
function checkVersion(lockfile: Fields): void {
  const version = field(lockfile, 'lockfileVersion')
  const isKnown = version === undefined || [9, 13].includes(majorVersion(lockfile))
  if (isKnown && field(lockfile, 'projects') === undefined) return
  throw new GateError(
    `The lockfile is of version ${JSON.stringify(version)}, which this version of the gate cannot read. ` +
      'It reads version 9.0: regenerate the lockfile with pnpm 10 or newer, without `lockfile.format`.',
  )
}

function section(lockfile: Fields, name: string): ReadonlyMap<string, unknown> {
  const value = field(lockfile, name)
  if (value === undefined || value === null) return new Map()
  if (!isPlain(value)) throw unreadable(`The section \`${name}\` of the lockfile`)
  return new Map(Object.entries(value))
}

/**
 * What a record depends on. In the file's projects a reference is `{specifier, version}`, elsewhere a text; then the
 * specifiers of a project stand beside.
 */
function references(record: Fields, fields: readonly string[], where: string): readonly Reference[] {
  const specifiers = field(record, 'specifiers')
  return fields.flatMap((name) => {
    const value = field(record, name)
    if (value === undefined || value === null) return []
    if (!isPlain(value)) throw unreadable(`\`${name}\` of ${JSON.stringify(where)} in the lockfile`)
    return Object.entries(value).map(([alias, target]) => {
      const ref = isPlain(target) ? field(target, 'version') : target
      const beside = isPlain(specifiers) ? field(specifiers, alias) : undefined
      const specifier = isPlain(target) ? field(target, 'specifier') : beside
      return { alias, ref: typeof ref === 'string' ? ref : undefined, specifier }
    })
  })
}

/** A version, range or tag, which all ask for the package of that very name. */
function isRange(specifier: unknown): boolean {
  return typeof specifier === 'string' && !/[:/@]/.test(specifier)
}

/**
 * The package that a project asks for, where the lockfile gives it another one in its place. Not an alias, which the
 * project would have asked for (`npm:other@1`), but what pnpm 10 and 11 install all the same. It is listed beside the
 * other, so that the rules for the name that was asked for apply too.
 */
function swappedClaim(name: string, by: string): Claim {
  return { name, version: '', integrity: undefined, source: 'unknown', origin: `replaced by ${by}` }
}

/** Relative to the lockfile. A link may lead anywhere: out of the workspace, or to an absolute path. */
function linkedPath(target: string, folder: string): string {
  const path = posix.isAbsolute(target) ? posix.normalize(target) : posix.join(folder, target)
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

/**
 * A folder in the place of a package. Listed because a lockfile alone can bring it about: pnpm compares specifiers, and
 * `left-pad: {specifier: ^1.0.0, version: link:./somewhere}` satisfies them.
 */
function linkClaim(name: string, path: string, isProject: boolean): Claim {
  return isProject ? projectClaim(name, path) : folderClaim(name, `link:${path}`)
}

/** An injected project: pnpm copies its folder in the place of a link to it. */
function asProject(claim: Claim, projects: ReadonlySet<string>): Claim {
  if (claim.source !== 'directory') return claim
  const folder = posix.normalize(claim.origin?.replace(/^file:/, '') ?? '').replace(/\/$/, '')
  return projects.has(folder) && isOwnFolder(folder) ? { ...claim, source: 'workspace' } : claim
}

function unreadable(what: string): GateError {
  return new GateError(`${what} is not a plain map. Restore the lockfile, or regenerate it with pnpm.`)
}
