import { ok, type Result, refuse } from '../codes.ts'
import { DEFAULT_DOMAIN } from '../domains.ts'
import { show } from '../util/text.ts'
import { GITHUB_ISSUER, workflowOf } from './claims.ts'
import { isRecord } from './document.ts'
import type { Statement } from './statement.ts'
import type { Claims } from './types.ts'

export const PROVENANCE_V02 = 'https://slsa.dev/provenance/v0.2'
export const PROVENANCE_V1 = 'https://slsa.dev/provenance/v1'
export const PUBLISH = 'https://github.com/npm/attestation/tree/main/specs/publish/v0.1'

/** Something that the provenance says and that the certificate says too. */
interface Saying {
  /** Where the provenance says it. */
  readonly field: string
  readonly said: unknown
  /** What the certificate says, or undefined where it has no such claim. */
  readonly proven: string | undefined
  /** Both must say it: without it the provenance could belong to any build. */
  readonly essential?: boolean
}

/**
 * Compares a provenance with the certificate that signed it. The predicate is written by the build itself, the claims
 * by Fulcio from the issuer's token: decisions are taken on the claims, and a predicate that contradicts them is a
 * forged or foreign one. Errors: PREDICATE_MISMATCH.
 *
 * @returns the builder that a delegator vouches for; undefined where the certificate says all that is to be said of it
 */
export function checkProvenance({ predicateType, predicate }: Statement, claims: Claims): Result<string | undefined> {
  const isV1 = predicateType === PROVENANCE_V1
  const id = record(isV1 ? record(predicate.runDetails).builder : predicate.builder).id
  const delegated = delegatedBuilder(id, (isV1 ? record(predicate.buildDefinition) : predicate).buildType, claims)
  const sayings = [
    ...(isV1 ? sayingsV1(predicate, claims) : sayingsV02(predicate, claims)),
    ...(delegated === undefined && id !== UNSEEN_RUNNER ? [builder(id, claims)] : []),
  ]
  for (const { field, said, proven, essential } of sayings) {
    if (essential && (said === undefined || proven === undefined)) {
      const who = said === undefined ? 'the provenance' : 'the certificate'
      return refuse('PREDICATE_MISMATCH', `${who} does not say ${field}`, `${field} in provenance and certificate`)
    }
    if (said !== undefined && proven !== undefined && said !== proven) {
      return refuse(
        'PREDICATE_MISMATCH',
        `the provenance says ${field} ${show(said)}`,
        `${show(proven)}, as in the certificate`,
      )
    }
  }
  // No certificate confirms it, and one that names no kind of runner does not contradict it.
  if (id === UNSEEN_RUNNER) {
    return refuse(
      'PREDICATE_MISMATCH',
      `the provenance says builder ${id}: npm could not see on what kind of runner it ran`,
      `a builder that the certificate confirms, such as ${RUNNER}/github-hosted`,
    )
  }
  return ok(delegated)
}

/** The publish attestation (npm's specs/publish/v0.1) repeats name and version of the package that it is about. */
export function checkPublish(statement: Statement, name: string, version: string): Result<undefined> {
  const { predicate } = statement
  if (predicate.name !== name || predicate.version !== version) {
    return refuse(
      'PREDICATE_MISMATCH',
      predicate.name === undefined && predicate.version === undefined
        ? 'a publish attestation that names no package'
        : `the registry published ${show(predicate.name)} ${show(predicate.version)}`,
      `${name} ${version}`,
    )
  }
  return ok(undefined)
}

/** https://slsa.dev/spec/v1.0/provenance, with the build type that npm and GitHub write. */
function sayingsV1(predicate: Record<string, unknown>, claims: Claims): readonly Saying[] {
  const build = record(predicate.buildDefinition)
  const workflow = record(record(build.externalParameters).workflow)
  const source = record(Array.isArray(build.resolvedDependencies) ? build.resolvedDependencies[0] : undefined)
  const uri = splitSource(source.uri)
  return [
    { field: 'repository', said: uri.repository, proven: claims.repository, essential: true },
    { field: 'repository (of its workflow)', said: workflow.repository, proven: claims.repository },
    { field: 'ref', said: uri.ref, proven: claims.ref },
    { field: 'ref (of its workflow)', said: workflow.ref, proven: workflowRef(claims) },
    { field: 'workflow', said: workflow.path, proven: claims.workflow },
    { field: 'commit', said: record(source.digest).gitCommit, proven: claims.commit, essential: true },
  ]
}

