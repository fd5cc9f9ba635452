import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { convertToLockfileObject, type LockfileFile } from '@pnpm/lockfile.fs'
import { GateError } from '../../src/errors.ts'
import { lockedPackages } from '../../src/lockfile/pnpm.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { A, B, brief, type Json, lockfile, merged } from './support.ts'

const convert = (file: Json): unknown => convertToLockfileObject(file as unknown as LockfileFile)
const own = (key: string, value: unknown): Json => Object.defineProperty({}, key, { value, enumerable: true }) as Json

/** The one entry for these fields of `packages`, the same in both shapes. */
function entry(key: string, fields: unknown): LockedPackage {
  const [inFile, inObject] = [lockfile({ [key]: fields }), merged({ [key]: fields })].map((each) =>
    lockedPackages(each),
  )
  assert.deepEqual(inObject, inFile)
  assert.equal(inFile?.length, 1)
  return inFile?.[0] as LockedPackage
}

describe('an entry whose resolution is not the registry tarball that its key promises', () => {
  const cases: readonly (readonly [string, unknown, string, string | undefined])[] = [
    // The digest decides: whatever host serves these bytes, they are the ones that the evidence is about, or no install.
    ['registry', { integrity: A, tarball: 'https://evil.example/x.tgz' }, 'registry', 'https://evil.example/x.tgz'],
    ['relative to the registry', { integrity: A, tarball: 'a/-/a-1.0.0.tgz' }, 'registry', 'a/-/a-1.0.0.tgz'],
    ['the default URL', { integrity: A, tarball: 'https://registry.npmjs.org/a/-/a-1.0.0.tgz' }, 'registry', undefined],
    [
      'of another name',
      { integrity: A, tarball: 'https://registry.npmjs.org/b/-/b-1.0.0.tgz' },
      'registry',
      'https://registry.npmjs.org/b/-/b-1.0.0.tgz',
    ],
    ['a local tarball', { integrity: A, tarball: 'file:evil.tgz' }, 'tarball', 'file:evil.tgz'],
    // Repacked after the download, so the digest is not that of what is installed.
    [
      'marked as from git',
      { integrity: A, tarball: 'https://x.example/a.tgz', gitHosted: true },
      'git',
      'https://x.example/a.tgz',
    ],
    [
      'archive of a git host',
      { integrity: A, tarball: 'https://codeload.github.com/o/r/tar.gz/abc' },
      'git',
      'https://codeload.github.com/o/r/tar.gz/abc',
    ],
    [
      'the same, denied',
      { integrity: A, tarball: 'https://CODELOAD.github.com/o/r/tar.gz/abc', gitHosted: false },
      'git',
      'https://CODELOAD.github.com/o/r/tar.gz/abc',
    ],
    [
      'git',
      { type: 'git', repo: 'https://x.example/r', commit: 'abc', integrity: A },
      'git',
      'https://x.example/r#abc',
    ],
    ['directory', { type: 'directory', directory: 'evil', integrity: A }, 'directory', 'file:evil'],
  ]
  for (const [title, resolution, source, origin] of cases) {
    it(title, () => {
      const pkg = entry('a@1.0.0', { resolution })
      assert.deepEqual([pkg.name, pkg.version, pkg.source, pkg.origin], ['a', '1.0.0', source, origin])
    })
  }

  it('hands on no digest of what is not checked against one', () => {
    assert.equal(
      entry('a@1.0.0', { resolution: { type: 'git', repo: 'r', commit: 'c', integrity: A } }).integrity,
      undefined,
    )
    assert.equal(
      entry('a@1.0.0', { resolution: { type: 'directory', directory: 'd', integrity: A } }).integrity,
      undefined,
    )
  })

  const unknown: readonly (readonly [string, unknown])[] = [
    ['no resolution', undefined],
    ['null', null],
    ['a text', 'https://evil.example/x.tgz'],
    ['a list', [{ integrity: A }]],
    [
      'a runtime under another name',
      { type: 'variations', variants: [{ resolution: { integrity: A }, targets: [{ os: 'linux', cpu: 'x64' }] }] },
    ],
    ['a binary', { type: 'binary', url: 'https://evil.example/x', integrity: A, archive: 'tarball', bin: 'x' }],
    ['a custom type', { type: 'custom:cdn', integrity: A }],
    ['an empty type', { type: '', integrity: A }],
    ['type null', { type: null, integrity: A }],
    ['a type of another type', { type: ['git'], integrity: A }],
    ['a field that pnpm does not know', { integrity: A, mirror: 'https://evil.example' }],
    ['a subfolder', { integrity: A, path: 'evil' }],
    ['integrity that is not a text', { integrity: [A] }],
    ['integrity null', { integrity: null }],
    ['empty integrity, which pnpm takes for one', { integrity: '' }],
    ['tarball that is not a text', { integrity: A, tarball: { toString: 'x' } }],
    ['empty tarball', { integrity: A, tarball: '' }],
    ['gitHosted that is not a boolean', { integrity: A, gitHosted: 'true' }],
    ['tarball on another scheme', { integrity: A, tarball: 'ftp://evil.example/x.tgz' }],
    ['tarball as data', { integrity: A, tarball: 'data:application/gzip;base64,AAAA' }],
    ['tarball without a scheme, which leaves the registry', { integrity: A, tarball: '//evil.example/x.tgz' }],
    ['tarball on a file system', { integrity: A, tarball: '/etc/x.tgz' }],
    ['tarball on a file system of Windows', { integrity: A, tarball: '\\\\evil\\x.tgz' }],
    ['tarball that is no URL', { integrity: A, tarball: 'https://[evil/x.tgz' }],
  ]
  for (const [title, resolution] of unknown) {
    it(`unknown: ${title}`, () => {
      const pkg = entry('a@1.0.0', { resolution })
      assert.deepEqual([pkg.name, pkg.version, pkg.source, pkg.key], ['a', '1.0.0', 'unknown', 'a@1.0.0'])
      assert.equal(pkg.integrity, undefined)
    })
  }

  for (const fields of [null, 'text', 1, [], [{ resolution: { integrity: A } }]]) {
    it(`unknown: an entry that is ${JSON.stringify(fields)}`, () => {
      assert.equal(lockedPackages(merged({ 'a@1.0.0': fields }))[0]?.source, 'unknown')
      assert.equal(lockedPackages(lockfile({ 'a@1.0.0': fields }))[0]?.source, 'unknown')
    })
  }

  it('keeps weak and doubled digests as they are: verification wants exactly one sha512', () => {
    for (const integrity of ['sha1-AAAA', `${A} ${B}`, `sha512-AAAA?x`]) {
      const pkg = entry('a@1.0.0', { resolution: { integrity } })
      assert.deepEqual([pkg.source, pkg.integrity], ['registry', integrity])
    }
  })

  it('keeps an entry of the registry without a digest, which then cannot be bound to anything', () => {
    const pkg = entry('a@1.0.0', { resolution: { tarball: 'https://registry.npmjs.org/a/-/a-1.0.0.tgz' } })
    assert.deepEqual([pkg.source, pkg.integrity], ['registry', undefined])
  })
})

