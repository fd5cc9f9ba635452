import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { announced, dependenciesOf, usualPlace } from '../../src/proxy/metadata.ts'
import { openPlaces } from '../../src/proxy/places.ts'
import { foreignOf, targetOf } from '../../src/proxy/specifier.ts'

const never = () => false

const manifest = (more: object = {}) => ({
  name: 'a',
  version: '1.0.0',
  dist: { tarball: 'https://r.test/x' },
  ...more,
})

describe('what a document announces', () => {
  const names = (document: unknown, path: string) =>
    announced(document, path).map(({ name, version }) => `${name}@${version}`)

  it('are all versions of a packument, under each name that anybody gives them', () => {
    assert.deepEqual(names({ name: 'a', versions: { '1.0.0': manifest() } }, '/a'), ['a@1.0.0'])
    assert.deepEqual(names({ name: 'b', versions: { '1.0.0': manifest({ name: 'c' }) } }, '/npm/a'), [
      'a@1.0.0',
      'b@1.0.0',
      'c@1.0.0',
    ])
    assert.deepEqual(names({ versions: { '1.0.0': manifest({ version: '2.0.0' }) } }, '/a'), ['a@1.0.0', 'a@2.0.0'])
    assert.deepEqual(names({ versions: { '1.0.0': { dist: {} } } }, '/%40s%2fa/'), ['@s/a@1.0.0'])
    assert.deepEqual(names({ versions: { '1.0.0': { dist: {} } } }, '/path/@s/a'), ['@s/a@1.0.0'])
  })

  it('is the one version of a manifest', () => {
    assert.deepEqual(names(manifest(), '/a/1.0.0'), ['a@1.0.0'])
    assert.deepEqual(names(manifest(), '/@s%2fb/latest'), ['@s/b@1.0.0', 'a@1.0.0'])
  })

  it('is nothing where it is no metadata', () => {
    for (const document of [
      null,
      1,
      'x',
      [],
      {},
      { versions: [] },
      { versions: { a: 1 } },
      { versions: null, dist: 1 },
      { name: 'a' },
    ])
      assert.deepEqual(announced(document, '/a'), [])
  })

  it('is refused where a tarball is at no absolute URL', () => {
    for (const tarball of ['x', '/x', '//h/x', 'ftp://h/x', '', 1, null, {}])
      assert.throws(
        () => announced(manifest({ dist: { tarball } }), '/a/1.0.0'),
        /no http or https URL/,
        String(tarball),
      )
    assert.equal(announced(manifest({ dist: {} }), '/a/1.0.0')[0]?.tarball, undefined)
  })

  it('is refused where clients would find versions, or their tarballs, at another place of it', () => {
    assert.throws(() => announced({ versions: [manifest()] }, '/a'), /a list of versions/)
    for (const note of ['_resolved', '_remote'])
      for (const dist of [undefined, null, 'x', [], {}])
        assert.throws(
          () => announced({ versions: { '1.0.0': { ...manifest({ dist }), [note]: 'https://r.test/y' } } }, '/a'),
          /no tarball's/,
        )
    assert.equal(announced({ versions: { '1.0.0': manifest({ _resolved: 'file:///x' }) } }, '/a').length, 1)
    assert.deepEqual(names({ ...manifest({ version: '2.0.0' }), versions: { '1.0.0': manifest() } }, '/a/2.0.0'), [
      ...['2.0.0@1.0.0', 'a@1.0.0', 'a@2.0.0'],
    ])
  })

  it('has the dependencies that are installed', () => {
    const kinds = {
      dependencies: { a: '1' },
      optionalDependencies: { b: '2' },
      peerDependencies: { c: '3' },
      devDependencies: { d: '4' },
    }
    assert.deepEqual(
      announced(manifest(kinds), '/a/1.0.0')[0]?.dependencies.map(({ name }) => name),
      ['a', 'b', 'c'],
    )
    assert.deepEqual(
      dependenciesOf(kinds).map(({ name, spec }) => name + spec),
      ['a1', 'b2', 'c3', 'd4'],
    )
    assert.deepEqual(dependenciesOf({ dependencies: { a: 1, b: null } }), [])
  })
})