/** https://slsa.dev/spec/v0.2/provenance, as npm 9 wrote it on GitHub and still writes it on GitLab. */
function sayingsV02(predicate: Record<string, unknown>, claims: Claims): readonly Saying[] {
  const source = record(record(predicate.invocation).configSource)
  const material = record(Array.isArray(predicate.materials) ? predicate.materials[0] : undefined)
  const sourceUri = splitSource(source.uri)
  const materialUri = splitSource(material.uri)
  const entryPoint = splitEntryPoint(source.entryPoint, claims)
  return [
    { field: 'repository', said: sourceUri.repository, proven: claims.repository, essential: true },
    { field: 'repository (of its materials)', said: materialUri.repository, proven: claims.repository },
    { field: 'ref', said: sourceUri.ref, proven: claims.ref },
    { field: 'ref (of its materials)', said: materialUri.ref, proven: claims.ref },
    { field: 'workflow', said: entryPoint.path, proven: claims.workflow },
    { field: 'ref (of its workflow)', said: entryPoint.ref, proven: workflowRef(claims) },
    { field: 'commit', said: record(source.digest).sha1, proven: claims.commit, essential: true },
    { field: 'commit (of its materials)', said: record(material.digest).sha1, proven: claims.commit },
  ]
}

/** `git+https://github.com/owner/name@refs/heads/main`, with or without the ref. Anything else is kept whole, to differ. */
function splitSource(uri: unknown): { repository: unknown; ref: string | undefined } {
  if (typeof uri !== 'string' || !uri.startsWith('git+')) return { repository: uri, ref: undefined }
  const at = uri.indexOf('@refs/')
  return at < 0
    ? { repository: uri.slice(4), ref: undefined }
    : { repository: uri.slice(4, at), ref: uri.slice(at + 1) }
}

/**
 * npm before 9.6 wrote the workflow as `owner/name/path@ref`, later as `path`. On GitLab the entry point is the job's
 * name, which no certificate has.
 */
function splitEntryPoint(entryPoint: unknown, claims: Claims): { path: unknown; ref?: string } {
  if (claims.repository === undefined || !claims.repository.startsWith('https://github.com/'))
    return { path: undefined }
  if (typeof entryPoint !== 'string') return { path: entryPoint }
  return workflowOf(`https://github.com/${entryPoint}`, claims.repository) ?? { path: entryPoint }
}

/** The ref of the calling workflow, which may be another than the one that is built. */
function workflowRef(claims: Claims): string | undefined {
  return workflowOf(claims.buildConfigUri, claims.repository)?.ref ?? claims.ref
}

/** slsa-github-generator's, which others may call to sign for workflows of their own, at its releases. */
const DELEGATOR =
  /^https:\/\/github\.com\/slsa-framework\/slsa-github-generator\/\.github\/workflows\/delegator_(?:lowperms-)?generic_slsa3\.yml@refs\/tags\/v(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}$/
const DELEGATOR_BUILD_TYPE = 'https://github.com/slsa-framework/slsa-github-generator/delegator-generic@v0'
/** A workflow on GitHub, at a release. */
const BUILDER =
  /^https:\/\/github\.com\/[A-Za-z0-9][\w-]{0,99}\/(?!\.{1,2}\/)[\w.-]{1,100}\/\.github\/workflows\/[\w.-]{1,250}\.ya?ml@refs\/tags\/v\d{1,9}(?:\.\d{1,9}){2}(?:-[A-Za-z0-9]{1,50})?$/

/**
 * The builder that a provenance names, where a delegator has written it. A delegator runs apart from the workflow that it
 * signs for, and takes that workflow's name from a token that GitHub has signed, so it vouches for what no claim has. All
 * of this has to hold, for a workflow that only looks like one could name any builder: the public authority, GitHub's issuer
 * and its own machine, and a release of the delegator both as the called workflow and as the certificate's name.
 */
function delegatedBuilder(id: unknown, buildType: unknown, claims: Claims): string | undefined {
  const { domain, issuer, runnerEnvironment, buildSignerUri = '', subjectAlternativeName } = claims
  const isDelegator =
    domain === DEFAULT_DOMAIN &&
    issuer === GITHUB_ISSUER &&
    runnerEnvironment === 'github-hosted' &&
    buildSignerUri === subjectAlternativeName &&
    DELEGATOR.test(buildSignerUri)
  if (!isDelegator || buildType !== DELEGATOR_BUILD_TYPE || typeof id !== 'string' || !BUILDER.test(id))
    return undefined
  return id === buildSignerUri ? undefined : id
}

const RUNNER = 'https://github.com/actions/runner'
const UNSEEN_RUNNER = `${RUNNER}/undefined`

/** Who claims to have run the build. Only forms whose meaning the certificate can confirm are accepted. */
function builder(id: unknown, claims: Claims): Saying {
  const field = 'builder'
  if (typeof id === 'string' && claims.repository !== undefined) {
    if (id.startsWith(`${RUNNER}/`)) {
      const proven = claims.runnerEnvironment === undefined ? undefined : `${RUNNER}/${claims.runnerEnvironment}`
      return { field, said: id, proven }
    }
    const onGitHub = claims.repository.startsWith('https://github.com/')
    // Forms without a detail to compare: the runner (npm 9.6 to 9.8), and npm itself (before 9.6).
    if (onGitHub && (id === RUNNER || id.startsWith('https://github.com/npm/cli@'))) {
      return { field, said: id, proven: id }
    }
    if (!onGitHub && id.startsWith(`${claims.repository}/-/runners/`)) return { field, said: id, proven: id }
  }
  return { field, said: id, proven: claims.buildSignerUri ?? claims.subjectAlternativeName, essential: true }
}

function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {}
}