describe('a key that is not name@version', () => {
  for (const key of [
    ...[
      'a',
      '@s/a',
      '',
      '@',
      '@@',
      'a@',
      'a@1',
      'a@1.0',
      'a@latest',
      'a@v1.0.0',
      'a@=1.0.0',
      'a@1.0.0 ',
      'a@ 1.0.0',
      'a@1.0.0\n',
    ],
    ...[
      'a@01.0.0',
      'a@1.0.0-01',
      'a@npm:b@1.0.0',
      'a@git:1.0.0',
      'a@http:1.0.0',
      'a@tool:1.0.0',
      'a@runtime:1.0.0',
      'a@jsr:1.0.0',
    ],
    ...[
      '../../a@1.0.0',
      'a/b/c@1.0.0',
      '@s@1.0.0',
      '@/a@1.0.0',
      '.a@1.0.0',
      'a b@1.0.0',
      'a\u0000@1.0.0',
      'a%2f@1.0.0',
      'а@1.0.0',
    ],
    ...['/a@1.0.0', '/a/1.0.0', 'https://evil.example/a.tgz', 'a@1.0.0(b', 'a@1.0.0)', `${'a'.repeat(215)}@1.0.0`],
    ...['toString', 'constructor@1', 'hasOwnProperty'],
  ]) {
    it(`unknown, and listed under that key: ${JSON.stringify(key).slice(0, 60)}`, () => {
      const pkg = entry(key, { resolution: { integrity: A } })
      assert.deepEqual([pkg.source, pkg.integrity], ['unknown', undefined])
      assert.ok(key.startsWith(pkg.key))
    })
  }

  for (const key of [
    'a@1.0.0',
    '@s/a@1.0.0-rc.1',
    'JSONStream@1.0.0',
    'a_b.c~d@1.0.0+build.7',
    'constructor@1.0.0',
    '-@0.0.0',
  ]) {
    it(`registry: ${key}`, () => assert.equal(entry(key, { resolution: { integrity: A } }).source, 'registry'))
  }

  it('tells a registry that the settings name from the default one', () => {
    const pkg = entry('a@work:1.0.0', { resolution: { integrity: A } })
    assert.deepEqual([pkg.version, pkg.source, pkg.origin], ['1.0.0', 'registry', 'work:1.0.0'])
  })

  it('never takes a URL, a path or a checkout for the registry, whatever the resolution says', () => {
    for (const key of [
      'a@https://evil.example/a.tgz',
      'a@file:a.tgz',
      'a@git+https://evil.example/a#1',
      'node@runtime:1.0.0',
    ]) {
      for (const resolution of [
        { integrity: A },
        { integrity: A, tarball: 'https://registry.npmjs.org/a/-/a-1.0.0.tgz' },
      ]) {
        assert.notEqual(entry(key, { resolution, version: '1.0.0' }).source, 'registry', key)
      }
    }
  })
})

