import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { GateError } from '../../src/errors.ts'
import type { Manifests } from '../../src/lockfile/dependencies.ts'
import { npmPackages } from '../../src/lockfile/npm.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { A, B, brief, type Json } from './support.ts'

const lock = (packages: Json, more: Json = {}): Json => ({ lockfileVersion: 3, packages, ...more })
const root = (dependencies: Json = {}, more: Json = {}): Json => ({ '': { dependencies, ...more } })
const at = (name: string, version = '1.0.0') =>
  `https://registry.npmjs.org/${name}/-/${name.slice(name.indexOf('/') + 1)}-${version}.tgz`
const entry = (name: string, version = '1.0.0', more: Json = {}): Json => ({
  version,
  resolved: at(name, version),
  integrity: A,
  ...more,
})
const list = (packages: Json, manifests?: Manifests): readonly LockedPackage[] => npmPackages(lock(packages), manifests)
const only = (packages: Json): LockedPackage => {
  const [first, ...rest] = list(packages)
  assert.deepEqual(rest, [])
  return first ?? assert.fail('no package')
}
const needers = (packages: readonly LockedPackage[]) =>
  Object.fromEntries(packages.map(({ name, importers, forAnyone }) => [name, forAnyone ? 'anyone' : importers.join()]))

describe('an entry of package-lock.json', () => {
  it('is a package of a registry by its version, whatever its address', () => {
    for (const resolved of [at('a'), undefined, 'https://elsewhere.example/x.tgz', 'http://[::1]/a']) {
      const { name, version, integrity, source } = only({
        ...root({ a: '^1.0.0' }),
        'node_modules/a': { ...entry('a'), ...(resolved === undefined ? { resolved: undefined } : { resolved }) },
      })
      assert.deepEqual([name, version, integrity, source], ['a', '1.0.0', A, 'registry'], resolved)
    }
  })

  it('is from elsewhere where somebody asks for it by an address, a repository or a file', () => {
    const cases: readonly [string, string, string][] = [
      ['https://elsewhere.example/a.tgz', 'https://elsewhere.example/a.tgz', 'tarball'],
      [
        'https://github.com/o/r/releases/download/v1/a.tgz',
        'https://github.com/o/r/releases/download/v1/a.tgz',
        'tarball',
      ],
      ['o/r', `git+ssh://git@github.com/o/r.git#${'a'.repeat(40)}`, 'git'],
      ['https://codeload.github.com/o/r/tar.gz/main', 'https://codeload.github.com/o/r/tar.gz/main', 'git'],
      ['file:a.tgz', 'file:a.tgz', 'tarball'],
      ['file:a', 'file:a', 'directory'],
    ]
    for (const [asked, resolved, source] of cases) {
      const packages = { ...root({ a: asked }), 'node_modules/a': { version: '1.0.0', resolved, integrity: A } }
      assert.equal(only(packages).source, source, asked)
    }
  })

  it('is known at GitHub by its release or its whole commit', () => {
    const commit = 'a'.repeat(40)
    const of = (asked: string, resolved: string) =>
      only({ ...root({ a: asked }), 'node_modules/a': { version: '1.0.0', resolved, integrity: A } }).github
    const asset = 'https://github.com/o/r/releases/download/v1/a.tgz'
    assert.deepEqual(of(asset, asset), { repository: 'o/r', tag: 'v1' })
    assert.deepEqual(of('o/r', `git+ssh://git@github.com/o/r.git#${commit}`), { repository: 'o/r', commit })
    assert.equal(of('o/r', 'git+ssh://git@github.com/o/r.git#main'), undefined)
    // Of a registry's package its own evidence is asked, wherever it lies.
    assert.equal(of('^1.0.0', asset), undefined)
  })

  it('is a repository where its address is the page of one, whatever digest stands beside it', () => {
    const of = (resolved: string) => {
      const { source, integrity } = only({
        ...root({ a: '1.0.0' }),
        'node_modules/a': entry('a', '1.0.0', { resolved }),
      })
      return [source, integrity]
    }
    for (const page of [
      ...[
        'https://github.com/o/r',
        'http://GITHUB.com/o/r.git',
        'https://www.github.com/o/r/tree/x',
        'https://u:p@github.com/o/r/',
      ],
      ...['https://gitlab.com/o/g/r', 'https://gitlab.com/o/r/x.tgz', 'https://bitbucket.org/o/r/downloads/a.tgz'],
      ...['https://gist.github.com/0123', 'https://gist.github.com/o/0123#main', 'https://git.sr.ht/~o/r'],
    ]) {
      assert.deepEqual(of(page), ['git', undefined], page)
    }
    for (const file of [
      ...['https://github.com/o/r/releases/download/v1/a.tgz', 'https://github.com/o/r/archive/x.tar.gz'],
      ...[
        'https://gitlab.com/o/r/-/package_files/1/download',
        'https://github.com.example/o/r',
        'https://npm.github.com/o/r',
      ],
      'https://gitlab.example/o/r',
    ]) {
      assert.deepEqual(of(file), ['registry', A], file)
    }
  })

  const strange: readonly [string, Json][] = [
    ['a version that is none', entry('a', 'latest')],
    ['no version', { resolved: undefined, integrity: A }],
    ['a number for a version', entry('a', '1.0.0', { version: 1 })],
    ['a list for an address', entry('a', '1.0.0', { resolved: [at('a')] })],
    ['an address of another kind', entry('a', '1.0.0', { resolved: 'ftp://host/a.tgz' })],
    ['an address that is true', entry('a', '1.0.0', { resolved: true })],
    ['an empty address', entry('a', '1.0.0', { resolved: '' })],
    ['a path', entry('a', '1.0.0', { resolved: '../a' })],
    ['two digests in a list', entry('a', '1.0.0', { integrity: [A, B] })],
    ['an empty digest', entry('a', '1.0.0', { integrity: '' })],
    ['a number for a name', entry('a', '1.0.0', { name: 7 })],
  ]
  for (const [what, value] of strange) {
    it(`with ${what} is of unknown source`, () => {
      assert.equal(only({ ...root({ a: '*' }), 'node_modules/a': value }).source, 'unknown')
    })
  }

  it('with a name that is none is of unknown source under that name, which is refused', () => {
    const packages = list({ ...root({ a: '*' }), 'node_modules/a': entry('a', '1.0.0', { name: '../evil' }) })
    assert.deepEqual(
      packages.map(({ name, source, aliases }) => [name, source, aliases]),
      [
        ['../evil', 'unknown', ['a']],
        ['a', 'unknown', undefined],
      ],
    )
  })

  it('under another name is judged under both, and where nobody asked for that, as a stranger too', () => {
    const alias = { 'node_modules/a': entry('evil', '1.0.0', { name: 'evil' }) }
    assert.deepEqual(only({ ...root({ a: 'npm:evil@^1.0.0' }), ...alias }).aliases, ['a'])
    for (const asked of ['^1.0.0', 'latest', '', 'npm:a@1', 'npm:other@1']) {
      const packages = list({ ...root({ a: asked }), ...alias })
      const name = asked === 'npm:other@1' ? 'other' : 'a'
      assert.deepEqual(
        packages.map((pkg) => `${pkg.name} ${pkg.source}`).sort(),
        [`${name} unknown`, 'evil registry'].sort(),
        asked,
      )
    }
  })

  it('that nothing leads to is listed, and may be anyone’s', () => {
    assert.deepEqual(needers(list({ ...root(), 'node_modules/a': entry('a') })), { a: 'anyone' })
  })

  it('that is missing is listed, unless it is optional or a peer', () => {
    assert.deepEqual(brief(list(root({ gone: '^1.0.0' }))), ['gone@ unknown no entry of the lockfile meets it'])
    const optional = { optionalDependencies: { gone: '1' }, peerDependencies: { peer: '1' } }
    assert.deepEqual(list(root({ gone: '1' }, optional)), [])
  })

  it('keeps two digests of one version apart', () => {
    const two = {
      ...root({ a: '1', b: '1' }),
      'node_modules/a': entry('a'),
      'node_modules/b': entry('b', '1.0.0'),
      'node_modules/b/node_modules/a': entry('a', '1.0.0', { integrity: B }),
    }
    assert.deepEqual(
      list(two)
        .filter(({ name }) => name === 'a')
        .map(({ integrity }) => integrity),
      [A, B],
    )
  })
})

