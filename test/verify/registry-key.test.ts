import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RefusalCode } from '../../src/codes.ts'
import { createSigstore, type PublishOptions, type SerializedBundleJSON } from '../support/sigstore/index.ts'
import {
  accepted,
  changed,
  documentOf,
  locked,
  NOW,
  refused,
  signatureOf,
  type Trust,
  verifierFor,
  widgets,
} from './support.ts'

const EXPIRED = new Date('2025-01-29T00:00:00Z')
const ROTATED = new Date('2025-01-13T16:55:45.578Z')

// As at the real registry: one key that expired, its successor, and one that is not for attestations.
const sigstore = await createSigstore({
  now: NOW,
  npmKeys: [
    { start: new Date('2022-12-01T00:00:00Z'), end: EXPIRED },
    { start: ROTATED },
    { start: ROTATED, usages: ['npm:signatures'] },
  ],
})
const [OLD, NEW, TARBALLS] = [0, 1, 2]
const provenance = await sigstore.provenance(widgets)

function judge(published: SerializedBundleJSON, trust: Trust = sigstore) {
  return verifierFor(trust)(locked(), documentOf(provenance, published), NOW)
}

const publish = (options: Partial<PublishOptions>) => sigstore.publish({ ...widgets, npmKey: NEW, ...options })

describe("the registry's keys", () => {
  const cases: [string, RefusalCode | 'accepted', Partial<PublishOptions>][] = [
    ['the present one', 'accepted', {}],
    ['the expired one, long ago', 'accepted', { npmKey: OLD, now: new Date('2024-06-01') }],
    ['the expired one, in its last second', 'accepted', { npmKey: OLD, now: EXPIRED }],
    [
      'the expired one, a second later',
      'CERTIFICATE_UNTRUSTED',
      { npmKey: OLD, now: new Date(EXPIRED.getTime() + 1_000) },
    ],
    ['the expired one, now', 'CERTIFICATE_UNTRUSTED', { npmKey: OLD }],
    ['the present one, before it was there', 'CERTIFICATE_UNTRUSTED', { now: new Date('2024-06-01') }],
    // Rekor's times are whole seconds: this one is before the key's start by a fraction.
    ['the present one, in its first second', 'CERTIFICATE_UNTRUSTED', { now: ROTATED }],
    ['the present one, a second later', 'accepted', { now: new Date(ROTATED.getTime() + 1_000) }],
    ['one for tarballs', 'CERTIFICATE_UNTRUSTED', { npmKey: TARBALLS }],
  ]
  for (const [name, expected, options] of cases) {
    test(`${name}: ${expected}`, async () => {
      const result = judge(await publish(options))
      if (expected === 'accepted') assert.equal(accepted(result).publish.length, 1)
      else refused(result, expected)
    })
  }

  test('of another registry are nobody', async () => {
    const other = await createSigstore({ now: NOW })
    const alone = (published: SerializedBundleJSON, trust: Trust = sigstore) => {
      const { publish: none, leftOut } = accepted(judge(published, trust))
      assert.deepEqual([none, leftOut?.map(({ code }) => code)], [[], ['EVIDENCE_UNKNOWN']])
      return verifierFor(trust)(locked(), documentOf(published), NOW)
    }
    refused(alone(await other.publish(widgets)), 'EVIDENCE_UNKNOWN', /with the key SHA256:/)
    refused(alone(await publish({}), { ...sigstore, npmKeys: other.npmKeys }), 'EVIDENCE_UNKNOWN')
    refused(alone(await publish({}), { ...sigstore, npmKeys: { keys: [] } }), 'EVIDENCE_UNKNOWN')
  })
})

describe('the name of a key', () => {
  const named = async (hint: unknown) =>
    changed(await publish({}), ({ verificationMaterial }) =>
      Object.assign(verificationMaterial, { publicKey: { hint } }),
    )

  test('chooses the key, and no other key fits', async () => {
    const [old] = sigstore.npmKeys.keys
    refused(judge(await named(old?.keyId)), 'CERTIFICATE_UNTRUSTED', /not valid for timestamp/)
    const early = changed(await publish({ npmKey: OLD, now: new Date('2025-01-20') }), ({ verificationMaterial }) => {
      verificationMaterial.publicKey = { hint: sigstore.npmKeys.keys[2]?.keyId ?? assert.fail() }
    })
    refused(judge(early), 'SIGNATURE_INVALID')
  })

  test('is looked up among keys, not in an object', async () => {
    for (const hint of ['', '__proto__', 'constructor', 'toString', 'SHA256:', null, undefined]) {
      refused(verifierFor(sigstore)(locked(), documentOf(await named(hint)), NOW), 'EVIDENCE_UNKNOWN', /with the key/)
    }
    const long = accepted(judge(await named('x'.repeat(100_000))))
    assert.deepEqual([long.publish, long.leftOut?.map(({ code }) => code)], [[], ['EVIDENCE_MALFORMED']])
  })

  test('in the envelope is unsigned, and is not read', async () => {
    for (const keyid of ['', 'SHA256:evil', sigstore.npmKeys.keys[0]?.keyId, null, undefined]) {
      accepted(judge(changed(await publish({}), (bundle) => Object.assign(signatureOf(bundle), { keyid }))))
    }
  })

  test('beside a certificate goes first, and so the certificate vouches for nothing', async () => {
    const both = changed(await publish({}), ({ verificationMaterial }) => {
      Object.assign(verificationMaterial, { certificate: provenance.verificationMaterial.certificate })
    })
    accepted(judge(both))
    const claimed = changed(provenance, ({ verificationMaterial }) => {
      verificationMaterial.publicKey = { hint: sigstore.npmKeys.keys[2]?.keyId ?? assert.fail() }
    })
    refused(judge(claimed), 'SIGNATURE_INVALID')
  })
})
