import { createPublicKey, type KeyObject } from 'node:crypto'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { refuse, UNDECIDED } from '../codes.ts'
import { DEFAULT_DOMAIN, GITHUB_DOMAIN } from '../domains.ts'
import { GateError } from '../errors.ts'
import { loadWithoutLock } from '../policy/load.ts'
import { say, warning } from '../report/output.ts'
import { renewalOf } from '../report/renewal.ts'
import type { RootFiles, TrustFiles } from '../trust/inputs.ts'
import { loadDomains } from '../trust/load.ts'
import { FileError, readBoundedFile } from '../util/files.ts'
import { mistakenForm, parseForm } from '../util/sigstore-forms.ts'
import { show } from '../util/text.ts'
import { type Artifact, type Signer, verifyArtifact } from '../verify/artifact.ts'
import { parseAnyBundle } from '../verify/bundle.ts'
import { namesGithub } from '../verify/domain.ts'
import type { TrustDomain } from '../verify/types.ts'
import type { ExitStatus } from './exit.ts'

export interface VerifyBundleOptions {
  readonly bundle: string
  readonly certificateIdentity?: string
  readonly certificateOidcIssuer?: string
  readonly key?: string
  readonly trustedRoot?: string
  readonly staging?: boolean
  readonly domain?: string
  /** Of which the trust domains are taken. */
  readonly policy?: string
  readonly predicateType?: string
}

/**
 * `provenance-gate verify-bundle`: whether a bundle proves who signed one file. Its options are those of
 * https://github.com/sigstore/sigstore-conformance/blob/main/docs/cli_protocol.md. 0 where it does; 2 where that could not be
 * found out, as under a log that the trust root does not have; else 1.
 *
 * @param subject a file, or `sha256:` or `sha512:` and its digest in hexadecimal where there is no file of that name
 * @throws GateError where it cannot be asked
 */
export async function verifyBundle(subject: string, options: VerifyBundleOptions, now: Date): Promise<ExitStatus> {
  const { trustedRoot, staging } = options
  if (staging && trustedRoot === undefined) {
    throw new GateError("--staging needs --trusted-root FILE: the gate has the public instance's trust root alone.")
  }
  const signer = await signerOf(options)
  const artifact = await artifactOf(subject)
  const bytes = await read(options.bundle, '--bundle', MAX_BUNDLE)
  const trust = await trustOf(options, now)
  const mistaken = mistakenForm('bundle', bytes, options.bundle)
  const result =
    mistaken === undefined
      ? verifyArtifact(parseForm(bytes), artifact, signer, trust.domain, now, options.predicateType)
      : refuse('EVIDENCE_MALFORMED', `${options.bundle} is ${mistaken.found}`, mistaken.advice)
  if (!result.ok) {
    const { code, found, expected } = result.refusal
    const advice = code === 'EVIDENCE_UNKNOWN' ? [`  to do:     ${adviceFor(bytes, options, trust.files)}`] : []
    say([`refused ${subject}: ${code}`, `  found:     ${found}`, `  expected:  ${expected}`, ...advice].join('\n'))
    return UNDECIDED.has(code) ? 2 : 1
  }
  const { identity, signedAt, predicateType } = result.value
  const what = predicateType === undefined ? '' : `, a statement of type ${show(predicateType)}`
  say(
    `verified ${subject}: signed ${identity === undefined ? 'with that key' : `by ${identity}`} at ${signedAt}${what}`,
  )
  return 0
}