describe('who needs it', () => {
  const WORKSPACE = {
    ...root({ a: '1' }, { workspaces: ['apps/*'] }),
    'apps/x': { name: 'x', version: '1.0.0', dependencies: { b: '2' }, devDependencies: { c: '1' } },
    'apps/x/node_modules/b': entry('b', '2.0.0'),
    'node_modules/a': entry('a', '1.0.0', { dependencies: { b: '1' }, peerDependencies: { p: '*' } }),
    'node_modules/b': entry('b'),
    'node_modules/c': entry('c'),
    'node_modules/p': entry('p'),
    'node_modules/x': { resolved: 'apps/x', link: true },
  }

  it('is found as Node finds packages: in the nearest folder upwards', () => {
    const seen = list(WORKSPACE).map(({ name, version, importers }) => `${name}@${version} ${importers.join()}`)
    assert.deepEqual(seen, ['a@1.0.0 .', 'b@1.0.0 .', 'b@2.0.0 apps/x', 'c@1.0.0 apps/x', 'p@1.0.0 .'])
  })

  it('is also who says so in a package.json that the lockfile has not caught up with', () => {
    const manifests = new Map([['apps/x', { dependencies: { a: '1' } }]])
    assert.equal(needers(npmPackages(lock(WORKSPACE), manifests)).a, '.,apps/x')
  })

  it('of a project is who depends on it, and gets what that needs to run', () => {
    const packages = list({ ...WORKSPACE, ...root({ a: '1', x: '1' }, { workspaces: ['apps/*'] }) })
    const x = packages.find(({ name }) => name === 'x')
    assert.deepEqual([x?.source, x?.origin, x?.importers], ['workspace', 'workspace:apps/x', ['.']])
    assert.equal(packages.find(({ version }) => version === '2.0.0')?.importers.join(), '.,apps/x')
    assert.equal(needers(packages).c, 'apps/x')
  })

  it('of a link in the place of another package is listed, needed or not', () => {
    const link = { 'node_modules/left-pad': { resolved: 'apps/x', link: true } }
    assert.ok(brief(list({ ...WORKSPACE, ...link })).includes('left-pad@ directory link:apps/x'))
  })

  it('is everybody in a circle', () => {
    const circle = {
      ...root({ a: '1' }),
      'node_modules/a': entry('a', '1.0.0', { dependencies: { b: '1' } }),
      'node_modules/b': entry('b', '1.0.0', { dependencies: { a: '1' } }),
    }
    assert.deepEqual(needers(list(circle)), { a: '.', b: '.' })
  })
})

