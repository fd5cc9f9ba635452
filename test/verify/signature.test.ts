import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RefusalCode } from '../../src/codes.ts'
import { createAuthority } from '../support/sigstore/authority.ts'
import { createSigstore, type ProvenanceOptions, type SerializedBundleJSON } from '../support/sigstore/index.ts'
import { generateKey } from '../support/sigstore/keys.ts'
import { TransparencyLog } from '../support/sigstore/rekor.ts'
import { createTimestampAuthority } from '../support/sigstore/tsa.ts'
import { type ForgeOptions, openWorkshop } from './forge.ts'
import {
  accepted,
  changed,
  documentOf,
  entryOf,
  flipBit,
  locked,
  minutesLater,
  NOW,
  onlyProvenance,
  proofOf,
  refused,
  signatureOf,
  verifierFor,
  widgets,
} from './support.ts'

const sigstore = await createSigstore({ now: NOW })
const stranger = await createSigstore({ now: NOW })
const verify = verifierFor(sigstore)

function judge(bundle: SerializedBundleJSON, now = NOW) {
  return verify(locked(), documentOf(bundle), now)
}

describe('what was signed', () => {
  const changes: [string, RefusalCode, (bundle: SerializedBundleJSON) => void][] = [
    ['payload', 'SIGNATURE_INVALID', ({ dsseEnvelope }) => replace(dsseEnvelope, 'payload', flipBit)],
    ['payload type', 'SIGNATURE_INVALID', ({ dsseEnvelope }) => replace(dsseEnvelope, 'payloadType', (t) => `${t}x`)],
    ['signature', 'SIGNATURE_INVALID', (bundle) => replace(signatureOf(bundle), 'sig', (sig) => flipBit(sig, 300))],
    ['signature, not base64', 'SIGNATURE_INVALID', (bundle) => replace(signatureOf(bundle), 'sig', (sig) => `${sig}!`)],
    ['signature, empty', 'EVIDENCE_MALFORMED', (bundle) => replace(signatureOf(bundle), 'sig', () => '')],
    ['logged body', 'LOG_ENTRY_INVALID', (bundle) => replace(entryOf(bundle), 'canonicalizedBody', flipBit)],
    [
      'time',
      'LOG_ENTRY_INVALID',
      (bundle) => replace(entryOf(bundle), 'integratedTime', (time) => String(Number(time) + 1)),
    ],
    ['index', 'LOG_ENTRY_INVALID', (bundle) => replace(entryOf(bundle), 'logIndex', (index) => `${index}0`)],
    [
      'index in the tree',
      'LOG_ENTRY_INVALID',
      (bundle) => replace(proofOf(bundle), 'logIndex', (index) => `${index}0`),
    ],
    ['log', 'EVIDENCE_UNKNOWN', (bundle) => replace(entryOf(bundle).logId, 'keyId', flipBit)],
    ['kind', 'LOG_ENTRY_INVALID', (bundle) => replace(entryOf(bundle).kindVersion, 'kind', () => 'intoto')],
    ['version', 'LOG_ENTRY_INVALID', (bundle) => replace(entryOf(bundle).kindVersion, 'version', () => '0.0.2')],
    [
      'promise',
      'LOG_ENTRY_INVALID',
      (bundle) => replace(promiseOf(bundle), 'signedEntryTimestamp', (set) => flipBit(set, 300)),
    ],
    ['proof', 'LOG_ENTRY_INVALID', (bundle) => proofOf(bundle).hashes.reverse()],
    ['length of the proof', 'LOG_ENTRY_INVALID', (bundle) => proofOf(bundle).hashes.pop()],
    [
      'checkpoint',
      'LOG_ENTRY_INVALID',
      (bundle) => replace(proofOf(bundle).checkpoint, 'envelope', (note) => note.replace(/\n\d+\n/, '\n1\n')),
    ],
  ]
  for (const [what, code, change] of changes) {
    test(`another ${what} is refused`, async () => {
      const bundle = await sigstore.provenance(widgets)
      accepted(judge(bundle))
      refused(judge(changed(bundle, change)), code)
    })
  }

  test('the parts of two good bundles do not make one', async () => {
    const [one, other] = [await sigstore.provenance(widgets), await sigstore.provenance(widgets)]
    const later = await sigstore.provenance({ ...widgets, integratedTime: minutesLater(1) })
    const codes: [RefusalCode, (bundle: SerializedBundleJSON) => void][] = [
      ['SIGNATURE_INVALID', (bundle) => Object.assign(bundle, { dsseEnvelope: other.dsseEnvelope })],
      [
        'LOG_ENTRY_INVALID',
        ({ verificationMaterial: material }) =>
          Object.assign(material, { tlogEntries: other.verificationMaterial.tlogEntries }),
      ],
      [
        'SIGNATURE_INVALID',
        ({ verificationMaterial: material }) =>
          Object.assign(material, { certificate: other.verificationMaterial.certificate }),
      ],
      ['LOG_ENTRY_INVALID', (bundle) => Object.assign(entryOf(bundle), { inclusionProof: proofOf(other) })],
      ['LOG_ENTRY_INVALID', (bundle) => Object.assign(entryOf(bundle), { inclusionPromise: promiseOf(other) })],
      ['LOG_ENTRY_INVALID', ({ verificationMaterial: material }) => material.tlogEntries.push(entryOf(later))],
    ]
    for (const [code, change] of codes) refused(judge(changed(one, change)), code)
  })

  test('an entry that is there twice counts once, and that is no way to count', async () => {
    const bundle = await sigstore.provenance(widgets)
    const twice = changed(bundle, ({ verificationMaterial: { tlogEntries } }) =>
      tlogEntries.push(...structuredClone(tlogEntries)),
    )
    refused(judge(twice), 'TIMESTAMP_INVALID', /duplicate/)
  })
})

