import type { X509Certificate } from '@sigstore/core'
import { ok, type Result, refuse } from '../codes.ts'
import { GITHUB_DOMAIN, GITHUB_RELEASES } from '../domains.ts'
import type { CertificateClaims } from './types.ts'

const FULCIO = '1.3.6.1.4.1.57264.1.'
const EXTENDED_KEY_USAGE = '2.5.29.37'
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3'
const UTF8_STRING = 0x0c
/**
 * A byte order mark is kept: otherwise an environment named U+FEFF + `npm`, which anybody with push access can make up and
 * which nobody reviews, would pass for `npm`.
 */
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
export const GITHUB_ISSUER = 'https://token.actions.githubusercontent.com'

/**
 * Reads what a Fulcio certificate claims about its holder.
 * https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md: 1 to 6 are raw strings and deprecated, 8 to 24 are
 * DER-encoded UTF8Strings. Certificates of early 2023 have only the first six.
 *
 * To be called on certificates whose chain was verified. Errors: CERTIFICATE_UNTRUSTED.
 */
export function certificateClaims(certificate: X509Certificate): Result<CertificateClaims> {
  const raw = new Map<number, Buffer>()
  const seen = new Set<string>()
  let codeSigning = false
  for (const extension of certificate.extensions) {
    const oid = extension.subs[0]?.toOID() ?? ''
    // RFC 5280, 4.2: one instance of an extension. With two, which one counts would be the reader's choice.
    if (seen.has(oid)) return untrusted(`extension ${oid} stands twice`, 'each extension at most once')
    seen.add(oid)
    const value = extension.subs.at(-1)
    if (value === undefined) return untrusted(`extension ${oid} has no value`, 'a value')
    if (oid === EXTENDED_KEY_USAGE)
      codeSigning = value.subs[0]?.subs.some((usage) => usage.toOID() === CODE_SIGNING) === true
    // The whole rest is the number: Number('12.0') is 12 too.
    const number = oid.startsWith(FULCIO) ? oid.slice(FULCIO.length) : ''
    if (/^\d+$/.test(number)) raw.set(Number(number), value.value)
  }
  if (!codeSigning) return untrusted('no extended key usage for code signing', 'a code signing certificate')

  const claims = new Map<number, string>()
  try {
    for (const [number, value] of raw) claims.set(number, DECODER.decode(number < 8 ? value : utf8String(value)))
  } catch {
    return untrusted('a claim that is not a UTF-8 string', 'claims as Fulcio writes them')
  }
  return ok(toClaims(claims, certificate.subjectAltName))
}

/**
 * Who vouches for the name in a certificate. Those of GitHub's release service name no issuer, for nobody has logged in: it
 * vouches for itself, in GitHub's own trust domain and nowhere else.
 */
export function issuerOf({ issuer, subjectAlternativeName }: CertificateClaims, domain: string): string | undefined {
  const isService = domain === GITHUB_DOMAIN && subjectAlternativeName === GITHUB_RELEASES
  return issuer ?? (isService ? GITHUB_RELEASES : undefined)
}

function toClaims(claims: ReadonlyMap<number, string>, subjectAlternativeName: string | undefined): CertificateClaims {
  const issuer = claims.get(8) ?? claims.get(1)
  const legacyRepository = issuer === GITHUB_ISSUER && claims.has(5) ? `https://github.com/${claims.get(5)}` : undefined
  const repository = claims.get(12) ?? legacyRepository
  // A certificate without any of 8 to 24 has no claim for the calling workflow; its subject alternative name is the
  // called one, in most builds the same. Where the newer claims exist, the name is never a substitute for a missing one.
  const legacy = [...claims.keys()].every((number) => number < 8)
  const buildConfigUri = claims.get(18)
  return {
    subjectAlternativeName,
    issuer,
    buildSignerUri: claims.get(9),
    buildSignerDigest: claims.get(10),
    runnerEnvironment: claims.get(11),
    repository,
    commit: claims.get(13) ?? claims.get(3),
    ref: claims.get(14) ?? claims.get(6),
    repositoryId: claims.get(15),
    owner: claims.get(16),
    ownerId: claims.get(17),
    buildConfigUri,
    buildConfigDigest: claims.get(19),
    trigger: claims.get(20) ?? claims.get(2),
    runUri: claims.get(21),
    visibility: claims.get(22),
    environment: claims.get(23),
    tokenSubject: claims.get(24),
    workflow: workflowOf(legacy ? subjectAlternativeName : buildConfigUri, repository)?.path,
  }
}

/**
 * Splits a workflow URI, `https://github.com/owner/name/.github/workflows/release.yml@refs/heads/main`, at the
 * repository's end and the ref's beginning. GitLab writes two slashes before the path. Undefined where the workflow
 * lies in another repository: then its path says nothing about this one.
 */
export function workflowOf(
  uri: string | undefined,
  repository: string | undefined,
): { path: string; ref: string } | undefined {
  if (uri === undefined || repository === undefined || !uri.startsWith(`${repository}/`)) return undefined
  const rest = uri.slice(repository.length).replace(/^\/{1,2}/, '')
  // The first `@refs/`: neither a tag such as `@scope/name@1.0.0` nor a branch that contains `@refs/` moves it.
  const at = rest.indexOf('@refs/')
  if (at < 1) return undefined
  return { path: rest.slice(0, at), ref: rest.slice(at + 1) }
}

/** Content of a DER UTF8String that fills its buffer exactly (X.690, 8.1 and 8.23; definite lengths, at most two octets). */
function utf8String(der: Buffer): Buffer {
  let length = der[1] ?? 0
  let start = 2
  if (length === 0x81) {
    length = der[2] ?? 0
    start = 3
  } else if (length === 0x82) {
    length = der.length < 4 ? 0 : der.readUInt16BE(2)
    start = 4
  } else if (length > 0x7f) {
    throw new TypeError('unsupported length')
  }
  if (der[0] !== UTF8_STRING || der.length !== start + length) throw new TypeError('not a UTF8String')
  return der.subarray(start)
}

function untrusted(found: string, expected: string): Result<never> {
  return refuse('CERTIFICATE_UNTRUSTED', `the signing certificate: ${found}`, expected)
}
