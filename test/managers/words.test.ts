import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isSet, optionValue, plainCommand, setsOneOf, wordsOf } from '../../src/managers/words.ts'

describe('setsOneOf', () => {
  const DANGEROUS = ['proxy', 'noproxy', 'https-proxy', 'cafile', 'ca', 'cache', 'g']
  const found = (...args: string[]) => setsOneOf(args, DANGEROUS)

  for (const word of [
    '--proxy',
    '--proxy=x',
    '-proxy',
    '--no-proxy',
    '--PROXY',
    '--noproxy=',
    '--https-p=x',
    '--http',
    '--ca',
    '-ca',
    '-g',
    '--cach',
    '---proxy',
  ]) {
    it(`finds ${word}`, () => assert.equal(found('install', word, 'x'), word))
  }
  for (const word of [
    'proxy',
    '--prox-y',
    '--proxying',
    '--cafe',
    '--prefer-offline',
    '--',
    '-',
    '--=',
    '-x',
    '--p',
    '--pr',
    '--global-style',
  ]) {
    it(`leaves ${word}`, () => assert.equal(found('install', word, 'x'), undefined))
  }
  it('looks at nothing behind --', () => assert.equal(found('exec', '--', '--proxy'), undefined))

  it('finds an option wherever it stands, whatever else there is', () => {
    const word = fc.string({ unit: 'grapheme' }).filter((each) => !/^-+/.test(each))
    fc.assert(
      fc.property(fc.array(word), fc.array(word), fc.constantFrom(...DANGEROUS), (before, behind, name) => {
        assert.equal(found(...before, `--${name}=x`, ...behind), `--${name}=x`)
      }),
    )
  })
})

describe('plainCommand', () => {
  const command = (...args: string[]) => plainCommand(args, ['prefix', 'c'])
  it('is the first word', () => assert.equal(command('ci', '--foo'), 'ci'))
  for (const args of [
    [],
    ['--foo', 'ci', 'install'],
    ['-x', 'ci'],
    ['ci', '--prefix', 'x'],
    ['ci', '--prefix=x'],
    ['ci', '-C', 'x'],
    ['ci', '--pref', 'x'],
    ['--', 'ci'],
    ['-'],
  ]) {
    it(`is none of ${JSON.stringify(args)}`, () => assert.equal(command(...args), undefined))
  }
})

describe('isSet', () => {
  const frozen = (...args: string[]) => isSet(args, ['--frozen-lockfile'])
  for (const args of [['--frozen-lockfile'], ['--frozen-lockfile=true'], ['--no-frozen-lockfile', '--frozen-lockfile']])
    it(`is true of ${args}`, () => assert.ok(frozen('install', ...args)))
  for (const args of [
    [],
    ['--no-frozen-lockfile'],
    ['--frozen-lockfile=false'],
    ['--frozen-lockfile', '--no-frozen-lockfile'],
    ['--frozen-lockfile', '--frozen-lockfile=false'],
    ['--', '--frozen-lockfile'],
    ['--frozen'],
    ['-frozen-lockfile'],
  ])
    it(`is false of ${args}`, () => assert.ok(!frozen('install', ...args)))
})

describe('optionValue', () => {
  const dir = (...args: string[]) => optionValue(args, ['--dir', '-C'])
  it('takes the last one, however it is spelled', () => {
    assert.equal(dir('--dir', 'a', '-C', 'b', '--dir=c'), 'c')
    assert.equal(dir('-C', 'b'), 'b')
    assert.equal(dir('--dir='), '')
  })
  for (const args of [[], ['--dirs=x'], ['--', '--dir', 'x'], ['--dir'], ['-Cx']])
    it(`finds none in ${JSON.stringify(args)}`, () => assert.equal(dir(...args), undefined))
})

describe('wordsOf', () => {
  it('leaves out options and the values of those that are known', () => {
    assert.deepEqual(wordsOf(['--filter', 'a', 'add', '-D', 'x', '--y=z', '-', '--', '--q'], ['--filter']), [
      'add',
      'x',
      '-',
      '--q',
    ])
  })
})
