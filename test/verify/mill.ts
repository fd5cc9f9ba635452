import { type KeyObject, randomBytes, sign } from 'node:crypto'
import { type Bundle, bundleFromJSON } from '@sigstore/bundle'
import { dsse } from '@sigstore/core'
import { type Authority, createAuthority, leafContent } from '../support/sigstore/authority.ts'
import { bundleJSON, type SerializedBundleJSON } from '../support/sigstore/bundle.ts'
import { type CertificateContent, signCertificate, toBeSigned } from '../support/sigstore/certificate.ts'
import { signedCertificateTimestamp, timestampListExtension } from '../support/sigstore/ctlog.ts'
import { entryBody } from '../support/sigstore/entry.ts'
import type { TrustedRootJSON } from '../support/sigstore/index.ts'
import { generateKey, logId, type SigningKey } from '../support/sigstore/keys.ts'
import { TransparencyLog } from '../support/sigstore/rekor.ts'
import { trustedRootJSON } from '../support/sigstore/trusted-root.ts'
import { createTimestampAuthority, type TimestampChanges } from '../support/sigstore/tsa.ts'
import { NOW } from './support.ts'

/*
 * Bundles in which all but one thing is in order: certificates are changed before they are signed, and the certificate log,
 * the transparency log and the timestamp authority sign what came of it, so that the change is all that there is to refuse.
 */

/** Whoever signs: all kinds of keys, unlike Sigstore's own. */
export interface AnySigner {
  readonly privateKey: KeyObject
  readonly spki: Buffer
  /** Undefined where the key itself says. */
  readonly digest?: string | undefined
}

export interface LeafOptions {
  readonly content?: Partial<CertificateContent>
  /** The extensions, before the certificate log's promise. */
  readonly extensions?: (usual: readonly Buffer[]) => readonly Buffer[]
  /** With the promise among them. Default: last. */
  readonly withPromise?: (extensions: readonly Buffer[], promise: Buffer) => readonly Buffer[]
  /** Of what the log promises and of what is signed: both have to be changed alike. */
  readonly change?: (tbs: Buffer) => Buffer
  /** Default: by the intermediate authority. */
  readonly seal?: (tbs: Buffer) => Buffer
  readonly signer?: AnySigner
  readonly authority?: Authority
}

export interface BundleOptions {
  readonly signer?: AnySigner
  /** In place of a log entry. */
  readonly timestamps?: readonly Buffer[]
  readonly at?: Date
}

type AuthorityJSON = TrustedRootJSON['certificateAuthorities'][number]

const START = new Date('2021-03-01T00:00:00Z')
const END = new Date('2031-03-01T00:00:00Z')
const PAYLOAD_TYPE = 'application/vnd.in-toto+json'
const PAYLOAD = Buffer.from('{"_type":"https://in-toto.io/Statement/v1"}')

export class Mill {
  readonly ctLog = generateKey('P-256')
  readonly authority = this.newAuthority('mill.test')
  readonly tsa = createTimestampAuthority({ start: START, end: END }, 'mill.test')
  readonly signer: SigningKey = generateKey('P-256')
  readonly #log = new TransparencyLog('https://rekor.mill.test')
  readonly #serial = Buffer.concat([Buffer.from([1]), randomBytes(15)])
  readonly #signatures = new Map<AnySigner, Buffer>()

  newAuthority(organization: string, { start = START, end = END } = {}): Authority {
    return createAuthority(organization, { start, end }, this.ctLog)
  }

  /** What a leaf certificate says before it is changed, without a promise. */
  content({ signer = this.signer, authority = this.authority }: LeafOptions = {}): CertificateContent {
    return leafContent({
      serial: this.#serial,
      issuer: authority.name,
      issuerSpki: authority.key.spki,
      subject: { uri: 'https://github.com/acme/mill/.github/workflows/release.yml@refs/heads/main' },
      // One that is raw, one in DER.
      claims: new Map([1, 8].map((claim) => [claim, 'https://token.actions.githubusercontent.com'])),
      notBefore: NOW,
      lifetimeMinutes: 10,
      spki: signer.spki,
    })
  }

