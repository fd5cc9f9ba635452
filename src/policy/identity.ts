import compareVersions from 'semver/functions/compare.js'
import parseVersion from 'semver/functions/parse.js'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Claims } from '../verify/types.ts'
import { fromIssuer, fromRepository, issuerProblem, repositoryProblem, splitBuilder } from './fields.ts'
import { matchesPattern } from './pattern.ts'
import { either, quote } from './text.ts'
import type { Demand, Difference, FieldDifference, Identity, LockEntry, LockedIdentity, RefKind } from './types.ts'

/** The identity that claims give; undefined where they do not say whose build it was, or cannot be written down. */
export function identityOf({ domain, issuer, repository, ref, ...claims }: Claims): Identity | undefined {
  if (issuer === undefined || repository === undefined) return undefined
  // What has not the form of either could not be written down and read again as the same.
  if (issuerProblem(fromIssuer(issuer)) !== undefined) return undefined
  if (repository.includes('*') || repositoryProblem(fromRepository(repository)) !== undefined) return undefined
  // A called workflow is an address. A branch with a star would be read as a pattern; git allows none.
  if (claims.buildSignerUri && !claims.buildSignerUri.startsWith('https://')) return undefined
  const branch = branchOf(ref)
  if (branch?.includes('*')) return undefined
  const builder = builderOf(claims, repository)
  const { repositoryId, ownerId, workflow, environment, trigger } = claims
  const runner = RUNNERS.get(claims.runnerEnvironment ?? '')
  return {
    domain,
    issuer,
    repository,
    ...(repositoryId && { repositoryId }),
    ...(ownerId && { ownerId }),
    ...(workflow && { workflow }),
    ...(builder !== undefined && { builder }),
    ...(runner !== undefined && { runner }),
    ...(trigger && { trigger }),
    ...(environment && { environment }),
    ref: kindOf(ref),
    ...(branch !== undefined && { branch: [branch] }),
  }
}

/** A called workflow of the same repository, or none. */
export const OWN = 'own'

/**
 * The called workflow, without the ref from which it is taken: that changes with each of its releases. Workflows of one
 * repository call each other as they like, so of these it is only said that it is one; one that a delegator signs for is
 * named even so.
 */
function builderOf(
  { buildSignerUri, delegatedBuilder }: Pick<Claims, 'buildSignerUri' | 'delegatedBuilder'>,
  repository: string,
): string | undefined {
  if (!buildSignerUri) return undefined
  return buildSignerUri.startsWith(`${repository}/`) ? OWN : splitBuilder(delegatedBuilder ?? buildSignerUri).path
}

/** GitHub and GitLab call their own machines by their own names. CircleCI names none. */
const RUNNERS: ReadonlyMap<string, 'hosted' | 'self-hosted'> = new Map([
  ['github-hosted', 'hosted'],
  ['gitlab-hosted', 'hosted'],
  ['self-hosted', 'self-hosted'],
])

const HEADS = 'refs/heads/'

function branchOf(ref: string | undefined): string | undefined {
  return ref?.startsWith(HEADS) && ref !== HEADS ? ref.slice(HEADS.length) : undefined
}

function kindOf(ref: string | undefined): RefKind {
  if (branchOf(ref) !== undefined) return 'branch'
  return ref?.startsWith('refs/tags/') ? 'tag' : 'other'
}

/**
 * Events that take a right to write to the repository. Projects change from one to another: a release by hand because the
 * one by a push has failed. All other events are compared exactly, for strangers cause some of them.
 */
const BY_WRITERS: ReadonlySet<string> = new Set([
  ...['push', 'release', 'workflow_dispatch', 'repository_dispatch', 'schedule'],
  ...['web', 'api'],
])

/** What is compared, from what says most about who it was to what says least, and what messages call it. */
const FIELDS: readonly (readonly [field: keyof Identity, name: string])[] = [
  ['domain', 'trust domain'],
  ['issuer', 'issuer'],
  ['repositoryId', 'repository id'],
  ['repository', 'repository'],
  ['ownerId', 'owner id'],
  ['workflow', 'workflow'],
  ['builder', 'builder'],
  ['runner', 'runner'],
  ['trigger', 'trigger'],
  ['environment', 'environment'],
  ['ref', 'kind of ref'],
  ['branch', 'branch'],
]

/**
 * In what an identity is not the locked one, the gravest first. Ids survive renames, so where both have one, names are not
 * compared. What the locked identity does not have asks for nothing: a certificate may be older than a claim, and a build
 * that gets an environment is no weaker than before.
 */
