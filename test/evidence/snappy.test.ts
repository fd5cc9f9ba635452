import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { compress } from 'snappyjs'
import { uncompress } from '../../src/evidence/snappy.ts'

const LIMIT = 1 << 16

describe('snappy', () => {
  it('is what was compressed', () => {
    // Few different bytes, so that there is something to copy.
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 3_000 }),
      fc.array(fc.nat(2), { maxLength: 3_000 }).map((all) => Uint8Array.from(all)),
    )
    fc.assert(fc.property(bytes, (text) => assert.deepEqual(uncompress(compress(text), LIMIT), Buffer.from(text))))
  })

  it('has literals of any length', () => {
    for (const length of [0, 1, 59, 60, 61, 256, 257, 65_535, 65_536]) {
      const text = Buffer.from(Array.from({ length }, (_, index) => (index * 7919) % 251))
      assert.deepEqual(uncompress(compress(text), LIMIT), text)
    }
  })

  it('of more than the limit is refused, before there is room for it', () => {
    assert.throws(() => uncompress(compress(Buffer.alloc(LIMIT + 1)), LIMIT), /more than 65536 bytes/)
    assert.throws(() => uncompress(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]), LIMIT), /more than/)
  })

  for (const [what, bytes] of [
    ['nothing', []],
    ['a length without an end', [0xff]],
    ['a length of too many bytes', Array.from({ length: 9 }, () => 0xff)],
    ['a literal that is not there', [4, 12, 1, 2]],
    ['a literal that is too long', [1, 12, 1, 2, 3, 4]],
    // On this one a library goes round for ever.
    ['a literal of almost no end', [10, 0xfc, 0xfa, 0xff, 0xff, 0xff]],
    ['a copy from before the beginning', [8, 4, 1, 2, 9, 3]],
    ['a copy of itself', [8, 4, 1, 2, 9, 0]],
    ['a copy beyond the end', [3, 4, 1, 2, 13, 1]],
    ['less than it says', [9, 4, 1, 2]],
  ] as const) {
    it(`is not ${what}`, () => assert.throws(() => uncompress(Uint8Array.from(bytes), LIMIT), /snappy/))
  }

  it('of strangers ends', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          assert.ok(uncompress(bytes, LIMIT).length <= LIMIT)
        } catch (error) {
          assert.match(String(error), /snappy/)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
