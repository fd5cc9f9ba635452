import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RefusalCode } from '../../src/codes.ts'
import { createSigstore, type SerializedBundleJSON, type WorkflowIdentity } from '../support/sigstore/index.ts'
import {
  accepted,
  changed,
  documentOf,
  entryOf,
  flipBit,
  integrityOf,
  locked,
  minutesLater,
  NOW,
  onlyProvenance,
  refused,
  verifierFor,
  widgets,
} from './support.ts'

const sigstore = await createSigstore({ now: NOW })
const verify = verifierFor(sigstore)
const SIGNED = '2026-03-01T12:00:00.000Z'

const provenance = await sigstore.provenance(widgets)
const publish = await sigstore.publish(widgets)

function judge(...bundles: readonly unknown[]) {
  return verify(locked(), documentOf(...bundles), NOW)
}

describe('a package is proven', () => {
  const identities: readonly [string, WorkflowIdentity][] = [
    ['a branch', {}],
    ['a tag', { ref: 'refs/tags/v1.2.3' }],
    ['a tag of a scoped package', { ref: 'refs/tags/@acme/widgets@1.2.3' }],
    ['a branch that looks like two refs', { ref: 'refs/heads/x@refs/heads/main' }],
  ]
  for (const predicate of ['v0.2', 'v1'] as const) {
    for (const bundleVersion of ['0.1', '0.2', '0.3'] as const) {
      for (const entryKind of ['intoto', 'dsse'] as const) {
        for (const legacyClaims of [false, true]) {
          for (const [name, identity] of identities) {
            const claimed = legacyClaims ? 'early claims' : 'all claims'
            test(`${predicate}, bundle ${bundleVersion}, ${entryKind} entry, ${claimed}, ${name}`, async () => {
              const options = { ...widgets, predicate, bundleVersion, entryKind, legacyClaims, identity }
              const result = verify(locked(), await sigstore.document(options), NOW)
              const { claims, predicateType, signedAt } = onlyProvenance(result)
              assert.deepEqual(accepted(result).publish, [{ signedAt: SIGNED }])
              assert.equal(predicateType, `https://slsa.dev/provenance/${predicate}`)
              assert.equal(signedAt, SIGNED)
              assert.equal(claims.repository, 'https://github.com/acme/widgets')
              assert.equal(claims.workflow, '.github/workflows/release.yml')
              assert.equal(claims.ref, identity.ref ?? 'refs/heads/main')
            })
          }
        }
      }
    }
  }

  test('by provenance alone', () => assert.deepEqual(accepted(judge(provenance)).publish, []))

  test('in any order', () => {
    for (const result of [judge(provenance, publish), judge(publish, provenance)]) {
      assert.deepEqual(accepted(result).publish, [{ signedAt: SIGNED }])
      assert.equal(accepted(result).provenance.length, 1)
    }
  })

  test('by each provenance in turn', async () => {
    const again = await sigstore.provenance({ ...widgets, identity: { ref: 'refs/tags/v1.2.3' }, predicate: 'v0.2' })
    const { provenance: proofs } = accepted(judge(provenance, again))
    assert.deepEqual(
      proofs.map(({ claims, predicateType }) => [claims.ref, predicateType]),
      [
        ['refs/heads/main', 'https://slsa.dev/provenance/v1'],
        ['refs/tags/v1.2.3', 'https://slsa.dev/provenance/v0.2'],
      ],
    )
  })

  test('the same each time', () => assert.deepEqual(judge(provenance, publish), judge(provenance, publish)))
})

describe('nothing is proven', () => {
  test('by no attestation', () => {
    refused(judge(), 'EVIDENCE_MISSING', /empty list/)
  })

  test('about the build by the registry alone', () => {
    assert.deepEqual(accepted(judge(publish)), { provenance: [], publish: [{ signedAt: SIGNED }] })
  })

  test('by something that is no document', () => {
    for (const document of [undefined, null, '', [], {}]) refused(verify(locked(), document, NOW), 'EVIDENCE_MALFORMED')
  })

  test('where reading the document throws', () => {
    const hostile = new Proxy({}, { get: () => assert.fail('no') })
    const refusal = refused(verify(locked(), hostile, NOW), 'INTERNAL_ERROR', /an error in the verifier/)
    assert.match(refusal.expected, /report/)
  })
})

