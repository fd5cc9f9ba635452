import compareVersions from 'semver/functions/compare.js'
import * as v from 'valibot'
import { Document, visit } from 'yaml'
import { DEFAULT_DOMAIN } from '../domains.ts'
import { type PolicyDocument, readDocument } from './document.ts'
import {
  domainProblem,
  fromIssuer,
  fromRepository,
  issuerProblem,
  repositoryProblem,
  toIssuer,
  toRepository,
} from './fields.ts'
import { LOCK_NAME } from './names.ts'
import { versionProblem } from './packages.ts'
import { id, mapping, text } from './parts.ts'
import { type Problem, problemsOf, toError } from './problems.ts'
import { describe, quote } from './text.ts'
import type { Identity, IdentityLock, LockedIdentity } from './types.ts'

const HEADER = ` Who has published the packages of this repository, as verified provenance says, and from which version on.
 Written by \`provenance-gate accept\`. Review a change like one of the policy: an attacker who has taken over a
 publisher shows here first.`

/** What a certificate says, of whatever form; compared whole, and never a pattern. */
const fact = v.pipe(
  v.string((issue) => `expected text in quotes, found ${describe(issue.input)}`),
  v.nonEmpty('empty: leave it out where there is none'),
)

/** An id may be written as a number, as in a policy. */
const factualId = v.union([fact, id])

/** The lock file: the one definition from which its checks and its JSON schema come. Strict like the policy's. */
const EntrySchema = v.pipe(
  mapping('an entry', {
    from: v.pipe(
      v.array(text(fromProblem), () => '"from" is a list of versions, one for each release line'),
      v.nonEmpty('"from" is empty: name a version'),
    ),
    provenance: v.exactOptional(v.literal('none', '"provenance" is "none", or left out where there is an identity')),
    domain: v.exactOptional(text(domainProblem)),
    issuer: v.exactOptional(text(issuerProblem)),
    repository: v.exactOptional(text(exactRepositoryProblem)),
    repositoryId: v.exactOptional(factualId),
    ownerId: v.exactOptional(factualId),
    workflow: v.exactOptional(fact),
    environment: v.exactOptional(fact),
    ref: v.exactOptional(v.picklist(['branch', 'tag', 'other'], '"ref" is "branch", "tag" or "other"')),
  }),
  v.check(
    ({ provenance, from, ...identity }) =>
      provenance === 'none'
        ? Object.keys(identity).length === 0
        : identity.issuer !== undefined && identity.repository !== undefined && identity.ref !== undefined,
    'an entry has "issuer", "repository" and "ref", or nothing but "provenance": "none"',
  ),
)

const EntriesSchema = v.pipe(
  v.array(EntrySchema, 'a package has a list of entries'),
  v.nonEmpty('a package without entries says nothing'),
)

export const LockSchema = mapping('the identity lock', {
  $schema: v.exactOptional(text()),
  version: v.literal(1, '"version" is 1, the only one that this gate can read'),
  packages: v.record(v.string(), EntriesSchema, '"packages" is a mapping of names to lists of entries'),
})

type Entry = v.InferOutput<typeof EntrySchema>

function fromProblem(version: string): string | undefined {
  return versionProblem(`x@${version}`) === undefined ? undefined : `${quote(version)} is not exactly one version`
}

function exactRepositoryProblem(repository: string): string | undefined {
  return repository.includes('*')
    ? `${quote(repository)} is a pattern: the lock names one repository`
    : repositoryProblem(repository)
}

const EMPTY =
  'the identity lock is empty, and so holds nothing: restore it, or remove it and run `provenance-gate accept`'