describe('an entry that contradicts itself', () => {
  const resolution = { integrity: A }
  const contradictions: readonly (readonly [string, Json, readonly string[]])[] = [
    ['another name', { name: 'b' }, ['a@1.0.0', 'b@1.0.0']],
    ['another version, which is what pnpm downloads', { version: '2.0.0' }, ['a@1.0.0', 'a@2.0.0']],
    ['both', { name: 'b', version: '2.0.0' }, ['a@1.0.0', 'b@2.0.0']],
    ['a name that is not a text', { name: ['b'] }, ['a@1.0.0']],
    ['a version that is not a text', { version: 1 }, ['a@1.0.0']],
  ]
  for (const [title, fields, names] of contradictions) {
    it(`is unknown under every name that it uses: ${title}`, () => {
      for (const shape of [lockfile, merged]) {
        const packages = lockedPackages(shape({ 'a@1.0.0': { resolution, ...fields } }))
        assert.deepEqual(
          packages.map((pkg) => `${pkg.name}@${pkg.version}`),
          [...names],
        )
        assert.ok(packages.every((pkg) => pkg.source === 'unknown' && pkg.key === 'a@1.0.0'))
      }
    })
  }

  it('is none where the fields agree with the key', () => {
    assert.equal(entry('a@1.0.0', { resolution, name: 'a', version: '1.0.0', id: 'a@1.0.0' }).source, 'registry')
  })

  it('between packages and snapshots: pnpm 10 and 11 take the one, pnpm 12 the other', () => {
    for (const snapshot of [{ resolution: { integrity: B } }, { resolution: null }]) {
      const packages = lockedPackages(lockfile({ 'a@1.0.0': { resolution } }, { snapshots: { 'a@1.0.0': snapshot } }))
      assert.deepEqual(
        packages.map(({ source }) => source),
        ['unknown'],
      )
    }
  })

  it('between packages and snapshots: dependencies in packages hide those in snapshots', () => {
    for (const field of ['dependencies', 'optionalDependencies']) {
      const file = lockfile({ 'a@1.0.0': { resolution, [field]: {} } })
      assert.equal(lockedPackages(file)[0]?.source, 'unknown')
    }
  })

  it('follows pnpm 10 and 11 where only the snapshot has a resolution', () => {
    const file = lockfile({}, { snapshots: { 'a@1.0.0': { resolution } } })
    assert.deepEqual(lockedPackages(convert(structuredClone(file))), lockedPackages(file))
    assert.equal(lockedPackages(file)[0]?.integrity, A)
  })
})