// Of what is left out `left-out.test.ts` has a table.
describe('one attestation that does not hold spoils the document', () => {
  const broken: [string, RefusalCode, () => Promise<unknown>][] = [
    [
      'a changed payload',
      'SIGNATURE_INVALID',
      async () =>
        changed(provenance, ({ dsseEnvelope }) =>
          Object.assign(dsseEnvelope, { payload: flipBit(dsseEnvelope.payload) }),
        ),
    ],
    [
      'a changed publish attestation',
      'SIGNATURE_INVALID',
      async () =>
        changed(publish, ({ dsseEnvelope }) => Object.assign(dsseEnvelope, { payload: flipBit(dsseEnvelope.payload) })),
    ],
    ['a borrowed log entry', 'LOG_ENTRY_INVALID', async () => changed(provenance, (bundle) => borrow(bundle, publish))],
    ['other bytes', 'DIGEST_MISMATCH', () => sigstore.provenance({ ...widgets, integrity: integrityOf('malware') })],
    [
      'the publishing of other bytes',
      'DIGEST_MISMATCH',
      () => sigstore.publish({ ...widgets, integrity: integrityOf('malware') }),
    ],
    ['the future', 'TIMESTAMP_INVALID', () => sigstore.provenance({ ...widgets, now: minutesLater(60) })],
    ['no certificate log', 'CERTIFICATE_UNTRUSTED', () => sigstore.provenance({ ...widgets, withoutSct: true })],
    [
      'a lie',
      'PREDICATE_MISMATCH',
      () => sigstore.provenance({ ...widgets, claims: { 12: 'https://github.com/evil/widgets' } }),
    ],
  ]
  for (const [name, code, make] of broken) {
    test(`${name}: ${code}`, async () => {
      const bad = await make()
      for (const bundles of [
        [bad],
        [bad, provenance, publish],
        [provenance, bad, publish],
        [provenance, publish, bad],
      ]) {
        refused(judge(...bundles), code)
      }
      accepted(judge(provenance, publish))
    })
  }
})

describe('an attestation of another kind', () => {
  const predicateTypes = [
    'https://spdx.dev/Document',
    'https://slsa.dev/provenance/v0.1',
    'https://slsa.dev/provenance/v1.1',
    'https://slsa.dev/provenance/v1/',
    'https://in-toto.io/attestation/release/v0.1',
    'https://github.com/npm/attestation/tree/main/specs/publish/v0.2',
    '',
  ]
  for (const predicateType of predicateTypes) {
    test(`'${predicateType}' proves nothing, and does no harm`, async () => {
      const other = await sigstore.provenance({ ...widgets, statementOverrides: { predicateType } })
      refused(judge(other), 'EVIDENCE_MISSING', /no provenance among them/)
      assert.deepEqual(accepted(judge(other, publish)).provenance, [])
      assert.equal(accepted(judge(other, provenance)).provenance.length, 1)
      // The registry's word for it changes nothing.
      const renamed = { attestations: [{ predicateType: 'https://slsa.dev/provenance/v1', bundle: other }] }
      refused(verify(locked(), renamed, NOW), 'EVIDENCE_MISSING')
    })
  }

  test('has to hold all the same', async () => {
    const statementOverrides = { predicateType: 'https://spdx.dev/Document' }
    const other = await sigstore.provenance({ ...widgets, statementOverrides })
    const tampered = changed(other, ({ dsseEnvelope }) =>
      Object.assign(dsseEnvelope, { payload: flipBit(dsseEnvelope.payload) }),
    )
    refused(judge(provenance, tampered), 'SIGNATURE_INVALID')
    const other512 = await sigstore.provenance({ ...widgets, integrity: integrityOf('malware'), statementOverrides })
    refused(judge(provenance, other512), 'DIGEST_MISMATCH')
    const elsewhere = await sigstore.provenance({ ...widgets, version: '9.9.9', statementOverrides })
    refused(judge(elsewhere), 'SUBJECT_MISMATCH')
  })
})

describe('who may say what', () => {
  test('the registry says who published, not where it was built', async () => {
    const claimed = await sigstore.provenance({ ...widgets, signWith: 'registry-key' })
    refused(judge(claimed), 'CERTIFICATE_UNTRUSTED', /provenance signed by the registry's key/)
    refused(judge(claimed, provenance), 'CERTIFICATE_UNTRUSTED')
  })

  test('only the registry says who published', async () => {
    for (const options of [{}, { emailIdentity: 'someone@example.com' }, { legacyClaims: true }]) {
      const claimed = await sigstore.publish({ ...widgets, ...options, signWith: 'certificate' })
      refused(judge(claimed), 'CERTIFICATE_UNTRUSTED', /a publish attestation signed by (https:|someone)/)
      // Nobody has published it thereby, and it takes nothing from what others prove.
      assert.deepEqual(accepted(judge(provenance, claimed)).publish, [])
      assert.deepEqual(accepted(judge(claimed, publish)).publish, [{ signedAt: SIGNED }])
    }
    accepted(judge(provenance, publish))
  })

  test('a person builds nothing', async () => {
    for (const predicate of ['v0.2', 'v1'] as const) {
      const claimed = await sigstore.provenance({ ...widgets, predicate, emailIdentity: 'someone@example.com' })
      refused(judge(claimed), 'PREDICATE_MISMATCH', /the certificate does not say repository/)
    }
  })
})

function borrow(bundle: SerializedBundleJSON, from: SerializedBundleJSON): void {
  bundle.verificationMaterial.tlogEntries = [entryOf(from)]
}
