import { randomBytes } from 'node:crypto'
import { dsse, json, pem } from '@sigstore/core'
import { type Authority, createAuthority, type LeafRequest, leafContent } from '../support/sigstore/authority.ts'
import { type BundleVersion, bundleJSON, type SerializedBundleJSON } from '../support/sigstore/bundle.ts'
import { signCertificate, toBeSigned } from '../support/sigstore/certificate.ts'
import { type FulcioClaims, workflowClaims } from '../support/sigstore/claims.ts'
import { signedCertificateTimestamp, timestampListExtension } from '../support/sigstore/ctlog.ts'
import { type EnvelopeJSON, IN_TOTO_PAYLOAD, signEnvelope } from '../support/sigstore/envelope.ts'
import { resolveIdentity } from '../support/sigstore/identity.ts'
import { generateKey, type SigningKey, sha256 } from '../support/sigstore/keys.ts'
import { TransparencyLog } from '../support/sigstore/rekor.ts'
import { provenanceStatement } from '../support/sigstore/statement.ts'
import { trustedRootJSON } from '../support/sigstore/trusted-root.ts'
import { createTimestampAuthority, type TimestampAuthority } from '../support/sigstore/tsa.ts'
import { NOW, type Trust, widgets } from './support.ts'

/**
 * A Sigstore taken apart, for what the whole one does not make: certificates that no Fulcio issues, log entries that name
 * somebody else, logs and authorities that are not those of the trust root, timestamps of an authority.
 */
export interface Workshop {
  readonly trust: Trust
  readonly authority: Authority
  readonly log: TransparencyLog
  readonly ctLog: SigningKey
  readonly tsa: TimestampAuthority
  forge(options?: ForgeOptions): SerializedBundleJSON
}

export interface ForgeOptions {
  /** Default: the provenance of `widgets`. A buffer is signed as it is. */
  readonly statement?: unknown
  readonly claims?: FulcioClaims
  /** The certificate's extensions, before the promise of the certificate log is put last. */
  readonly extensions?: (usual: readonly Buffer[]) => readonly Buffer[]
  /** Default: the workshop's own. */
  readonly authority?: Authority
  readonly ctLog?: SigningKey
  readonly log?: TransparencyLog
  readonly bundleVersion?: BundleVersion
  readonly entryKind?: EntryKind
  /** Whom the log entry names, PEM. Default: the certificate. */
  readonly logged?: (signer: { readonly key: string; readonly certificate: string }) => string
  /** When the log integrates the entry. Default: NOW. */
  readonly integratedTime?: Date
  /** Times at which the workshop's timestamp authority, or another one, signs. Default: none. */
  readonly timestamps?: readonly { readonly at: Date; readonly by?: TimestampAuthority }[]
}

const START = new Date('2021-03-01T00:00:00Z')
const END = new Date('2031-03-01T00:00:00Z')

export function openWorkshop(): Workshop {
  const ctLog = generateKey('P-256')
  const authority = createAuthority('workshop.test', { start: START, end: END }, ctLog)
  const log = new TransparencyLog('https://rekor.workshop.test')
  const tsa = createTimestampAuthority({ start: START, end: END })
  const trustedRoot = trustedRootJSON({
    start: START,
    rekor: log,
    ctLog: { baseUrl: 'https://ctfe.workshop.test', key: ctLog },
    fulcio: {
      baseUrl: 'https://fulcio.workshop.test',
      subject: authority.rootName,
      chain: [authority.intermediate, authority.root],
    },
  })
  trustedRoot.timestampAuthorities = [
    {
      subject: tsa.name,
      uri: 'https://timestamp.workshop.test',
      certChain: { certificates: tsa.chain.map((der) => ({ rawBytes: der.toString('base64') })) },
      validFor: { start: START.toISOString() },
    },
  ]
  const parts = { authority, ctLog, log, tsa }
  return { ...parts, trust: { trustedRoot, npmKeys: { keys: [] } }, forge: (options = {}) => forge(parts, options) }
}

