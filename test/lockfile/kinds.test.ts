import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lockedPackages } from '../../src/lockfile/pnpm.ts'
import { brief, CASES, converted, raw, rawMain } from './support.ts'

const PAD = 'sha512-XI5MPzVNApjAyhQzphX8BkmKsKUxD4LdyK24iZeQGinBN9yTQT3bFlCBy/aVx2HrNcqQGsdot8ghrjyrvMCoEA=='
const COMMIT = '18e183d3909feaca328662cc34bdac23e71ea5a7'
const ARCHIVE = `https://codeload.github.com/owner/widget/tar.gz/${COMMIT}`

/** What the lockfiles that real pnpm wrote hold, kind by kind. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  alias: ['@sindresorhus/is@4.6.0 registry', 'left-pad@1.2.0 registry', 'left-pad@1.3.0 registry'],
  overrides: [
    'is-buffer@ directory link:local',
    'is-number@7.0.0 registry',
    'is-odd@3.0.1 registry',
    'kind-of@3.2.2 registry',
    'left-pad@1.3.0 registry',
    'loose-envify@1.4.0 registry',
  ],
  patched: [
    'js-tokens@4.0.0 registry',
    'left-pad@1.3.0 registry',
    'loose-envify@1.4.0 registry',
    'react@18.2.0 registry',
    'use-sync-external-store@1.2.0 registry',
  ],
  platforms: [
    '@rollup/rollup-linux-x64-musl@4.9.0 registry',
    '@rollup/rollup-win32-arm64-msvc@4.9.0 registry',
    'fsevents@2.3.3 registry',
  ],
  versions: [
    'is-buffer@1.1.6 registry',
    'is-even@1.0.0 registry',
    'is-number@3.0.0 registry',
    'is-number@6.0.0 registry',
    'is-number@7.0.0 registry',
    'is-odd@0.1.2 registry',
    'is-odd@3.0.1 registry',
    'kind-of@3.2.2 registry',
  ],
  peers: [
    'js-tokens@4.0.0 registry',
    'left-pad@1.3.0 registry',
    'loose-envify@1.4.0 registry',
    'object-assign@4.1.1 registry',
    'react@17.0.2 registry',
    'react@18.2.0 registry',
    'use-sync-external-store@1.2.0 registry',
  ],
  workspace: [
    'injected@ workspace file:packages/injected',
    'is-number@7.0.0 registry',
    'left-pad@1.3.0 registry',
    'lib@ workspace workspace:packages/lib',
    'object-assign@4.1.1 registry',
    'outside@ directory link:outside',
  ],
  file: [
    'is-number@7.0.0 registry',
    'vendored@ directory file:vendor/dir',
    'widget@1.2.3 tarball file:vendor/widget-1.2.3.tgz',
  ],
  // pnpm recognizes the registry's own URL and writes a plain registry package for it.
  'tarball-url': [
    'is-buffer@1.1.6 registry',
    'is-even@1.0.0 registry',
    'is-number@3.0.0 registry',
    'is-number@7.0.0 registry',
    'is-odd@0.1.2 registry',
    'kind-of@3.2.2 registry',
    'widget@1.2.3 tarball https://files.example/widget.tgz',
  ],
  git: [
    'is-number@7.0.0 registry',
    `subwidget@2.0.0 git https://git.example/owner/widget.git#${COMMIT}&path:/sub`,
    `widget@1.2.3 git https://git.example/owner/widget.git#${COMMIT}`,
  ],
  'git-hosted': ['is-number@7.0.0 registry', `subwidget@2.0.0 git ${ARCHIVE}`, `widget@1.2.3 git ${ARCHIVE}`],
  'scoped-registry': [
    '@acme/widget@1.2.3 registry https://packages.example/download/@acme/widget/1.2.3/4f8e7c',
    'left-pad@1.3.0 registry',
  ],
  'named-registry': [
    '@acme/widget@1.2.3 registry https://packages.example/download/@acme/widget/1.2.3/4f8e7c',
    'left-pad@1.3.0 registry',
  ],
  'tarball-included': ['@sindresorhus/is@4.6.0 registry', 'left-pad@1.3.0 registry'],
  runtime: ['is-number@7.0.0 registry', 'node@24.15.0-rc.1 runtime runtime:24.15.0-rc.1'],
  'runtime-10': ['is-number@7.0.0 registry', 'node@24.15.0 runtime runtime:24.15.0'],
  'config-dependencies': ['left-pad@1.3.0 registry'],
  'package-manager': [],
}

describe('lockfiles of real pnpm', () => {
  for (const name of CASES) {
    const expected = EXPECTED[name] ?? EXPECTED[name.replace(/-1\d$/, '')] ?? []
    it(`${name}: every kind of entry, in the shape of pnpm 12`, () => {
      assert.deepEqual(brief(lockedPackages(rawMain(name))), [...expected])
    })
    it(`${name}: the same in the shape of pnpm 10 and 11`, async () => {
      assert.deepEqual(lockedPackages(await converted(name)), lockedPackages(rawMain(name)))
    })
  }

  it('lists every entry of packages and of snapshots', () => {
    for (const name of CASES) {
      for (const document of raw(name)) {
        const listed = new Set(lockedPackages(document).map(({ key }) => key))
        for (const key of Object.keys(document.packages ?? {})) assert.ok(listed.has(key), `${name}: ${key}`)
      }
    }
  })

  it('finds nothing unknown in them', () => {
    for (const name of CASES) {
      for (const document of raw(name)) {
        assert.deepEqual(
          lockedPackages(document).filter(({ source }) => source === 'unknown'),
          [],
          name,
        )
      }
    }
  })

  it('names the digest of the lockfile, and of patched packages the digest of the unpatched tarball', () => {
    for (const name of ['alias', 'patched', 'patched-10', 'config-dependencies']) {
      const pad = lockedPackages(rawMain(name)).find(({ key }) => key === 'left-pad@1.3.0')
      assert.equal(pad?.integrity, PAD, name)
    }
  })

  it('has one entry for all peers of a package, with the projects of all', () => {
    const [store] = lockedPackages(rawMain('peers')).filter(({ name }) => name === 'use-sync-external-store')
    assert.deepEqual(store?.importers, ['packages/new', 'packages/old'])
    assert.equal(store?.key, 'use-sync-external-store@1.2.0')
  })

  it('has the real name of what is installed under an alias, and the alias', () => {
    const aliases = (name: string): unknown =>
      Object.fromEntries(lockedPackages(rawMain(name)).flatMap((pkg) => (pkg.aliases ? [[pkg.key, pkg.aliases]] : [])))
    assert.deepEqual(aliases('alias'), { '@sindresorhus/is@4.6.0': ['is'], 'left-pad@1.2.0': ['pad'] })
    assert.deepEqual(aliases('overrides'), { 'left-pad@1.3.0': ['js-tokens'] })
    assert.deepEqual(aliases('versions'), {})
  })

  it('has the projects that reach each entry, through links between projects too', () => {
    const importers = Object.fromEntries(lockedPackages(rawMain('workspace')).map((pkg) => [pkg.key, pkg.importers]))
    assert.deepEqual(importers, {
      'injected@file:packages/injected': ['packages/app'],
      // A devDependency of `lib`, which `app` links: not what `app` needs.
      'is-number@7.0.0': ['packages/lib'],
      'left-pad@1.3.0': ['packages/app', 'packages/lib'],
      'lib@link:packages/lib': ['packages/app'],
      'object-assign@4.1.1': ['packages/app', 'packages/injected'],
      'outside@link:outside': ['.'],
    })
  })

  it('hands on no digest of a git checkout, a folder or a runtime, and keeps that of an archive', () => {
    const digests = ['git', 'file', 'runtime', 'git-hosted'].flatMap((name) =>
      lockedPackages(rawMain(name))
        .filter(({ source }) => source !== 'registry')
        .map(({ source, integrity }) => `${source} ${integrity?.slice(0, 7)}`),
    )
    assert.deepEqual(digests.sort(), [
      'directory undefined',
      'git sha512-',
      'git sha512-',
      'git undefined',
      'git undefined',
      'runtime undefined',
      'tarball sha512-',
    ])
  })

  it('lists config dependencies and pnpm itself, which the first document holds', () => {
    assert.deepEqual(brief(lockedPackages(raw('config-dependencies')[0])), [
      'is-number@7.0.0 registry',
      'is-odd@3.0.1 registry',
    ])
    const manager = lockedPackages(raw('package-manager')[0])
    assert.ok(brief(manager).includes('pnpm@12.18.0 registry'))
    assert.ok(manager.every(({ importers }) => importers.length === 1 && importers[0] === '.'))
  })

  it('has nothing to list where there is no lockfile', () => {
    assert.deepEqual(lockedPackages({}), [])
    assert.deepEqual(lockedPackages({ importers: { '.': {} }, lockfileVersion: '9.0' }), [])
    assert.deepEqual(lockedPackages({ importers: { '.': { dependencies: {}, specifiers: {} } } }), [])
    assert.deepEqual(lockedPackages({ lockfileVersion: '9.0', importers: {}, packages: null, snapshots: null }), [])
  })
})
