import * as v from 'valibot'
import { CODES, ok, type RefusalCode, type Result, refuse } from '../codes.ts'
import { DEFAULT_DOMAIN } from '../domains.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Claims, Proof } from '../verify/types.ts'
import { decide, needsProof } from './decide.ts'
import { readDocument } from './document.ts'
import {
  builderProblem,
  commitProblem,
  domainProblem,
  environmentProblem,
  issuerProblem,
  ownerProblem,
  refProblem,
  repositoryProblem,
  toBuilder,
  toIssuer,
  toOwner,
  toRepository,
  triggerProblem,
  workflowProblem,
} from './fields.ts'
import { parsePackagePattern, versionProblem } from './packages.ts'
import { at, choice, id, mapping, text } from './parts.ts'
import { problemsOf, toError } from './problems.ts'
import { RULE_SOURCES } from './source.ts'
import { didYouMean, quote } from './text.ts'
import { dayProblem, startOf } from './time.ts'
import type { Place, Policy, Status, Verdict } from './types.ts'

/** A test of a policy: what it says of a package that is built as the claims say. */
export interface Case {
  readonly name: string
  readonly pkg: LockedPackage
  readonly proof: Result<Proof>
  readonly expect: Status
  readonly code: RefusalCode | undefined
  readonly place: Place
}

export interface Cases {
  /** The day on which the cases are judged; undefined for today. */
  readonly day: Date | undefined
  readonly cases: readonly Case[]
}

/** Nothing is asked of what is `bundled`: there is no rule to be tried on it. */
const STATUSES = ['proven', 'permitted', 'warned', 'excepted', 'refused'] as const satisfies readonly Status[]

/** What a certificate can say: a value, in the form that a publisher has it, and no pattern. */
const claim = (problemOf: (value: string) => string | undefined) =>
  text((value) =>
    value.includes('*') ? `${quote(value)} is a pattern: a certificate has one value` : problemOf(value),
  )

const ClaimsSchema = mapping('the claims of a case', {
  domain: v.exactOptional(text(domainProblem)),
  issuer: v.exactOptional(claim(issuerProblem)),
  owner: v.exactOptional(claim(ownerProblem)),
  ownerId: v.exactOptional(id),
  repository: v.exactOptional(claim(repositoryProblem)),
  repositoryId: v.exactOptional(id),
  workflow: v.exactOptional(claim(workflowProblem)),
  builder: v.exactOptional(claim(builderProblem)),
  ref: v.exactOptional(claim(refProblem)),
  commit: v.exactOptional(claim(commitProblem)),
  trigger: v.exactOptional(claim(triggerProblem)),
  runner: v.exactOptional(choice(['hosted', 'self-hosted'])),
  environment: v.exactOptional(claim(environmentProblem)),
  visibility: v.exactOptional(choice(['public', 'private', 'internal'])),
})

const CaseSchema = v.pipe(
  mapping('a case', {
    name: text(),
    package: text(versionProblem),
    integrity: v.exactOptional(text()),
    source: v.exactOptional(choice(RULE_SOURCES)),
    aliases: v.exactOptional(v.array(text())),
    importers: v.exactOptional(v.pipe(v.array(text()), v.nonEmpty('no importers: name one, or remove it'))),
    claims: v.exactOptional(ClaimsSchema),
    signed: v.exactOptional(text(dayProblem)),
    published: v.exactOptional(text(dayProblem)),
    expect: choice(STATUSES),
    code: v.exactOptional(choice(Object.keys(CODES) as RefusalCode[])),
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    const { claims, signed, published, source = 'registry' } = dataset.value
    if (signed !== undefined && claims === undefined)
      addIssue(at(dataset.value, 'signed', 'nothing is signed without "claims": add them, or remove it'))
    if (source !== 'registry' && (claims !== undefined || published !== undefined))
      addIssue(
        at(
          dataset.value,
          'source',
          `what comes from ${source} has no attestations: remove "claims" and "published", or this`,
        ),
      )
  }),
)

const CasesSchema = mapping('a file of cases', {
  day: v.exactOptional(text(dayProblem)),
  cases: v.pipe(v.array(CaseSchema, '"cases" is a list'), v.nonEmpty('no cases: nothing would be tested')),
})

/**
 * @param projects that have a policy of their own
 * @throws GateError naming everything that is wrong with the file, in its order
 */
