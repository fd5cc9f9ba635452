import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { show } from '../../src/verify/show.ts'

describe('show', () => {
  test('writes a value as a phrase', () => {
    for (const [value, text] of [
      ['refs/heads/main', 'refs/heads/main'],
      [1, '1'],
      [true, 'true'],
      [null, 'null'],
      [undefined, 'nothing'],
      [[1], 'a list'],
      [{ a: 1 }, 'an object'],
      [{ toString: null }, 'an object'],
    ] as const) {
      assert.equal(show(value), text)
    }
  })

  test('is short, and throws at nothing', () => {
    fc.assert(fc.property(fc.anything(), (value) => assert.ok(show(value).length <= 201)))
    assert.equal(show('x'.repeat(201)), `${'x'.repeat(200)}…`)
    assert.equal(show('x'.repeat(200)), 'x'.repeat(200))
  })
})