describe('several entries for one name and version', () => {
  it('with different digests are all listed', () => {
    const packages = lockedPackages(
      merged({ 'a@1.0.0': { resolution: { integrity: A } }, 'a@1.0.0(b@1.0.0)': { resolution: { integrity: B } } }),
    )
    assert.deepEqual(
      packages.map(({ key, integrity }) => [key, integrity]),
      [
        ['a@1.0.0', A],
        ['a@1.0.0', B],
      ],
    )
  })

  it('a key with a suffix in packages, which no snapshot finds, is listed for itself', () => {
    const file = lockfile(
      { 'a@1.0.0': { resolution: { integrity: A } }, 'a@1.0.0(b@1.0.0)': { resolution: { integrity: B } } },
      { snapshots: { 'a@1.0.0(b@1.0.0)': {} } },
    )
    assert.deepEqual(
      lockedPackages(file).map(({ integrity }) => integrity),
      [A, B],
    )
  })

  it('entries of packages without a snapshot, and the other way round', () => {
    const file = lockfile({ 'a@1.0.0': { resolution: { integrity: A } } }, { snapshots: { 'b@1.0.0': {} } })
    assert.deepEqual(brief(lockedPackages(file)), ['a@1.0.0 registry', 'b@1.0.0 unknown entry has no resolution'])
  })
})

describe('references', () => {
  const importers = (dependencies: Json, folder = '.'): Json => ({ [folder]: { dependencies } })

  it('that lead to no entry are listed as unknown: of a project, of an entry, in every form', () => {
    const file = lockfile(
      { 'a@1.0.0': { resolution: { integrity: A } } },
      {
        importers: importers({
          a: { version: '1.0.0' },
          gone: { version: '1.0.0(b@2.0.0)' },
          alias: { version: 'real@1.0.0' },
          bad: {},
          worse: 7,
        }),
        snapshots: {
          'a@1.0.0': { dependencies: { lost: '1.0.0' }, optionalDependencies: { url: 'https://evil.example/u.tgz' } },
        },
      },
    )
    assert.deepEqual(
      lockedPackages(file)
        .filter(({ source }) => source === 'unknown')
        .map(({ key }) => key),
      ['bad@', 'gone@1.0.0', 'lost@1.0.0', 'real@1.0.0', 'url@https://evil.example/u.tgz', 'worse@'],
    )
  })

  // Tried with `--frozen-lockfile`: pnpm 10, 11 and 12 link the folder, since only the specifier has to agree.
  it('that put a folder in the place of a package', () => {
    const file = lockfile({}, { importers: importers({ 'left-pad': { specifier: '^1.3.0', version: 'link:evil' } }) })
    assert.deepEqual(brief(lockedPackages(file)), ['left-pad@ directory link:evil'])
  })

  // Tried with `--frozen-lockfile`: pnpm 10 and 11 install `evil` as `left-pad`; pnpm 12 notices.
  it('of projects that put another package in the place of the one asked for', () => {
    const packages = { 'evil@1.0.0': { resolution: { integrity: A } } }
    const swapped = (specifier: unknown): readonly LockedPackage[] => {
      const inFile = lockfile(packages, { importers: importers({ 'left-pad': { specifier, version: 'evil@1.0.0' } }) })
      const project = { specifiers: { 'left-pad': specifier }, dependencies: { 'left-pad': 'evil@1.0.0' } }
      const found = lockedPackages(merged(packages, { importers: { '.': project } }))
      assert.deepEqual(lockedPackages(inFile), found)
      return found
    }
    for (const specifier of ['^1.3.0', '1.3.0', '>=1 <2 || 3.x', '*', '', 'latest']) {
      const found = swapped(specifier)
      assert.deepEqual(brief(found), ['evil@1.0.0 registry', 'left-pad@ unknown replaced by evil@1.0.0'], specifier)
      assert.deepEqual(found[1]?.importers, ['.'])
    }
    // These ask for whatever the target says, so pnpm writes such references itself.
    for (const specifier of ['npm:evil@1', 'catalog:', 'github:o/r', 'o/r', 'work:evil@1', 'https://x.example/e.tgz']) {
      assert.deepEqual(brief(swapped(specifier)), ['evil@1.0.0 registry'], specifier)
    }
  })

  // Tried: all three versions of pnpm install it. Nothing in a lockfile says what an entry's manifest asked for.
  it('of entries that do so show as aliases', () => {
    const resolution = { integrity: A }
    const packages = {
      'a@1.0.0': { resolution, dependencies: { b: 'evil@1.0.0', evil: '1.0.0' } },
      'evil@1.0.0': { resolution },
    }
    const importers = { '.': { dependencies: { a: '1.0.0', z: 'evil@1.0.0(peer@1.0.0)' } } }
    const found = lockedPackages(merged(packages, { importers }))
    assert.deepEqual(
      found.map(({ name, aliases }) => [name, aliases]),
      [
        ['a', undefined],
        ['evil', ['b', 'z']],
      ],
    )
  })

  it('to folders are relative to the project, in entries to the lockfile', () => {
    const links = ['../lib', '../../../out', '/abs//x/', '.', './'].map((to, index) => [
      `l${index}`,
      { version: `link:${to}` },
    ])
    const file = lockfile(
      { 'a@1.0.0': { resolution: { integrity: A } } },
      {
        importers: { ...importers(Object.fromEntries(links), 'packages/app'), 'packages/lib': {} },
        snapshots: { 'a@1.0.0': { dependencies: { inner: 'link:packages/lib' } } },
      },
    )
    assert.deepEqual(brief(lockedPackages(file)), [
      'a@1.0.0 registry',
      'inner@ workspace workspace:packages/lib',
      'l0@ workspace workspace:packages/lib',
      'l1@ directory link:../out',
      'l2@ directory link:/abs/x',
      'l3@ workspace workspace:packages/app',
      'l4@ workspace workspace:packages/app',
    ])
  })

  it('cannot hide an entry behind a link or a dangling reference of the same key', () => {
    const key = 'a@link:x'
    const file = merged(
      { [key]: { resolution: { integrity: A } } },
      { importers: importers({ a: 'link:x', b: 'a@link:x' }) },
    )
    assert.deepEqual(
      lockedPackages(file)
        .map(({ source }) => source)
        .sort(),
      ['directory', 'unknown'],
    )
  })
})