export function differencesOf(locked: Identity, found: Identity): readonly FieldDifference[] {
  const hasIds = locked.repositoryId !== undefined && found.repositoryId !== undefined
  return FIELDS.flatMap(([field, name]) => {
    if (field === 'repository' ? hasIds : (field === 'repositoryId' || field === 'ownerId') && !hasIds) return []
    // That it is none is told already, by the kind of ref.
    if (field === 'branch' && found.ref !== 'branch') return []
    const [wanted, has] = [locked[field], found[field]]
    if (wanted === undefined || isSame(field, wanted, has)) return []
    return [
      {
        field,
        found: has === undefined ? `no ${name}` : `${name} ${shown(has)}`,
        expected: `${name} ${shown(wanted)}`,
      },
    ]
  })
}

type Value = string | readonly string[]

function isSame(field: keyof Identity, wanted: Value, has: Value | undefined): boolean {
  if (field === 'branch')
    return [has ?? []].flat().length > 0 && [has ?? []].flat().every((branch) => isCovered([wanted].flat(), branch))
  if (wanted === has) return true
  return field === 'trigger' && BY_WRITERS.has(String(wanted)) && BY_WRITERS.has(String(has))
}

/** Whether patterns take in a branch, or another pattern. Of two different patterns nothing is concluded. */
function isCovered(patterns: readonly string[], branch: string): boolean {
  return patterns.some((pattern) => pattern === branch || (!branch.includes('*') && matchesPattern(pattern, branch)))
}

function shown(value: Value): string {
  return either([value].flat().map(quote))
}

/** All differences in one phrase each for what was found and what was expected; undefined where there is none. */
export function differenceOf(locked: Identity, found: Identity): Difference | undefined {
  const all = differencesOf(locked, found)
  if (all.length === 0) return undefined
  return {
    found: all.map((each) => each.found).join(', '),
    expected: all.map((each) => each.expected).join(', '),
  }
}

/**
 * Who has to have published a version: in its release line who the lock names last at or before it, or first where all begin
 * later. Where it has no entry for that line, the same of all lines. What has no version (git, folders) is in the place of
 * the newest: it must not be a way around. Never undefined where there are points.
 */
export function pointFor(points: readonly LockedIdentity[], version: string): LockedIdentity | undefined {
  const oldestFirst = points.toSorted((a, b) => compareVersions(a.from, b.from))
  const line = lineOf(version)
  if (line === undefined) return oldestFirst.at(-1)
  const ofLine = oldestFirst.filter(({ from }) => lineOf(from) === line)
  const candidates = ofLine.length > 0 ? ofLine : oldestFirst
  return candidates.findLast(({ from }) => compareVersions(from, version) <= 0) ?? candidates[0]
}

/** What the lock asks of a package; undefined where it does not know its name. */
export function demandFor(entry: LockEntry | undefined, pkg: LockedPackage): Demand | undefined {
  if (entry === undefined) return undefined
  const version = comparableVersion(pkg)
  const since = pointFor(entry.published, version)
  if (since === undefined) throw new TypeError('an entry of the identity lock without an identity')
  const recorded = entry.unproven.find((each) => each.version === version)
  const bytes = pkg.source === 'registry' ? bytesOf(pkg) : undefined
  return { since, recorded, mayLack: recorded !== undefined && recorded.integrity === bytes }
}

/** The one sha512 of a lockfile's entry; undefined where it has none, or several. */
export function bytesOf({ integrity }: Pick<LockedPackage, 'integrity'>): string | undefined {
  const strong = (integrity ?? '').split(/\s+/).filter((each) => each.startsWith('sha512-'))
  return strong.length === 1 && SHA512.test(strong[0] ?? '') ? strong[0] : undefined
}

const SHA512 = /^sha512-[A-Za-z0-9+/]{86}==$/

/** What is wrong with an integrity that names the bytes of one package; undefined where nothing is. */
export function bytesProblem(integrity: string): string | undefined {
  return SHA512.test(integrity)
    ? undefined
    : `${quote(integrity)} is not the integrity of a lockfile's entry: copy it from there, "sha512-…"`
}

/**
 * The version by which rules may tell a package from another. Of what comes from git, a folder or a tarball it is what its
 * own manifest says, and so whatever its author likes: then it is none.
 */
export function comparableVersion({ source, version }: Pick<LockedPackage, 'source' | 'version'>): string {
  return source === 'registry' || source === 'runtime' ? version : ''
}

/** Versions that are maintained together: those of a major version, before 1.0.0 of a minor one. */
export function lineOf(version: string): string | undefined {
  const parsed = parseVersion(version)
  if (parsed === null) return undefined
  return parsed.major === 0 ? `0.${parsed.minor}` : String(parsed.major)
}
