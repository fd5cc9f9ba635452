import type { Bundle } from '@sigstore/bundle'
import { ok, type Result, refuse } from '../codes.ts'
import { GITHUB_DOMAIN, GITHUB_RELEASES } from '../domains.ts'
import type { GithubOrigin } from '../lockfile/types.ts'
import { show } from '../util/text.ts'
import { certificateClaims, issuerOf } from './claims.ts'
import { parseDocument } from './document.ts'
import { type OpenDomains, openDomains } from './domain.ts'
import { type AttestationFinding, judgeEach, nothingProven, refusedStep } from './findings.ts'
import { guarded } from './guard.ts'
import { verifyInDomain } from './signature.ts'
import { parseStatement, type Statement } from './statement.ts'
import type { Proof, ProvenProvenance, TrustDomains } from './types.ts'

/** https://github.com/in-toto/attestation/blob/main/spec/predicates/release.md; what GitHub writes of it is read. */
const RELEASE = ['https://in-toto.io/attestation/release/v0.1', 'https://in-toto.io/attestation/release/v0.2']

/**
 * Judges the attestations of a release against what is locked of it. Pure, and never throws.
 *
 * @param sha256 of the bytes of an asset, hex: of those that have the lockfile's sha512
 */
export type ReleaseVerifier = (
  origin: GithubOrigin,
  sha256: string | undefined,
  document: unknown,
  now: Date,
) => Result<Proof>

export function createReleaseVerifier(trust: TrustDomains): ReleaseVerifier {
  const domains = openDomains(trust)
  return (origin, sha256, document, now) => guarded(() => verifyDocument(origin, sha256, document, domains, now))
}

/** A commit may be that of several releases: each of them is proven. Those of others are not about it, and prove nothing. */
function verifyDocument(
  origin: GithubOrigin,
  sha256: string | undefined,
  document: unknown,
  domains: OpenDomains,
  now: Date,
): Result<Proof> {
  const attestations = parseDocument(document)
  if (!attestations.ok) return attestations
  const findings = judgeEach(attestations.value, (bundle) => verifyBundle(bundle, domains, now))
  if (!findings.ok) return findings
  const { proven: releases, leftOut } = findings.value
  const bound = releases.map((release) => ({ release, result: bind(origin, sha256, release) }))
  const provenance = bound.flatMap(({ release, result }) => (result.ok ? [release.proven] : []))
  if (provenance.length > 0) return ok({ provenance, publish: [], ...(leftOut.length > 0 && { leftOut }) })
  const other = bound.flatMap(({ result }) => (result.ok ? [] : [result]))[0]
  if (other !== undefined) return other
  const none = refuse('EVIDENCE_MISSING', 'no attestation of a release', 'one that GitHub makes of immutable releases')
  return nothingProven(leftOut, none.refusal)
}

interface Release {
  readonly proven: ProvenProvenance
  readonly repository: string
  readonly tag: string
  readonly commit: string
  readonly assets: Statement['subject']
}

/** What one attestation says, once it is sure that GitHub says it. */
function verifyBundle(bundle: Bundle, domains: OpenDomains, now: Date): AttestationFinding<Release> {
  const signature = verifyInDomain(bundle, domains, now)
  if (!signature.ok) return refusedStep(signature)
  const statement = parseStatement(bundle)
  if (!statement.ok) return refusedStep(statement)
  const { predicateType } = statement.value
  if (!RELEASE.includes(predicateType)) {
    const found = `an attestation of the type ${show(predicateType)}`
    return { isNothing: refuse('EVIDENCE_MISSING', found, 'one of a release').refusal }
  }
  const { certificate, signedAt, domain } = signature.value
  // Whoever may write attestations of a repository can have this statement signed under a name of their own.
  if (domain !== GITHUB_DOMAIN || certificate?.subjectAltName !== GITHUB_RELEASES) {
    const { refusal } = refuse(
      'CERTIFICATE_UNTRUSTED',
      `a release signed by ${show(certificate?.subjectAltName)} in the trust domain ${show(domain)}`,
      `one signed by ${GITHUB_RELEASES}, in GitHub's own`,
    )
    return { isNothing: refusal }
  }
  const certified = certificateClaims(certificate)
  if (!certified.ok) return { contradicts: certified.refusal }
  const said = readStatement(statement.value)
  // A form of the future is left out, and a statement that GitHub signs and that says two things is not.
  if (!said.ok) return refusedStep(said)
  const { repository, tag, commit, repositoryId, ownerId } = said.value
  const claims = {
    ...certified.value,
    domain,
    issuer: issuerOf(certified.value, domain),
    repository: `https://github.com/${repository}`,
    owner: `https://github.com/${repository.slice(0, repository.indexOf('/'))}`,
    ref: `refs/tags/${tag}`,
    commit,
    repositoryId,
    ownerId,
  }
  const assets = statement.value.subject.filter(({ name, uri }) => name !== '' && uri === undefined)
  const proven = { predicateType, claims, signedAt: signedAt.toISOString() }
  return { proves: { ...said.value, assets, proven } }
}

