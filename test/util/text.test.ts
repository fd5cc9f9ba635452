import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { cut, escapeJson, escapeLines, escapeText, quoteText, show } from '../../src/util/text.ts'
import { hostileText, UNSAFE } from '../report/support.ts'
import { commandLike, isCommand } from '../support/runners.ts'

describe('text of strangers', () => {
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
    it(`leaves ${JSON.stringify(text)} as it is`, () => assert.equal(escapeText(text), text))
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
    it(`shows ${what}`, () => assert.equal(escapeText(text), cleaned))
  }

  it('leaves nothing in any text that acts on a terminal, reorders or hides', () => {
    fc.assert(fc.property(hostileText, (text) => assert.doesNotMatch(escapeText(text), UNSAFE)))
  })

  it('leaves nothing of any single character either', () => {
    for (let code = 0; code <= 0x10ffff; code += 1) {
      const character = String.fromCodePoint(code)
      const cleaned = escapeText(character)
      if (cleaned !== character) assert.equal(cleaned, `\\u{${code.toString(16)}}`)
      else if (UNSAFE.test(cleaned)) assert.fail(code.toString(16))
    }
  })

  it('changes nothing else, and nothing the second time', () => {
    const any = fc.oneof(hostileText, commandLike, fc.string({ unit: 'binary', minLength: 50, maxLength: 300 }))
    fc.assert(
      fc.property(any, fc.integer({ min: 1, max: 200 }), (text, most) => {
        const escaped = escapeText(text)
        assert.equal(escapeText(escaped), escaped)
        assert.equal(escapeText(escapeText(text, most), most), escapeText(text, most))
        if (!UNSAFE.test(text) && !/[#:+~^-]|\p{Cs}|(?! )\p{Zs}/u.test(text)) assert.equal(escaped, text)
      }),
    )
  })

  it('is of bounded length, and no character is cut in two', () => {
    assert.equal(escapeText('x'.repeat(5_000)), `${'x'.repeat(4_000)}…`)
    assert.equal(escapeText('👍'.repeat(10), 3), '👍…')
    assert.equal(escapeText('\u202e'.repeat(1_000_000)).length, 4_001)
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(30), (text, most) => {
        assert.ok(escapeText(text, most).length <= most + 1)
        assert.doesNotMatch(cut(text.replace(/\p{Cs}/gu, ''), most), /\p{Cs}/u)
      }),
    )
  })
})

describe('commands to the runner of a job', () => {
  const escaped: Readonly<Record<string, string>> = {
    '::error::x': '\\u{3a}:error\\u{3a}:x',
    '  ::add-mask::x': '  \\u{3a}:add-mask\\u{3a}:x',
    'a ::set-env name=PATH::x': 'a \\u{3a}:set-env name=PATH\\u{3a}:x',
    ':::error::x': ':\\u{3a}:error\\u{3a}:x',
    '\u00a0::error::x': '\\u{a0}\\u{3a}:error\\u{3a}:x',
    '##[error]x': '##\\u{5b}error]x',
    'a ##[add-mask]x': 'a ##\\u{5b}add-mask]x',
    'a##vso[task.setvariable variable=X]y': 'a##vso\\u{5b}task.setvariable variable=X]y',
    "##teamcity[buildStatus status='SUCCESS']": "##teamcity\\u{5b}buildStatus status='SUCCESS']",
    '#\u00ad#[error]x': '#\\u{ad}#[error]x',
    '--- :eyes:': '\\u{2d}-- :eyes:',
    '+++ x': '\\u{2b}++ x',
    '~~~ x': '\\u{7e}~~ x',
    '^^^ +++': '\\u{5e}^^ +++',
    '\u001b[0Ksection_start:1:x\r\u001b[0K': '\\u{1b}[0Ksection_start:1:x\\u{d}\\u{1b}[0K',
  }
  for (const [text, shown] of Object.entries(escaped))
    it(`escapes ${JSON.stringify(text)}`, () => assert.equal(escapeText(text), shown))

  it('leaves what is no command as people know it', () => {
    for (const text of [
      'http://[::1]:4873/',
      'fe80::1',
      '--offline',
      '# [x]',
      '## [1.0.0]',
      'a[0]',
      '#[x]',
      'x: y',
      '+ a',
      '~1.2.3',
    ])
      assert.equal(escapeText(text), text)
  })

  it('are in no line of any text, wherever it is wrapped, and not where two texts meet', () => {
    fc.assert(
      fc.property(commandLike, commandLike, fc.nat(), (a, b, at) => {
        for (const text of [
          escapeText(a),
          escapeLines(`${a}\n${b}`, '  '),
          escapeLines(`${escapeText(a)} ${escapeText(b)}`),
        ]) {
          for (const line of text.split('\n')) assert.ok(!isCommand(line), line)
          const where = at % (text.length + 1)
          assert.ok(!isCommand(text.slice(where).split('\n')[0] ?? '', 'wrapped'), text)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('are in no JSON, which says the same as before', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(commandLike, hostileText)), (texts) => {
        const json = escapeJson(JSON.stringify(texts, null, 2))
        assert.deepEqual(JSON.parse(json), texts)
        for (const line of json.split('\n')) assert.ok(!isCommand(line), line)
        assert.doesNotMatch(json.replaceAll('\n', ''), UNSAFE)
      }),
    )
  })

  it('are in no text in quotes', () => {
    fc.assert(
      fc.property(fc.oneof(commandLike, hostileText), (text) => {
        const quoted = quoteText(text, 300)
        assert.ok(!isCommand(quoted), quoted)
        if (text.length <= 300) assert.equal(JSON.parse(quoted), text)
      }),
    )
  })
})

describe('show', () => {
  it('writes a value as a phrase', () => {
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

  it('is short, and throws at nothing', () => {
    fc.assert(fc.property(fc.anything(), (value) => assert.ok(show(value).length <= 201)))
    assert.equal(show('x'.repeat(201)), `${'x'.repeat(200)}…`)
    assert.equal(show('x'.repeat(200)), 'x'.repeat(200))
  })
})
