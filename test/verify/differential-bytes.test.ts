/** Bytes changed at random, signed and not, and timestamps field by field: the same words with and without our part. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { bundleFromJSON } from '@sigstore/bundle'
import fc from 'fast-check'
import { timestampListExtension } from '../support/sigstore/ctlog.ts'
import { octetString } from '../support/sigstore/der.ts'
import type { SerializedBundleJSON } from '../support/sigstore/index.ts'
import { byteChange, changeBytes } from './byte-changes.ts'
import { pairOf } from './differential.ts'
import { Mill } from './mill.ts'
import { byteMutation, mutate } from './mutate.ts'
import { checkAlways, checkOnce } from './once.ts'
import { type Place, placesOf, TWISTS, twisted } from './twists.ts'

before(checkOnce)
after(checkAlways)

const mill = new Mill()
const root = mill.trustedRoot()
/** One that asks for an entry and a promise, and one that asks for a timestamp alone. */
const logged = pairOf(root)
const stamped = pairOf(root, { name: 'github' })
const leaf = mill.leaf()
const timestamp = mill.timestamp()
const changes = fc.array(byteChange, { minLength: 1, maxLength: 2 })
let unreadable = 0

function genuine(): void {
  assert.ok(logged.compare(mill.parsed(leaf)))
  assert.ok(stamped.compare(mill.parsed(leaf, { timestamps: [timestamp] })))
}

function stampedBy(der: Buffer): void {
  if (der.length > 0) stamped.compare(mill.parsed(leaf, { timestamps: [der] }))
}

describe('bytes of', () => {
  test('a leaf certificate, changed after it was signed', () => {
    const property = fc.property(changes, (list) => {
      const other = list.reduce(changeBytes, leaf)
      if (other.length > 0) logged.compare(mill.parsed(other))
    })
    fc.assert(property, { numRuns: 1_000 })
    genuine()
  })

  test('a leaf certificate, changed before', () => {
    const property = fc.property(changes, (list) => {
      logged.compare(mill.parsed(mill.leaf({ change: (tbs) => list.reduce(changeBytes, tbs) })))
    })
    fc.assert(property, { numRuns: 1_000 })
    genuine()
  })

  test('the promises in a leaf certificate', () => {
    const property = fc.property(changes, fc.boolean(), (list, whole) => {
      const change = (bytes: Buffer) => list.reduce(changeBytes, bytes)
      const changed = mill.leaf({
        withPromise: (extensions, promise) => [
          ...extensions,
          whole ? change(promise) : timestampListExtension([change(promise.subarray(-120))]),
        ],
      })
      logged.compare(mill.parsed(changed))
    })
    fc.assert(property, { numRuns: 600 })
    genuine()
  })

  test('a timestamp', () => {
    fc.assert(
      fc.property(changes, (list) => stampedBy(list.reduce(changeBytes, timestamp))),
      { numRuns: 600 },
    )
    genuine()
  })

  test('what a timestamp authority signs', () => {
    const property = fc.property(changes, fc.boolean(), (list, info) => {
      const change = (bytes: Buffer) => list.reduce(changeBytes, bytes)
      stampedBy(mill.timestamp(info ? { info: change } : { attributes: change }))
    })
    fc.assert(property, { numRuns: 300 })
    genuine()
  })

  test('everything else in a bundle', () => {
    const bundle = mill.bundle(leaf, { timestamps: [] })
    const both = { ...bundle, verificationMaterial: { ...bundle.verificationMaterial } }
    both.verificationMaterial.timestampVerificationData = {
      rfc3161Timestamps: [{ signedTimestamp: timestamp.toString('base64') }],
    }
    assert.ok(logged.compare(bundleFromJSON(both)))
    const property = fc.property(byteMutation(both), (mutation) => {
      const read = parsed(mutate(both, mutation))
      if (read !== undefined) logged.compare(read)
    })
    fc.assert(property, { numRuns: 500 })
    genuine()
  })
})

describe('a timestamp', () => {
  test('at each field, in each way', () => {
    for (const place of placesOf(timestamp)) {
      for (const twist of TWISTS) {
        const other = twisted(timestamp, place, twist)
        if (other !== undefined) stampedBy(other)
      }
    }
    genuine()
  })

  test('at each field that is signed, before it is', () => {
    const signed: { info?: Buffer; attributes?: Buffer } = {}
    mill.timestamp({
      info: (der) => {
        signed.info = der
        return der
      },
      attributes: (der) => {
        signed.attributes = der
        return der
      },
    })
    const { info = assert.fail(), attributes = assert.fail() } = signed
    const { accepted } = stamped
    for (const [what, der] of [
      ['info', info],
      ['attributes', attributes],
    ] as const) {
      const change = (place: Place, twist: (typeof TWISTS)[number]) => ({
        [what]: (bytes: Buffer) => twisted(bytes, place, twist) ?? bytes,
      })
      for (const place of placesOf(der)) for (const twist of TWISTS) stampedBy(mill.timestamp(change(place, twist)))
    }
    assert.ok(stamped.accepted > accepted + 100)
    genuine()
  })

  test('with more than one, in all orders', () => {
    const [later, broken] = [mill.timestamp({}, new Date('2026-03-01T12:05:00Z')), octetString(timestamp)]
    const late = mill.timestamp({}, new Date('2026-03-01T13:00:00Z'))
    const any = fc.array(fc.constantFrom(timestamp, later, late, broken), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(any, (timestamps) => {
        stamped.compare(mill.parsed(leaf, { timestamps }))
      }),
      { numRuns: 60 },
    )
  })
})

test('the number of documents', (t) => {
  const [compared, accepted] = [logged.compared + stamped.compared, logged.accepted + stamped.accepted]
  t.diagnostic(`${compared} documents, ${accepted} accepted; ${unreadable} that were no bundles`)
  assert.ok(compared > 5_500 && accepted > 200)
})

function parsed(json: unknown) {
  try {
    return bundleFromJSON(json as SerializedBundleJSON)
  } catch {
    unreadable += 1
    return undefined
  }
}
