import compareVersions from 'semver/functions/compare.js'
import * as v from 'valibot'
import { Document, visit } from 'yaml'
import { DEFAULT_DOMAIN } from '../domains.ts'
import { GateError } from '../errors.ts'
import { UNSEEN } from '../util/text.ts'
import { type PolicyDocument, readDocument } from './document.ts'
import { fromIssuer, fromRepository } from './fields.ts'
import { OWN } from './identity.ts'
import { type Entry, fromBuilder, fromProblem, LockSchema, PackageSchema, toIdentity } from './lock-schema.ts'
import { LOCK_NAME } from './names.ts'
import { isPackageName } from './packages.ts'
import { type Problem, problemsOf, toError } from './problems.ts'
import { at, quote } from './text.ts'
import type { Identity, IdentityLock, LockEntry, LockedIdentity, UnprovenVersion } from './types.ts'

const HEADER = ` Who publishes these packages, by verified provenance. Entries hold for all versions; "from" begins a further publisher.
 "unproven" lists the versions that have no provenance although others of their package have: no other may lack it.
 Written by \`provenance-gate accept\`. Review a change like one of the policy: an attacker who has taken over a
 publisher shows here first.`

const EMPTY =
  'the identity lock is empty, and so holds nothing: restore it, or remove it and run `provenance-gate accept`'

/** The document of an identity lock, and whether it has the form of earlier versions of the gate. @throws GateError */
export function openLock(
  content: string,
  file: string,
): { readonly document: PolicyDocument; readonly isOld: boolean } {
  const document = readDocument(content, file, undefined, EMPTY)
  const { value } = document
  const isOld = typeof value === 'object' && value !== null && 'version' in value && value.version === 1
  return { document, isOld }
}

/** @throws GateError as `lockOf`, and where it is of an earlier form */
export function parseLock(content: string, file: string): IdentityLock {
  const { document, isOld } = openLock(content, file)
  if (isOld) {
    const place = document.placeOf(['version'], 'value')
    const message =
      'the form of earlier versions of the gate, which asked for less. `provenance-gate accept` reads it and writes the present one: run it, look at the difference, and commit it'
    throw new GateError(at(place, message))
  }
  return lockOf(document)
}

/** Of the present form. @throws GateError naming everything that is wrong with the file, in its order */
export function lockOf(document: PolicyDocument): IdentityLock {
  const parsed = v.safeParse(LockSchema, document.value)
  if (!parsed.success) throw toError(problemsOf(parsed.issues, document))
  // The schema's library drops names such as `constructor`, which packages may have. Nothing may get lost here.
  const { packages } = document.value as { readonly packages: Readonly<Record<string, unknown>> }
  const problems: Problem[] = []
  const lock = new Map<string, LockEntry>()
  for (const [name, value] of Object.entries(packages)) {
    const one = v.safeParse(PackageSchema, value)
    if (!one.success) throw toError(problemsOf(one.issues, document, ['packages', name]))
    const { published, unproven = {} } = one.output
    const entry = {
      published: published.flatMap((each, index) =>
        toPoints(each, document.placeOf(['packages', name, 'published', index], 'value').line),
      ),
      unproven: Object.entries(unproven).map(([version, integrity]): UnprovenVersion => {
        const { line } = document.placeOf(['packages', name, 'unproven', version], 'key')
        return { version, integrity, line }
      }),
    }
    lock.set(name, entry)
    problems.push(...entryProblems(name, entry, value, document))
  }
  if (problems.length > 0) throw toError(problems)
  return lock
}

/** An entry under a name that no package can have, or one of two for a version, would be one that is not kept. */
function entryProblems(
  name: string,
  { published }: LockEntry,
  written: unknown,
  document: PolicyDocument,
): readonly Problem[] {
  const froms = new Set<string>()
  const twice = published.find(({ from }) => froms.size === froms.add(from).size)
  const { unproven = {} } = written as { readonly unproven?: Readonly<Record<string, unknown>> }
  const messages = [
    ...(isPackageName(name) ? [] : [`${quote(name)} is no name of a package`]),
    ...(twice === undefined
      ? []
      : [`${quote(name)} has two entries from ${twice.from} on, so it is not clear which one counts`]),
  ]
  return [
    ...messages.map((message) => ({ place: document.placeOf(['packages', name], 'key'), message })),
    ...Object.keys(unproven).flatMap((version) => {
      const message = fromProblem(version)
      if (message === undefined) return []
      return [{ place: document.placeOf(['packages', name, 'unproven', version], 'key'), message }]
    }),
  ]
}

function toPoints({ from, domain = DEFAULT_DOMAIN, ...rest }: Entry, line: number): readonly LockedIdentity[] {
  const identity = toIdentity({ domain, ...rest })
  return from.map((version) => ({ from: version, identity, line }))
}

/** The file for a lock: sorted, one field a line, so that changes to different packages merge without conflict. */
export function writeLock(lock: IdentityLock): string {
  const packages = [...lock].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, entry]) => [name, written(entry)])
  const document = new Document({ version: 2, packages: Object.fromEntries(packages) })
  document.commentBefore = HEADER
  visit(document, {
    Scalar(_, scalar) {
      // Not `test`: that of a global expression begins where the last one ended.
      if (typeof scalar.value === 'string' && scalar.value.search(HIDDEN) >= 0) scalar.type = 'QUOTE_DOUBLE'
    },
  })
  const text = document.toString({ lineWidth: 0 }).replace(HIDDEN, escaped)
  // Facts of strangers' certificates are in it. What could not be read again would stop every install.
  parseLock(text, LOCK_NAME)
  return text
}

/** What cannot be seen, or makes a line look other than it is: in quotes it is written by its number. */
const HIDDEN = new RegExp(`(?!\\n)(?:${UNSEEN.source})`, 'gu')

function escaped(character: string): string {
  return `\\U${(character.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`
}

function written({ published, unproven }: LockEntry): object {
  const versions = unproven.toSorted((a, b) => compareVersions(a.version, b.version))
  return {
    published: entriesOf(published),
    ...(versions.length > 0 && {
      unproven: Object.fromEntries(versions.map(({ version, integrity }) => [version, integrity])),
    }),
  }
}

/** One entry for each identity, with the versions from which on it holds. */
function entriesOf(points: readonly LockedIdentity[]): readonly object[] {
  const sorted = points
    .toSorted((a, b) => compareVersions(a.from, b.from))
    .map(({ from, identity }) => ({ from, entry: entryOf(identity) }))
  const groups = Map.groupBy(sorted, ({ entry }) => JSON.stringify(entry))
  return [...groups.values()].map((group) => ({ from: group.map(({ from }) => from), ...group[0]?.entry }))
}

function entryOf({ domain, issuer, repository, repositoryId, ownerId, ...rest }: Identity): object {
  const { workflow, builder, runner, trigger, environment, ref, branch } = rest
  return {
    ...(domain !== DEFAULT_DOMAIN && { domain }),
    issuer: fromIssuer(issuer),
    repository: fromRepository(repository),
    ...(repositoryId !== undefined && { repositoryId }),
    ...(ownerId !== undefined && { ownerId }),
    ...(workflow !== undefined && { workflow }),
    ...(builder !== undefined && { builder: builder === OWN ? OWN : fromBuilder(builder) }),
    ...(runner !== undefined && { runner }),
    ...(trigger !== undefined && { trigger }),
    ...(environment !== undefined && { environment }),
    ref,
    ...(branch !== undefined && { branch: branch.toSorted() }),
  }
}
