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
  const named = (key: string, tarball?: string) =>
    lockedPackages(lockfile({ [`@acme/x@${key}`]: { resolution: { integrity: A, ...(tarball && { tarball }) } } }))
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

  it('that nobody has compared is outside', () => assert.equal(named('work:1.0.0')[0]?.outside, ''))
})
