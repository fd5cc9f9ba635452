/**
 * Who builds: what GitHub Actions puts into its OIDC token, from which Fulcio takes the certificate's claims and npm the
 * provenance's fields. Everything has a default, and what follows from other fields follows from them.
 */
export interface WorkflowIdentity {
  readonly issuer?: string | undefined
  /** URI of the source repository. */
  readonly repository?: string | undefined
  /** Path of the calling, top-level workflow inside the repository. */
  readonly workflow?: string | undefined
  /** The `name:` in the workflow file (claim 4). */
  readonly workflowName?: string | undefined
  readonly ref?: string | undefined
  readonly commit?: string | undefined
  readonly trigger?: string | undefined
  readonly runnerEnvironment?: string | undefined
  readonly repositoryId?: string | undefined
  readonly owner?: string | undefined
  readonly ownerId?: string | undefined
  readonly visibility?: string | undefined
  readonly runUri?: string | undefined
  /** Claim 23. No default: genuine certificates only have it since recently, and only with an environment. */
  readonly environment?: string | undefined
  /** Claim 24. No default, like `environment`. */
  readonly tokenSubject?: string | undefined
  /** URI of the called workflow, with its ref. Set it to make the called workflow a reusable one. */
  readonly buildSignerUri?: string | undefined
  readonly buildSignerDigest?: string | undefined
  /** URI of the calling workflow, with its ref. */
  readonly buildConfigUri?: string | undefined
  readonly buildConfigDigest?: string | undefined
  readonly subjectAlternativeName?: string | undefined
}

type Optional = 'environment' | 'tokenSubject'

/** A `WorkflowIdentity` with every default filled in. */
export type ResolvedIdentity = {
  readonly [Field in Exclude<keyof WorkflowIdentity, Optional>]-?: string
} & { readonly [Field in Optional]: string | undefined }

const GITHUB_ACTIONS = 'https://token.actions.githubusercontent.com'

/** The issuer for people who sign in with GitHub. */
export const GITHUB_LOGIN = 'https://github.com/login/oauth'

export function resolveIdentity(identity: WorkflowIdentity = {}): ResolvedIdentity {
  const repository = identity.repository ?? 'https://github.com/acme/widgets'
  const workflow = identity.workflow ?? '.github/workflows/release.yml'
  const ref = identity.ref ?? 'refs/heads/main'
  const commit = identity.commit ?? '4c8ad3f1b6e2907d5a1f83c6e0b9472d61f5a8c3'
  const buildConfigUri = identity.buildConfigUri ?? `${repository}/${workflow}@${ref}`
  const buildSignerUri = identity.buildSignerUri ?? buildConfigUri
  return {
    issuer: identity.issuer ?? GITHUB_ACTIONS,
    repository,
    workflow,
    workflowName: identity.workflowName ?? 'Release',
    ref,
    commit,
    trigger: identity.trigger ?? 'push',
    runnerEnvironment: identity.runnerEnvironment ?? 'github-hosted',
    repositoryId: identity.repositoryId ?? '520031842',
    owner: identity.owner ?? repository.slice(0, repository.lastIndexOf('/')),
    ownerId: identity.ownerId ?? '61840275',
    visibility: identity.visibility ?? 'public',
    runUri: identity.runUri ?? `${repository}/actions/runs/9116405766/attempts/1`,
    environment: identity.environment,
    tokenSubject: identity.tokenSubject,
    buildSignerUri,
    buildSignerDigest: identity.buildSignerDigest ?? commit,
    buildConfigUri,
    buildConfigDigest: identity.buildConfigDigest ?? commit,
    subjectAlternativeName: identity.subjectAlternativeName ?? buildSignerUri,
  }
}

/** `owner/name`, as GitHub's own variables and Fulcio's first claims have it. */
export function repositorySlug(identity: ResolvedIdentity): string {
  return identity.repository.replace(/^https:\/\/[^/]+\//, '')
}
