import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { registriesFor } from '../../src/evidence/settings-for.ts'
import { npmPackages } from '../../src/lockfile/npm.ts'
import { lockedPackages } from '../../src/lockfile/pnpm.ts'
import { compareAddresses, isOfRegistry, type Registries } from '../../src/lockfile/registries.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { A, lockfile } from './support.ts'

const NPMJS = 'https://registry.npmjs.org/'
const ACME = 'https://npm.acme.test/registry/'
const scoped = { name: '@acme/x', version: '1.0.0' }
const plain = { name: 'left-pad', version: '1.3.0' }

describe('an address', () => {
  const own: readonly (readonly [string, string, typeof plain])[] = [
    [`${NPMJS}left-pad/-/left-pad-1.3.0.tgz`, NPMJS, plain],
    ['http://registry.npmjs.org/left-pad/-/left-pad-1.3.0.tgz', NPMJS, plain],
    ['https://registry.yarnpkg.com/left-pad/-/left-pad-1.3.0.tgz', NPMJS, plain],
    [`${NPMJS}left-pad/-/left-pad-1.3.0.tgz`, 'https://registry.yarnpkg.com/', plain],
    [`${NPMJS}left-pad/-/left-pad-1.3.0.tgz`, NPMJS, { ...plain, version: '1.3.0+build.1' }],
    [`${ACME}@acme/x/-/x-1.0.0.tgz`, ACME, scoped],
    [`${ACME}@acme%2fx/-/x-1.0.0.tgz`, ACME, scoped],
    [`${ACME}%40acme/x/-/x-1.0.0.tgz`, ACME, scoped],
    [`${ACME}@acme/x/-/@acme/x-1.0.0.tgz`, ACME, scoped],
    ['@acme/x/-/x-1.0.0.tgz', ACME, scoped],
    [`https://npm.pkg.github.com/download/@acme/x/1.0.0/${'ab'.repeat(20)}`, 'https://npm.pkg.github.com/', scoped],
    ['https://npm.jsr.io/~/11/@acme/x/1.0.0.tgz', 'https://npm.jsr.io/', scoped],
    [
      'https://git.acme.test/api/packages/a/npm/@acme%2Fx/-/1.0.0/x-1.0.0.tgz',
      'https://git.acme.test/api/packages/a/npm/',
      scoped,
    ],
    ['https://registry.npmmirror.com/left-pad/download/left-pad-1.3.0.tgz', 'https://registry.npmmirror.com/', plain],
  ]
  for (const [address, registry, pkg] of own) {
    it(`is of ${registry} where it is ${address}`, () => assert.ok(isOfRegistry(address, registry, pkg)))
  }

  const others: readonly (readonly [string, string, typeof plain])[] = [
    ['https://evil.example/left-pad/-/left-pad-1.3.0.tgz', NPMJS, plain],
    [`${NPMJS}evil/-/evil-1.3.0.tgz`, NPMJS, plain],
    [`${NPMJS}left-pad/-/left-pad-1.3.1.tgz`, NPMJS, plain],
    [`${NPMJS}left-pad/-/left-pad-1.3.0.tgz?x`, NPMJS, plain],
    [`${NPMJS}left-pad/-/left-pad-1.3.0.tgz#x`, NPMJS, plain],
    [`${NPMJS}evil/-/left-pad/-/left-pad-1.3.0.tgz`, NPMJS, plain],
    [`${NPMJS}@evil/left-pad/-/left-pad-1.3.0.tgz`, NPMJS, plain],
    [`${NPMJS}x.tgz`, NPMJS, plain],
    ['https://registry.npmjs.org.evil.example/left-pad/-/left-pad-1.3.0.tgz', NPMJS, plain],
    ['https://registry.npmjs.org:444/left-pad/-/left-pad-1.3.0.tgz', NPMJS, plain],
    ['https://registry.npmjs.org@evil.example/left-pad/-/left-pad-1.3.0.tgz', NPMJS, plain],
    ['https://npm.acme.test/other/@acme/x/-/x-1.0.0.tgz', ACME, scoped],
    ['https://npm.acme.test/registry/../other/@acme/x/-/x-1.0.0.tgz', ACME, scoped],
    ['https://npm.acme.test/registry/..%2fother/@acme/x/-/x-1.0.0.tgz', ACME, scoped],
    ['http://npm.acme.test/registry/@acme/x/-/x-1.0.0.tgz', ACME, scoped],
    [`${NPMJS}@acme/x/-/x-1.0.0.tgz`, ACME, scoped],
    [`https://npm.pkg.github.com/download/@evil/x/1.0.0/${'ab'.repeat(20)}`, 'https://npm.pkg.github.com/', scoped],
    ['https://npm.pkg.github.com/download/@acme/x/1.0.0/x', 'https://npm.pkg.github.com/', scoped],
    ['//evil.example/@acme/x/-/x-1.0.0.tgz', ACME, scoped],
    ['file:///registry/@acme/x/-/x-1.0.0.tgz', ACME, scoped],
    ['', ACME, scoped],
    [`${ACME}@acme/x/-/x-1.0.0.tgz`, 'no URL', scoped],
    [`${ACME}%ff/@acme/x/-/x-1.0.0.tgz`, ACME, scoped],
  ]
  for (const [address, registry, pkg] of others) {
    it(`is not of ${registry} where it is ${JSON.stringify(address)}`, () =>
      assert.ok(!isOfRegistry(address, registry, pkg)))
  }

  it('at another host is of no registry, whatever its path', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (address) => {
        fc.pre(new URL(address).host !== 'npm.acme.test')
        assert.ok(!isOfRegistry(address, ACME, scoped))
      }),
    )
  })
})

