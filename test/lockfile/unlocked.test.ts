/** What a lockfile merely lacks and a registry is asked for is told apart from all else that is unknown. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bunPackages } from '../../src/lockfile/bun.ts'
import { npmPackages } from '../../src/lockfile/npm.ts'
import { lockedPackages } from '../../src/lockfile/pnpm.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { yarnBerryPackages } from '../../src/lockfile/yarn-berry.ts'
import { yarnClassicPackages } from '../../src/lockfile/yarn-classic.ts'
import { A, type Json } from './support.ts'

const OF_REGISTRY = [
  '1.0.0',
  '^1.0.0',
  '>=1 <3',
  '*',
  '',
  'latest',
  'next',
  'npm:other@^1',
  'npm:@s/other',
  'npm:^1.0.0',
]
const OF_NO_REGISTRY = [
  ...['github:o/r', 'o/r', 'o/r#main', 'git+ssh://git@github.com/o/r.git', 'git@github.com:o/r.git', 'git:x'],
  ...['file:./a', 'file:a.tgz', './a', '../a', '/a', '~', '.', 'a.tgz', 'link:./a', 'portal:./a', 'workspace:*'],
  ...[
    'https://x.example/a.tgz',
    'npm:github:o/r',
    'npm:a@github:o/r',
    'npm:a@./x',
    'jsr:@s/a',
    'catalog:',
    'patch:a@1',
  ],
]
const NAMES_OF_NONE = ['../a', 'a/b', '.', 'node_modules/a', '@s']

const npm = (dependencies: Json, packages: Json = {}, more: Json = {}) =>
  npmPackages({ lockfileVersion: 3, packages: { '': { dependencies, ...more }, ...packages } })
const yarn1 = (dependencies: Json, more: Json = {}, lockfile: Json = {}) =>
  yarnClassicPackages(lockfile, new Map([['.', { dependencies, ...more }]]))
const yarn4 = (dependencies: Json) =>
  yarnBerryPackages({
    __metadata: { version: 8 },
    'p@workspace:.': { version: '0.0.0-use.local', resolution: 'p@workspace:.', dependencies },
  })
const bun = (dependencies: Json, more: Json = {}) =>
  bunPackages({ lockfileVersion: 1, workspaces: { '': { name: 'p', dependencies } }, packages: {}, ...more })

const texts = (packages: readonly LockedPackage[]) =>
  packages.map(({ source, unlocked }) => {
    if (unlocked !== undefined) assert.equal(source, 'unknown')
    return unlocked
  })

for (const [format, list] of Object.entries({ npm, yarn1, yarn4, bun })) {
  describe(`of ${format}`, () => {
    it('a version, a range, a tag or an alias that no entry meets is unlocked', () => {
      for (const text of OF_REGISTRY) assert.deepEqual(texts(list({ a: text })), [text], text)
    })

    it('what no registry has is not', () => {
      for (const text of OF_NO_REGISTRY) assert.deepEqual(texts(list({ a: text })), [undefined], text)
    })

    it('what is not a text, or not the name of a package, is not', () => {
      for (const text of [1, null, {}, []]) assert.deepEqual(texts(list({ a: text })), [undefined])
      for (const name of NAMES_OF_NONE)
        for (const unlocked of texts(list({ [name]: '^1.0.0' }))) assert.equal(unlocked, undefined, name)
    })
  })
}

describe('of npm, an entry that npm would look for again', () => {
  const at = (version: string, resolved: string | undefined, more: Json = {}) => ({
    'node_modules/a': { version, integrity: A, ...(resolved !== undefined && { resolved }), ...more },
  })
  const REGISTRY = 'https://registry.npmjs.org/a/-/a-1.0.0.tgz'

  it('is unlocked where a registry is asked, and what is locked is downloaded, too', () => {
    for (const resolved of [REGISTRY, 'https://x.example/a.tgz', undefined])
      assert.deepEqual(texts(npm({ a: '^2.0.0' }, at('1.0.0', resolved))), ['^2.0.0'])
    assert.deepEqual(texts(npm({ a: '^1.0.0' }, at('1.0.0', REGISTRY), { overrides: { a: '2.0.0' } })), ['2.0.0'])
  })

  it('is not where what is locked comes from a repository, a folder or a file', () => {
    for (const resolved of [`git+ssh://git@github.com/o/r.git#${'a'.repeat(40)}`, 'file:a', 'file:a.tgz', 'strange:a'])
      assert.deepEqual(texts(npm({ a: '^2.0.0' }, at('1.0.0', resolved))), [undefined], resolved)
  })

  it('is not where an override asks for something else, or leads nowhere', () => {
    for (const override of ['github:o/r', 'file:./a', '$gone', 'https://x.example/a.tgz'])
      assert.deepEqual(texts(npm({ a: '^1.0.0' }, at('1.0.0', REGISTRY), { overrides: { a: override } })), [undefined])
  })

  it('is not where one of several who ask for it asks no registry', () => {
    for (const other of ['github:o/r', 'https://x.example/a.tgz']) {
      const b = (text: string) => ({ 'node_modules/b': { version: '1.0.0', integrity: A, dependencies: { a: text } } })
      const asked = [
        npm({ a: '^2.0.0', b: '*' }, { ...at('1.0.0', REGISTRY), ...b(other) }),
        npm({ a: other, b: '*' }, { ...at('1.0.0', REGISTRY), ...b('^2.0.0') }),
      ]
      for (const packages of asked) assert.deepEqual(texts(packages), [undefined, undefined], other)
    }
  })

  it('is not what is no version, is not understood, or stands in the place of another', () => {
    assert.deepEqual(texts(npm({ a: '^1.0.0' }, at('x', REGISTRY))), [undefined])
    assert.deepEqual(texts(npm({ a: '^2.0.0' }, at('1.0.0', REGISTRY, { integrity: 1 }))), [undefined])
    assert.deepEqual(texts(npm({ a: '^1.0.0' }, at('1.0.0', REGISTRY, { name: 'b' }))), [undefined, undefined])
  })
})

describe('of yarn 1, what `resolutions` ask for', () => {
  const entry = { 'a@^1.0.0': { version: '1.0.0', resolved: 'https://registry.yarnpkg.com/a/-/a-1.0.0.tgz' } }
  const resolved = (text: string) => texts(yarn1({ a: '^1.0.0' }, { resolutions: { a: text } }, entry))

  it('is unlocked where a registry is asked, and not where anything else is', () => {
    assert.deepEqual(resolved('2.0.0'), [undefined, '2.0.0'])
    for (const text of ['github:o/r', 'file:./a', 'https://x.example/a.tgz'])
      assert.deepEqual(resolved(text), [undefined, undefined], text)
  })
})

describe('of bun', () => {
  it('what `overrides` are about is not unlocked', () => {
    for (const override of ['2.0.0', 'github:o/r', { '.': '1.0.0' }])
      assert.deepEqual(texts(bun({ a: '^1.0.0' }, { overrides: { a: override } })), [undefined])
  })
})

describe('of pnpm, a reference that leads nowhere', () => {
  const refer = (version: unknown) =>
    lockedPackages({
      lockfileVersion: '9.0',
      importers: { '.': { dependencies: { a: { specifier: '^1.0.0', version } } } },
    })

  it('is unlocked where it is to a version of a registry', () => {
    assert.deepEqual(texts(refer('1.0.0')), ['1.0.0'])
    assert.deepEqual(texts(refer('1.0.0(b@2.0.0)')), ['1.0.0'])
  })

  it('is not where it is to anything else', () => {
    for (const version of [
      ...[
        'file:a',
        'link:a',
        'https://x.example/a.tgz',
        'git+https://x.example/a.git#abc',
        'runtime:24.0.0',
        '',
        '^1.0.0',
        1,
      ],
      ...['a@file:a.tgz', '../b@1.0.0', 'https://codeload.github.com/o/r/tar.gz/abc'],
    ])
      for (const unlocked of texts(refer(version))) assert.equal(unlocked, undefined, String(version))
  })
})
