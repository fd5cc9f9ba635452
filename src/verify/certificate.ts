import type { KeyObject } from 'node:crypto'
import { ASN1Obj, crypto, X509Certificate } from '@sigstore/core'

/*
 * The library's certificate, without doing the same work again. It encodes a certificate anew each time it compares it or
 * checks its signature, a kilobyte of memory for each field, and checks for every bundle what the certificates of the trust
 * root say of each other: of the 8 ms that a provenance takes, 7. What is decided here is nothing: every answer is the one
 * that the library would compute (test/verify/differential-*.test.ts compare them).
 */

/** The same certificate, whose answers are kept. Its parsed fields must not be changed from here on. */
export function kept(certificate: X509Certificate): X509Certificate {
  return certificate instanceof KeptCertificate ? certificate : new KeptCertificate(certificate.root)
}

class KeptCertificate extends X509Certificate {
  #root: Buffer | undefined
  #key: Buffer | undefined
  #keyObject: KeyObject | undefined
  #extensions: ASN1Obj[] | undefined
  /** Who has signed it and who has not. Weak: an untrusted certificate is asked about too, once. */
  readonly #signed = new WeakMap<X509Certificate, boolean>()

  override get publicKey(): Buffer {
    const field = this.root.subs[0]?.subs[6]
    // Where it has none, the library has its own words for it.
    this.#key ??= field === undefined ? super.publicKey : encode(field)
    return this.#key
  }

  get keyObject(): KeyObject {
    this.#keyObject ??= crypto.createPublicKey(this.publicKey)
    return this.#keyObject
  }

  get der(): Buffer {
    this.#root ??= encode(this.root)
    return this.#root
  }

  override get extensions(): ASN1Obj[] {
    this.#extensions ??= super.extensions
    return this.#extensions
  }

  override equals(other: X509Certificate): boolean {
    return this.der.equals(derOf(other))
  }

  override verify(issuer: X509Certificate = this): boolean {
    const known = this.#signed.get(issuer)
    if (known !== undefined) return known
    const key = issuer instanceof KeptCertificate ? issuer.keyObject : crypto.createPublicKey(issuer.publicKey)
    const held = crypto.verify(encode(this.tbsCertificate), key, this.signatureValue, this.signatureAlgorithm)
    this.#signed.set(issuer, held)
    return held
  }

  /** The library makes one to take an extension out of it: the list of extensions is another, its fields are the same. */
  override clone(): X509Certificate {
    const [tbs, ...rest] = this.root.subs
    if (tbs === undefined) return super.clone()
    const fields = tbs.subs.map((field) =>
      field.tag.isContextSpecific(EXTENSIONS)
        ? new Field(
            field,
            field.subs.map((list) => new Field(list, [...list.subs])),
          )
        : field,
    )
    return new X509Certificate(new Field(this.root, [new Field(tbs, fields), ...rest]))
  }
}

/** RFC 5280, 4.1: of TBSCertificate. */
const EXTENSIONS = 3

class Field extends ASN1Obj {
  constructor({ tag, value }: ASN1Obj, subs: ASN1Obj[]) {
    super(tag, value, subs)
  }

  override toDER(): Buffer {
    return encode(this)
  }
}

function derOf(certificate: X509Certificate): Buffer {
  return certificate instanceof KeptCertificate ? certificate.der : encode(certificate.root)
}

/** `toDER()` of a field. */
function encode(field: ASN1Obj): Buffer {
  const parsed = parsedFrom(field)
  if (parsed !== undefined) return parsed
  const { tag, value, subs } = field
  const body = subs.length === 0 ? value : Buffer.concat(subs.map(encode))
  return Buffer.concat([header(tag, body.length), body])
}

/**
 * The bytes that a field was parsed from, where they are what it would be encoded to: DER has one encoding of everything,
 * and the parser takes no other. Looked at again, for what is compared and hashed must not hang on that. Undefined where
 * it is otherwise, or the field was changed.
 */
function parsedFrom(field: ASN1Obj): Buffer | undefined {
  const { value } = field
  const memory = Buffer.from(value.buffer as ArrayBuffer)
  const start = startOf(field, memory)
  return start === undefined ? undefined : memory.subarray(start, value.byteOffset + value.length)
}

/** Where a field begins in the memory of its value, if it stands there as it would be encoded, and its parts in it too. */
function startOf({ tag, value, subs }: ASN1Obj, memory: Buffer): number | undefined {
  if (value.buffer !== memory.buffer) return undefined
  const octets = lengthOctets(value.length)
  const start = value.byteOffset - 2 - octets
  if (start < 0 || memory[start] !== tag.toDER() || memory[start + 1] !== firstOctet(value.length, octets))
    return undefined
  if (octets > 0 && memory.readUIntBE(start + 2, octets) !== value.length) return undefined
  if (subs.length === 0) return start
  let end = value.byteOffset
  for (const sub of subs) {
    if (startOf(sub, memory) !== end) return undefined
    end = sub.value.byteOffset + sub.value.length
  }
  return end === value.byteOffset + value.length ? start : undefined
}

function header(tag: ASN1Obj['tag'], length: number): Buffer {
  const octets = lengthOctets(length)
  const head = Buffer.alloc(2 + octets)
  head[0] = tag.toDER()
  head[1] = firstOctet(length, octets)
  if (octets > 0) head.writeUIntBE(length, 2, octets)
  return head
}

/** X.690, 8.1.3 and 10.1: a length stands alone, or behind the number of octets that it needs, as few as can be. */
function firstOctet(length: number, octets: number): number {
  return octets === 0 ? length : 0x80 | octets
}

function lengthOctets(length: number): number {
  let octets = 0
  if (length >= 0x80) for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets += 1
  return octets
}
