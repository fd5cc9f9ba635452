import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  callsPreResolution,
  commandOf,
  keepsLockfile,
  mayFetch,
  replacesPackages,
  writesLockfileOnly,
} from '../../hooks/command.ts'

const node = '/usr/bin/node'

describe('commandOf', () => {
  for (const script of ['/x/pnpm.cjs', '/x/pnpm.mjs', '/x/pnpm.js', '/x/pnpm', '/x/pn', '/x/pnpm-native']) {
    test(`the command right behind ${script}`, () => {
      assert.equal(commandOf([node, script, 'update', 'left-pad']), 'update')
    })
  }

  test('the command right behind the native binary', () => {
    assert.equal(commandOf(['/store/pnpm', 'fetch', '--prod']), 'fetch')
    assert.equal(commandOf(['C:\\pnpm.exe'.replaceAll('\\', '/'), 'fetch']), 'fetch')
  })

  test('an option before the command is taken for what it is, so that its value is never taken for the command', () => {
    assert.equal(commandOf([node, '/x/pnpm.cjs', '--filter', 'update', 'install']), '--filter')
    assert.equal(replacesPackages(commandOf([node, '/x/pnpm.cjs', '--filter', 'update', 'install'])), false)
    assert.equal(replacesPackages(commandOf([node, '/x/pnpm.cjs', '-C', 'remove', 'install'])), false)
  })

  test('another program is not pnpm, whatever its first argument says', () => {
    assert.equal(commandOf([node, '/x/build.js', 'update']), undefined)
    assert.equal(commandOf([node, '/x/pnpm/build.js', 'update']), undefined)
    assert.equal(commandOf([node, '/x/notpnpm.cjs', 'update']), undefined)
    assert.equal(commandOf([]), undefined)
    assert.equal(commandOf([node]), undefined)
  })

  test('no words before the command make another command of it', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (words) => {
        const [first = ''] = words
        fc.pre(!/(^|\/)(pnpm|pn)(\.[cm]?js|\.exe)?$/.test(first))
        assert.equal(commandOf([node, '/x/pnpm.cjs', ...words]), first)
      }),
    )
  })
})

describe('commands', () => {
  test('only what always resolves anew may wait for its result', () => {
    for (const command of ['update', 'up', 'upgrade', 'remove', 'rm', 'uninstall', 'un'])
      assert.ok(replacesPackages(command))
    for (const command of [
      'install',
      'i',
      'add',
      'fetch',
      'ci',
      'dedupe',
      'import',
      'updates',
      'UPDATE',
      '',
      undefined,
    ]) {
      assert.ok(!replacesPackages(command), String(command))
    }
  })

  test('fetch, and what is not known, is not taken to call preResolution', () => {
    for (const command of ['install', 'i', 'add', 'update', 'remove', 'dedupe', 'rebuild'])
      assert.ok(callsPreResolution(command))
    for (const command of ['fetch', 'deploy', 'ci', '', '-r', undefined])
      assert.ok(!callsPreResolution(command), String(command))
  })
})

describe('a repair', () => {
  const pnpm = (...words: readonly string[]) => [node, '/x/pnpm.cjs', ...words]

  test('is the command line that `provenance-gate repair` writes', () => {
    assert.ok(writesLockfileOnly(pnpm('update', 'left-pad', '--lockfile-only')))
    assert.ok(writesLockfileOnly(['/x/pnpm', 'remove', 'left-pad', '--lockfile-only']))
  })

  test('is none that could link, run or be read otherwise', () => {
    for (const words of [
      ['update', 'left-pad'],
      ['fetch', '--lockfile-only'],
      ['rebuild', '--lockfile-only'],
      ['--filter', 'update', '--lockfile-only'],
      ['update', '--', '--lockfile-only'],
      ['update', '--lockfile-only', '--no-lockfile-only'],
      ['update', '--lockfile-only=false'],
      ['update', '--lockfile-only', '--config.lockfileOnly=false'],
      ['update', '--config.lockfile-only=true'],
      [],
    ]) {
      assert.ok(!writesLockfileOnly(pnpm(...words)), words.join(' '))
    }
    assert.ok(!writesLockfileOnly([]))
  })
})

describe('a command that is to keep the lockfile', () => {
  const pnpm = (...words: readonly string[]) => [node, '/x/pnpm.cjs', ...words]

  test('says so by an option, or is one of those that are for nothing else', () => {
    for (const words of [
      ['install', '--frozen-lockfile'],
      ['--frozen-lockfile', 'install'],
      ['i', '--frozen-lockfile=true'],
      ['ci'],
      ['clean-install', '--prod'],
    ])
      assert.ok(keepsLockfile(pnpm(...words)), words.join(' '))
  })

  test('is none where the command line takes it back, or means something else', () => {
    for (const words of [
      ['install'],
      ['install', '--no-frozen-lockfile'],
      ['install', '--frozen-lockfile', '--no-frozen-lockfile'],
      ['install', '--frozen-lockfile=false'],
      ['install', '--prefer-frozen-lockfile'],
      ['exec', 'x', '--', '--frozen-lockfile'],
      ['add', 'ci'],
      ['--filter', 'ci', 'install'],
    ])
      assert.ok(!keepsLockfile(pnpm(...words)), words.join(' '))
    assert.ok(!keepsLockfile([]))
  })
})

describe('mayFetch', () => {
  test('is true wherever the word stands, unless another command is beyond doubt', () => {
    assert.ok(mayFetch(['/x/pnpm', 'fetch']))
    assert.ok(mayFetch(['/x/pnpm', '-C', 'x', 'fetch', '--prod']))
    assert.ok(mayFetch(['/x/pnpm', '--filter', 'install', 'fetch']))
    assert.ok(!mayFetch(['/x/pnpm', 'add', 'fetch']))
    assert.ok(!mayFetch(['/x/pnpm', 'install']))
    assert.ok(!mayFetch([]))
  })
})
