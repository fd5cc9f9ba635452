import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { GateError } from '../../src/errors.ts'
import { bunPackages } from '../../src/lockfile/bun.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { A, B, brief, type Json } from './support.ts'

const lock = (packages: Json, dependencies: Json = {}, more: Json = {}): Json => ({
  lockfileVersion: 1,
  workspaces: { '': { name: 'root', dependencies } },
  packages,
  ...more,
})
const npm = (id: string, info: Json = {}, integrity: unknown = A): unknown[] => [id, '', info, integrity]
const list = (packages: Json, dependencies: Json = {}): readonly LockedPackage[] =>
  bunPackages(lock(packages, dependencies))
const only = (value: unknown, asked = '*'): LockedPackage => {
  const packages = list({ a: value }, { a: asked })
  assert.equal(packages.length, 1, brief(packages).join())
  return packages[0] ?? assert.fail()
}

describe('an entry of bun.lock', () => {
  it('is a package of a registry where its id has a version, whatever the address', () => {
    for (const address of ['', 'https://host.example/a.tgz', 'http://[::1]/']) {
      const pkg = only(['a@1.0.0', address, {}, A])
      assert.deepEqual([pkg.name, pkg.version, pkg.integrity, pkg.source], ['a', '1.0.0', A, 'registry'], address)
    }
    assert.equal(only(['a@1.0.0', '', {}, '']).integrity, undefined)
    assert.equal(only(['a@1.0.0', '', {}]).integrity, undefined)
  })

  const cases: readonly [unknown[], string][] = [
    [['a@https://host.example/a.tgz', {}, A], 'tarball'],
    [['a@https://codeload.github.com/o/r/tar.gz/x', {}, A], 'git'],
    [['a@./a.tgz', {}, A], 'tarball'],
    [['a@file:a.tgz', {}, A], 'tarball'],
    [['a@file:a', {}], 'directory'],
    [['a@link:a', {}], 'directory'],
    [['a@root:', {}], 'directory'],
    [['a@workspace:gone'], 'directory'],
    [['a@github:o/r#abcdef1', {}, 'o-r-abcdef1'], 'git'],
    [['a@git+ssh://git@host/o/r.git#abcdef1', {}, 'abcdef1'], 'git'],
    [['a@^1.0.0', '', {}, A], 'unknown'],
    [['a@latest', {}, A], 'unknown'],
    [['a', {}, A], 'unknown'],
    [['a@1.0.0', 'ftp://host/a.tgz', {}, A], 'unknown'],
    [['a@1.0.0', 'file:a.tgz', {}, A], 'unknown'],
    [['a@1.0.0', 7, {}, A], 'unknown'],
    [['a@1.0.0', '', {}, [A, B]], 'unknown'],
    [['../a@1.0.0', '', {}, A], 'unknown'],
  ]
  for (const [value, source] of cases) {
    it(`is ${source} for ${JSON.stringify(value).slice(0, 60)}`, () => {
      const isList = value.length > 1 && typeof value[1] === 'string' && value[0] === 'a@^1.0.0'
      if (isList) assert.throws(() => only(value), GateError)
      else assert.equal(only(value, 'https://x.example').source, source)
    })
  }

  it('hands no digest of what bun makes itself on', () => {
    assert.equal(only(['a@github:o/r#abcdef1', {}, 'o-r-abcdef1']).integrity, undefined)
  })

  it('under another name is judged under both, and where nobody asked for that, as a stranger too', () => {
    const alias = { a: npm('evil@1.0.0') }
    assert.deepEqual(
      list(alias, { a: 'npm:evil@1' }).map(({ aliases }) => aliases),
      [['a']],
    )
    assert.deepEqual(brief(list(alias, { a: '^1.0.0' })), ['a@ unknown replaced by evil', 'evil@1.0.0 registry'])
    assert.equal(bunPackages(lock(alias, { a: '^1.0.0' }, { overrides: { a: 'npm:evil@1' } })).length, 1)
  })

  it('is found from the inside out, and by a project under its own name', () => {
    const packages = bunPackages(
      lock(
        {
          a: npm('a@1.0.0', { dependencies: { b: '1', '@s/c': '1' } }),
          b: npm('b@1.0.0'),
          'a/b': npm('b@2.0.0'),
          '@s/c': npm('@s/c@1.0.0', { dependencies: { b: '1' } }),
          'a/@s/c': npm('@s/c@2.0.0', { dependencies: { b: '1' } }),
          x: ['x@workspace:apps/x'],
          'x/b': npm('b@3.0.0'),
        },
        { a: '1' },
        { workspaces: { '': { dependencies: { a: '1' } }, 'apps/x': { name: 'x', devDependencies: { b: '1' } } } },
      ),
    )
    assert.deepEqual(
      packages.map(
        ({ name, version, importers, forAnyone }) => `${name}@${version} ${forAnyone ? 'anyone' : importers}`,
      ),
      ['@s/c@1.0.0 anyone', '@s/c@2.0.0 .', 'a@1.0.0 .', 'b@1.0.0 anyone', 'b@2.0.0 .', 'b@3.0.0 apps/x'],
    )
  })

  it('that is missing is listed, unless it is optional or a peer', () => {
    assert.deepEqual(brief(list({}, { gone: '1' })), ['gone@ unknown no entry of the lockfile meets it'])
    assert.equal(
      list({ a: npm('a@1.0.0', { optionalDependencies: { b: '1' }, peerDependencies: { c: '1' } }) }, { a: '1' })
        .length,
      1,
    )
  })

  it('keeps two digests of one version apart', () => {
    const packages = list({ a: npm('a@1.0.0'), b: npm('b@1.0.0'), 'b/a': npm('a@1.0.0', {}, B) }, { a: '1', b: '1' })
    assert.deepEqual(
      packages.filter(({ name }) => name === 'a').map(({ integrity }) => integrity),
      [A, B],
    )
  })
})

