import { randomBytes } from 'node:crypto'
import {
  type AuthorityName,
  authorityKeyIdentifier,
  basicConstraints,
  extension,
  KEY_USAGE_AUTHORITY,
  KEY_USAGE_SIGNATURE,
  signCertificate,
  subjectKeyIdentifier,
  toBeSigned,
} from './certificate.ts'
import { explicit, integer, octetString, oid, printableString, sequence, set, time } from './der.ts'
import { generateKey, type SigningKey, sha256, sign } from './keys.ts'

/** A timestamp authority: it signs, with the time, the digest of a signature that it is shown. */
export interface TimestampAuthority {
  readonly name: AuthorityName
  /** Its certificate, and the root that issued it. */
  readonly chain: readonly [Buffer, Buffer]
  readonly rootKey: SigningKey
  /** A TimeStampResp of RFC 3161, DER. */
  timestamp(signature: Buffer, at: Date, changes?: TimestampChanges): Buffer
}

/** What an authority could sign in place of what it does. */
export interface TimestampChanges {
  /** The TSTInfo. */
  readonly info?: (info: Buffer) => Buffer
  /** The SET of signed attributes. */
  readonly attributes?: (attributes: Buffer) => Buffer
}

const SHA256 = sequence(oid('2.16.840.1.101.3.4.2.1'))
const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'))
const TIME_STAMPING = extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.8')), true)
/** RFC 5652, 5.4: in place of the tag of a SET, which is what gets signed. */
const SIGNED_ATTRIBUTES = Buffer.from([0xa0])
const TST_INFO = oid('1.2.840.113549.1.9.16.1.4')

export function createTimestampAuthority(
  { start, end }: { start: Date; end: Date },
  organization = 'workshop.test',
): TimestampAuthority {
  const name = { organization, commonName: 'timestamp-root' }
  const rootKey = generateKey('P-384')
  const key = generateKey('P-256')
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(15)])
  const common = { issuer: name, notBefore: start, notAfter: end }
  const root = toBeSigned({
    ...common,
    serial: Buffer.concat([Buffer.from([1]), randomBytes(15)]),
    subject: name,
    spki: rootKey.spki,
    extensions: [KEY_USAGE_AUTHORITY, basicConstraints(undefined), subjectKeyIdentifier(rootKey.spki)],
  })
  const leaf = toBeSigned({
    ...common,
    serial,
    subject: { organization, commonName: 'timestamp' },
    spki: key.spki,
    extensions: [
      KEY_USAGE_SIGNATURE,
      TIME_STAMPING,
      subjectKeyIdentifier(key.spki),
      authorityKeyIdentifier(rootKey.spki),
    ],
  })
  return {
    name,
    chain: [signCertificate(leaf, rootKey), signCertificate(root, rootKey)],
    rootKey,
    timestamp: (signature, at, { info: change = same, attributes: changeAttributes = same } = {}) => {
      const info = change(
        sequence(
          integer(Buffer.from([1])),
          oid('1.3.6.1.4.1.57264.2'),
          sequence(SHA256, octetString(sha256(signature))),
          integer(randomBytes(8)),
          time(at),
        ),
      )
      const digest = sequence(oid('1.2.840.113549.1.9.4'), set(octetString(sha256(info))))
      const type = sequence(oid('1.2.840.113549.1.9.3'), set(TST_INFO))
      const attributes = changeAttributes(set(type, digest))
      const signer = sequence(
        integer(Buffer.from([1])),
        sequence(distinguishedName(name), integer(serial)),
        SHA256,
        Buffer.concat([SIGNED_ATTRIBUTES, attributes.subarray(1)]),
        ECDSA_WITH_SHA256,
        octetString(sign(key, attributes)),
      )
      const content = sequence(TST_INFO, explicit(0, octetString(info)))
      const signedData = sequence(integer(Buffer.from([3])), set(SHA256), content, set(signer))
      const token = sequence(oid('1.2.840.113549.1.7.2'), explicit(0, signedData))
      return sequence(sequence(integer(Buffer.from([0]))), token)
    },
  }
}

function same(der: Buffer): Buffer {
  return der
}

function distinguishedName({ organization, commonName }: AuthorityName): Buffer {
  const attribute = (type: string, value: string) => set(sequence(oid(type), printableString(value)))
  return sequence(attribute('2.5.4.10', organization), attribute('2.5.4.3', commonName))
}
