import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bundleFromJSON } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import type { RefusalCode } from '../../src/codes.ts'
import { parseBundle } from '../../src/verify/bundle.ts'
import { createSigstore, type SerializedBundleJSON } from '../support/sigstore/index.ts'
import {
  accepted,
  changed,
  documentOf,
  entryOf,
  locked,
  NOW,
  onlyProvenance,
  proofOf,
  refused,
  signatureOf,
  verifierFor,
  widgets,
} from './support.ts'

const sigstore = await createSigstore({ now: NOW })
const current = await sigstore.provenance(widgets)
const chained = await sigstore.provenance({ ...widgets, bundleVersion: '0.1' })
const published = await sigstore.publish(widgets)

function parse(bundle: unknown) {
  return parseBundle(bundle, 'it')
}

/** Places of a bundle, of which each holds bytes, a text or a number. */
const BYTES: readonly [string, SerializedBundleJSON, (bundle: SerializedBundleJSON, value: unknown) => void][] = [
  ['payload', current, ({ dsseEnvelope }, payload) => Object.assign(dsseEnvelope, { payload })],
  ['sig', current, (bundle, sig) => Object.assign(signatureOf(bundle), { sig })],
  [
    'rawBytes',
    current,
    (bundle, rawBytes) => Object.assign(bundle.verificationMaterial.certificate ?? {}, { rawBytes }),
  ],
  [
    'rawBytes',
    chained,
    (bundle, rawBytes) =>
      Object.assign(bundle.verificationMaterial.x509CertificateChain?.certificates[1] ?? {}, { rawBytes }),
  ],
  ['keyId', current, (bundle, keyId) => Object.assign(entryOf(bundle).logId, { keyId })],
  [
    'signedEntryTimestamp',
    current,
    (bundle, value) => Object.assign(entryOf(bundle).inclusionPromise ?? {}, { signedEntryTimestamp: value }),
  ],
  ['rootHash', current, (bundle, rootHash) => Object.assign(proofOf(bundle), { rootHash })],
  ['hashes', current, (bundle, hash) => Object.assign(proofOf(bundle).hashes, { 3: hash })],
  ['canonicalizedBody', current, (bundle, canonicalizedBody) => Object.assign(entryOf(bundle), { canonicalizedBody })],
  [
    'signedTimestamp',
    current,
    (bundle, signedTimestamp) =>
      Object.assign(bundle.verificationMaterial.timestampVerificationData, {
        rfc3161Timestamps: [{ signedTimestamp }],
      }),
  ],
]

const TEXT: readonly [string, SerializedBundleJSON, (bundle: SerializedBundleJSON, value: unknown) => void][] = [
  ['payloadType', current, ({ dsseEnvelope }, payloadType) => Object.assign(dsseEnvelope, { payloadType })],
  ['keyid', current, (bundle, keyid) => Object.assign(signatureOf(bundle), { keyid })],
  ['hint', published, (bundle, hint) => Object.assign(bundle.verificationMaterial.publicKey ?? {}, { hint })],
  ['kind', current, (bundle, kind) => Object.assign(entryOf(bundle).kindVersion, { kind })],
  ['version', current, (bundle, version) => Object.assign(entryOf(bundle).kindVersion, { version })],
  ['envelope', current, (bundle, envelope) => Object.assign(proofOf(bundle).checkpoint, { envelope })],
]

const INTEGERS: readonly [string, (bundle: SerializedBundleJSON, value: unknown) => void][] = [
  ['logIndex', (bundle, logIndex) => Object.assign(entryOf(bundle), { logIndex })],
  ['integratedTime', (bundle, integratedTime) => Object.assign(entryOf(bundle), { integratedTime })],
  ['inclusionProof.logIndex', (bundle, logIndex) => Object.assign(proofOf(bundle), { logIndex })],
  ['inclusionProof.treeSize', (bundle, treeSize) => Object.assign(proofOf(bundle), { treeSize })],
]

