import assert from 'node:assert/strict'
import { p256, p384 } from '@noble/curves/nist.js'
import { ASN1Obj } from '@sigstore/core'
import { integer, sequence } from '../support/sigstore/der.ts'

/** (r, n-s) of an ECDSA signature, both in base64 of DER. Of P-256 and P-384, told apart by their size. */
export function otherSignature(base64: string): string {
  const [r, s] = ASN1Obj.parseBuffer(Buffer.from(base64, 'base64')).subs
  assert.ok(r && s)
  const n = (r.value.length > 33 ? p384 : p256).Point.CURVE().n
  const hex = (n - s.toInteger()).toString(16)
  const other = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  return sequence(integer(r.value), integer(other)).toString('base64')
}
