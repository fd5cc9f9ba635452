import { randomBytes } from 'node:crypto'
import {
  type AuthorityName,
  authorityKeyIdentifier,
  basicConstraints,
  type CertificateContent,
  CODE_SIGNING,
  KEY_USAGE_AUTHORITY,
  KEY_USAGE_SIGNATURE,
  signCertificate,
  subjectAlternativeName,
  subjectKeyIdentifier,
  toBeSigned,
} from './certificate.ts'
import { claimExtensions, type FulcioClaims } from './claims.ts'
import { signedCertificateTimestamp, timestampListExtension } from './ctlog.ts'
import { generateKey, type SigningKey } from './keys.ts'

/** A Fulcio: a P-384 root that only certifies a P-384 intermediate, which issues all leaf certificates. */
export interface Authority {
  readonly rootName: AuthorityName
  /** The intermediate's, and so the issuer of all leaf certificates. */
  readonly name: AuthorityName
  readonly root: Buffer
  readonly intermediate: Buffer
  readonly key: SigningKey
  readonly rootKey: SigningKey
  readonly ctLog: SigningKey
}

export function createAuthority(
  organization: string,
  validity: { start: Date; end: Date },
  ctLog: SigningKey,
): Authority {
  const rootName = { organization, commonName: 'sigstore' }
  const name = { organization, commonName: 'sigstore-intermediate' }
  const rootKey = generateKey('P-384')
  const key = generateKey('P-384')
  const common = { issuer: rootName, notBefore: validity.start, notAfter: validity.end }
  const root = toBeSigned({
    ...common,
    serial: randomSerial(),
    subject: rootName,
    spki: rootKey.spki,
    extensions: [
      KEY_USAGE_AUTHORITY,
      basicConstraints(undefined),
      subjectKeyIdentifier(rootKey.spki),
      authorityKeyIdentifier(rootKey.spki),
    ],
  })
  const intermediate = toBeSigned({
    ...common,
    serial: randomSerial(),
    subject: name,
    spki: key.spki,
    extensions: [
      KEY_USAGE_AUTHORITY,
      CODE_SIGNING,
      basicConstraints(0),
      subjectKeyIdentifier(key.spki),
      authorityKeyIdentifier(rootKey.spki),
    ],
  })
  return {
    rootName,
    name,
    root: signCertificate(root, rootKey),
    intermediate: signCertificate(intermediate, rootKey),
    key,
    rootKey,
    ctLog,
  }
}

/** What Fulcio puts into a leaf certificate, apart from the CT log's promise. */
export interface LeafRequest {
  readonly serial: Buffer
  readonly issuer: AuthorityName
  readonly issuerSpki: Buffer
  readonly subject: { readonly uri: string } | { readonly email: string }
  readonly claims: FulcioClaims
  readonly notBefore: Date
  readonly lifetimeMinutes: number
  readonly spki: Buffer
}

/** The leaf's content with its extensions in Fulcio's order; the promise, once there is one, stands last. */
export function leafContent(request: LeafRequest, ...promise: readonly Buffer[]): CertificateContent {
  return {
    serial: request.serial,
    issuer: request.issuer,
    subject: undefined,
    notBefore: request.notBefore,
    notAfter: new Date(request.notBefore.getTime() + request.lifetimeMinutes * 60_000),
    spki: request.spki,
    extensions: [
      KEY_USAGE_SIGNATURE,
      CODE_SIGNING,
      subjectKeyIdentifier(request.spki),
      authorityKeyIdentifier(request.issuerSpki),
      subjectAlternativeName(request.subject),
      ...claimExtensions(request.claims),
      ...promise,
    ],
  }
}

export type IssueRequest = Omit<LeafRequest, 'serial' | 'issuer' | 'issuerSpki'>

/** Issues a leaf certificate, and has it logged unless `withoutSct` is set. */
export function issueCertificate(authority: Authority, request: IssueRequest, withoutSct: boolean): Buffer {
  const leaf = { ...request, serial: randomSerial(), issuer: authority.name, issuerSpki: authority.key.spki }
  const precertificate = toBeSigned(leafContent(leaf))
  if (withoutSct) return signCertificate(precertificate, authority.key)
  const { ctLog, key } = authority
  const promise = signedCertificateTimestamp(ctLog, key.spki, precertificate, request.notBefore)
  return signCertificate(toBeSigned(leafContent(leaf, timestampListExtension([promise]))), authority.key)
}

/** 159 random bits: as many as fit into 20 octets without a minus sign. */
function randomSerial(): Buffer {
  const serial = randomBytes(20)
  serial.writeUInt8(serial.readUInt8() & 0x7f)
  return serial
}
