import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { packer, unpack } from '../../src/proving/packed.ts'

/** Names that mean something to JavaScript are names like any other here. */
const key = fc.oneof(fc.string(), fc.constantFrom('constructor', 'toString', 'a', 'b'))
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string(),
    fc.boolean(),
    fc.constantFrom(undefined, null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      key.filter((name) => name !== '__proto__'),
      tie('value'),
      { maxKeys: 4, noNullPrototype: true },
    ),
  ),
}))

/** As a file has it. */
function written(values: readonly unknown[]): readonly unknown[] {
  const { pack, packed } = packer()
  const rows = values.map(pack)
  const file = JSON.parse(JSON.stringify({ ...packed(), rows })) as ReturnType<typeof packed> & { rows: typeof rows }
  return file.rows.map((row) => unpack(file, row))
}

describe('packed data', () => {
  it('is the same afterwards, what is undefined too', () => {
    fc.assert(fc.property(fc.array(value), (values) => assert.deepStrictEqual(written(values), values)))
  })

  it('has each text once', () => {
    const { pack, packed } = packer()
    for (let index = 0; index < 10; index += 1) pack({ claim: 'a text', other: ['a text'] })
    assert.deepEqual(packed(), { strings: ['a text'], shapes: [['claim', 'other']] })
  })

  it('has no numbers, dates or functions: they are an error, not something else', () => {
    for (const one of [1, Number.NaN, 1n, Symbol('x'), () => {}]) assert.throws(() => packer().pack(one), TypeError)
  })

  it('that is none makes nothing of Object.prototype', () => {
    const packed = { strings: ['x'], shapes: [['__proto__']] }
    const made = unpack(packed, [1, [1, 0]])
    assert.equal(({} as Record<string, unknown>).x, undefined)
    assert.equal(typeof made, 'object')
  })

  it('that refers to what is not there has nothing there', () => {
    const packed = { strings: [], shapes: [['a']] }
    assert.deepEqual(unpack(packed, [1, 7]), { a: undefined })
    assert.deepEqual(unpack(packed, [9, 0]), {})
    assert.deepEqual(unpack(packed, [1]), { a: undefined })
  })
})