describe('a bundle', () => {
  test('of each version', async () => {
    for (const bundleVersion of ['0.1', '0.2', '0.3'] as const) {
      for (const bundle of [
        await sigstore.provenance({ ...widgets, bundleVersion }),
        await sigstore.publish({ ...widgets, bundleVersion }),
      ]) {
        const { dsseEnvelope } = accepted(parse(bundle)).content as { dsseEnvelope: { payload: Buffer } }
        assert.equal(dsseEnvelope.payload.toString('base64'), bundle.dsseEnvelope.payload)
      }
    }
  })

  test('of version 0.1 needs no checkpoint next to the promise', async () => {
    const verify = verifierFor(sigstore)
    const without = (bundle: SerializedBundleJSON, checkpoint: unknown = null) =>
      changed(bundle, (copy) => Object.assign(proofOf(copy), { checkpoint }))
    const old = await sigstore.provenance({ ...widgets, bundleVersion: '0.1' })
    for (const checkpoint of [null, undefined]) {
      const { signedAt } = onlyProvenance(verify(locked(), documentOf(without(old, checkpoint)), NOW))
      assert.equal(signedAt, onlyProvenance(verify(locked(), documentOf(old), NOW)).signedAt)
    }
    // The library decides otherwise: it does not look whether there is one.
    const stock = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(structuredClone(sigstore.trustedRoot))))
    stock.verify(toSignedEntity(bundleFromJSON(structuredClone(old))))
    assert.throws(() => stock.verify(toSignedEntity(bundleFromJSON(without(old)))), TypeError)
    // The promise is what counts then: not without one, nor with another's, nor in a version that asks for the checkpoint.
    const other = await sigstore.provenance({ ...widgets, bundleVersion: '0.1', identity: { ref: 'refs/heads/x' } })
    const unpromised = changed(without(old), (copy) => Object.assign(entryOf(copy), { inclusionPromise: null }))
    refused(parse(unpromised), 'EVIDENCE_MALFORMED', /inclusionPromise/)
    const borrowed = changed(without(old), (copy) =>
      Object.assign(entryOf(copy), { inclusionPromise: entryOf(other).inclusionPromise }),
    )
    refused(verify(locked(), documentOf(borrowed), NOW), 'LOG_ENTRY_INVALID')
    for (const empty of [{}, { envelope: '' }])
      refused(verify(locked(), documentOf(without(old, empty)), NOW), 'LOG_ENTRY_INVALID')
    for (const bundleVersion of ['0.2', '0.3'] as const) {
      const newer = await sigstore.provenance({ ...widgets, bundleVersion })
      refused(parse(without(newer)), 'EVIDENCE_MALFORMED', /checkpoint/)
    }
  })

  test('has null where a field is left out', () => {
    const nulled = changed(chained, (bundle) => {
      Object.assign(bundle, { messageSignature: null })
      Object.assign(bundle.verificationMaterial, {
        timestampVerificationData: null,
        certificate: null,
        publicKey: null,
      })
      Object.assign(entryOf(bundle), { inclusionProof: null })
    })
    accepted(parse(nulled))
  })

  test('is of a known kind', () => {
    const known = 'application/vnd.dev.sigstore.bundle'
    for (const mediaType of [`${known}.v0.3+json`, `${known}+json;version=0.3`, `${known}+json;version=0.2`]) {
      accepted(parse({ ...current, mediaType }))
    }
    for (const mediaType of [
      `${known}.v0.4+json`,
      `${known}+json;version=0.9`,
      `${known}.v0.3+json;x=1`,
      ` ${known}.v0.3+json`,
      [`${known}.v0.3+json`],
      known,
      'application/json',
      'x'.repeat(100_000),
      '',
      1,
      {},
      { toString: null },
      undefined,
      null,
    ]) {
      const isVersion = mediaType === `${known}.v0.4+json` || mediaType === `${known}+json;version=0.9`
      if (isVersion) refused(parse({ ...current, mediaType }), 'EVIDENCE_UNKNOWN', /a bundle of the kind/)
      else refused(parse({ ...current, mediaType }), 'EVIDENCE_MALFORMED', /mediaType/)
    }
  })

  for (const field of ['verificationMaterial', 'dsseEnvelope'] as const) {
    test(`has ${field}`, () => {
      for (const value of [undefined, null]) refused(parse({ ...current, [field]: value }), 'EVIDENCE_MALFORMED')
      for (const value of ['', 1, true]) {
        refused(parse({ ...current, [field]: value }), 'EVIDENCE_MALFORMED', new RegExp(`${field} is not of type`))
      }
    })
  }

  test('signs an envelope and not a message', () => {
    const messageSignature = { messageDigest: { algorithm: 'SHA2_256', digest: 'AAAA' }, signature: 'AAAA' }
    for (const bundle of [
      { ...current, messageSignature },
      { ...current, messageSignature, dsseEnvelope: undefined },
    ]) {
      refused(parse(bundle), 'EVIDENCE_MALFORMED', /messageSignature is there in place of a DSSE envelope/)
    }
  })

  test('has one signature', () => {
    const twice = changed(current, ({ dsseEnvelope: { signatures } }) => signatures.push(signatureOf(current)))
    refused(parse(twice), 'EVIDENCE_MALFORMED', /signatures/)
    const none = changed(current, ({ dsseEnvelope: { signatures } }) => signatures.pop())
    refused(parse(none), 'EVIDENCE_MALFORMED', /signatures/)
  })

  test('says who signed', () => {
    for (const certificate of [undefined, null, {}, { rawBytes: null }, { rawBytes: '' }]) {
      const bundle = changed(current, (copy) => Object.assign(copy.verificationMaterial, { certificate }))
      refused(parse(bundle), 'EVIDENCE_MALFORMED', /verificationMaterial/)
    }
    const empty = changed(chained, (copy) => copy.verificationMaterial.x509CertificateChain?.certificates.splice(0))
    refused(parse(empty), 'EVIDENCE_MALFORMED', /certificates/)
  })
})

