import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Bundle, bundleFromJSON } from '@sigstore/bundle'
import fc from 'fast-check'
import { parseStatement } from '../../src/verify/statement.ts'
import { createSigstore } from '../support/sigstore/index.ts'
import { openWorkshop, provenanceOfWidgets } from './forge.ts'
import { accepted, documentOf, locked, NOW, onlyProvenance, refused, verifierFor, widgets } from './support.ts'

const sigstore = await createSigstore({ now: NOW })
const workshop = openWorkshop()
const verify = verifierFor(workshop.trust)
const bundle = bundleFromJSON(await sigstore.provenance(widgets))

/** A statement that was validly signed, whatever it says. */
function parse(payload: unknown, payloadType = 'application/vnd.in-toto+json') {
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload))
  const dsseEnvelope = { payload: bytes, payloadType, signatures: [{ sig: Buffer.from('sig'), keyid: '' }] }
  return parseStatement({ ...bundle, content: { $case: 'dsseEnvelope', dsseEnvelope } })
}

const good = provenanceOfWidgets()
const TYPES = ['https://in-toto.io/Statement/v0.1', 'https://in-toto.io/Statement/v1']

describe('a statement', () => {
  test('is read as it was signed', () => {
    for (const type of TYPES) {
      const { predicateType, subject, predicate } = accepted(parse({ ...good, _type: type }))
      assert.equal(predicateType, 'https://slsa.dev/provenance/v1')
      assert.deepEqual(subject, [{ name: 'pkg:npm/%40acme/widgets@1.2.3', sha512: good.subject[0]?.digest.sha512 }])
      assert.deepEqual(predicate, good.predicate)
    }
  })

  test('has the payload type of in-toto', () => {
    for (const type of [
      '',
      'application/json',
      'application/vnd.in-toto',
      'application/vnd.in-toto+json ',
      'Application/vnd.in-toto+json',
      'x'.repeat(1_000),
    ]) {
      refused(parse(good, type), 'EVIDENCE_MALFORMED', /^payload type/)
    }
  })

  test('has a type of in-toto', () => {
    const types = [undefined, null, '', 1, 'https://in-toto.io/Statement/v2', 'https://in-toto.io/Statement/v1 ', {}]
    for (const _type of types) refused(parse({ ...good, _type }), 'EVIDENCE_MALFORMED', /^statement type/)
  })

  test('has a type that is text, not something that becomes it', () => {
    const types = [['https://in-toto.io/Statement/v1'], [['https://in-toto.io/Statement/v1']], { toString: null }]
    for (const _type of types)
      refused(parse({ ...good, _type }), 'EVIDENCE_MALFORMED', /^statement type (a list|an object)/)
  })

  test('is JSON in UTF-8', () => {
    const json = Buffer.from(JSON.stringify(good))
    accepted(parse(json))
    accepted(parse(Buffer.concat([Buffer.from(' \n'), json, Buffer.from('\n')])))
    for (const payload of [
      Buffer.alloc(0),
      json.subarray(0, -1),
      Buffer.concat([json, json]),
      Buffer.concat([Buffer.from('\uFEFF'), json]),
      Buffer.from(JSON.stringify(good), 'utf16le'),
      Buffer.concat([json.subarray(0, -1), Buffer.from([0xff]), json.subarray(-1)]),
      Buffer.from('{_type: 1}'),
    ]) {
      refused(parse(payload), 'EVIDENCE_MALFORMED', /not JSON in UTF-8/)
    }
  })

  test('is an object', () => {
    for (const payload of [null, [], [good], 'statement', 1, true]) {
      refused(parse(payload), 'EVIDENCE_MALFORMED', /in place of a statement/)
    }
  })

  test('has a predicate type and a subject', () => {
    for (const change of [
      { predicateType: undefined },
      { predicateType: null },
      { predicateType: ['https://slsa.dev/provenance/v1'] },
      { subject: undefined },
      { subject: null },
      { subject: {} },
      { subject: { length: 1, 0: good.subject[0] } },
      { subject: 'pkg:npm/%40acme/widgets@1.2.3' },
    ]) {
      refused(parse({ ...good, ...change }), 'EVIDENCE_MALFORMED', /^a statement without/)
    }
  })

  test('may lack a predicate, which is the same as an empty one, and has no other than an object', () => {
    for (const _type of TYPES) {
      for (const predicate of [undefined, null, {}])
        assert.deepEqual(accepted(parse({ ...good, _type, predicate })).predicate, {})
      for (const predicate of [[], [good.predicate], 'predicate', '', 0, 1, true, false])
        refused(parse({ ...good, _type, predicate }), 'EVIDENCE_MALFORMED', /^a statement whose predicate is /)
    }
  })

  /** Each entry, and whether a statement of either type may have it: without a name, v1 asks for a digest. */
  const SHA256 = { sha256: 'ab' }
  const ENTRIES: readonly (readonly [entry: unknown, v01: boolean, v1: boolean])[] = [
    [{ name: 'x', digest: SHA256 }, true, true],
    [{ name: '', digest: SHA256 }, true, true],
    [{ name: 'x' }, true, true],
    [{ uri: 'pkg:github/a/b@1', digest: { sha1: 'ab' } }, true, true],
    [{ digest: SHA256 }, false, true],
    [{ name: null, digest: SHA256 }, false, true],
    [{ digest: SHA256, annotations: {} }, false, true],
    [{ digest: { gitCommit: 'ab' } }, false, true],
    [{ digest: {} }, false, false],
    [{ digest: { sha256: '' } }, false, false],
    [{ digest: { sha256: 1 } }, false, false],
    [{ digest: { sha256: null } }, false, false],
    [{ digest: ['ab'] }, false, false],
    [{ digest: 'ab' }, false, false],
    [{ digest: null }, false, false],
    [{ name: ['x'], digest: SHA256 }, false, false],
    [{ name: 1, digest: SHA256 }, false, false],
    [{ name: {}, digest: SHA256 }, false, false],
    [{ name: false, digest: SHA256 }, false, false],
    [{ uri: 1 }, false, false],
    [{ name: null }, false, false],
    [{ name: ['pkg:npm/x@1.0.0'] }, false, false],
    [{}, false, false],
    [[], false, false],
    [[SHA256], false, false],
    ['pkg:npm/x@1.0.0', false, false],
    [null, false, false],
  ]
  for (const [entry, ...allowed] of ENTRIES) {
    test(`has subjects that can be told from others: ${JSON.stringify(entry)}`, () => {
      for (const [index, _type] of TYPES.entries()) {
        const result = parse({ ...good, _type, subject: [...good.subject, entry] })
        if (allowed[index]) assert.equal(accepted(result).subject.length, 2)
        else refused(result, 'EVIDENCE_MALFORMED', /^a subject without a name/)
      }
    })
  }

  test('has an empty name for a subject without one', () => {
    for (const entry of [{ digest: SHA256 }, { name: null, digest: SHA256 }])
      assert.deepEqual(accepted(parse({ ...good, subject: [entry] })).subject, [{ name: '', ...SHA256 }])
  })

  test('has no digest where it is not one', () => {
    const name = 'pkg:npm/x@1.0.0'
    for (const digest of [
      undefined,
      null,
      [],
      'sha512',
      {},
      { sha512: null },
      { sha512: 1 },
      { sha512: ['00'] },
      { SHA512: '00' },
      { SHA256: '00' },
      { sha256: 1 },
    ]) {
      assert.deepEqual(accepted(parse({ ...good, subject: [{ name, digest }] })).subject, [{ name }])
    }
  })

  test('has both digests, each where it is one', () => {
    const [{ name = '' } = {}] = good.subject
    for (const digest of [{ sha256: 'ab' }, { sha512: 'cd' }, { sha256: 'ab', sha512: 'cd' }]) {
      assert.deepEqual(accepted(parse({ ...good, subject: [{ name, digest }] })).subject, [{ name, ...digest }])
    }
  })

  test('takes nothing from a prototype', () => {
    const { predicate, ...rest } = good
    const payload = Buffer.from(JSON.stringify(rest).replace('{', `{"__proto__":${JSON.stringify({ predicate })},`))
    assert.deepEqual(accepted(parse(payload)).predicate, {})
    assert.equal(({} as { predicate?: unknown }).predicate, undefined)
  })

  test('in a bundle with a message signature is none', () => {
    const content: Bundle['content'] = {
      $case: 'messageSignature',
      messageSignature: { messageDigest: { algorithm: 1, digest: Buffer.alloc(32) }, signature: Buffer.alloc(64) },
    }
    refused(parseStatement({ ...bundle, content }), 'EVIDENCE_MALFORMED', /message signature/)
  })

  test('of any JSON and any bytes never throws', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => assert.ok(!parse(value).ok)))
    fc.assert(fc.property(fc.uint8Array(), (bytes) => assert.ok(!parse(Buffer.from(bytes)).ok)))
    const keys = fc.constantFrom('_type', 'predicateType', 'predicate', 'subject')
    fc.assert(
      fc.property(keys, fc.jsonValue(), (key, value) => {
        const result = parse({ ...good, [key]: value })
        assert.ok(result.ok || result.refusal.code === 'EVIDENCE_MALFORMED')
      }),
    )
  })
})

