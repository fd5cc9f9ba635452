import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { didYouMean, either, describe as name, quote, textProblem } from '../../src/policy/text.ts'

describe('text of a policy', () => {
  for (const text of ['a', 'a b', 'ä', '漢字', 'v1.0.0+build', '😀']) {
    it(`may be ${text}`, () => assert.equal(textProblem(text), undefined))
  }

  const cases: readonly (readonly [string, string])[] = [
    ['', 'an empty string says nothing: write a value, or leave the key out'],
    [' a', '" a" begins or ends with a space: remove it'],
    ['a ', '"a " begins or ends with a space: remove it'],
    ['a\nb', '"a\\nb" contains U+000A, which cannot be seen when reading: remove it'],
    ['a\tb', '"a\\tb" contains U+0009, which cannot be seen when reading: remove it'],
    ['a\0', '"a\\u0000" contains U+0000, which cannot be seen when reading: remove it'],
    ['a\u007f', '"a\\u007f" contains U+007F, which cannot be seen when reading: remove it'],
    ['a\u00a0b', '"a\\u00a0b" contains U+00A0, which cannot be seen when reading: remove it'],
    ['a\u00ad', '"a\\u00ad" contains U+00AD, which cannot be seen when reading: remove it'],
    ['a\u200b', '"a\\u200b" contains U+200B, which cannot be seen when reading: remove it'],
    ['\u202ea', '"\\u202ea" contains U+202E, which cannot be seen when reading: remove it'],
    ['a\u2066', '"a\\u2066" contains U+2066, which cannot be seen when reading: remove it'],
    ['a\u2028', '"a\\u2028" contains U+2028, which cannot be seen when reading: remove it'],
    ['a\ufeff', '"a\\ufeff" contains U+FEFF, which cannot be seen when reading: remove it'],
    ['a\u3164', '"a\\u3164" contains U+3164, which cannot be seen when reading: remove it'],
    ['a\u{e0061}', '"a\\udb40\\udc61" contains U+E0061, which cannot be seen when reading: remove it'],
    ['a\ud800', '"a\\ud800" contains U+D800, which cannot be seen when reading: remove it'],
  ]
  for (const [text, problem] of cases) {
    it(`may not be ${JSON.stringify(text)}`, () => assert.equal(textProblem(text), problem))
  }

  it('is printed without anything invisible, and reads back as it was', () => {
    const any = fc.string({ unit: 'binary', maxLength: 100 })
    fc.assert(
      fc.property(any, (text) => {
        assert.doesNotMatch(quote(text), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
        assert.equal(JSON.parse(quote(text)), text)
      }),
    )
  })
})

describe('words of messages', () => {
  it('name values', () => {
    assert.deepEqual([null, undefined, 'a', 1.5, 10n, true, [], {}].map(name), [
      'nothing',
      'nothing',
      '"a"',
      'the number 1.5',
      'the number 10',
      'the truth value true',
      'a list',
      'a mapping',
    ])
  })

  it('join alternatives', () => {
    assert.deepEqual([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(either), ['', 'a', 'a or b', 'a, b or c'])
  })

  it('suggest what was probably meant', () => {
    const keys = ['packages', 'require', 'publisher', 'reason']
    const cases: readonly (readonly [string, string])[] = [
      ['package', '. Did you mean "packages"?'],
      ['pacakges', '. Did you mean "packages"?'],
      ['requires', '. Did you mean "require"?'],
      ['Require', '. Did you mean "require"?'],
      ['publishers', '. Did you mean "publisher"?'],
      ['pub', '. Did you mean "publisher"?'],
      ['exceptions', ''],
      ['x', ''],
      ['', ''],
      ['__proto__', ''],
      ['p'.repeat(100_000), ''],
    ]
    for (const [word, suggestion] of cases) assert.equal(didYouMean(word, keys), suggestion)
  })
})