describe('what npm would look for anew', () => {
  const tree = (text: string, more: Json = {}): Json => ({
    ...root({ a: '1' }, more),
    'node_modules/a': entry('a', '1.0.0', { dependencies: { b: text } }),
    'node_modules/b': entry('b'),
  })
  const sourceOfB = (packages: Json, manifest?: Json) =>
    list(packages, manifest && new Map([['.', manifest]])).find(({ name }) => name === 'b')?.source

  it('is of unknown source', () => {
    for (const text of ['^2.0.0', '0.x', 'npm:b@2', '>1.0.0']) assert.equal(sourceOfB(tree(text)), 'unknown', text)
    for (const text of ['latest', 'next', 'npm:b@latest']) {
      const packages = { ...tree(text), 'node_modules/b': entry('b', '1.0.0', { resolved: undefined }) }
      assert.equal(sourceOfB(packages), 'unknown', text)
    }
    assert.equal(sourceOfB(tree('1'), { dependencies: { a: '1', b: '2' } }), 'unknown')
  })

  it('is not what is asked for by a range that it is of, or by a tag', () => {
    for (const text of [
      '',
      '*',
      '^1.0.0',
      '1',
      'v1.0.0',
      ' >=1 <2 || 5 ',
      'latest',
      'npm:b',
      'npm:b@^1',
      'npm:b@latest',
      'x',
    ])
      assert.equal(sourceOfB(tree(text)), 'registry', text)
    for (const text of ['', '*', '^1.0.0']) {
      const packages = { ...tree(text), 'node_modules/b': entry('b', '1.0.0', { resolved: undefined }) }
      assert.equal(sourceOfB(packages), 'registry', text)
    }
  })

  it('follows from overrides, where they are for whoever asks', () => {
    const cases: readonly [Json, string, string][] = [
      [{ b: '1.0.0' }, '^2', 'registry'],
      [{ b: '^2' }, '^1', 'unknown'],
      [{ b: 'https://elsewhere.example/b.tgz' }, '^1', 'unknown'],
      [{ b: '' }, '^1', 'registry'],
      [{ b: { '.': '1.0.0', c: '2' } }, '^2', 'registry'],
      [{ b: { c: '2' } }, '^1', 'registry'],
      [{ b: { '.': 'o/r' } }, '^1', 'unknown'],
      [{ 'b@2': '1.0.0' }, '^2', 'registry'],
      [{ 'b@2': '3.0.0' }, '^1', 'registry'],
      [{ 'b@1': '3.0.0' }, '^1', 'unknown'],
      [{ 'b@https://elsewhere.example/b.tgz': { c: '1' } }, 'latest', 'registry'],
      [{ a: { b: '1.0.0' } }, '^2', 'registry'],
      [{ a: { b: '2.0.0' } }, '^1', 'unknown'],
      [{ 'a@1': { b: '2.0.0' } }, '^1', 'unknown'],
      [{ c: { b: '2.0.0' } }, '^1', 'registry'],
      [{ b: '$a' }, '^2', 'registry'],
      [{ b: '$b' }, '^1', 'unknown'],
    ]
    for (const [overrides, text, source] of cases) {
      const shown = JSON.stringify([overrides, text])
      assert.equal(sourceOfB(tree(text, { overrides })), source, shown)
      // The manifest counts where there is one.
      assert.equal(sourceOfB(tree(text), { dependencies: { a: '1' }, overrides }), source, shown)
    }
    assert.equal(sourceOfB(tree('^2', { overrides: { b: '1' } }), { dependencies: { a: '1' } }), 'unknown')
    for (const overrides of ['b', ['b'], { b: 1 }, { b: ['1'] }]) {
      assert.throws(() => list(tree('1', { overrides })), GateError, JSON.stringify(overrides))
    }
    const many = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`p${index}`, '1']))
    assert.throws(() => list(tree('1', { overrides: many })), GateError)
  })

  it('is not what somebody asks for as a peer, but what a project asks for as one', () => {
    const packages = {
      ...root({ a: '1', b: '1' }),
      'node_modules/a': entry('a', '1.0.0', { peerDependencies: { b: '^2' } }),
      'node_modules/b': entry('b'),
    }
    assert.equal(sourceOfB(packages), 'registry')
    assert.equal(sourceOfB(packages, { dependencies: { a: '1' }, peerDependencies: { b: '^2' } }), 'unknown')
    const byAddress = entry('a', '1.0.0', { peerDependencies: { b: 'https://elsewhere.example/b.tgz' } })
    assert.equal(sourceOfB({ ...packages, 'node_modules/a': byAddress }), 'unknown')
  })

  it('is a commit, where another repository or another branch is asked for', () => {
    const commit = 'a'.repeat(40)
    const of = (asked: string, locked = asked) => {
      const packages = {
        ...root({ b: locked }),
        'node_modules/b': { version: '1.0.0', resolved: `git+ssh://git@github.com/o/r.git#${commit}` },
      }
      return sourceOfB(packages, { dependencies: { b: asked } })
    }
    for (const asked of [
      ...['o/r', 'github:O/r', 'o/r#v1', `o/r#${commit}`, 'git@github.com:o/r.git', 'https://github.com/o/r'],
      ...[`git+https://user@github.com/o/r.git#${commit}`, 'git+ssh://git@github.com/o/r#semver:^1', '^1.0.0'],
    ]) {
      assert.equal(of(asked), 'git', asked)
    }
    for (const [asked, locked] of [
      [`e/r#${commit}`],
      ['gitlab:o/r'],
      [`o/r#${'b'.repeat(40)}`],
      ['o/r#refs/pull/1/head', 'o/r'],
      ['https://elsewhere.example/o/r.git'],
      ['https://elsewhere.example/b.tgz'],
      ['https://github.com.example/o/r'],
    ] as const) {
      assert.equal(of(asked, locked), 'unknown', asked)
    }
  })
})

