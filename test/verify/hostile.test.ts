import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RefusalCode } from '../../src/codes.ts'
import { sequence } from '../support/sigstore/der.ts'
import { createSigstore, type SerializedBundleJSON } from '../support/sigstore/index.ts'
import {
  accepted,
  changed,
  documentOf,
  entryOf,
  locked,
  NOW,
  proofOf,
  refused,
  verifierFor,
  widgets,
} from './support.ts'

// A registry can answer with what it likes. Whatever that costs is spent before anything about the answer is known, by
// every install, and while an install hangs nobody learns why.

const sigstore = await createSigstore({ now: NOW })
const verify = verifierFor(sigstore)
const provenance = await sigstore.provenance(widgets)

/** Far more than any of these takes, and far less than each took before there was a bound. */
const PROMPT = 2_000

function judge(document: unknown) {
  const start = performance.now()
  const result = verify(locked(), document, NOW)
  const elapsed = performance.now() - start
  assert.ok(elapsed < PROMPT, `took ${Math.round(elapsed)} ms`)
  return result
}

function judgeChanged(change: (bundle: SerializedBundleJSON) => void) {
  return judge(documentOf(changed(provenance, change)))
}

describe('the names in a checkpoint', () => {
  /** The line that the log signed: `— name hint+signature`. */
  const line = (bundle: SerializedBundleJSON) =>
    /\n(\u2014 (\S+) (\S+)\n)/.exec(proofOf(bundle).checkpoint.envelope) ?? assert.fail()
  const withLine = (change: (own: string, name: string, signature: string) => string) =>
    judgeChanged((bundle) => {
      const [, own = '', name = '', signature = ''] = line(bundle)
      const { checkpoint } = proofOf(bundle)
      checkpoint.envelope = checkpoint.envelope.replace(own, () => change(own, name, signature))
    })
  const patterns = ['((.+)+)+x', '(\\S+)*$', '.*', '[a-z]', '(?<=x)', 'rekor\\.sigstore\\.test', '+'.repeat(20)]

  test('are not patterns', () => {
    for (const name of patterns) {
      // With the hint of the real key, which is what brings the name to be compared.
      refused(
        withLine((_own, _name, signature) => `\u2014 ${name} ${signature}\n`),
        'LOG_ENTRY_INVALID',
      )
    }
  })

  test('are not patterns beside the real one either', () => {
    for (const name of patterns) {
      const other = (signature: string) => `\u2014 ${name} ${signature}\n`
      refused(
        withLine((own, _name, signature) => own + other(signature)),
        'LOG_ENTRY_INVALID',
        /pattern/,
      )
      refused(
        withLine((own, _name, signature) => other(signature) + own),
        'LOG_ENTRY_INVALID',
        /pattern/,
      )
      // The library finds a signature in the middle of a line, too.
      refused(
        withLine((own, _name, signature) => `x${other(signature)}${own}`),
        'LOG_ENTRY_INVALID',
        /pattern/,
      )
      refused(
        withLine((own, _name, signature) => `${own}x ${other(signature)}`),
        'LOG_ENTRY_INVALID',
        /pattern/,
      )
    }
  })

  test('are those of the log and its witnesses', () => {
    for (const witness of [
      'witness.example',
      'witness.example/w1',
      'witness.example+a1b2c3d4',
      'https://witness.example:8080/',
    ]) {
      accepted(withLine((own) => `${own}\u2014 ${witness} AAAAAAAAAAAA\n`))
      accepted(withLine((own) => `\u2014 ${witness} AAAAAAAAAAAA\n${own}`))
    }
    refused(
      withLine((_own, _name, signature) => `\u2014 elsewhere.example ${signature}\n`),
      'LOG_ENTRY_INVALID',
    )
    refused(
      withLine((own) => own.replace('\u2014', '-')),
      'LOG_ENTRY_INVALID',
    )
  })
})

describe('a document that is made to be costly', () => {
  const costly: [string, RefusalCode, (bundle: SerializedBundleJSON) => void][] = [
    [
      'bytes that are only counted',
      'EVIDENCE_MALFORMED',
      ({ dsseEnvelope }) => Object.assign(dsseEnvelope, { payload: { length: 4e9 } }),
    ],
    [
      'a log that is only counted',
      'EVIDENCE_MALFORMED',
      (bundle) => Object.assign(entryOf(bundle).logId, { keyId: { length: 4e9 } }),
    ],
    [
      'twenty thousand log entries',
      'EVIDENCE_MALFORMED',
      ({ verificationMaterial }) => {
        const entry = (integratedTime: number) => ({
          logId: {},
          kindVersion: {},
          inclusionPromise: {},
          inclusionProof: { checkpoint: {} },
          integratedTime,
        })
        Object.assign(verificationMaterial, {
          tlogEntries: Array.from({ length: 20_000 }, (_, second) => entry(second + 1)),
        })
      },
    ],
    [
      'a certificate of a megabyte and a half',
      'EVIDENCE_MALFORMED',
      ({ verificationMaterial }) => pad(verificationMaterial.certificate, 1_500_000),
    ],
    [
      'a certificate as large as is allowed',
      'LOG_ENTRY_INVALID',
      ({ verificationMaterial }) => pad(verificationMaterial.certificate, 10_000),
    ],
    [
      'a hundred thousand hashes',
      'EVIDENCE_MALFORMED',
      (bundle) => Object.assign(proofOf(bundle), { hashes: Array(100_000).fill('AAAA') }),
    ],
    [
      'an index of a million digits',
      'EVIDENCE_MALFORMED',
      (bundle) => Object.assign(proofOf(bundle), { logIndex: '9'.repeat(1_000_000) }),
    ],
    [
      'a tree of sixteen thousand digits',
      'LOG_ENTRY_INVALID',
      (bundle) => {
        const { checkpoint } = proofOf(bundle)
        checkpoint.envelope = checkpoint.envelope.replace(/\n\d+\n/, `\n${'9'.repeat(15_000)}\n`)
      },
    ],
    [
      'a payload of four megabytes',
      'SIGNATURE_INVALID',
      ({ dsseEnvelope }) => Object.assign(dsseEnvelope, { payload: 'A'.repeat(4 << 20) }),
    ],
    [
      'a signature of a megabyte',
      'EVIDENCE_MALFORMED',
      ({ dsseEnvelope }) => Object.assign(dsseEnvelope, { signatures: [{ sig: 'A'.repeat(1 << 20) }] }),
    ],
    [
      'a logged body of four megabytes',
      'LOG_ENTRY_INVALID',
      (bundle) => Object.assign(entryOf(bundle), { canonicalizedBody: 'A'.repeat(4 << 20) }),
    ],
  ]
  for (const [name, code, change] of costly) {
    test(`${name}: ${code}`, () => {
      refused(judgeChanged(change), code)
    })
  }

  test('a hundred thousand attestations', () => {
    refused(judge({ attestations: Array(100_000).fill({ bundle: provenance }) }), 'EVIDENCE_MALFORMED')
  })

  test('as many as are allowed, all good', () => {
    assert.equal(accepted(judge(documentOf(...Array(16).fill(provenance)))).provenance.length, 16)
  })
})

/** Elements behind a certificate's third: no signature covers them, and the library reads and copies them many times. */
function pad(certificate: { rawBytes: string } | undefined, size: number): void {
  assert.ok(certificate)
  const der = Buffer.from(certificate.rawBytes, 'base64')
  const elements = der.subarray(4)
  certificate.rawBytes = sequence(elements, sequence(Buffer.alloc(size, Buffer.from([5, 0])))).toString('base64')
}
