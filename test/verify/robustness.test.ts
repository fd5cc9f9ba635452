import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createSigstore } from '../support/sigstore/index.ts'
import { judge } from './mutation-check.ts'
import { accepted, documentOf, locked, NOW, verifierFor, widgets } from './support.ts'

const sigstore = await createSigstore({ now: NOW })
const local = { pkg: locked(), now: NOW, verify: verifierFor(sigstore) }

describe('any JSON', () => {
  test('is no document', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.ok(!judge(local, value).ok)
        assert.ok(!judge(local, documentOf(value)).ok)
        assert.ok(!judge(local, { attestations: value }).ok)
      }),
      { numRuns: 500 },
    )
  })

  test('nested deeply is no document', () => {
    const deep: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
    const chain: unknown = JSON.parse(`${'{"bundle":'.repeat(100_000)}1${'}'.repeat(100_000)}`)
    for (const value of [deep, chain]) {
      for (const document of [value, documentOf(value), { attestations: value }, documentOf({ mediaType: value })]) {
        assert.ok(!judge(local, document).ok)
      }
    }
  })

  test('with a prototype in it pollutes nothing', async () => {
    const document = await sigstore.document(widgets)
    const polluted = JSON.stringify(document).replaceAll(
      '{',
      '{"__proto__":{"polluted":1,"ok":true},"constructor":{"prototype":{"polluted":1}},',
    )
    accepted(local.verify(local.pkg, JSON.parse(polluted), NOW))
    assert.equal(({} as { polluted?: unknown }).polluted, undefined)
    const hollow: unknown = JSON.parse(`{"__proto__":${JSON.stringify(document)}}`)
    assert.ok(!judge(local, hollow).ok)
  })
})