/** @throws GateError naming everything that is wrong with the file, in its order */
export function parseLock(content: string, file: string): IdentityLock {
  const document = readDocument(content, file, undefined, EMPTY)
  const parsed = v.safeParse(LockSchema, document.value)
  if (!parsed.success) throw toError(problemsOf(parsed.issues, document))
  // The schema's library drops names such as `constructor`, which packages may have. Nothing may get lost here.
  const { packages } = document.value as { readonly packages: Readonly<Record<string, unknown>> }
  const lock = new Map(
    Object.entries(packages).map(([name, value]) => {
      const entries = v.safeParse(EntriesSchema, value)
      if (!entries.success) throw toError(problemsOf(entries.issues, document, ['packages', name]))
      return [name, entries.output.flatMap(toPoints)] as const
    }),
  )
  const problems = [...lock].flatMap(([name, points]) => entryProblems(name, points, document))
  if (problems.length > 0) throw toError(problems)
  return lock
}

/** An entry under a name that no package can have, or one of two for a version, would be one that is not kept. */
function entryProblems(name: string, points: readonly LockedIdentity[], document: PolicyDocument): readonly Problem[] {
  const isName = /^(?:@[^\s/@]+\/)?[^\s/@]+$/.test(name)
  const froms = points.map(({ from }) => from)
  const twice = froms.find((from, index) => froms.indexOf(from) !== index)
  return [
    ...(isName ? [] : [`${quote(name)} is no name of a package`]),
    ...(twice === undefined
      ? []
      : [`${quote(name)} has two entries from ${twice} on, and nobody could see which counts`]),
  ].map((message) => ({ place: document.placeOf(['packages', name], 'key'), message }))
}

function toPoints({
  from,
  provenance,
  domain = DEFAULT_DOMAIN,
  issuer,
  repository,
  ref,
  ...rest
}: Entry): readonly LockedIdentity[] {
  const isKnown = provenance === undefined && issuer !== undefined && repository !== undefined && ref !== undefined
  const identity: Identity | undefined = isKnown
    ? { domain, issuer: toIssuer(issuer), repository: toRepository(repository), ...rest, ref }
    : undefined
  return from.map((version) => ({ from: version, identity }))
}

/** The file for a lock: sorted, one field a line, so that changes to different packages merge without conflict. */
export function writeLock(lock: IdentityLock): string {
  const packages = [...lock].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, points]) => [name, entriesOf(points)])
  const document = new Document({ version: 1, packages: Object.fromEntries(packages) })
  document.commentBefore = HEADER
  visit(document, {
    Scalar(_, scalar) {
      if (typeof scalar.value === 'string' && HIDDEN.test(scalar.value)) scalar.type = 'QUOTE_DOUBLE'
    },
  })
  const written = document.toString({ lineWidth: 0 }).replace(HIDDEN, escaped)
  // Facts of strangers' certificates are in it. What could not be read again would stop every install.
  parseLock(written, LOCK_NAME)
  return written
}

/** What cannot be seen, or makes a line look other than it is: in quotes it is written by its number. */
const HIDDEN = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/gu

function escaped(character: string): string {
  return `\\U${(character.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`
}

/** One entry for each identity, with the versions from which on it holds. */
function entriesOf(points: readonly LockedIdentity[]): readonly object[] {
  const sorted = points.toSorted((a, b) => compareVersions(a.from, b.from))
  const groups = Map.groupBy(sorted, ({ identity }) => JSON.stringify(identity && entryOf(identity)))
  return [...groups.values()].map((group) => {
    const from = group.map((point) => point.from)
    const identity = group[0]?.identity
    return identity === undefined ? { from, provenance: 'none' } : { from, ...entryOf(identity) }
  })
}

function entryOf({ domain, issuer, repository, repositoryId, ownerId, workflow, environment, ref }: Identity): object {
  return {
    ...(domain !== DEFAULT_DOMAIN && { domain }),
    issuer: fromIssuer(issuer),
    repository: fromRepository(repository),
    ...(repositoryId !== undefined && { repositoryId }),
    ...(ownerId !== undefined && { ownerId }),
    ...(workflow !== undefined && { workflow }),
    ...(environment !== undefined && { environment }),
    ref,
  }
}