describe('what is bundled', () => {
  const inner = { version: '1.0.0', inBundle: true }
  const holder = entry('p', '1.0.0', { bundleDependencies: ['i'], dependencies: { i: '1' } })
  const bundled = (packages: Json) =>
    list({ ...root({ p: '1' }), ...packages }).flatMap(({ name, source, bundledIn }) =>
      source === 'bundled' ? [`${name} in ${bundledIn?.key}`] : [],
    )

  it('lies in the folder of a package that says so, or of what such a one needs', () => {
    assert.deepEqual(
      bundled({
        'node_modules/p': holder,
        'node_modules/p/node_modules/i': { ...inner, dependencies: { j: '1', k: '1' } },
        'node_modules/p/node_modules/j': inner,
        'node_modules/p/node_modules/i/node_modules/k': inner,
        'node_modules/p/node_modules/unrelated': inner,
      }),
      ['i in p@1.0.0', 'j in p@1.0.0', 'k in p@1.0.0'],
    )
  })

  const not: readonly [string, Json][] = [
    ['lies beside its holder', { 'node_modules/p': holder, 'node_modules/i': inner }],
    ['is not named by its holder', { 'node_modules/p': entry('p'), 'node_modules/p/node_modules/i': inner }],
    ['has an address', { 'node_modules/p': holder, 'node_modules/p/node_modules/i': { ...inner, resolved: at('i') } }],
    ['has a digest', { 'node_modules/p': holder, 'node_modules/p/node_modules/i': { ...inner, integrity: A } }],
    ['does not say so', { 'node_modules/p': holder, 'node_modules/p/node_modules/i': { version: '1.0.0' } }],
    [
      'says so in another way',
      { 'node_modules/p': holder, 'node_modules/p/node_modules/i': { ...inner, inBundle: 'true' } },
    ],
    [
      'is bundled by a holder that is, which nobody fetches',
      {
        'node_modules/p': { ...holder, inBundle: true, resolved: undefined, integrity: undefined },
        'node_modules/p/node_modules/i': inner,
      },
    ],
    ['is bundled by a project', { apps: { bundleDependencies: ['i'] }, 'apps/node_modules/i': inner }],
    [
      'is bundled by the root',
      { '': { bundleDependencies: ['i'], dependencies: { i: '1' } }, 'node_modules/i': inner },
    ],
  ]
  for (const [what, packages] of not) {
    it(`is none that ${what}`, () => assert.deepEqual(bundled(packages), []))
  }
})