describe('places', () => {
  it('are as cheap where many of them end alike', () => {
    const cost = (place: (index: number) => string) => {
      const places = openPlaces<number>()
      const urls = Array.from({ length: 20_000 }, (_, index) => new URL(place(index)))
      const { user, system } = process.cpuUsage()
      for (const [index, url] of urls.entries()) places.add(url, index)
      const used = process.cpuUsage()
      assert.deepEqual(places.at(new URL(place(7))), [7])
      return used.user + used.system - user - system
    }
    const apart = cost((index) => `https://x.test/x/${index}`)
    const alike = cost((index) => `https://x.test/${index}/x`)
    assert.ok(alike < 10 * apart + 100_000, `${alike} µs of CPU, and ${apart} where they differ`)
  })
})

describe('the usual place of a tarball', () => {
  it('says name and version', () => {
    for (const [path, name, version] of [
      ['/a/-/a-1.0.0.tgz', 'a', '1.0.0'],
      ['/npm/repo/a/-/a-1.0.0-rc.1.tgz', 'a', '1.0.0-rc.1'],
      ['/@s/a/-/a-1.0.0.tgz', '@s/a', '1.0.0'],
      ['/@s%2fa/-/a-1.0.0.tgz', '@s/a', '1.0.0'],
      ['/%40s%2Fa/-/%40s/a-1.0.0.tgz', '@s/a', '1.0.0'],
      ['/a/-/a-b-1.0.0.tgz', 'a', 'b-1.0.0'],
      ['/a-1/-/a-1-2.0.0.tgz', 'a-1', '2.0.0'],
    ] as const)
      assert.deepEqual(usualPlace(path), { name, version }, path)
    for (const path of [
      '/a/-/b-1.0.0.tgz',
      '/a/a-1.0.0.tgz',
      '/-/a-1.0.0.tgz',
      '/a/-/a-1.0.0.tar.gz',
      '/a/-/',
      '/',
      '/a/-/a.tgz',
    ])
      assert.equal(usualPlace(path), undefined, path)
  })

  it('reads back whatever a registry writes', () => {
    const part = fc.stringMatching(/^[a-z0-9_][a-z0-9._-]{0,10}$/)
    // A folder that begins with `@` would be the scope of a name without one.
    const folder = fc.webPath().filter((path) => !/\/(?:@|%40)[^/]*$/i.test(path))
    fc.assert(
      fc.property(fc.option(part), part, part, folder, (scope, base, version, before) => {
        const name = scope === null ? base : `@${scope}/${base}`
        const found = usualPlace(`${before}/${name}/-/${base}-${version}.tgz`)
        assert.deepEqual(found, { name, version })
      }),
    )
  })
})

describe('places', () => {
  it('are found by what clients make of them, and not by others', () => {
    const places = openPlaces<string>()
    places.add(new URL('https://registry.npmjs.org/@s/a/odd?x=1#frag'), 'a')
    for (const url of [
      'https://registry.npmjs.org/@s/a/odd?x=1',
      'http://mirror.test/npm/@s%2Fa/odd?x=1',
      'https://registry.npmjs.org//%40s/a/%6fdd?x=1',
      'https://registry.npmjs.org/b/../@s/a/odd?x=1',
      'https://elsewhere.test/odd?x=1',
    ])
      assert.deepEqual(places.at(new URL(url)), ['a'], url)
    for (const url of [
      'https://registry.npmjs.org/@s/a/odd',
      'https://registry.npmjs.org/@s/a/even?x=1',
      'https://registry.npmjs.org/@s/b/odd?x=1',
    ])
      assert.deepEqual(places.at(new URL(url)), [], url)
  })
})