describe('a statement that somebody had signed', () => {
  test('and nested deeply is refused in a short phrase', () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    const json = JSON.stringify(good)
    for (const payload of [
      deep,
      json.replace('"_type":', `"_type":${deep},"x":`),
      json.replace('"subject":[', `"subject":[${deep},`),
      json.replace('"predicateType":', `"predicateType":${deep},"x":`),
    ]) {
      refused(
        verify(locked(), documentOf(workshop.forge({ statement: Buffer.from(payload) })), NOW),
        'EVIDENCE_MALFORMED',
      )
    }
    const path = json.replace('"path":"', `"path":${deep},"x":"`)
    refused(verify(locked(), documentOf(workshop.forge({ statement: Buffer.from(path) })), NOW), 'PREDICATE_MISMATCH')
    const elsewhere = json.replace('"buildType":"', `"buildType":${deep},"x":"`)
    onlyProvenance(verify(locked(), documentOf(workshop.forge({ statement: Buffer.from(elsewhere) })), NOW))
  })

  test('and megabytes long is refused in a short phrase', () => {
    const long = 'x'.repeat(1_000_000)
    for (const [statement, code] of [
      [{ ...good, _type: long }, 'EVIDENCE_MALFORMED'],
      [{ ...good, subject: Array.from({ length: 1_000 }, () => ({ name: long.slice(0, 1_000) })) }, 'SUBJECT_MISMATCH'],
      [{ ...good, subject: [{ name: good.subject[0]?.name, digest: { sha512: long } }] }, 'DIGEST_MISMATCH'],
      [{ ...good, predicate: { buildDefinition: { resolvedDependencies: [{ uri: long }] } } }, 'PREDICATE_MISMATCH'],
    ] as const) {
      refused(verify(locked(), documentOf(workshop.forge({ statement })), NOW), code)
    }
  })
})