describe('who signed', () => {
  const options: [string, RefusalCode | 'accepted', Partial<ProvenanceOptions>][] = [
    ['a certificate with the promise of a certificate log', 'accepted', {}],
    ['a certificate without', 'CERTIFICATE_UNTRUSTED', { withoutSct: true }],
    ['an entry in the last second of the certificate', 'accepted', { integratedTime: minutesLater(10) }],
    ['an entry after it', 'CERTIFICATE_UNTRUSTED', { integratedTime: minutesLater(10.1) }],
    ['an entry before it', 'CERTIFICATE_UNTRUSTED', { integratedTime: minutesLater(-0.1) }],
    ['no promise', 'TIMESTAMP_INVALID', { withoutPromise: true }],
    ['no promise, 0.2', 'TIMESTAMP_INVALID', { withoutPromise: true, bundleVersion: '0.2' }],
    ['no promise, 0.1', 'EVIDENCE_MALFORMED', { withoutPromise: true, bundleVersion: '0.1' }],
    ['no proof', 'EVIDENCE_MALFORMED', { withoutProof: true }],
    ['no proof, 0.2', 'EVIDENCE_MALFORMED', { withoutProof: true, bundleVersion: '0.2' }],
    ['no proof, 0.1', 'accepted', { withoutProof: true, bundleVersion: '0.1' }],
    ['neither, 0.1', 'EVIDENCE_MALFORMED', { withoutProof: true, withoutPromise: true, bundleVersion: '0.1' }],
  ]
  for (const [name, expected, option] of options) {
    test(`${name}: ${expected}`, async () => {
      const result = judge(await sigstore.provenance({ ...widgets, ...option }), minutesLater(60))
      if (expected === 'accepted') accepted(result)
      else refused(result, expected)
    })
  }

  test('no log entry', async () => {
    const bundle = await sigstore.provenance(widgets)
    for (const tlogEntries of [[], null, undefined]) {
      const without = changed(bundle, (copy) => Object.assign(copy.verificationMaterial, { tlogEntries }))
      refused(judge(without), 'TIMESTAMP_INVALID')
    }
  })

  test("another Sigstore's certificate, log or key", async () => {
    refused(judge(await stranger.provenance(widgets)), 'EVIDENCE_UNKNOWN', /of the authority/)
    refused(judge(await stranger.publish(widgets)), 'EVIDENCE_UNKNOWN', /with the key SHA256:/)
  })
})

describe('when it was signed', () => {
  test('is what the log promised', async () => {
    const result = judge(await sigstore.provenance(widgets))
    assert.equal(onlyProvenance(result).signedAt, '2026-03-01T12:00:00.000Z')
  })

  test('is not in the future, give or take five minutes', async () => {
    const bundle = await sigstore.provenance(widgets)
    for (const now of [minutesLater(-4.9), NOW, new Date('2099-01-01')]) accepted(judge(bundle, now))
    for (const now of [minutesLater(-5.1), new Date('2020-01-01'), new Date(0), new Date(-1e15)]) {
      refused(judge(bundle, now), 'TIMESTAMP_INVALID', /in the future/)
    }
  })

  test('a clock that shows nothing accepts nothing', async () => {
    refused(judge(await sigstore.provenance(widgets), new Date(Number.NaN)), 'INTERNAL_ERROR')
  })
})

