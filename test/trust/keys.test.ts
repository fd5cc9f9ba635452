import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { VerificationError } from '@sigstore/verify'
import { keyFinder, registryKeys } from '../../src/trust/keys.ts'

const A = spki()
const B = spki()

function spki(): string {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
}

interface Key {
  readonly id?: unknown
  readonly usage?: unknown
  readonly bytes?: unknown
  readonly start?: unknown
  readonly end?: unknown
}

const START = '2022-12-01T00:00:00.000Z'
const END = '2025-01-29T00:00:00.000Z'

function keysJson(...keys: readonly Key[]): unknown {
  return {
    keys: keys.map(({ id = 'SHA256:a', usage = 'npm:attestations', bytes = A, start = START, end }) => ({
      keyId: id,
      keyUsage: usage,
      publicKey: { rawBytes: bytes, keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor: { start, end } },
    })),
  }
}

function notFound(keys: unknown, hint: string): void {
  assert.throws(
    () => keyFinder(registryKeys(keys, 'npm:attestations'))(hint),
    (error) => error instanceof VerificationError && error.code === 'PUBLIC_KEY_ERROR',
  )
}

function foundKey(keys: unknown, hint = 'SHA256:a'): string {
  return keyFinder(registryKeys(keys, 'npm:attestations'))(hint)
    .publicKey.export({ format: 'der', type: 'spki' })
    .toString('base64')
}

describe('a key for attestations', () => {
  it('is found by its hint', () => {
    assert.equal(foundKey(keysJson({ bytes: A }, { id: 'SHA256:b', bytes: B })), A)
    assert.equal(foundKey(keysJson({ bytes: A }, { id: 'SHA256:b', bytes: B }), 'SHA256:b'), B)
  })

  it('may have the same name as one for signatures: npm repeats each key, once for each usage', () => {
    assert.equal(foundKey(keysJson({ usage: 'npm:signatures', bytes: B }, { bytes: A })), A)
    assert.equal(foundKey(keysJson({ bytes: A }, { usage: 'npm:signatures', bytes: B })), A)
  })

  it('is not one that signs tarballs only', () => {
    notFound(keysJson({ usage: 'npm:signatures' }), 'SHA256:a')
  })

  for (const usage of ['', 'npm', 'npm:attestation', 'NPM:ATTESTATIONS', ' npm:attestations', 'npm:attestations,x']) {
    it(`is not one of usage ${JSON.stringify(usage)}`, () => notFound(keysJson({ usage }), 'SHA256:a'))
  }

  for (const hint of [
    'SHA256:b',
    '',
    'SHA256:A',
    'sha256:a',
    ' SHA256:a',
    'a',
    '__proto__',
    'toString',
    'constructor',
  ]) {
    it(`is not found by ${JSON.stringify(hint)}`, () => notFound(keysJson({}), hint))
  }

  it('is not found where there is none', () => notFound({ keys: [] }, 'SHA256:a'))

  it('that is not found is named in the error', () => {
    const message = 'no key "SHA256:b" for attestations'
    assert.throws(() => keyFinder(registryKeys(keysJson({}), 'npm:attestations'))('SHA256:b'), {
      name: 'VerificationError',
      message,
    })
  })
})

describe('its validity', () => {
  const at = (keys: unknown, date: string) =>
    keyFinder(registryKeys(keys, 'npm:attestations'))('SHA256:a').validFor(new Date(date))

  it('of an expired key: what was signed before holds, what is signed after does not', () => {
    const expired = keysJson({ end: END })
    assert.equal(at(expired, '2025-01-28T23:59:59.999Z'), true)
    assert.equal(at(expired, END), true)
    assert.equal(at(expired, '2025-01-29T00:00:00.001Z'), false)
    assert.equal(at(expired, '2030-01-01T00:00:00Z'), false)
  })

  it('of a key that is not yet valid', () => {
    assert.equal(at(keysJson({}), '2022-11-30T23:59:59.999Z'), false)
    assert.equal(at(keysJson({}), '1970-01-01T00:00:00Z'), false)
    assert.equal(at(keysJson({}), START), true)
  })

  it('without an end goes on', () => {
    assert.equal(at(keysJson({}), '2999-01-01T00:00:00Z'), true)
  })

  it('is written with any offset, and compared as a time', () => {
    const keys = keysJson({ start: '2022-12-01T02:00:00+02:00', end: '2025-01-28T22:00:00-02:00' })
    assert.equal(at(keys, START), true)
    assert.equal(at(keys, '2022-11-30T23:59:59Z'), false)
    assert.equal(at(keys, END), true)
    assert.equal(at(keys, '2025-01-29T00:00:01Z'), false)
  })

  it('that ends before it starts is never', () => {
    for (const date of [START, END, '2024-01-01T00:00:00Z']) {
      assert.equal(at(keysJson({ start: END, end: START }), date), false)
    }
  })

  it('at a time that is none is not given', () => {
    assert.equal(at(keysJson({}), 'nonsense'), false)
    assert.equal(at(keysJson({ end: END }), 'nonsense'), false)
  })

  it('of a time that the schema lets through and no calendar has is never', () => {
    const time = '2024-02-01T00:00:00+05'
    assert.ok(Number.isNaN(Date.parse(time)))
    assert.equal(at(keysJson({ start: time }), '2030-01-01T00:00:00Z'), false)
    assert.equal(at(keysJson({ end: time }), '2023-01-01T00:00:00Z'), false)
  })
})

