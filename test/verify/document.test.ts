import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Result } from '../../src/codes.ts'
import { isRecord, parseDocument } from '../../src/verify/document.ts'
import { createSigstore } from '../support/sigstore/index.ts'
import { accepted, documentOf, NOW, refused, widgets } from './support.ts'

const sigstore = await createSigstore({ now: NOW })
const bundle = await sigstore.provenance(widgets)

/** What becomes of the last attestation of a document. */
function last(document: unknown): Result<unknown> {
  return accepted(parseDocument(document)).at(-1) ?? assert.fail('an empty list')
}

describe('a document', () => {
  test('is a list of bundles, in its order', async () => {
    const document = await sigstore.document(widgets)
    const bundles = accepted(parseDocument(document))
    assert.deepEqual(
      bundles.map((each) => accepted(each).mediaType),
      document.attestations.map((attestation) => attestation.bundle.mediaType),
    )
  })

  test('may be empty', () => assert.deepEqual(accepted(parseDocument({ attestations: [] })), []))

  test('is read without the outer predicate type, which nobody signed', () => {
    const predicateTypes = [undefined, null, '', 'https://slsa.dev/provenance/v1', 1, { toString: null }]
    for (const predicateType of predicateTypes) {
      accepted(last({ attestations: [{ predicateType, bundle, signedAccessSignatureUrl: '' }], more: 1 }))
    }
  })

  test('is nothing else', () => {
    for (const [document, found] of [
      [undefined, /a undefined/],
      [null, /null/],
      ['', /a string/],
      [JSON.stringify(documentOf(bundle)), /a string/],
      [1, /a number/],
      [[], /a list/],
      [documentOf(bundle).attestations, /a list/],
      [{}, /without a list/],
      [{ attestations: null }, /without a list/],
      [{ attestations: {} }, /without a list/],
      [{ attestations: { length: 1, 0: { bundle } } }, /without a list/],
      [{ attestations: 'list' }, /without a list/],
    ] as const) {
      refused(parseDocument(document), 'EVIDENCE_MALFORMED', found)
    }
  })

  test('has a bundle in each attestation', () => {
    for (const attestation of [
      null,
      undefined,
      1,
      'bundle',
      [],
      [bundle],
      {},
      bundle,
      { bundle: null },
      { bundle: [bundle] },
      { bundle: JSON.stringify(bundle) },
    ]) {
      const document = { attestations: [{ bundle }, attestation] }
      refused(last(document), 'EVIDENCE_MALFORMED', /^attestation 2 has no bundle/)
      accepted(accepted(parseDocument(document))[0] ?? assert.fail('the first one can be read'))
    }
  })

  test('names the attestation that is wrong', () => {
    refused(last(documentOf(bundle, bundle, {})), 'EVIDENCE_MALFORMED', /^attestation 3: /)
  })

  test('has sixteen attestations at most', () => {
    const many = (count: number) => documentOf(...Array.from({ length: count }, () => bundle))
    assert.equal(accepted(parseDocument(many(16))).length, 16)
    for (const count of [17, 100_000]) {
      refused(parseDocument(many(count)), 'EVIDENCE_MALFORMED', new RegExp(`^${count} attestations`))
    }
  })

  test('inherits nothing', () => {
    const document: unknown = JSON.parse('{"__proto__": {"attestations": []}}')
    refused(parseDocument(document), 'EVIDENCE_MALFORMED')
    refused(last({ attestations: [JSON.parse('{"__proto__": {"bundle": {}}}')] }), 'EVIDENCE_MALFORMED')
  })

  test('of any JSON is refused, and never throws', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        refused(last({ attestations: [value] }), 'EVIDENCE_MALFORMED')
        refused(last({ attestations: [{ bundle: value }] }), 'EVIDENCE_MALFORMED')
        const result = parseDocument(value)
        assert.ok(!result.ok || (isRecord(value) && Array.isArray(value.attestations)))
      }),
    )
  })
})

describe('isRecord', () => {
  test('is true of objects, and of nothing that only is one to JavaScript', () => {
    for (const value of [{}, { a: 1 }, Object.create(null)]) assert.ok(isRecord(value))
    for (const value of [null, undefined, [], '', 'a', 0, 1, true, () => {}, Symbol.iterator])
      assert.ok(!isRecord(value))
  })
})
