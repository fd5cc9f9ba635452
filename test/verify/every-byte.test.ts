/** What changes every byte (`every-byte.ts`) can fail, and its shortcuts change no verdict. On a local Sigstore. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ok } from '../../src/codes.ts'
import { flipEveryByte, swapSignatures, unnamed } from './every-byte.ts'
import { localKinds } from './kinds.ts'

const KINDS = await localKinds()

/** As the genuine ones stand for every byte, one in this many will do here. */
const stride = 11

describe('bytes of a local bundle', () => {
  for (const [index, kind] of KINDS.entries()) {
    test(`${index + 1} of ${KINDS.length}`, () => {
      assert.deepEqual(unnamed(flipEveryByte(kind, { stride })), [])
      assert.deepEqual(unnamed(swapSignatures(kind)), [])
    })
  }

  test('is judged the same with and without remembered checks', () => {
    for (const kind of KINDS) {
      const always = flipEveryByte(kind, { stride: 41, remember: false })
      assert.deepEqual(flipEveryByte(kind, { stride: 41 }), always)
    }
  })
})

describe('a change that is accepted', () => {
  const [kind = assert.fail()] = KINDS

  test('is found where nobody signed the byte', () => {
    const named = new Set(flipEveryByte(kind, { stride }).accepted.map((change) => change.named))
    assert.ok(named.has('root hash and size beside an inclusion proof'))
  })

  test('has no name where somebody signed it', () => {
    const outcome = flipEveryByte({ ...kind, verify: () => ok('anything goes') }, { stride })
    for (const part of ['payload,', 'payloadType,', 'sig,', 'rawBytes,', 'canonicalizedBody,', 'keyId,', 'envelope,']) {
      assert.ok(
        unnamed(outcome).some((what) => what.includes(part)),
        part,
      )
    }
  })

  test('has no name where it proves something else', () => {
    let calls = 0
    const verify = () => ok(calls++)
    assert.equal(unnamed(flipEveryByte({ ...kind, verify }, { stride })).length, calls - 1)
  })
})