describe('a lockfile of npm', () => {
  const refused: readonly [string, unknown, RegExp][] = [
    ['null', null, /not a plain map/],
    ['a list', [], /not a plain map/],
    ['version 1', { lockfileVersion: 1, dependencies: {} }, /version 1/],
    ['of no version, as of 2015', { dependencies: {} }, /version 1/],
    ['of a version that is text', lock({}, { lockfileVersion: '3' }), /version "3"/],
    ['version 5', lock({}, { lockfileVersion: 5 }), /version 5/],
    ['version 2 without packages', { lockfileVersion: 2, dependencies: {} }, /without `packages`/],
    ['with a list of packages', lock([] as never), /not a plain map/],
    ['with a text for an entry', lock({ 'node_modules/a': 'x' }), /not a plain map/],
    ['with a path that is another', lock({ 'node_modules/x/../a': entry('a') }), /not a plain path/],
    ['with a path from the root', lock({ '/node_modules/a': entry('a') }), /not a plain path/],
    ['with a path of Windows', lock({ 'node_modules\\a': entry('a') }), /not a plain path/],
    ['with a path of a drive', lock({ 'c:/node_modules/a': entry('a') }), /not a plain path/],
    ['with a path with an end', lock({ 'node_modules/a/': entry('a') }), /not a plain path/],
    [
      'with an endless path',
      lock({ [`${'node_modules/a/'.repeat(400)}node_modules/a`]: entry('a') }),
      /not a plain path/,
    ],
    ['with a link to nothing', lock({ 'node_modules/a': { link: true, resolved: 'gone' } }), /leads to nothing/],
    ['with a link that is text', lock({ 'node_modules/a': { link: 'yes', resolved: 'x' } }), /is not true/],
    ['with a list of dependencies', lock({ '': { dependencies: ['a'] } }), /not a plain map/],
    [
      'with another prototype',
      lock({ '': JSON.parse('{"dependencies":{"__proto__":{"a":"1"}}}') as Json }),
      /not a plain map/,
    ],
  ]
  for (const [what, document, says] of refused) {
    it(`is not ${what}`, () => {
      assert.throws(
        () => npmPackages(document),
        (error) => error instanceof GateError && says.test(error.message),
      )
    })
  }

  describe('of version 2', () => {
    const modern = {
      ...root({ a: '1' }),
      'node_modules/a': entry('a', '1.0.0', { dependencies: { b: '1' } }),
      'node_modules/a/node_modules/b': entry('b'),
    }
    const legacy = (a: Json = {}, b: Json = {}): Json => ({
      a: { ...entry('a'), requires: { b: '1' }, dependencies: { b: { ...entry('b'), ...b } }, ...a },
    })
    const read = (dependencies: Json, packages: Json = modern) =>
      npmPackages({ lockfileVersion: 2, packages, dependencies })

    it('says one thing twice', () => {
      assert.deepEqual(brief(read(legacy())), ['a@1.0.0 registry', 'b@1.0.0 registry'])
      const alias = { ...root({ a: 'npm:x@1' }), 'node_modules/a': entry('x', '1.0.0', { name: 'x' }) }
      assert.equal(read({ a: { ...entry('x'), version: 'npm:x@1.0.0' } }, alias).length, 1)
      const git = `git+ssh://git@github.com/o/r.git#${'a'.repeat(40)}`
      const cloned = { ...root({ a: 'o/r' }), 'node_modules/a': { version: '1.0.0', resolved: git, integrity: A } }
      assert.equal(read({ a: { version: git, from: 'a@o/r' } }, cloned)[0]?.source, 'git')
      const linked = { ...root({ x: '1' }), 'apps/x': {}, 'node_modules/x': { link: true, resolved: 'apps/x' } }
      assert.equal(read({ x: { version: 'file:apps/x' } }, linked)[0]?.source, 'directory')
    })

    const different: readonly [string, Json][] = [
      ['another version', legacy({ version: '2.0.0' })],
      ['another digest', legacy({ integrity: B })],
      ['no digest', legacy({ integrity: undefined })],
      ['another address', legacy({ resolved: 'https://elsewhere.example/a.tgz' })],
      ['another version further down', legacy({}, { version: '2.0.0' })],
      ['another package', { ...legacy(), evil: entry('evil') }],
      ['a list', [] as never],
      ['a text', { a: 'x' }],
    ]
    for (const [what, dependencies] of different) {
      it(`does not say ${what} to npm 6`, () => {
        assert.throws(
          () => read(dependencies),
          (error) => error instanceof GateError && /npm 6/.test(error.message),
        )
      })
    }

    it('is as deep as somebody likes', () => {
      let nested: Json = {}
      for (let i = 0; i < 50_000; i++) nested = { a: { version: '1.0.0', dependencies: nested } }
      assert.throws(() => read(nested), GateError)
    })
  })

  it('of any values is a list or an error for people, and loses no entry', () => {
    const value = fc.oneof(
      fc.constantFrom(undefined, null, true, 1, '', '1.0.0', A, at('a'), 'file:x', 'apps/x', [], {}, { a: '1' }, ['a']),
      fc.string(),
    )
    const record = fc.dictionary(
      fc.constantFrom(
        'name',
        'version',
        'resolved',
        'integrity',
        'link',
        'inBundle',
        'dependencies',
        'optionalDependencies',
        'bundleDependencies',
      ),
      value,
    )
    const location = fc.constantFrom(
      '',
      'apps/x',
      'node_modules/a',
      'node_modules/b',
      'node_modules/a/node_modules/b',
      'node_modules/@s/c',
      'apps/x/node_modules/a',
    )
    fc.assert(
      fc.property(fc.dictionary(location, record), (packages) => {
        let listed: readonly LockedPackage[]
        try {
          listed = list(packages)
        } catch (error) {
          assert.ok(error instanceof GateError, String(error))
          return
        }
        for (const [place, each] of Object.entries(packages)) {
          const folder = /(?:^|\/)node_modules\/((?:@s\/)?.)$/.exec(place)?.[1]
          if (folder === undefined || each.link === true) continue
          assert.ok(
            listed.some(({ name, aliases = [] }) => name === folder || aliases.includes(folder)),
            place,
          )
        }
        for (const { source, version, bundledIn } of listed) {
          if (source === 'registry') assert.match(version, /^\d+\.\d+\.\d+/)
          assert.equal(source === 'bundled', bundledIn !== undefined)
          assert.notEqual(bundledIn?.source, 'bundled')
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('an entry without a version', () => {
  it('is said to be without one where npm would look for it anew', () => {
    const { origin } = only({ ...root({ a: '^1.0.0' }), 'node_modules/a': { resolved: at('a'), integrity: A } })
    assert.match(origin ?? '', /asked for as \^1\.0\.0, and locked without a version at https:/)
    assert.doesNotMatch(origin ?? '', /undefined/)
  })
})