function forge(
  parts: Pick<Workshop, 'authority' | 'ctLog' | 'log' | 'tsa'>,
  options: ForgeOptions,
): SerializedBundleJSON {
  const { authority, ctLog, log } = { ...parts, ...options }
  const { statement = provenanceOfWidgets(), bundleVersion = '0.3', entryKind = 'dsse', integratedTime = NOW } = options
  const signer = generateKey('P-256')
  const leaf = issue(authority, ctLog, signer, options)
  const payload = Buffer.isBuffer(statement) ? statement : Buffer.from(JSON.stringify(statement))
  const envelope = signEnvelope(payload, IN_TOTO_PAYLOAD, signer, '')
  const certificate = pem.fromDER(leaf)
  const named = options.logged?.({ key: pem.fromDER(signer.spki, 'PUBLIC KEY'), certificate }) ?? certificate
  const { version, spec } = ENTRY[entryKind](envelope, payload, Buffer.from(named).toString('base64'))
  const body = Buffer.from(json.canonicalize({ apiVersion: version, kind: entryKind, spec }))
  // The log writes down what it is told of kind and version: neither is signed.
  const entry = { ...log.append('dsse', body, integratedTime), kindVersion: { kind: entryKind, version } }
  const bundle = bundleJSON(bundleVersion, { chain: [leaf, authority.intermediate, authority.root] }, entry, {
    dsseEnvelope: envelope,
  })
  const signature = Buffer.from(envelope.signatures[0]?.sig ?? '', 'base64')
  bundle.verificationMaterial.timestampVerificationData.rfc3161Timestamps = (options.timestamps ?? []).map(
    ({ at, by = parts.tsa }) => ({ signedTimestamp: by.timestamp(signature, at).toString('base64') }),
  )
  return bundle
}

function issue(authority: Authority, ctLog: SigningKey, signer: SigningKey, options: ForgeOptions): Buffer {
  const who = resolveIdentity()
  const request: LeafRequest = {
    serial: randomBytes(16),
    issuer: authority.name,
    issuerSpki: authority.key.spki,
    subject: { uri: who.subjectAlternativeName },
    claims: options.claims ?? workflowClaims(who, false),
    notBefore: NOW,
    lifetimeMinutes: 10,
    spki: signer.spki,
  }
  const usual = leafContent(request)
  const content = { ...usual, extensions: options.extensions?.(usual.extensions) ?? usual.extensions }
  const promise = signedCertificateTimestamp(ctLog, authority.key.spki, toBeSigned(content), NOW)
  const extensions = [...content.extensions, timestampListExtension([promise])]
  return signCertificate(toBeSigned({ ...content, extensions }), authority.key)
}

/** The statement of `widgets`, as its own build writes it. */
export function provenanceOfWidgets(): ReturnType<typeof provenanceStatement> {
  return provenanceStatement(widgets, resolveIdentity(), 'v1')
}

type EntryKind = 'intoto' | 'dsse' | 'hashedrekord'

/** What a log keeps of an envelope, by kind of entry; `named` is base64. */
const ENTRY: Record<
  EntryKind,
  (envelope: EnvelopeJSON, payload: Buffer, named: string) => { version: string; spec: object }
> = {
  intoto: ({ payloadType, signatures }, payload, publicKey) => {
    const twice = signatures.map(({ sig }) => ({ sig: Buffer.from(sig).toString('base64'), publicKey }))
    const content = { envelope: { payloadType, signatures: twice }, payloadHash: digest(payload) }
    return { version: '0.0.2', spec: { content } }
  },
  dsse: ({ signatures }, payload, verifier) => {
    const spec = {
      payloadHash: digest(payload),
      signatures: signatures.map(({ sig }) => ({ signature: sig, verifier })),
    }
    return { version: '0.0.1', spec }
  },
  hashedrekord: ({ payloadType, signatures }, payload, content) => {
    const signature = { content: signatures[0]?.sig, publicKey: { content } }
    return { version: '0.0.1', spec: { data: { hash: digest(dsse.preAuthEncoding(payloadType, payload)) }, signature } }
  },
}

function digest(data: Buffer): object {
  return { algorithm: 'sha256', value: sha256(data).toString('hex') }
}