describe('prototypes', () => {
  const evil = { 'evil@1.0.0': { resolution: { integrity: A } } }

  // Tried: pnpm 10.34.9 installs `evil` from this file, and no key of the lockfile that its hooks get names it.
  it('a section with a key __proto__, in both shapes', () => {
    for (const name of ['packages', 'snapshots', 'importers']) {
      const file = { ...lockfile({}), [name]: own('__proto__', evil) }
      assert.throws(() => lockedPackages(file), GateError)
    }
    const object = convert({ ...lockfile({}), snapshots: own('__proto__', evil) })
    assert.equal((object as { packages: Json }).packages['evil@1.0.0'], evil['evil@1.0.0'])
    assert.throws(() => lockedPackages(object), GateError)
  })

  it('a section whose prototype was replaced, also by one that has none itself', () => {
    for (const prototype of [
      evil,
      Object.assign(Object.create(null), evil),
      Object.assign(Object.create(null), { hasOwnProperty: 1 }),
    ]) {
      assert.throws(() => lockedPackages(merged(Object.create(prototype))), GateError)
    }
  })

  it('an entry or a resolution that inherits its digest', () => {
    for (const fields of [
      Object.create({ resolution: { integrity: A } }),
      { resolution: Object.create({ integrity: A }) },
      own('__proto__', { resolution: { integrity: A } }),
      { resolution: own('__proto__', { integrity: A }) },
      { ...own('__proto__', {}), resolution: { integrity: A } },
    ]) {
      const [pkg] = lockedPackages(merged({ 'a@1.0.0': fields }))
      assert.equal(pkg?.integrity, undefined)
    }
  })

  it('of objects that pnpm made in another realm or without any are fine', () => {
    const bare = Object.assign(Object.create(null), { 'a@1.0.0': { resolution: { integrity: A } } })
    assert.equal(lockedPackages(merged(bare))[0]?.source, 'registry')
  })
})

describe('what is no lockfile', () => {
  const cases: readonly unknown[] = [
    ...[undefined, null, '', 'text', 7, true, [], [{}], () => ({}), new Map()],
    ...[
      { packages: [] },
      { packages: 'x' },
      { snapshots: 1 },
      { importers: [] },
      { importers: { '.': null } },
      { importers: { '.': [] } },
    ],
    ...[{ importers: { '.': { dependencies: [] } } }, { importers: { '.': { devDependencies: 'x' } } }],
    ...[merged({ 'a@1.0.0': { dependencies: ['b@1.0.0'] } }), merged({ 'a@1.0.0': { optionalDependencies: 'x' } })],
    ...[
      { lockfileVersion: '6.0' },
      { lockfileVersion: 5.4 },
      { lockfileVersion: '10.0' },
      { lockfileVersion: null },
      { lockfileVersion: {} },
    ],
    ...[{ lockfileVersion: '9.0.0' }, { lockfileVersion: ' 9.0' }, { lockfileVersion: '99' }],
    // The file of version 13; pnpm 12 converts it for its hooks.
    { lockfileVersion: '13.0', projects: {}, packages: {} },
  ]
  for (const [index, value] of cases.entries()) {
    it(`GateError ${index}: ${String(JSON.stringify(value)).slice(0, 60)}`, () => {
      assert.throws(
        () => lockedPackages(value),
        (error) => error instanceof GateError && !error.message.includes('\n'),
      )
    })
  }

  it('also where the walk itself fails', () => {
    const trap = new Proxy({}, { ownKeys: () => assert.fail('trap') })
    assert.throws(() => lockedPackages({ packages: trap }), GateError)
  })

  it('reads 9.0 however it is written, and 13.0 as pnpm 12 hands it over', () => {
    for (const lockfileVersion of ['9.0', '9', 9, '9.1', '13.0']) {
      assert.deepEqual(lockedPackages({ lockfileVersion, importers: {} }), [])
    }
  })
})