const settings = (registries: Readonly<Record<string, string>>, npm = false): Registries => ({
  of: ({ name }) => registries[name.split('/')[0] ?? ''] ?? registries.default,
  inPlaceOfPublic: npm ? registries.default : undefined,
})

const npm = (resolved: string, name = '@acme/x') =>
  npmPackages({
    lockfileVersion: 3,
    packages: {
      '': { dependencies: { [name]: '*' } },
      [`node_modules/${name}`]: { version: '1.0.0', resolved, integrity: A },
    },
  })
const pnpm = (tarball?: string, name = '@acme/x') =>
  lockedPackages(lockfile({ [`${name}@1.0.0`]: { resolution: { integrity: A, ...(tarball && { tarball }) } } }))

async function outside(packages: readonly LockedPackage[], registries: Registries) {
  const [pkg] = await compareAddresses(packages, async () => registries)
  assert.ok(pkg?.source === 'registry' && pkg.atNpmjs === undefined)
  return pkg.outside
}

describe('a package of a lockfile', () => {
  const usual = settings({ default: NPMJS })
  const own = settings({ default: NPMJS, '@acme': ACME })
  const mirrored = { default: 'https://mirror.test/npm/' }

  it('that has no address is of whichever registry the settings give', async () => {
    assert.equal(await outside(pnpm(), own), undefined)
    assert.equal(await outside(pnpm(), usual), undefined)
  })

  it('at an address of the registry is of it', async () => {
    assert.equal(await outside(npm(`${ACME}@acme/x/-/x-1.0.0.tgz`), own), undefined)
    assert.equal(await outside(pnpm(`${ACME}@acme/x/-/x-1.0.0.tgz`), own), undefined)
    assert.equal(await outside(npm(`${NPMJS}@acme/x/-/x-1.0.0.tgz`), usual), undefined)
  })

  it('at an address of another host is outside of it, in the form of a registry or not', async () => {
    for (const url of ['https://evil.example/@acme/x/-/x-1.0.0.tgz', 'https://evil.example/x.tgz']) {
      for (const packages of [npm(url), pnpm(url)]) {
        assert.equal(await outside(packages, own), ACME)
        assert.equal(await outside(packages, usual), NPMJS)
      }
    }
  })

  it('in the public registry is outside where its scope has a registry of its own', async () => {
    const address = `${NPMJS}@acme/x/-/x-1.0.0.tgz`
    const [pkg] = await compareAddresses(pnpm(address), async () => own)
    assert.deepEqual([pkg?.outside, pkg?.origin], [ACME, address])
    assert.equal(await outside(npm(address), settings({ default: NPMJS, '@acme': ACME }, true)), ACME)
  })

  it('in the public registry is asked for at the own one by npm, and by nobody else', async () => {
    const address = `${NPMJS}left-pad/-/left-pad-1.0.0.tgz`
    assert.equal(await outside(npm(address, 'left-pad'), settings(mirrored, true)), undefined)
    assert.equal(await outside(npm(address, 'left-pad'), settings(mirrored)), mirrored.default)
  })

  it('at another path of the own registry is outside of it', async () => {
    assert.equal(
      await outside(npm('https://mirror.test/npm/evil/-/evil-1.0.0.tgz', 'left-pad'), settings(mirrored)),
      mirrored.default,
    )
  })

  it('is outside of a registry that the settings do not have', async () => {
    const [pkg] = await compareAddresses(npm(`${ACME}@acme/x/-/x-1.0.0.tgz`), async () => ({ of: () => undefined }))
    assert.equal(pkg?.outside, '')
  })

  it('needs no settings where no lockfile has addresses', async () => {
    const never = () => assert.fail('the settings were read')
    const packages = pnpm()
    assert.equal(await compareAddresses(packages, never), packages)
  })

  it('that nobody has compared is outside, unless it is at the place of the public registry', () => {
    assert.equal(npm('https://evil.example/@acme/x/-/x-1.0.0.tgz')[0]?.outside, '')
    assert.equal(pnpm('https://evil.example/x.tgz')[0]?.outside, '')
    assert.deepEqual(
      [npm(`${NPMJS}@acme/x/-/x-1.0.0.tgz`)[0]?.outside, npm(`${NPMJS}@acme/x/-/x-1.0.0.tgz`)[0]?.atNpmjs],
      [undefined, true],
    )
  })
})