describe('what bun bundles', () => {
  const bundled = (packages: Json, more: Json = {}) =>
    bunPackages(lock(packages, { p: '1' }, more)).flatMap((pkg) =>
      pkg.source === 'bundled' ? [`${pkg.name} in ${pkg.bundledIn?.key}`] : [],
    )
  const inside = (id: string) => npm(id, { bundled: true })

  it('lies below the package in whose tarball it is', () => {
    assert.deepEqual(
      bundled({
        p: npm('p@1.0.0', { dependencies: { i: '1' } }),
        'p/i': inside('i@1.0.0'),
        'p/i/j': inside('j@1.0.0'),
      }),
      ['i in p@1.0.0', 'j in p@1.0.0'],
    )
  })

  const not: readonly [string, Json, Json?][] = [
    ['lies beside all others: bun fetches it', { p: npm('p@1.0.0'), i: inside('i@1.0.0') }],
    ['lies below nothing', { 'p/i': inside('i@1.0.0') }],
    ['lies below what lies in no tarball', { p: inside('p@1.0.0'), 'p/i': inside('i@1.0.0') }],
    ['does not say so', { p: npm('p@1.0.0'), 'p/i': npm('i@1.0.0', { bundled: 'true' }) }],
    [
      'is a project’s',
      { p: ['p@workspace:p'], 'p/i': inside('i@1.0.0') },
      { workspaces: { '': {}, p: { name: 'p' } } },
    ],
    ['is of a folder', { p: ['p@file:p', {}], 'p/i': inside('i@1.0.0') }],
    [
      'is of a package that has the name of a project',
      { p: npm('p@1.0.0'), 'p/i': inside('i@1.0.0') },
      { workspaces: { '': {}, p: { name: 'p' } } },
    ],
  ]
  for (const [what, packages, more] of not)
    it(`is none that ${what}`, () => assert.deepEqual(bundled(packages, more), []))
})

describe('a lockfile of bun', () => {
  const refused: readonly [string, unknown, RegExp][] = [
    ['null', null, /not a plain map/],
    ['a list', [], /not a plain map/],
    ['of no version', { packages: {} }, /version undefined/],
    ['of version 3', lock({}, {}, { lockfileVersion: 3 }), /version 3/],
    ['of a version that is text', lock({}, {}, { lockfileVersion: '1' }), /version "1"/],
    ['with a list of packages', lock([] as never), /not a plain map/],
    ['with a list of projects', lock({}, {}, { workspaces: [] }), /not a plain map/],
    ['with a project that is text', lock({}, {}, { workspaces: { '': 'x' } }), /not a plain map/],
    ['with a map for an entry', lock({ a: {} }), /not a list/],
    ['with an empty entry', lock({ a: [] }), /not a list/],
    ['with a number for an id', lock({ a: [1] }), /not a list/],
    ['with a text for dependencies', lock({ a: ['a@1.0.0', '', 'x', A] }), /something else where its dependencies are/],
    ['with a list of dependencies', lock({ a: npm('a@1.0.0', { dependencies: ['b'] }) }), /not a plain map/],
    ['with a path that is none', lock({ 'a//b': npm('b@1.0.0') }), /not a path of names/],
    ['with a path from nowhere', lock({ '/a': npm('a@1.0.0') }), /not a path of names/],
    ['with an endless path', lock({ [Array(3000).fill('a').join('/')]: npm('a@1.0.0') }), /not a path of names/],
  ]
  for (const [what, document, says] of refused) {
    it(`is not ${what}`, () => {
      assert.throws(
        () => bunPackages(document),
        (error) => error instanceof GateError && says.test(error.message),
      )
    })
  }

  it('of any values is a list or an error for people, and loses no entry', () => {
    const value = fc.oneof(
      fc.constantFrom('a@1.0.0', 'evil@1.0.0', '', A, {}, { bundled: true }, { dependencies: { b: '1' } }, null, 1, []),
      fc.string(),
    )
    const key = fc.constantFrom('a', 'b', 'a/b', 'a/b/a', '@s/c', 'a/@s/c')
    fc.assert(
      fc.property(fc.dictionary(key, fc.array(value)), (packages) => {
        let listed: readonly LockedPackage[]
        try {
          listed = list(packages, { a: '*' })
        } catch (error) {
          assert.ok(error instanceof GateError, String(error))
          return
        }
        for (const path of Object.keys(packages)) {
          const installed = /(?:^|\/)((?:@s\/)?[^/@]+)$/.exec(path)?.[1]
          assert.ok(
            listed.some(({ name, aliases = [] }) =>
              [name, ...aliases].some((each) => each === installed || each === path),
            ),
            path,
          )
        }
        for (const { source, bundledIn } of listed) {
          assert.equal(source === 'bundled', bundledIn !== undefined)
          assert.notEqual(bundledIn?.source, 'bundled')
        }
      }),
      { numRuns: 500 },
    )
  })
})
