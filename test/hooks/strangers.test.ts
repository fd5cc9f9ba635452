import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { stranger, strangersOfConfig, strangersOfManifest, strangersOnCommandLine } from '../../hooks/strangers.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'

const keys = (strangers: readonly LockedPackage[]) => strangers.map(({ key }) => key)

const REPOSITORIES = [
  'github:acme/tool',
  'acme/tool',
  'acme/tool#semver:^1',
  'git+https://host/tool.git',
  'git+ssh://git@host/tool',
  'git@host:acme/tool',
  'https://codeload.github.com/acme/tool/tar.gz/0123',
  'https://host/tool.tgz',
  // What is not understood may be one.
  'npm:acme/tool',
  'patch:tool@1.0.0#./p.patch',
]

const OTHERS = [
  ...['1.0.0', '^1.0.0', 'latest', '', '*', 'npm:other@^1.0.0', 'work:^1.0.0', 'runtime:24'],
  ...['file:tool', 'link:../tool', 'workspace:*', './tool', 'file:tool.tgz', 'catalog:', 'catalog:named'],
]

describe('strangersOfManifest', () => {
  test('what may be a repository, by the name under which it is wanted', () => {
    for (const specifier of REPOSITORIES) {
      const [found, ...more] = strangersOfManifest({ dependencies: { tool: specifier } })
      assert.deepEqual(found, stranger('tool', specifier))
      assert.deepEqual(more, [])
    }
  })

  test('nothing else', () => {
    for (const specifier of OTHERS) assert.deepEqual(strangersOfManifest({ dependencies: { tool: specifier } }), [])
    for (const specifier of [undefined, null, 1, {}, ['acme/tool']]) {
      assert.deepEqual(strangersOfManifest({ dependencies: { tool: specifier } }), [])
    }
    for (const manifest of [{}, { dependencies: null }]) assert.deepEqual(strangersOfManifest(manifest), [])
  })

  test('of every field, but development and peers only of what comes from no registry: nobody fetches others', () => {
    const manifest = {
      dependencies: { a: 'acme/a' },
      optionalDependencies: { b: 'acme/b' },
      peerDependencies: { c: 'acme/c' },
      devDependencies: { d: 'acme/d' },
    }
    assert.deepEqual(keys(strangersOfManifest(manifest)), ['a@acme/a', 'b@acme/b', 'c@acme/c', 'd@acme/d'])
    assert.deepEqual(keys(strangersOfManifest({ ...manifest, dist: {} })), ['a@acme/a', 'b@acme/b'])
  })
})

describe('strangersOfConfig', () => {
  test('what an override puts in, whatever its selector', () => {
    for (const [selector, name] of [
      ['tool', 'tool'],
      ['@acme/tool', '@acme/tool'],
      ['tool@^1', 'tool'],
      ['@acme/tool@1 - 2', '@acme/tool'],
      ['parent>tool', 'tool'],
      ['@acme/parent@1>@acme/tool@>=2', '@acme/tool'],
    ] as const) {
      assert.deepEqual(strangersOfConfig({ overrides: { [selector]: 'acme/evil' } }), [stranger(name, 'acme/evil')])
    }
  })

  test('two overrides of one package, in different places, are two', () => {
    const overrides = { 'a>tool': 'acme/one', 'b>tool': 'acme/two' }
    assert.deepEqual(keys(strangersOfConfig({ overrides })), ['tool@acme/one', 'tool@acme/two'])
  })

  test('what every catalog lists', () => {
    const catalogs = { default: { tool: 'acme/tool', fine: '1.0.0' }, named: { other: 'git@host:other' } }
    assert.deepEqual(keys(strangersOfConfig({ catalogs })), ['tool@acme/tool', 'other@git@host:other'])
  })

  test('neither', () => {
    assert.deepEqual(strangersOfConfig({}), [])
    assert.deepEqual(
      strangersOfConfig({ overrides: { tool: '-', other: '1.0.0' }, catalogs: { default: undefined } }),
      [],
    )
  })
})

const OPTIONS = ['--filter=@acme/app', '...@acme/app', '--filter=!@acme/other', '-F=@acme/app', '--config.foo=x@y/z']

describe('strangersOnCommandLine', () => {
  const words = (...args: readonly string[]) => keys(strangersOnCommandLine(['/usr/bin/node', '/x/pnpm.cjs', ...args]))

  test('a repository under a name', () => {
    for (const specifier of REPOSITORIES) {
      for (const name of ['tool', '@acme/tool', 'left-pad']) {
        assert.deepEqual(words('add', `${name}@${specifier}`), [`${name}@${specifier}`])
      }
    }
  })

  test('not one without a name: it is judged by its own', () => {
    for (const word of ['acme/tool', 'github:acme/tool', 'git+https://host/tool.git', 'https://host/tool.tgz']) {
      assert.deepEqual(words('add', word), [])
    }
  })

  test('no package of a registry, no option', () => {
    for (const word of OPTIONS) assert.deepEqual(words('install', word), [], word)
    for (const word of [
      'tool',
      '@acme/tool',
      'tool@1.0.0',
      '@acme/tool@^1',
      'tool@npm:@acme/tool@1',
      '--filter',
      '-C',
    ]) {
      assert.deepEqual(words('add', word), [], word)
    }
  })

  test('nothing that stands before or behind it hides it', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.string()), (before, behind) => {
        assert.ok(words(...before, 'tool@github:acme/evil', ...behind).includes('tool@github:acme/evil'))
      }),
    )
  })
})