describe('keys that are refused as a whole', () => {
  it('neighbour: one that is taken', () => {
    assert.equal(foundKey(keysJson({ end: END })), A)
  })

  /** Taking the last of two would let whoever can append to the file replace a key, or give an expired one new life. */
  const twice: Readonly<Record<string, readonly Key[]>> = {
    'two keys of one name': [{ bytes: A }, { bytes: B }],
    'one key in two periods': [{ end: END }, { start: '2026-01-01T00:00:00Z' }],
    'one key with and without an end': [{ end: END }, {}],
    'one key, word for word': [{}, {}],
  }
  for (const [what, keys] of Object.entries(twice)) {
    it(`${what}: which is meant must not depend on their order`, () => {
      for (const order of [keys, keys.toReversed()]) {
        assert.throws(() => keyFinder(registryKeys(keysJson(...order), 'npm:attestations')), {
          message: 'the key "SHA256:a" for attestations is in it twice',
        })
      }
    })
  }

  it('two keys of one name that sign tarballs are nothing to attestations', () => {
    const tarballs = [{ usage: 'npm:signatures' }, { usage: 'npm:signatures', bytes: B }]
    assert.equal(foundKey(keysJson(...tarballs, {})), A)
  })

  const broken: Readonly<Record<string, Key>> = {
    'a key that is not base64': { bytes: '*'.repeat(80) },
    'base64 of the wrong length': { bytes: A.slice(0, -1) },
    base64url: { bytes: `-_${A.slice(2)}` },
    'base64 with spaces': { bytes: ` ${A}` },
    'no bytes': { bytes: '' },
    'bytes that are no key': { bytes: 'AAAA' },
    'half a key': { bytes: A.slice(0, 60) },
    'a PEM file': { bytes: '-----BEGIN PUBLIC KEY-----' },
    'a private key': { bytes: privateKey() },
    'bytes that are no text': { bytes: [1, 2, 3] },
    'no key id': { id: null },
    'a key id that is no text': { id: 1 },
    'a usage that is no text': { usage: ['npm:attestations'] },
    'no start': { start: null },
    'an empty start': { start: '' },
    'a start that is no time': { start: 'always' },
    'a start that is a number': { start: 0 },
    'a start without a zone': { start: '2022-12-01T00:00:00' },
    'an end that is no time': { end: 'never' },
    'an end that is null': { end: null },
  }
  for (const [what, key] of Object.entries(broken)) {
    it(`${what}`, () => {
      assert.throws(() => keyFinder(registryKeys(keysJson(key), 'npm:attestations')), Error)
    })
  }

  for (const keys of [
    undefined,
    null,
    42,
    'text',
    [],
    {},
    { keys: null },
    { keys: {} },
    { keys: [null] },
    { keys: [{}] },
  ]) {
    it(`${JSON.stringify(keys)}`, () => {
      assert.throws(() => keyFinder(registryKeys(keys, 'npm:attestations')), Error)
    })
  }

  it('keys as the registry serves them, which is another form', () => {
    const served = { keys: [{ expires: null, keyid: 'SHA256:a', keytype: 'ecdsa-sha2-nistp256', key: A }] }
    assert.throws(() => keyFinder(registryKeys(served, 'npm:attestations')), Error)
  })
})

function privateKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')
}
