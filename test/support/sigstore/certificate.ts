import {
  bitString,
  explicit,
  implicit,
  integer,
  octetString,
  oid,
  printableString,
  sequence,
  set,
  TRUE,
  time,
} from './der.ts'
import { keyIdentifier, type SigningKey, sign } from './keys.ts'

/** A name as Fulcio's authorities bear one. Leaf certificates have the empty name: their identity is in the extension. */
export interface AuthorityName {
  readonly organization: string
  readonly commonName: string
}

/** What a certificate says before it is signed: the TBSCertificate of RFC 5280, section 4.1. */
export interface CertificateContent {
  /** Big-endian. RFC 5280 allows 20 octets. */
  readonly serial: Buffer
  readonly issuer: AuthorityName
  /** Undefined for the empty name. */
  readonly subject: AuthorityName | undefined
  readonly notBefore: Date
  readonly notAfter: Date
  readonly spki: Buffer
  readonly extensions: readonly Buffer[]
}

const VERSION_3 = explicit(0, integer(Buffer.from([2])))
const ECDSA_WITH_SHA384 = sequence(oid('1.2.840.10045.4.3.3'))

export function toBeSigned(content: CertificateContent): Buffer {
  return sequence(
    VERSION_3,
    integer(content.serial),
    ECDSA_WITH_SHA384,
    distinguishedName(content.issuer),
    sequence(time(content.notBefore), time(content.notAfter)),
    distinguishedName(content.subject),
    content.spki,
    explicit(3, sequence(...content.extensions)),
  )
}

/** Signs with a P-384 key: both of Fulcio's authorities have one. */
export function signCertificate(tbs: Buffer, key: SigningKey): Buffer {
  return sequence(tbs, ECDSA_WITH_SHA384, bitString(sign(key, tbs)))
}

function distinguishedName(name: AuthorityName | undefined): Buffer {
  if (name === undefined) return sequence()
  const attribute = (type: string, value: string) => set(sequence(oid(type), printableString(value)))
  return sequence(attribute('2.5.4.10', name.organization), attribute('2.5.4.3', name.commonName))
}

export function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [TRUE] : []), octetString(value))
}

/** Bit 0, `digitalSignature`. */
export const KEY_USAGE_SIGNATURE: Buffer = extension('2.5.29.15', bitString(Buffer.from([0x80]), 7), true)
/** Bits 5 and 6, `keyCertSign` and `cRLSign`. */
export const KEY_USAGE_AUTHORITY: Buffer = extension('2.5.29.15', bitString(Buffer.from([0x06]), 1), true)
export const CODE_SIGNING: Buffer = extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.3')))

/** `cA`, and how many authorities may stand below this one; undefined for no limit. */
export function basicConstraints(pathLength: number | undefined): Buffer {
  const limit = pathLength === undefined ? [] : [integer(Buffer.from([pathLength]))]
  return extension('2.5.29.19', sequence(TRUE, ...limit), true)
}

export function subjectKeyIdentifier(spki: Buffer): Buffer {
  return extension('2.5.29.14', octetString(keyIdentifier(spki)))
}

export function authorityKeyIdentifier(issuerSpki: Buffer): Buffer {
  return extension('2.5.29.35', sequence(implicit(0, keyIdentifier(issuerSpki))))
}

/** The identity: a workflow's URI or a person's address. Critical, because the subject's name is empty. */
export function subjectAlternativeName(name: { readonly uri: string } | { readonly email: string }): Buffer {
  const general = 'uri' in name ? implicit(6, Buffer.from(name.uri)) : implicit(1, Buffer.from(name.email))
  return extension('2.5.29.17', sequence(general), true)
}