describe('bytes', () => {
  for (const [name, genuine, set] of BYTES) {
    const code: RefusalCode = name === 'sig' ? 'SIGNATURE_INVALID' : 'EVIDENCE_MALFORMED'
    test(`${name} has one spelling`, () => {
      accepted(parse(changed(genuine, (bundle) => set(bundle, 'AAECAw=='))))
      for (const spelling of [
        'AAECAw',
        'AAECAw=',
        'AAECAw==\n',
        ' AAECAw==',
        'AAECAx==',
        'AA-_',
        'AA__',
        '!',
        'AAECAw==AAAA',
      ]) {
        const result = parse(changed(genuine, (bundle) => set(bundle, spelling)))
        refused(result, code, /is not base64/)
      }
    })

    test(`${name} is text`, () => {
      // Of the first, Node makes as many bytes as it is told; of the others, those that are listed.
      for (const value of [
        { length: 2 ** 32 },
        [0, 1, 2, 3],
        { type: 'Buffer', data: [0, 1] },
        1,
        true,
        ['AAAA'],
        {},
      ]) {
        const result = parse(changed(genuine, (bundle) => set(bundle, value)))
        refused(result, 'EVIDENCE_MALFORMED', new RegExp(`${name}[.0-9]* is not of type string`))
      }
    })
  }
})

describe('text', () => {
  for (const [name, genuine, set] of TEXT) {
    test(`${name} is text, and short`, () => {
      for (const value of [[`${name}`], { toString: null }, 1, true, {}]) {
        const result = parse(changed(genuine, (bundle) => set(bundle, value)))
        refused(result, 'EVIDENCE_MALFORMED', new RegExp(`${name} is not of type string`))
      }
      const long = parse(changed(genuine, (bundle) => set(bundle, 'x'.repeat(100_000))))
      refused(long, 'EVIDENCE_MALFORMED', new RegExp(`${name} has more than`))
    })
  }
})

describe('integers', () => {
  for (const [name, set] of INTEGERS) {
    test(`${name} is written in digits`, () => {
      for (const value of ['0', '1', '1673458312', '9223372036854775807', 0, 1, 2 ** 53 - 1, null, undefined]) {
        accepted(parse(changed(current, (bundle) => set(bundle, value))))
      }
      for (const value of [
        '',
        '-1',
        '01',
        '+1',
        '1.0',
        '1e9',
        '0x10',
        ' 1',
        '1\n',
        '9'.repeat(20),
        '9'.repeat(1_000_000),
        -1,
        0.5,
        2 ** 53,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        [1],
        {},
        true,
      ]) {
        refused(parse(changed(current, (bundle) => set(bundle, value))), 'EVIDENCE_MALFORMED', /is not/)
      }
    })
  }
})

describe('bounds', () => {
  const many = (count: number, value: unknown) => Array.from({ length: count }, () => value)
  const lists: readonly [
    string,
    number,
    SerializedBundleJSON,
    (bundle: SerializedBundleJSON, count: number) => void,
  ][] = [
    [
      'log entries',
      4,
      current,
      (bundle, count) => Object.assign(bundle.verificationMaterial, { tlogEntries: many(count, entryOf(bundle)) }),
    ],
    [
      'timestamps',
      4,
      current,
      (bundle, count) =>
        Object.assign(bundle.verificationMaterial.timestampVerificationData, {
          rfc3161Timestamps: many(count, { signedTimestamp: 'AAAA' }),
        }),
    ],
    ['hashes', 64, current, (bundle, count) => Object.assign(proofOf(bundle), { hashes: many(count, 'AAAA') })],
    [
      'certificates',
      8,
      chained,
      (bundle, count) =>
        Object.assign(bundle.verificationMaterial.x509CertificateChain ?? {}, {
          certificates: many(count, { rawBytes: 'AAAA' }),
        }),
    ],
  ]
  for (const [name, most, genuine, set] of lists) {
    test(`${most} ${name} at most`, () => {
      accepted(parse(changed(genuine, (bundle) => set(bundle, most))))
      for (const count of [most + 1, 10_000]) {
        refused(parse(changed(genuine, (bundle) => set(bundle, count))), 'EVIDENCE_MALFORMED', /has more than/)
      }
    })
  }

  for (const [name, genuine, set] of BYTES) {
    // These two are hashed and parsed as JSON, and nothing that grows faster than they do.
    const large = name === 'payload' || name === 'canonicalizedBody'
    test(`${name} is ${large ? 'as long as it is' : 'short'}`, () => {
      accepted(parse(changed(genuine, (bundle) => set(bundle, 'A'.repeat(16_384)))))
      const result = parse(changed(genuine, (bundle) => set(bundle, 'A'.repeat(16_388))))
      if (large) accepted(result)
      else refused(result, 'EVIDENCE_MALFORMED', /has more than 16384/)
    })
  }
})
