import compareVersions from 'semver/functions/compare.js'
import parseVersion from 'semver/functions/parse.js'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Claims } from '../verify/types.ts'
import { fromIssuer, fromRepository, issuerProblem, repositoryProblem } from './fields.ts'
import { quote } from './text.ts'
import type { Difference, Identity, LockedIdentity, RefKind } from './types.ts'

/** The identity that claims give; undefined where they do not say whose build it was. */
export function identityOf({ domain, issuer, repository, ref, ...claims }: Claims): Identity | undefined {
  if (issuer === undefined || repository === undefined) return undefined
  // What has not the form of either could not be written down and read again as the same.
  if (issuerProblem(fromIssuer(issuer)) !== undefined) return undefined
  if (repository.includes('*') || repositoryProblem(fromRepository(repository)) !== undefined) return undefined
  const { repositoryId, ownerId, workflow, environment } = claims
  return {
    domain,
    issuer,
    repository,
    ...(repositoryId !== undefined && { repositoryId }),
    ...(ownerId !== undefined && { ownerId }),
    ...(workflow !== undefined && { workflow }),
    ...(environment !== undefined && { environment }),
    ref: kindOf(ref),
  }
}

function kindOf(ref: string | undefined): RefKind {
  if (ref?.startsWith('refs/heads/')) return 'branch'
  return ref?.startsWith('refs/tags/') ? 'tag' : 'other'
}

/**
 * The first difference that matters. Ids survive renames, so where both have one, names are not compared. What the
 * locked identity does not have asks for nothing: a certificate may be older than a claim, and a build that gets an
 * environment is no weaker than before.
 */
export function differenceOf(locked: Identity, found: Identity): Difference | undefined {
  const differs = (name: string, field: keyof Identity): Difference | undefined => {
    const wanted = locked[field]
    if (wanted === undefined || wanted === found[field]) return undefined
    const has = found[field]
    return { found: has === undefined ? `no ${name}` : `${name} ${quote(has)}`, expected: `${name} ${quote(wanted)}` }
  }
  const hasIds = locked.repositoryId !== undefined && found.repositoryId !== undefined
  return (
    differs('trust domain', 'domain') ??
    differs('issuer', 'issuer') ??
    (hasIds ? differs('repository id', 'repositoryId') : differs('repository', 'repository')) ??
    (hasIds ? differs('owner id', 'ownerId') : undefined) ??
    differs('workflow', 'workflow') ??
    differs('environment', 'environment') ??
    differs('kind of ref', 'ref')
  )
}

/**
 * What the lock says of a version: in its release line the last that begins at or before it; where the line has none,
 * the last of the lines before. Undefined where nothing is asked: an old line from before there was provenance, and
 * versions of a line from before its beginning. What has no version (git, folders) is in the place of the newest: it
 * must not be a way around. That a prerelease was accepted without provenance is said of that one alone.
 */
export function lockedFor(points: readonly LockedIdentity[], version: string): LockedIdentity | undefined {
  const newestFirst = points
    .filter(({ from, identity }) => identity !== undefined || from === version || !isPrerelease(from))
    .toSorted((a, b) => compareVersions(b.from, a.from))
  const line = lineOf(version)
  if (line === undefined) return newestFirst[0]
  const before = newestFirst.filter(({ from }) => compareVersions(from, version) <= 0)
  return newestFirst.some(({ from }) => lineOf(from) === line)
    ? before.find(({ from }) => lineOf(from) === line)
    : before[0]
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

function isPrerelease(version: string): boolean {
  return (parseVersion(version)?.prerelease.length ?? 0) > 0
}
