import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { clean } from '../../src/report/clean.ts'
import { hostileText, UNSAFE } from './support.ts'

describe('clean', () => {
  for (const text of [
    '',
    '@acme/widgets@1.2.3',
    'Füße – ¿qué?',
    '日本語',
    'עברית',
    '👍',
    'a b',
    '\\u{1b}',
    'e\u0301',
  ]) {
    it(`leaves ${JSON.stringify(text)} as it is`, () => assert.equal(clean(text), text))
  }

  const unsafe: Readonly<Record<string, readonly [text: string, cleaned: string]>> = {
    'an ANSI colour': ['\u001b[32mproven\u001b[0m', '\\u{1b}[32mproven\\u{1b}[0m'],
    'a line that is painted over': ['refused\u001b[2K\rproven', 'refused\\u{1b}[2K\\u{d}proven'],
    'a cursor that moves up': ['\u001b[1A', '\\u{1b}[1A'],
    'the same in one character (C1)': ['\u009b1A', '\\u{9b}1A'],
    'a window title': ['\u001b]0;x\u0007', '\\u{1b}]0;x\\u{7}'],
    'a link': ['\u001b]8;;https://evil.example\u001b\\x', '\\u{1b}]8;;https://evil.example\\u{1b}\\x'],
    'line ends': ['a\nb\r\nc\u0085d\u2028e\u2029f', 'a\\u{a}b\\u{d}\\u{a}c\\u{85}d\\u{2028}e\\u{2029}f'],
    'a backspace, a tab, a NUL, a DEL': ['a\bb\tc\u0000d\u007f', 'a\\u{8}b\\u{9}c\\u{0}d\\u{7f}'],
    'text that is shown backwards': ['gnp\u202egpj', 'gnp\\u{202e}gpj'],
    'text in isolation': ['\u2066a\u2069\u061c\u200e\u200f', '\\u{2066}a\\u{2069}\\u{61c}\\u{200e}\\u{200f}'],
    'characters without width': [
      'lod\u200bash\u200c\u200d\u2060\ufeff',
      'lod\\u{200b}ash\\u{200c}\\u{200d}\\u{2060}\\u{feff}',
    ],
    'a soft hyphen': ['lod\u00adash', 'lod\\u{ad}ash'],
    'variation selectors': ['lodash\ufe0f\u{e0101}', 'lodash\\u{fe0f}\\u{e0101}'],
    fillers: ['lodash\u3164\u115f\uffa0\u034f', 'lodash\\u{3164}\\u{115f}\\u{ffa0}\\u{34f}'],
    'text in tags': ['\u{e0068}\u{e0069}', '\\u{e0068}\\u{e0069}'],
  }
  for (const [what, [text, cleaned]] of Object.entries(unsafe)) {
    it(`shows ${what}`, () => assert.equal(clean(text), cleaned))
  }

  it('leaves nothing in any text that acts on a terminal, reorders or hides', () => {
    fc.assert(fc.property(hostileText, (text) => assert.doesNotMatch(clean(text), UNSAFE)))
  })

  it('leaves nothing of any single character either', () => {
    for (let code = 0; code <= 0x10ffff; code += 1) {
      const character = String.fromCodePoint(code)
      const cleaned = clean(character)
      if (cleaned !== character) assert.equal(cleaned, `\\u{${code.toString(16)}}`)
      else if (UNSAFE.test(cleaned)) assert.fail(code.toString(16))
    }
  })

  it('changes nothing else, and nothing the second time', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const parts = [...text].map((character) => (UNSAFE.test(character) ? clean(character) : character))
        assert.equal(clean(text), parts.join(''))
        assert.equal(clean(clean(text)), clean(text))
      }),
    )
  })
})
