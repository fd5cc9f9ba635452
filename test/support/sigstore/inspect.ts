/** For tests: reads bundles with other people's parsers, and changes copies of them. */
import assert from 'node:assert/strict'
import { ASN1Obj, X509Certificate } from '@sigstore/core'
import type { SerializedBundleJSON } from './bundle.ts'

/** The leaf certificate, DER. */
export function leafOf({ verificationMaterial }: SerializedBundleJSON): Buffer<ArrayBuffer> {
  const { certificate, x509CertificateChain } = verificationMaterial
  const { rawBytes } = certificate ?? x509CertificateChain?.certificates[0] ?? assert.fail('no certificate')
  return Buffer.from(rawBytes, 'base64')
}

export function entryOf(bundle: SerializedBundleJSON) {
  return bundle.verificationMaterial.tlogEntries[0] ?? assert.fail('no log entry')
}

export function proofOf(bundle: SerializedBundleJSON) {
  return entryOf(bundle).inclusionProof ?? assert.fail('no inclusion proof')
}

/** The signed statement, as text. */
export function payloadOf(bundle: SerializedBundleJSON): string {
  return Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString()
}

/** The certificate's Fulcio claims by number. */
export function claimsOf(leaf: Buffer<ArrayBuffer>): Map<number, string> {
  const claims = X509Certificate.parse(leaf).extensions.flatMap(({ subs }): [number, string][] => {
    const number = Number(/^1\.3\.6\.1\.4\.1\.57264\.1\.(\d+)$/.exec(subs[0]?.toOID() ?? '')?.[1])
    const value = subs.at(-1)?.value
    if (Number.isNaN(number) || value === undefined) return []
    return [[number, (number <= 6 ? value : ASN1Obj.parseBuffer(Buffer.from(value)).value).toString()]]
  })
  return new Map(claims)
}

/** The object identifiers of a certificate's extensions, in their order. */
export function extensionIds(certificate: Buffer<ArrayBuffer>): (string | undefined)[] {
  return X509Certificate.parse(certificate).extensions.map(({ subs }) => subs[0]?.toOID())
}

/** A copy of the bundle (or of trust material) with something changed after the fact. */
export function changed<T>(value: T, change: (copy: T) => void): T {
  const copy = structuredClone(value)
  change(copy)
  return copy
}