describe('a Sigstore whose parts do not all belong together', () => {
  const workshop = openWorkshop()
  const decide = verifierFor(workshop.trust)
  const lifetime = { start: new Date('2021-03-01'), end: new Date('2031-03-01') }
  const other = {
    authority: createAuthority('workshop.test', lifetime, generateKey('P-256')),
    ctLog: generateKey('P-256'),
    log: new TransparencyLog('https://rekor.workshop.test'),
    tsa: createTimestampAuthority(lifetime),
  }
  const cases: [string, RefusalCode | 'accepted', ForgeOptions][] = [
    ['everything its own', 'accepted', {}],
    ['an authority of the same name', 'EVIDENCE_UNKNOWN', { authority: other.authority }],
    ['the promise of another certificate log', 'EVIDENCE_UNKNOWN', { ctLog: other.ctLog }],
    ['an entry of another log of the same name', 'EVIDENCE_UNKNOWN', { log: other.log }],
    ['a timestamp beside the promise', 'accepted', { timestamps: [{ at: minutesLater(1) }] }],
    ["a stranger's timestamp beside the promise", 'accepted', { timestamps: [{ at: NOW, by: other.tsa }] }],
    [
      "a stranger's timestamp beside another that is wrong",
      'CERTIFICATE_UNTRUSTED',
      { timestamps: [{ at: NOW, by: other.tsa }, { at: minutesLater(11) }] },
    ],
    [
      "a stranger's timestamp of years ago beside another",
      'accepted',
      { timestamps: [{ at: new Date('2022-01-01'), by: other.tsa }, { at: NOW }] },
    ],
    ['a timestamp after the certificate', 'CERTIFICATE_UNTRUSTED', { timestamps: [{ at: minutesLater(11) }] }],
    ['two timestamps', 'accepted', { timestamps: [{ at: minutesLater(2) }, { at: minutesLater(1) }] }],
    ['two timestamps, one late', 'CERTIFICATE_UNTRUSTED', { timestamps: [{ at: NOW }, { at: minutesLater(11) }] }],
    ['two timestamps, the same', 'TIMESTAMP_INVALID', { timestamps: [{ at: NOW }, { at: NOW }] }],
  ]
  for (const [name, expected, options] of cases) {
    test(`${name}: ${expected}`, () => {
      const result = decide(locked(), documentOf(workshop.forge(options)), minutesLater(60))
      if (expected === 'accepted') accepted(result)
      else refused(result, expected)
    })
  }

  test('the earliest time counts as that of signing, the latest must be past', () => {
    const bundle = workshop.forge({ integratedTime: minutesLater(8), timestamps: [{ at: minutesLater(3) }] })
    const { signedAt } = onlyProvenance(decide(locked(), documentOf(bundle), minutesLater(8)))
    assert.equal(signedAt, '2026-03-01T12:03:00.000Z')
    refused(decide(locked(), documentOf(bundle), minutesLater(2.9)), 'TIMESTAMP_INVALID', /12:08:00/)
  })

  test('without a promise the time of an entry counts for nothing, whatever it says', () => {
    const bundle = workshop.forge({ integratedTime: minutesLater(8), timestamps: [{ at: minutesLater(3) }] })
    for (const integratedTime of [undefined, null, '0', '1', entryOf(bundle).integratedTime, '9999999999']) {
      const unpromised = changed(bundle, (copy) => {
        Object.assign(entryOf(copy), { integratedTime, inclusionPromise: null })
      })
      const { signedAt } = onlyProvenance(decide(locked(), documentOf(unpromised), NOW))
      assert.equal(signedAt, '2026-03-01T12:03:00.000Z', String(integratedTime))
      const untimed = changed(unpromised, ({ verificationMaterial }) => {
        verificationMaterial.timestampVerificationData.rfc3161Timestamps = []
      })
      refused(decide(locked(), documentOf(untimed), NOW), 'TIMESTAMP_INVALID')
    }
  })

  test('a timestamp is for one signature', () => {
    const [one, two] = [workshop.forge({ timestamps: [{ at: NOW }] }), workshop.forge()]
    two.verificationMaterial.timestampVerificationData = one.verificationMaterial.timestampVerificationData
    refused(decide(locked(), documentOf(two), NOW), 'TIMESTAMP_INVALID')
  })
})

function replace<K extends PropertyKey>(holder: Record<K, string>, key: K, change: (value: string) => string): void {
  holder[key] = change(holder[key])
}

function promiseOf(bundle: SerializedBundleJSON): { signedEntryTimestamp: string } {
  return entryOf(bundle).inclusionPromise ?? assert.fail('no promise')
}
