import { type ResolvedIdentity, repositorySlug } from './identity.ts'

/** The package that an attestation is about. */
export interface PackageVersion {
  readonly name: string
  readonly version: string
  /** Subresource Integrity string with a sha512. */
  readonly integrity: string
}

/** An in-toto statement. Its predicate is `unknown` because negative tests put anything there. */
export interface Statement {
  _type: string
  subject: { name: string; digest: Record<string, string> }[]
  predicateType: string
  predicate: unknown
}

/**
 * Something else to say than the truth: an object, which is merged deeply (arrays and scalars replace, `undefined` leaves
 * out), or a function from what would have been said. Applied before signing, so the lie is validly signed.
 */
export type Override<T> = Readonly<Record<string, unknown>> | ((value: T) => unknown)

export type PredicateVersion = 'v0.2' | 'v1'

const STATEMENT_V01 = 'https://in-toto.io/Statement/v0.1'
const STATEMENT_V1 = 'https://in-toto.io/Statement/v1'
const PUBLISH_V01 = 'https://github.com/npm/attestation/tree/main/specs/publish/v0.1'

/** Build provenance as npm's client writes it in GitHub Actions, field for field and in its order. */
export function provenanceStatement(pkg: PackageVersion, who: ResolvedIdentity, version: PredicateVersion): Statement {
  const statement = (type: string, predicate: object): Statement => ({
    _type: type,
    subject: [subject(pkg)],
    predicateType: `https://slsa.dev/provenance/${version}`,
    predicate,
  })
  return version === 'v1' ? statement(STATEMENT_V1, provenanceV1(who)) : statement(STATEMENT_V01, provenanceV02(who))
}

/** What the registry says when it accepts a version. */
export function publishStatement(pkg: PackageVersion, registry: string): Statement {
  return {
    _type: STATEMENT_V01,
    subject: [subject(pkg)],
    predicateType: PUBLISH_V01,
    predicate: { name: pkg.name, version: pkg.version, registry },
  }
}

function subject({ name, version, integrity }: PackageVersion): Statement['subject'][number] {
  return {
    // npm writes a package URL in which only the scope's @ is escaped.
    name: `pkg:npm/${name.replace(/^@/, '%40')}@${version}`,
    digest: { sha512: sha512Hex(integrity) },
  }
}

function sha512Hex(integrity: string): string {
  const hash = integrity.split(/\s+/).find((candidate) => candidate.startsWith('sha512-'))
  if (hash === undefined) throw new TypeError(`an attestation needs a sha512, got '${integrity}'`)
  return Buffer.from(hash.slice('sha512-'.length), 'base64').toString('hex')
}

function provenanceV1(who: ResolvedIdentity): object {
  return {
    buildDefinition: {
      buildType: 'https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1',
      externalParameters: { workflow: { ref: who.ref, repository: who.repository, path: who.workflow } },
      internalParameters: {
        github: {
          event_name: who.trigger,
          repository_id: who.repositoryId,
          repository_owner_id: who.ownerId,
        },
      },
      resolvedDependencies: [{ uri: `git+${who.repository}@${who.ref}`, digest: { gitCommit: who.commit } }],
    },
    runDetails: {
      builder: { id: `https://github.com/actions/runner/${who.runnerEnvironment}` },
      metadata: { invocationId: who.runUri },
    },
  }
}

function provenanceV02(who: ResolvedIdentity): object {
  const source = { uri: `git+${who.repository}@${who.ref}`, digest: { sha1: who.commit } }
  const [, runId = '', attempt = ''] = /\/runs\/(\d+)\/attempts\/(\d+)$/.exec(who.runUri) ?? []
  const slug = repositorySlug(who)
  return {
    buildType: 'https://github.com/npm/cli/gha/v2',
    builder: { id: 'https://github.com/actions/runner' },
    invocation: {
      configSource: { ...source, entryPoint: who.workflow },
      parameters: {},
      environment: {
        GITHUB_EVENT_NAME: who.trigger,
        GITHUB_REF: who.ref,
        GITHUB_REPOSITORY: slug,
        GITHUB_REPOSITORY_ID: who.repositoryId,
        GITHUB_REPOSITORY_OWNER_ID: who.ownerId,
        GITHUB_RUN_ATTEMPT: attempt,
        GITHUB_RUN_ID: runId,
        GITHUB_SHA: who.commit,
        GITHUB_WORKFLOW_REF: `${slug}/${who.workflow}@${who.ref}`,
        GITHUB_WORKFLOW_SHA: who.commit,
      },
    },
    metadata: {
      buildInvocationId: `${runId}-${attempt}`,
      completeness: { parameters: false, environment: false, materials: false },
      reproducible: false,
    },
    materials: [source],
  }
}

export interface StatementOverrides {
  readonly predicateOverrides?: Override<unknown> | undefined
  readonly statementOverrides?: Override<Statement> | undefined
}

export function overrideStatement(statement: Statement, overrides: StatementOverrides): unknown {
  const predicate = applyOverride(statement.predicate, overrides.predicateOverrides)
  return applyOverride({ ...statement, predicate }, overrides.statementOverrides)
}

function applyOverride<T>(value: T, override: Override<T> | undefined): unknown {
  if (override === undefined) return value
  return typeof override === 'function' ? override(value) : merge(value, override)
}

function merge(value: unknown, change: unknown): unknown {
  if (!isRecord(value) || !isRecord(change)) return change
  const merged = Object.entries(change).map(([key, changed]) => [key, merge(value[key], changed)])
  return { ...value, ...Object.fromEntries(merged) }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