describe('a specifier', () => {
  it('names the target of an alias', () => {
    for (const [spec, target] of [
      ['npm:a@1', 'a'],
      ['npm:a', 'a'],
      ['npm:@s/a@^1.0.0', '@s/a'],
      ['npm:@s/a', '@s/a'],
      [' npm:a@latest', 'a'],
    ] as const)
      assert.equal(targetOf({ name: 'x', spec }), target, spec)
    for (const [name, spec] of [
      ['x', 'jsr:@s/a'],
      ['x', 'jsr:@s/a@^1'],
      ['@s/a', 'jsr:^1'],
      ['@s/a', 'jsr:1.0.0'],
    ] as const)
      assert.equal(targetOf({ name, spec }), '@jsr/s__a', spec)
    for (const spec of ['^1', 'a@1', 'latest', 'https://x.test/a.tgz', 'workspace:*', 'npm:', 'npm:@s'])
      assert.equal(targetOf({ name: 'x', spec }), undefined, spec)
  })

  it('is a git repository, or not', () => {
    for (const spec of [
      'git+https://h.test/a.git',
      'git+ssh://git@h.test/a',
      'git://h/a',
      'ssh://git@h/a',
      'git@h:a/b',
      'github:a/b',
      'a/b',
      'a/b#main',
      'gist:0123',
      'https://h.test/a.git#v1',
    ])
      assert.equal(foreignOf({ name: 'x', spec }, never)?.source, 'git', spec)
    for (const spec of [
      '^1',
      'latest',
      'npm:@s/a@1',
      'jsr:@s/a',
      'workspace:^',
      'catalog:',
      '~1.2.x',
      '1.0.0-rc.1+build',
      'https://h.test/a.tgz',
      'https://h.test/a/b',
      'https://github.com/a/b/releases/download/v1/a.tgz',
      'https://gitlab.com/a/b/-/archive/main/b.tar.gz',
      'https://codeload.github.com/a/b/tar.gz/main',
      '>=1 <2',
      '*',
      '',
    ])
      assert.equal(foreignOf({ name: 'x', spec }, never), undefined, spec)
  })

  it('on a folder is foreign, too: it is a part of whoever depends on it', () => {
    for (const spec of [
      '.',
      '..',
      './a/b',
      '../a/b',
      '~/a',
      '/a/b',
      '\\a',
      'C:\\a',
      'file:a/b',
      'link:a',
      'portal:./a',
    ])
      assert.equal(foreignOf({ name: 'x', spec }, never)?.source, 'directory', spec)
  })

  it('on a tag is foreign where a folder has its name', () => {
    const isFolderOfTag = (spec: string) => spec === 'next'
    assert.equal(foreignOf({ name: 'x', spec: ' next ' }, isFolderOfTag)?.source, 'directory')
    assert.equal(foreignOf({ name: 'x', spec: 'latest' }, isFolderOfTag), undefined)
  })

  it('that nobody here can read is foreign', () => {
    for (const spec of [
      ...['evil/x#semver:^1.0.0', 'evil/x#feat/y', 'evil/x#path:/a', 'evil@github.com:evil/x', 'h.test:evil/x'],
      ...['https://github.com/evil/x', 'http://www.github.com/evil/x#main', 'https://github.com/evil/x/tree/main'],
      ...['https://gitlab.com/evil/x', 'https://git.sr.ht/~evil/x', 'sourcehut:~evil/x', 'exec:./x.js', 'patch:x@1#y'],
      ...['https://[', 'work:1.0.0', 'GIT+FILE:///x', '@s/a'],
    ])
      assert.equal(foreignOf({ name: 'x', spec }, never)?.source, 'git', spec)
  })

  it('with a commit of GitHub says which one', () => {
    const commit = '0123456789abcdef0123456789abcdef01234567'
    for (const repo of ['github:a/b', 'a/b', 'git+https://github.com/a/b.git', 'git+ssh://git@github.com/a/b'])
      assert.deepEqual(
        foreignOf({ name: 'x', spec: `${repo}#${commit}` }, never)?.github,
        { repository: 'a/b', commit },
        repo,
      )
    for (const spec of ['a/b#main', `https://gitlab.com/a/b.git#${commit}`, 'a/b'])
      assert.equal(foreignOf({ name: 'x', spec }, never)?.github, undefined, spec)
  })
})