describe('a package of a registry that has a name', () => {
  const WORK = 'https://work.test/npm/'
  const GITHUB = 'https://npm.pkg.github.com/'
  const GITHUB_ADDRESS = `${GITHUB}download/@acme/x/1.0.0/${'ab'.repeat(20)}`
  /** A project asks for what the key says. */
  const named = (key: string, tarball?: string) =>
    lockedPackages(
      lockfile(
        { [`@acme/x@${key}`]: { resolution: { integrity: A, ...(tarball && { tarball }) } } },
        { importers: { '.': { dependencies: { '@acme/x': { specifier: key, version: key } } } } },
      ),
    )
  const registriesOf = (scope: string): Registries =>
    registriesFor('pnpm', {
      registries: { default: NPMJS, '@acme': scope },
      named: new Map([['work', WORK]]),
      options: {},
    })
  const cases: readonly (readonly [string, string, string | undefined, string, string | undefined])[] = [
    // What settings declare is a source that they state.
    ['declared', 'work:1.0.0', undefined, ACME, undefined],
    ['declared, at its address', 'work:1.0.0', `${WORK}@acme/x/-/x-1.0.0.tgz`, ACME, undefined],
    ['declared, at a relative address', 'work:1.0.0', '@acme/x/-/x-1.0.0.tgz', ACME, undefined],
    ['declared, at another address', 'work:1.0.0', 'https://evil.test/@acme/x/-/x-1.0.0.tgz', ACME, WORK],
    ["declared, at its scope's address", 'work:1.0.0', `${ACME}@acme/x/-/x-1.0.0.tgz`, ACME, WORK],
    ['declared, above its URL', 'work:1.0.0', '../@acme/x/-/x-1.0.0.tgz', ACME, WORK],
    // A lockfile alone can write a built-in name: it leads to a registry that is not the one of the scope.
    ['built in', 'npmjs:1.0.0', undefined, ACME, ACME],
    ['built in, at its address', 'npmjs:1.0.0', `${NPMJS}@acme/x/-/x-1.0.0.tgz`, ACME, ACME],
    ['built in, at a relative address', 'npmjs:1.0.0', '@acme/x/-/x-1.0.0.tgz', ACME, ACME],
    ["built in, at its scope's address", 'npmjs:1.0.0', `${ACME}@acme/x/-/x-1.0.0.tgz`, ACME, undefined],
    ['built in, which is that of the scope', 'gh:1.0.0', undefined, GITHUB, undefined],
    ['built in, which is that of the scope, at its address', 'gh:1.0.0', GITHUB_ADDRESS, GITHUB, undefined],
    ['built in, at its address', 'gh:1.0.0', GITHUB_ADDRESS, ACME, ACME],
    ['unknown', 'other:1.0.0', undefined, ACME, ''],
    ['unknown, at an address', 'other:1.0.0', `${ACME}@acme/x/-/x-1.0.0.tgz`, ACME, ''],
  ]
  for (const [what, key, tarball, scope, expected] of cases) {
    it(`is of the registry that settings state for it, or outside of it: ${what} (${key})`, async () => {
      assert.equal(await outside(named(key, tarball), registriesOf(scope)), expected)
    })
  }

  const entry = { resolution: { integrity: A } }
  const importing = (specifier: string | undefined, version: string, alias = '@acme/x') => ({
    importers: { '.': { dependencies: { [alias]: { specifier, version } } } },
  })
  const catalogs = (specifier: string, name = 'default') => ({
    catalogs: { [name]: { '@acme/x': { specifier, version: '1.0.0' } } },
  })
  const needed = (version: string, alias = '@acme/x') => ({
    importers: { '.': { dependencies: { parent: { specifier: '1.0.0', version: '1.0.0' } } } },
    snapshots: {
      'parent@1.0.0': { dependencies: { [alias]: version } },
      '@acme/x@work:1.0.0': {},
      '@acme/x@1.0.0': {},
    },
  })
  const two = (...specifiers: readonly [string, string]) => ({
    importers: Object.fromEntries(
      specifiers.map((specifier, index) => [
        index === 0 ? '.' : 'app',
        { dependencies: { '@acme/x': { specifier, version: 'work:1.0.0' } } },
      ]),
    ),
  })
  /** What is asked for, where the lockfile has `@acme/x@work:1.0.0`; undefined: it is of the registry that is asked. */
  const asked: readonly (readonly [string, object, string | undefined])[] = [
    ['a version', importing('work:1.0.0', 'work:1.0.0'), undefined],
    ['a range', importing('work:^1.0.0', 'work:1.0.0'), undefined],
    ['any version', importing('work:', 'work:1.0.0'), undefined],
    ['its name', importing('work:@acme/x', 'work:1.0.0'), undefined],
    ['its name under another one', importing('work:@acme/x@^1', '@acme/x@work:1.0.0', 'x'), undefined],
    ['a catalog', { ...importing('catalog:', 'work:1.0.0'), ...catalogs('work:^1.0.0') }, undefined],
    ['a catalog with a name', { ...importing('catalog:a', 'work:1.0.0'), ...catalogs('work:^1.0.0', 'a') }, undefined],
    ['an override', { ...needed('work:1.0.0'), overrides: { '@acme/x': 'work:1.0.0' } }, undefined],
    [
      'an override of one parent',
      { ...needed('work:1.0.0'), overrides: { 'parent>@acme/x@>=1': 'work:1' } },
      undefined,
    ],
    [
      'an override under another name',
      { ...needed('@acme/x@work:1.0.0', 'x'), overrides: { x: 'work:@acme/x@1.0.0' } },
      undefined,
    ],
    ['two projects by name', two('work:1.0.0', 'work:^1.0.0'), undefined],
    ['two projects, one of them not by name', two('work:1.0.0', '^1.0.0'), ACME],
    ['two projects, by different names', two('work:1.0.0', 'gh:1.0.0'), GITHUB],
    ['nobody', {}, ACME],
    ['a dependency of a package', needed('work:1.0.0'), ACME],
    ['an override of something else', { ...needed('work:1.0.0'), overrides: { y: 'work:1.0.0' } }, ACME],
    ['an override to a version', { ...needed('work:1.0.0'), overrides: { '@acme/x': '1.0.0' } }, ACME],
    ['an override to another name', { ...needed('work:1.0.0'), overrides: { '@acme/x': 'gh:1.0.0' } }, GITHUB],
    ['a version without a registry', importing('1.0.0', 'work:1.0.0'), ACME],
    ['nothing that is said', importing(undefined, 'work:1.0.0'), ACME],
    ['another name of the public registry', importing('npm:@acme/x@1.0.0', '@acme/x@work:1.0.0', 'x'), ACME],
    ['another registry', importing('gh:1.0.0', 'work:1.0.0'), GITHUB],
    ['a registry that nobody knows', importing('other:1.0.0', 'work:1.0.0'), ''],
    ['another package of it', importing('work:@acme/y@1.0.0', '@acme/x@work:1.0.0', 'x'), ACME],
    ['a tag, which pnpm takes for a name', importing('work:latest', 'work:1.0.0'), ACME],
    ['a catalog that has no such package', importing('catalog:', 'work:1.0.0'), ''],
    ['another catalog', { ...importing('catalog:a', 'work:1.0.0'), ...catalogs('work:^1.0.0') }, ''],
    ['a catalog without a registry', { ...importing('catalog:', 'work:1.0.0'), ...catalogs('^1.0.0') }, ACME],
  ]
  for (const [what, more, expected] of asked) {
    it(`is of the registry of its key only where that is asked for: by ${what}`, async () => {
      const packages = lockedPackages(lockfile({ '@acme/x@work:1.0.0': entry }, { ...more }))
      const pkg = packages.find(({ source }) => source === 'registry')
      assert.ok(pkg)
      assert.equal(await outside([pkg], registriesOf(ACME)), expected)
    })
  }

  it('is of the registry of its key where the settings give that one anyway', async () => {
    assert.equal(
      await outside(lockedPackages(lockfile({ '@acme/x@work:1.0.0': entry })), registriesOf(WORK)),
      undefined,
    )
  })

  /** The same where the lockfile has `@acme/x@1.0.0`: of the registry of its scope. */
  const unnamed: readonly (readonly [string, object, string | undefined])[] = [
    ['a version', importing('1.0.0', '1.0.0'), undefined],
    ['a catalog', { ...importing('catalog:', '1.0.0'), ...catalogs('1.0.0') }, undefined],
    ['a dependency of a package', needed('1.0.0'), undefined],
    [
      'one parent, for which an override is stronger',
      { ...needed('1.0.0'), overrides: { '@acme/x': 'work:1.0.0', 'parent>@acme/x': '1.0.0' } },
      undefined,
    ],
    ['the name of a registry', importing('work:1.0.0', '1.0.0'), WORK],
    ['the name of a registry, under another name', importing('work:@acme/x@1', '@acme/x@1.0.0', 'x'), WORK],
    ['a built-in name', importing('gh:1.0.0', '1.0.0'), GITHUB],
    ['a name that nobody knows', importing('other:1.0.0', '1.0.0'), ''],
    ['a catalog with the name of a registry', { ...importing('catalog:', '1.0.0'), ...catalogs('work:1') }, WORK],
    ['a catalog that has no such package', importing('catalog:', '1.0.0'), ''],
    ['an override', { ...needed('1.0.0'), overrides: { '@acme/x': 'work:1.0.0' } }, WORK],
  ]
  for (const [what, more, expected] of unnamed) {
    it(`is not of the usual registry where a named one is asked for: by ${what}`, async () => {
      const packages = lockedPackages(lockfile({ '@acme/x@1.0.0': entry }, { ...more }))
      const pkg = packages.find(({ name, source }) => name === '@acme/x' && source === 'registry')
      assert.ok(pkg)
      const registries = registriesOf(ACME)
      const [compared] = await compareAddresses([pkg], async () => registries)
      assert.equal(compared?.outside, expected)
      // The hook compares what is compared already.
      const [again] = await compareAddresses(compared ? [compared] : [], async () => registries)
      assert.deepEqual(again, compared)
    })
  }

  it('has another package in its place, which is listed', () => {
    const packages = lockedPackages(lockfile({ 'evil@work:1.0.0': entry }, importing('work:^1.0.0', 'evil@work:1.0.0')))
    assert.deepEqual(
      packages.map(({ name, source }) => [name, source]),
      [
        ['@acme/x', 'unknown'],
        ['evil', 'registry'],
      ],
    )
  })

  it('that nobody has compared is outside', () => assert.equal(named('work:1.0.0')[0]?.outside, ''))
})