export function parseCases(content: string, file: string, projects: readonly string[]): Cases {
  const document = readDocument(content, file, undefined, 'no cases: nothing would be tested')
  const parsed = v.safeParse(CasesSchema, document.value)
  if (!parsed.success) throw toError(problemsOf(parsed.issues, document))
  const { day, cases } = parsed.output
  const unknown = cases.flatMap(({ importers = [] }, index) =>
    importers.flatMap((importer, at) => {
      if (importer === '.' || projects.includes(importer)) return []
      const message = `${quote(importer)} is no project with a policy of its own, so it would be like the root, "."${didYouMean(importer, projects)}`
      return [{ place: document.placeOf(['cases', index, 'importers', at], 'value'), message }]
    }),
  )
  if (unknown.length > 0) throw toError(unknown)
  return {
    day: day === undefined ? undefined : startOf(day),
    cases: cases.map((each, index) => toCase(each, document.placeOf(['cases', index], 'value'))),
  }
}

type CaseFile = v.InferOutput<typeof CaseSchema>

function toCase(
  {
    name,
    package: spec,
    integrity,
    source = 'registry',
    aliases,
    importers = ['.'],
    expect,
    code,
    ...evidence
  }: CaseFile,
  place: Place,
): Case {
  const { name: pkg, range: version = '' } = parsePackagePattern(spec)
  const base = { name: pkg, version, integrity, source, origin: undefined, importers, key: spec }
  return {
    name,
    pkg: aliases === undefined ? base : { ...base, aliases },
    proof: toProof(evidence, source),
    expect,
    code,
    place,
  }
}

/** Long ago, where a case does not say when: then no age is too young. */
const LONG_AGO = '2020-01-01'

function toProof(
  { claims, signed = LONG_AGO, published }: Pick<CaseFile, 'claims' | 'signed' | 'published'>,
  source: string,
): Result<Proof> {
  if (source !== 'registry') return refuse('EVIDENCE_MISSING', `a dependency from ${source}`, 'a package of a registry')
  if (claims === undefined && published === undefined)
    return refuse('EVIDENCE_MISSING', 'no attestations', 'a provenance attestation')
  const at = (day: string) => startOf(day).toISOString()
  return ok({
    provenance:
      claims === undefined
        ? []
        : [{ predicateType: 'https://slsa.dev/provenance/v1', claims: toClaims(claims), signedAt: at(signed) }],
    publish: published === undefined ? [] : [{ signedAt: at(published) }],
  })
}

/** Short names are written out as in a publisher, and what a case does not say the certificate does not have. */
function toClaims(claims: NonNullable<CaseFile['claims']>): Claims {
  const { domain = DEFAULT_DOMAIN, issuer = 'github', repository, builder, runner } = claims
  // As with every host: who owns a repository stands before its name.
  const owner = claims.owner ?? repository?.slice(0, repository.lastIndexOf('/'))
  return {
    domain,
    subjectAlternativeName: undefined,
    issuer: toIssuer(issuer),
    buildSignerUri: builder && toBuilder(builder),
    buildSignerDigest: undefined,
    runnerEnvironment: runner === 'hosted' ? 'github-hosted' : runner,
    repository: repository && toRepository(repository),
    commit: claims.commit,
    ref: claims.ref,
    repositoryId: claims.repositoryId,
    owner: owner && toOwner(owner),
    ownerId: claims.ownerId,
    buildConfigUri: undefined,
    buildConfigDigest: undefined,
    trigger: claims.trigger,
    runUri: undefined,
    visibility: claims.visibility,
    environment: claims.environment,
    tokenSubject: undefined,
    workflow: claims.workflow,
  }
}

export interface CaseResult {
  readonly verdict: Verdict
  /** What is not as the case expects; undefined where it passes. */
  readonly failure: string | undefined
}

export function runCase({ pkg, proof, expect, code }: Case, policy: Policy, now: Date): CaseResult {
  const verdict = decide(pkg, policy, needsProof(pkg, policy) ? proof : undefined, now)
  const { status, refusal } = verdict
  const shown = refusal === undefined ? status : `${status} (${refusal.code}: ${refusal.found})`
  if (status !== expect) return { verdict, failure: `expected ${expect}, but it is ${shown}` }
  if (code !== undefined && refusal?.code !== code) {
    return { verdict, failure: `expected the code ${quote(code)}, but it is ${shown}` }
  }
  return { verdict, failure: undefined }
}