/** The domain that was named, and no other: whoever asks knows who has to vouch. */
async function trustOf(
  { domain: name = DEFAULT_DOMAIN, trustedRoot, policy }: VerifyBundleOptions,
  now: Date,
): Promise<{ readonly domain: TrustDomain; readonly files: RootFiles }> {
  const context = { now, warn: warning }
  const pinned = trustedRoot === undefined ? {} : { trustedRoot }
  const file = policy === undefined ? undefined : path.resolve(policy)
  const { domains, ...trust }: TrustFiles = file === undefined ? {} : (await loadWithoutLock({ file }, pinned)).trust
  const named = domains?.get(name) ?? (name === GITHUB_DOMAIN ? {} : undefined)
  if (name !== DEFAULT_DOMAIN && named === undefined)
    throw new GateError(
      `--domain ${name}: there is no such trust domain. Name the policy that has it under "trust", "domains", with --policy FILE.`,
    )
  const own = { ...named, ...pinned }
  const [first, ...others] =
    name === DEFAULT_DOMAIN
      ? await loadDomains({ ...trust, ...pinned, domains: new Map([[name, named ?? {}]]) }, context)
      : await loadDomains({ domains: new Map([[name, own]]), maxStaleness: trust.maxStaleness }, context)
  const files = name === DEFAULT_DOMAIN ? { ...trust, ...pinned } : own
  return { domain: others.find((each) => each.name === name) ?? first, files }
}

/** What to do where nothing is known of a bundle under the trust root of a domain, which comes from those files. */
function adviceFor(bytes: Buffer, { domain = DEFAULT_DOMAIN }: VerifyBundleOptions, files: RootFiles): string {
  const bundle = parseAnyBundle(parseForm(bytes), 'the bundle')
  if (domain !== GITHUB_DOMAIN && bundle.ok && namesGithub(bundle.value))
    return `its certificate names an authority of GitHub's own: verify it with --domain ${GITHUB_DOMAIN}`
  return `${renewalOf([[domain, files]], [], process.cwd())}; for another instance of Sigstore, --trusted-root FILE or --domain NAME`
}

async function signerOf({ key, certificateIdentity, certificateOidcIssuer }: VerifyBundleOptions): Promise<Signer> {
  if (key !== undefined) {
    if (certificateIdentity !== undefined || certificateOidcIssuer !== undefined)
      throw new GateError('--key and --certificate-identity: a bundle is signed by one of the two. Name one.')
    return { key: publicKey(await read(key, '--key', MAX_KEY), key) }
  }
  if (certificateIdentity === undefined || certificateOidcIssuer === undefined) {
    throw new GateError(
      'Who must have signed it? Name --certificate-identity and --certificate-oidc-issuer, or --key: anybody can sign anything.',
    )
  }
  return { identity: certificateIdentity, issuer: certificateOidcIssuer }
}

function publicKey(pem: Buffer, file: string): KeyObject {
  try {
    return createPublicKey(pem)
  } catch (error) {
    throw new GateError(`--key ${file}: not a public key in PEM (${(error as Error).message}).`)
  }
}

async function artifactOf(subject: string): Promise<Artifact> {
  const isFile = await stat(subject).then(
    () => true,
    () => false,
  )
  if (isFile) return { bytes: await read(subject, 'The artifact', MAX_ARTIFACT) }
  const [, sha256, sha512] = /^(?:sha256:([0-9a-f]{64})|sha512:([0-9a-f]{128}))$/i.exec(subject) ?? []
  if (sha256 !== undefined) return { sha256: Buffer.from(sha256, 'hex') }
  if (sha512 !== undefined) return { sha512: Buffer.from(sha512, 'hex') }
  if (/^sha\d+[:-]/i.test(subject))
    throw new GateError(
      `The artifact ${subject} is neither a file nor a digest. Expected a file, or sha256: and 64, or sha512: and 128 hexadecimal digits.`,
    )
  return { bytes: await read(subject, 'The artifact', MAX_ARTIFACT) }
}

const MAX_BUNDLE = 16 << 20
const MAX_KEY = 1 << 16
/** It is kept in memory as a whole. */
const MAX_ARTIFACT = 2 ** 31 - 1

async function read(file: string, what: string, limit: number): Promise<Buffer> {
  const bytes = await readBoundedFile(file, limit).catch((error: unknown) => {
    const why = error instanceof FileError ? `it ${error.message}` : String(error)
    throw new GateError(`${what} ${file} cannot be read: ${why}.`, { cause: error })
  })
  if (bytes === undefined) throw new GateError(`${what} ${file} cannot be read: there is no such file.`)
  return bytes
}
