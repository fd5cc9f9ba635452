import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { type TrustMaterial, toTrustMaterial } from '@sigstore/verify'
import type { Refusal, RefusalCode, Result } from '../../src/codes.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { keyFinder, keyIds, registryKeys } from '../../src/trust/keys.ts'
import { thresholdsOf } from '../../src/trust/thresholds.ts'
import type { Proof, ProvenProvenance, TrustDomain } from '../../src/verify/types.ts'
import { createDocumentVerifier, type DocumentVerifier } from '../../src/verify/verify.ts'
import type {
  AttestationDocument,
  LocalSigstore,
  PackageVersion,
  SerializedBundleJSON,
} from '../support/sigstore/index.ts'

/** When everything in these tests is signed and verified. No test reads a clock. */
export const NOW = new Date('2026-03-01T12:00:00.500Z')

export function minutesLater(minutes: number, from: Date = NOW): Date {
  return new Date(from.getTime() + minutes * 60_000)
}

export function integrityOf(tarball: string | Buffer): string {
  return `sha512-${createHash('sha512').update(tarball).digest('base64')}`
}

/** The package of most tests, as its publisher names it. */
export const widgets: PackageVersion & { readonly now: Date } = {
  name: '@acme/widgets',
  version: '1.2.3',
  integrity: integrityOf('tarball'),
  now: NOW,
}

/** A lockfile's entry; by default the one of `widgets`. */
export function locked(entry: Partial<LockedPackage> = {}): LockedPackage {
  const { name = widgets.name, version = widgets.version } = entry
  return {
    name,
    version,
    integrity: widgets.integrity,
    source: 'registry',
    origin: undefined,
    importers: ['.'],
    key: `${name}@${version}`,
    ...entry,
  }
}

export type Trust = Pick<LocalSigstore, 'trustedRoot' | 'npmKeys'>

export function verifierFor({ trustedRoot, npmKeys }: Trust): DocumentVerifier {
  return createDocumentVerifier([
    {
      ...domainOf(
        toTrustMaterial(TrustedRoot.fromJSON(trustedRoot), keyFinder(registryKeys(npmKeys, 'npm:attestations'))),
      ),
      keyIds: new Set(keyIds(npmKeys)),
    },
  ])
}

/** A trust domain that asks for what the public good asks for. */
export function domainOf(material: TrustMaterial, name = 'sigstore'): TrustDomain {
  return { name, material, thresholds: thresholdsOf(name) }
}

/** What a registry answers. The outer predicate type is its word, so most tests write nonsense there. */
export function documentOf(...bundles: readonly unknown[]): {
  attestations: { predicateType: string; bundle: unknown }[]
} {
  return { attestations: bundles.map((bundle) => ({ predicateType: 'unsigned', bundle })) }
}

/** Asserts a refusal with this code, and that it says something to a person. */
export function refused<T>(result: Result<T>, code: RefusalCode, found?: RegExp): Refusal {
  assert.ok(!result.ok, `expected ${code}, but it was accepted`)
  const { refusal } = result
  assert.equal(refusal.code, code, `${refusal.code}: ${refusal.found}`)
  for (const phrase of [refusal.found, refusal.expected]) {
    assert.ok(phrase !== '' && !phrase.endsWith('.'), `a phrase without a full stop: ${phrase}`)
    assert.ok(phrase.length < 1_000, `short, whatever the document says: ${phrase.length} characters`)
  }
  if (found !== undefined) assert.match(refusal.found, found)
  return refusal
}

/** Asserts success and returns what was proven. */
export function accepted<T>(result: Result<T>): T {
  assert.ok(result.ok, result.ok ? '' : `${result.refusal.code}: ${result.refusal.found}`)
  return result.value
}

/** The only provenance of a proof. */
export function onlyProvenance(result: Result<Proof>): ProvenProvenance {
  const { provenance } = accepted(result)
  assert.equal(provenance.length, 1)
  return provenance[0] ?? assert.fail()
}

/** A changed copy. */
export function changed<T>(value: T, change: (copy: T) => void): T {
  const copy = structuredClone(value)
  change(copy)
  return copy
}

export function entryOf(
  bundle: SerializedBundleJSON,
): SerializedBundleJSON['verificationMaterial']['tlogEntries'][number] {
  return bundle.verificationMaterial.tlogEntries[0] ?? assert.fail('no log entry')
}

export function proofOf(bundle: SerializedBundleJSON): NonNullable<ReturnType<typeof entryOf>['inclusionProof']> {
  return entryOf(bundle).inclusionProof ?? assert.fail('no inclusion proof')
}

export function signatureOf(bundle: SerializedBundleJSON): { sig: string; keyid: string } {
  return bundle.dsseEnvelope.signatures[0] ?? assert.fail('no signature')
}

export function bundlesOf(document: AttestationDocument): SerializedBundleJSON[] {
  return document.attestations.map(({ bundle }) => bundle)
}

/** The signed statement, parsed. */
export function statementOf(bundle: SerializedBundleJSON): {
  predicateType: string
  subject: { name: string; digest: { sha512: string } }[]
} {
  return JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString('utf8'))
}

/** Flips one bit of a base64 field. */
export function flipBit(base64: string, bit = 0): string {
  const bytes = Buffer.from(base64, 'base64')
  const index = Math.floor(bit / 8) % bytes.length
  bytes.writeUInt8(bytes.readUInt8(index) ^ (1 << (bit % 8)), index)
  return bytes.toString('base64')
}
