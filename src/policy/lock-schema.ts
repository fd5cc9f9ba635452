import * as v from 'valibot'
import {
  domainProblem,
  fromRepository,
  issuerProblem,
  repositoryProblem,
  toBuilder,
  toIssuer,
  toRepository,
} from './fields.ts'
import { bytesProblem, OWN } from './identity.ts'
import { versionProblem } from './packages.ts'
import { at, id, mapping, text } from './parts.ts'
import { patternProblem } from './pattern.ts'
import { describe, quote } from './text.ts'
import type { Identity } from './types.ts'

/** What a certificate says, of whatever form; compared whole, and never a pattern. */
const fact = v.pipe(
  v.string((issue) => `expected text in quotes, found ${describe(issue.input)}`),
  v.nonEmpty('empty: leave it out where there is none'),
)

/** An id may be written as a number, as in a policy. */
const factualId = v.union([fact, id])

/** A branch is a fact, too. With a star it is a pattern, which a person has written. */
const branch = v.pipe(
  fact,
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed || !dataset.value.includes('*')) return
    const message = patternProblem(dataset.value)
    if (message !== undefined) addIssue({ message })
  }),
)

const builder = v.pipe(
  fact,
  v.check(
    (value) => value === OWN || value.includes('/'),
    `"builder" is "${OWN}", or the workflow of another repository, such as "owner/name/.github/workflows/build.yml"`,
  ),
)

/** So many entries one package may have: more than anybody accepts, and few enough to look through for each version. */
const MOST = 1000

export const froms = v.pipe(
  v.array(text(fromProblem), () => '"from" is a list of versions, one for each release line'),
  v.nonEmpty('"from" is empty: name a version'),
  v.maxLength(MOST, `"from" has more than ${MOST} versions`),
)

/** What both forms of the file say of an identity. */
export const IDENTITY = {
  domain: v.exactOptional(text(domainProblem)),
  issuer: text(issuerProblem),
  repository: text(exactRepositoryProblem),
  repositoryId: v.exactOptional(factualId),
  ownerId: v.exactOptional(factualId),
  workflow: v.exactOptional(fact),
  environment: v.exactOptional(fact),
  ref: v.picklist(['branch', 'tag', 'other'], '"ref" is "branch", "tag" or "other"'),
}

const EntrySchema = v.pipe(
  mapping('an entry', {
    from: froms,
    ...IDENTITY,
    builder: v.exactOptional(builder),
    runner: v.exactOptional(v.picklist(['hosted', 'self-hosted'], '"runner" is "hosted" or "self-hosted"')),
    trigger: v.exactOptional(fact),
    branch: v.exactOptional(
      v.pipe(
        v.array(branch, () => '"branch" is a list of branches'),
        v.nonEmpty('"branch" is empty: name one, or leave it out'),
      ),
    ),
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed || dataset.value.branch === undefined || dataset.value.ref === 'branch') return
    addIssue(at(dataset.value, 'branch', `"branch" goes with "ref": "branch", and here that is ${dataset.value.ref}`))
  }),
)

export const PackageSchema = mapping('a package', {
  published: v.pipe(
    v.array(EntrySchema, '"published" is a list of entries'),
    v.nonEmpty('"published" is empty, and says nothing: remove the package, or restore its entries'),
    v.maxLength(MOST, `"published" has more than ${MOST} entries`),
  ),
  unproven: v.exactOptional(
    v.pipe(
      v.record(
        v.string(),
        text(bytesProblem),
        (issue) => `"unproven" is a mapping of versions to their integrity, but here is ${describe(issue.input)}`,
      ),
      v.maxEntries(MOST, `"unproven" has more than ${MOST} versions`),
      v.minEntries(1, '"unproven" is empty: leave it out where there is none'),
    ),
  ),
})

/** The lock file: the one definition from which its checks and its JSON schema come. Strict like the policy's. */
export const LockSchema = mapping('the identity lock', {
  $schema: v.exactOptional(text()),
  version: v.literal(2, '"version" is 2, the only one that this gate can read'),
  packages: v.record(v.string(), PackageSchema, '"packages" is a mapping of names to what is known of them'),
})

export type Entry = v.InferOutput<typeof EntrySchema>

export function fromProblem(version: string): string | undefined {
  return versionProblem(`x@${version}`) === undefined ? undefined : `${quote(version)} is not exactly one version`
}

function exactRepositoryProblem(repository: string): string | undefined {
  return repository.includes('*')
    ? `${quote(repository)} is a pattern: the lock names one repository`
    : repositoryProblem(repository)
}

/** `owner/name/path` for what is on GitHub, if it is read again as the same. */
export function fromBuilder(address: string): string {
  const short = fromRepository(address)
  return short.includes('/') && !short.startsWith('https://') && toBuilder(short) === address ? short : address
}

export function readBuilder(written: string): string {
  return written === OWN ? OWN : toBuilder(written)
}

/** The identity of an entry: short names written out. */
export function toIdentity({
  domain,
  issuer,
  repository,
  builder: calls,
  ...rest
}: Omit<Entry, 'from' | 'domain'> & { readonly domain: string }): Identity {
  return {
    domain,
    issuer: toIssuer(issuer),
    repository: toRepository(repository),
    ...rest,
    ...(calls !== undefined && { builder: readBuilder(calls) }),
  }
}