/** Repository and tag stand twice: in the predicate, and as the package URL of the one subject that is the tag's commit. */
function readStatement({ subject, predicate }: Statement): Result<{
  readonly repository: string
  readonly tag: string
  readonly commit: string
  readonly repositoryId: string | undefined
  readonly ownerId: string | undefined
}> {
  const { repository, tag, purl, repositoryId, ownerId } = predicate
  const [tagged, ...others] = subject.filter(({ uri }) => uri !== undefined)
  if (
    typeof repository !== 'string' ||
    typeof tag !== 'string' ||
    tag === '' ||
    !/^[^/]+\/[^/]+$/.test(repository) ||
    ![repositoryId, ownerId].every((id) => id === undefined || typeof id === 'string') ||
    tagged?.sha1 === undefined ||
    !/^[0-9a-f]{40}$/.test(tagged.sha1) ||
    others.length > 0
  ) {
    return refuse('EVIDENCE_MALFORMED', 'a release without repository, tag or commit', 'all three, once')
  }
  // The specification of package URLs has GitHub's names in lower case, and GitHub writes them as they are.
  const [, named = '', at = ''] = /^pkg:github\/([^@]+)@(.+)$/s.exec(decoded(tagged.uri ?? '') ?? '') ?? []
  if (tagged.uri !== purl || named.toLowerCase() !== repository.toLowerCase() || at !== tag) {
    return refuse(
      'PREDICATE_MISMATCH',
      `a release of ${show(repository)}, tag ${show(tag)}, whose subject is ${show(tagged.uri)}`,
      'the same in both',
    )
  }
  return ok({
    repository,
    tag,
    commit: tagged.sha1,
    repositoryId: typeof repositoryId === 'string' ? repositoryId : undefined,
    ownerId: typeof ownerId === 'string' ? ownerId : undefined,
  })
}

function decoded(uri: string): string | undefined {
  try {
    return decodeURIComponent(uri)
  } catch {
    return undefined
  }
}

/**
 * Binds a release to what is locked. Repository and tag are those of the URL: GitHub says that nothing of *this* release
 * will change, so that what is downloaded from there tomorrow is what was proven today.
 */
function bind(origin: GithubOrigin, sha256: string | undefined, release: Release): Result<undefined> {
  const { repository, tag, commit, assets } = release
  // GitHub's names are the same in any case of their letters.
  if (repository.toLowerCase() !== origin.repository.toLowerCase()) {
    return refuse('SUBJECT_MISMATCH', `a release of ${show(repository)}`, `one of ${show(origin.repository)}`)
  }
  if ('commit' in origin) {
    return commit === origin.commit
      ? ok(undefined)
      : refuse('DIGEST_MISMATCH', `a release of the commit ${commit}`, `one of ${origin.commit}, as in the lockfile`)
  }
  if (tag !== origin.tag) return refuse('SUBJECT_MISMATCH', `a release ${show(tag)}`, `the release ${show(origin.tag)}`)
  if (sha256 !== undefined && assets.some((asset) => asset.sha256?.toLowerCase() === sha256)) return ok(undefined)
  return refuse(
    'DIGEST_MISMATCH',
    `a release with ${assets.length} assets, none of which has the sha256 ${show(sha256)}`,
    'one that has the bytes of the lockfile among its assets',
  )
}