  leaf(options: LeafOptions = {}): Buffer {
    const { change = (tbs: Buffer) => tbs, authority = this.authority } = options
    const { seal = (tbs: Buffer) => signCertificate(tbs, authority.key) } = options
    const { withPromise = (extensions, promise) => [...extensions, promise] } = options
    const usual = { ...this.content(options), ...options.content }
    const extensions = options.extensions?.(usual.extensions) ?? usual.extensions
    const promised = change(toBeSigned({ ...usual, extensions }))
    const promise = timestampListExtension([
      signedCertificateTimestamp(this.ctLog, authority.key.spki, promised, usual.notBefore),
    ])
    return seal(change(toBeSigned({ ...usual, extensions: withPromise(extensions, promise) })))
  }

  /** Signed, and logged under that certificate; or stamped. */
  bundle(leaf: Buffer, options: BundleOptions = {}): SerializedBundleJSON {
    const { signer = this.signer, timestamps = [], at = NOW } = options
    const signature = this.signature(signer)
    const dsseEnvelope = {
      payload: PAYLOAD.toString('base64'),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig: signature.toString('base64'), keyid: '' }],
    }
    const body = entryBody('dsse', dsseEnvelope, { label: 'CERTIFICATE', der: leaf })
    const bundle = bundleJSON('0.3', { chain: [leaf] }, this.#log.append('dsse', body, at), { dsseEnvelope })
    if (timestamps.length > 0) bundle.verificationMaterial.tlogEntries = []
    bundle.verificationMaterial.timestampVerificationData.rfc3161Timestamps = timestamps.map((der) => ({
      signedTimestamp: der.toString('base64'),
    }))
    return bundle
  }

  parsed(leaf: Buffer, options: BundleOptions = {}): Bundle {
    return bundleFromJSON(this.bundle(leaf, options))
  }

  /** The envelope's. One for each signer: what is about it stays good whatever becomes of the certificate. */
  signature(signer: AnySigner = this.signer): Buffer {
    const known =
      this.#signatures.get(signer) ??
      sign(signer.digest, dsse.preAuthEncoding(PAYLOAD_TYPE, PAYLOAD), signer.privateKey)
    this.#signatures.set(signer, known)
    return known
  }

  timestamp(changes: TimestampChanges = {}, at = NOW): Buffer {
    return this.tsa.timestamp(this.signature(), at, changes)
  }

  /** With these authorities in place of its own. */
  trustedRoot({
    authorities = [this.chain()],
    timestampAuthorities = [this.tsa.chain],
    ctLogs = [this.ctLog],
  }: {
    readonly authorities?: readonly (readonly Buffer[] | AuthorityJSON)[]
    readonly timestampAuthorities?: readonly (readonly Buffer[] | AuthorityJSON)[]
    readonly ctLogs?: readonly SigningKey[]
  } = {}): TrustedRootJSON {
    const root = trustedRootJSON({
      start: START,
      rekor: this.#log,
      ctLog: { baseUrl: 'https://ctfe.mill.test', key: this.ctLog },
      fulcio: { baseUrl: 'https://fulcio.mill.test', subject: this.authority.rootName, chain: this.chain() },
    })
    const {
      ctlogs: [usual],
    } = root
    if (usual !== undefined)
      root.ctlogs = ctLogs.map((key) => ({
        ...usual,
        publicKey: { ...usual.publicKey, rawBytes: key.spki.toString('base64') },
        logId: { keyId: logId(key).toString('base64') },
      }))
    const authority = (chain: readonly Buffer[] | AuthorityJSON) =>
      'validFor' in chain ? chain : this.authorityJSON(chain)
    root.certificateAuthorities = authorities.map(authority)
    root.timestampAuthorities = timestampAuthorities.map(authority)
    return root
  }

  authorityJSON(
    chain: readonly Buffer[],
    validFor: AuthorityJSON['validFor'] = { start: START.toISOString() },
  ): AuthorityJSON {
    return {
      subject: this.authority.rootName,
      uri: 'https://authority.mill.test',
      certChain: { certificates: chain.map((der) => ({ rawBytes: der.toString('base64') })) },
      validFor,
    }
  }

  chain({ intermediate, root }: Authority = this.authority): readonly [Buffer, Buffer] {
    return [intermediate, root]
  }
}