describe('an entry that takes the identity of another', () => {
  // pnpm 10 and 11 would take the bytes of the one for those of the other, from the store or while they download.
  const RELEASE = 'https://github.com/acme/tool/releases/download/v1.0.0/tool-1.0.0.tgz'
  const COMMIT = 'c5e17a62e06a1d201570249c61fae531e9244e1b'
  const evil = { integrity: B, tarball: 'https://evil.test/x.tgz' }
  const refused = (packages: Json) => {
    for (const shape of [lockfile, merged])
      assert.throws(
        () => lockedPackages(shape(packages)),
        (error) => error instanceof GateError && /pnpm would take/.test(error.message),
      )
  }

  for (const [what, id] of [
    ["another's", 'b@1.0.0'],
    ['an address', RELEASE],
    ['no text', {}],
    ['empty', ''],
    ['null', null],
  ] as const) {
    it(`by its field id is no lockfile of pnpm: ${what}`, () => {
      refused({ 'a@1.0.0': { resolution: { integrity: A }, id } })
      refused({ 'a@https://evil.test/x.tgz': { resolution: evil, version: '1.0.0', id } })
      refused({ 'a@file:x.tgz': { resolution: { integrity: B, tarball: 'file:x.tgz' }, version: '1.0.0', id } })
    })
  }

  it('by its key is none, where the other is there', () => {
    const good = { resolution: { integrity: A, tarball: RELEASE }, version: '1.0.0' }
    refused({ [`tool@${RELEASE}`]: good, [`aaa@${RELEASE}`]: { resolution: evil, version: '1.0.0' } })
    const git = { type: 'git', repo: 'https://github.com/acme/tool.git', commit: COMMIT }
    const key = `git+https://github.com/acme/tool.git#${COMMIT}`
    refused({
      [`tool@${key}`]: { resolution: git, version: '1.0.0' },
      [`aaa@${key}`]: { resolution: { ...git, commit: 'f'.repeat(40) }, version: '1.0.0' },
    })
    // Two names for one thing are none of that.
    lockedPackages(lockfile({ [`tool@${RELEASE}`]: good, [`aaa@${RELEASE}`]: good }))
  })

  describe('in a registry that has a name', () => {
    const at = (name: string) => ({ integrity: A, tarball: `https://work.test/${name}/-/${name}-1.0.0.tgz` })
    const git = (commit: string) => ({ type: 'git', repo: 'https://github.com/acme/tool.git', commit })
    /** What `a@KEY` and `b@KEY` say, and whether pnpm before 11.20, and a newer one, takes them for one. */
    const cases: readonly (readonly [string, string, Json, Json, boolean, boolean])[] = [
      ['two digests', 'work:1.0.0', { resolution: { integrity: A } }, { resolution: { integrity: B } }, false, false],
      ['a built-in name', 'gh:1.0.0', { resolution: { integrity: A } }, { resolution: { integrity: B } }, false, false],
      ['no resolution', 'work:1.0.0', {}, { resolution: { integrity: B } }, false, false],
      ['addresses', 'work:1.0.0', { resolution: at('a') }, { resolution: at('b') }, true, false],
      ['one address', 'work:1.0.0', { resolution: { integrity: A } }, { resolution: at('b') }, false, false],
      [
        'versions',
        'work:1.0.0',
        { resolution: { integrity: A }, version: '1.0.0' },
        { resolution: { integrity: B }, version: '1.0.0' },
        true,
        false,
      ],
      ['repositories', 'work:1.0.0', { resolution: git('a') }, { resolution: git('b') }, true, false],
      ['no plain resolution', 'work:1.0.0', { resolution: null }, { resolution: [1] }, true, false],
      // What is no such key is one address for every pnpm.
      ['a reserved name', 'pkg:1.0.0', { resolution: { integrity: A } }, { resolution: { integrity: B } }, true, true],
      ['no version', 'work:^1', { resolution: { integrity: A } }, { resolution: { integrity: B } }, true, true],
      [
        'a version with v',
        'work:v1.0.0',
        { resolution: { integrity: A } },
        { resolution: { integrity: B } },
        true,
        true,
      ],
      ['no name', '1x:1.0.0', { resolution: { integrity: A } }, { resolution: { integrity: B } }, true, true],
      ['a file', 'file:1.0.0', { resolution: { integrity: A } }, { resolution: { integrity: B } }, true, true],
    ]
    for (const [what, key, a, b, older, newer] of cases) {
      it(`is told apart, or not, where the entries have ${what} (${key})`, () => {
        for (const shape of [lockfile, merged]) {
          const document = shape({ [`a@${key}`]: a, [`b@${key}`]: b })
          const read = (pnpm: 'any' | 'from-11.20') => () => lockedPackages(document, pnpm)
          for (const [isOne, pnpm] of [
            [older, 'any'],
            [newer, 'from-11.20'],
          ] as const) {
            if (isOne) assert.throws(read(pnpm), /pnpm (?:before 11\.20 )?would take/, pnpm)
            else assert.equal(read(pnpm)().length, 2, pnpm)
          }
        }
      })
    }

    it('is not told apart by a version that snapshots alone have, which pnpm 10 puts together with packages', () => {
      const document = lockfile({
        'a@work:1.0.0': { resolution: { integrity: A } },
        'b@work:1.0.0': { resolution: { integrity: B } },
      })
      const snapshots = { 'a@work:1.0.0': { version: '1.0.0' }, 'b@work:1.0.0': { version: '1.0.0' } }
      assert.throws(() => lockedPackages({ ...document, snapshots }), /pnpm before 11\.20 would take/)
      assert.equal(lockedPackages({ ...document, snapshots }, 'from-11.20').length, 2)
    })

    it('is refused by its field id, whichever pnpm installs', () => {
      for (const pnpm of ['any', 'from-11.20'] as const) {
        const document = lockfile({ 'a@work:1.0.0': { resolution: { integrity: A }, id: 'b@work:1.0.0' } })
        assert.throws(() => lockedPackages(document, pnpm), /"id" of its own/)
      }
    })
  })

  it('is not made one with another of its key that is about something else', () => {
    const archive = { tarball: `https://codeload.github.com/acme/tool/tar.gz/${COMMIT}`, gitHosted: true }
    const key = `tool@${archive.tarball}`
    const packages = lockedPackages(
      merged({
        [key]: { resolution: archive, version: '1.0.0' },
        [`${key}(react@18.0.0)`]: { resolution: { ...archive, path: '/evil' }, version: '1.0.0' },
      }),
    )
    assert.equal(packages.length, 2)
    assert.equal(packages.filter(({ github }) => github !== undefined).length, 1)
  })

  it('by its key is nothing that GitHub has signed', () => {
    const of = (key: string, resolution: Json) =>
      lockedPackages(lockfile({ [key]: { resolution, version: '1.0.0' } }))[0]?.github
    const archive = { tarball: `https://codeload.github.com/acme/tool/tar.gz/${COMMIT}`, gitHosted: true }
    const git = { type: 'git', repo: 'https://github.com/acme/tool.git', commit: COMMIT }
    for (const [resolution, key] of [
      [{ integrity: A, tarball: RELEASE }, RELEASE],
      [archive, archive.tarball],
      [git, `git+https://github.com/acme/tool.git#${COMMIT}`],
    ] as const) {
      assert.ok(of(`tool@${key}`, resolution), key)
      for (const other of [
        RELEASE.replace('acme', 'evil'),
        archive.tarball.replace('acme', 'evil'),
        `git+https://github.com/evil/tool.git#${COMMIT}`,
        `${key}#path:/x`,
        '1.0.0',
      ])
        assert.equal(of(`tool@${other}`, resolution), undefined, other)
    }
  })
})
