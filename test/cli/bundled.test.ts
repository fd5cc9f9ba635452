/**
 * What package managers do with an entry that a lockfile calls bundled. Nothing is asked of such an entry, so what they would
 * fetch from a registry must not be one.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { bunPackages } from '../../src/lockfile/bun.ts'
import { npmPackages } from '../../src/lockfile/npm.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { createManagerProject, type Manager, runManager } from '../support/managers/index.ts'
import { createTarball, type PackedPackage, type Registry, startRegistry } from '../support/registry/index.ts'

let registry: Registry
const HELD = { 'node_modules/evil/package.json': JSON.stringify({ name: 'evil', version: '1.0.0' }) }
const evil = createTarball({ name: 'evil', version: '1.0.0' })
const holders = {
  'that holds it': createTarball({
    name: 'holds',
    version: '1.0.0',
    dependencies: { evil: '1.0.0' },
    bundleDependencies: ['evil'],
    files: HELD,
  }),
  'that does not': createTarball({ name: 'holds-not', version: '1.0.0', dependencies: { evil: '1.0.0' } }),
}
before(async () => {
  registry = await startRegistry()
  for (const each of [evil, ...Object.values(holders)]) registry.publish(each)
})
after(() => registry.close())

const urlOf = ({ manifest: { name, version } }: PackedPackage) => `${registry.url}${name}/-/${name}-${version}.tgz`

interface Variant {
  readonly isDeclared: boolean
  readonly isNested: boolean
  readonly isResolved: boolean
}

const VARIANTS: readonly Variant[] = [true, false].flatMap((isDeclared) =>
  [true, false].flatMap((isNested) => [true, false].map((isResolved) => ({ isDeclared, isNested, isResolved }))),
)

function npmLock(holder: PackedPackage, { isDeclared, isNested, isResolved }: Variant): object {
  const { name } = holder.manifest
  return {
    name: 'project',
    version: '0.0.0',
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': { name: 'project', version: '0.0.0', dependencies: { [name]: '1.0.0' } },
      [`node_modules/${name}`]: {
        version: '1.0.0',
        resolved: urlOf(holder),
        integrity: holder.integrity,
        dependencies: { evil: '1.0.0' },
        ...(isDeclared && { bundleDependencies: ['evil'] }),
      },
      [isNested ? `node_modules/${name}/node_modules/evil` : 'node_modules/evil']: {
        version: '1.0.0',
        inBundle: true,
        ...(isResolved && { resolved: urlOf(evil), integrity: evil.integrity }),
      },
    },
  }
}

function bunLock(holder: PackedPackage, isNested: boolean): object {
  const { name } = holder.manifest
  return {
    lockfileVersion: 1,
    workspaces: { '': { name: 'project', dependencies: { [name]: '1.0.0' } } },
    packages: {
      [name]: [`${name}@1.0.0`, urlOf(holder), { dependencies: { evil: '1.0.0' } }, holder.integrity],
      [isNested ? `${name}/evil` : 'evil']: ['evil@1.0.0', urlOf(evil), { bundled: true }, evil.integrity],
    },
  }
}

const isBundled = (packages: readonly LockedPackage[]) =>
  packages.some(({ name, source }) => name === 'evil' && source === 'bundled')

/** Whether a frozen install into an empty folder asks the registry for it. */
async function isFetched(manager: Manager, holder: PackedPackage, name: string, lock: object): Promise<boolean> {
  const project = createManagerProject({
    registry: registry.url,
    manifest: { dependencies: { [holder.manifest.name]: '1.0.0' } },
    files: { [name]: JSON.stringify(lock, null, 2) },
  })
  try {
    registry.forgetRequests()
    const args = manager === 'bun' ? ['install', '--frozen-lockfile'] : ['ci', '--ignore-scripts']
    const { status, output } = await runManager(manager, args, { cwd: project.dir, env: project.env })
    assert.equal(status, 0, output)
    assert.ok(existsSync(join(project.dir, 'node_modules', holder.manifest.name)))
    return registry.requests.some(({ path }) => path.startsWith('/evil'))
  } finally {
    project.dispose()
  }
}

describe('of what is bundled nothing is fetched', () => {
  for (const [what, holder] of Object.entries(holders)) {
    for (const manager of ['npm11', 'npm12'] as const) {
      test(`by ${manager}, from a package ${what}`, async () => {
        let bundled = 0
        for (const variant of VARIANTS) {
          const lock = npmLock(holder, variant)
          if (!isBundled(npmPackages(lock))) continue
          bundled++
          assert.equal(await isFetched(manager, holder, 'package-lock.json', lock), false, JSON.stringify(variant))
        }
        assert.equal(bundled, 1, 'declared, nested, and without an address of its own')
      })
    }

    test(`by bun, from a package ${what}; and what is fetched is not bundled`, async () => {
      for (const isNested of [true, false]) {
        const lock = bunLock(holder, isNested)
        assert.equal(isBundled(bunPackages(lock)), isNested)
        assert.equal(await isFetched('bun', holder, 'bun.lock', lock), !isNested)
      }
    })
  }

  test('by npm ci; npm install into an old node_modules fetches what the tarball turns out to lack', async () => {
    const holder = holders['that does not']
    const old = createTarball({ name: 'evil', version: '0.9.0' })
    const former = createTarball({ name: holder.manifest.name, version: '0.9.0', dependencies: { evil: '*' } })
    for (const each of [old, former]) registry.publish(each)
    const lock = npmLock(holder, { isDeclared: true, isNested: true, isResolved: false })
    const place = `node_modules/${holder.manifest.name}`
    const before = {
      ...lock,
      packages: {
        '': { name: 'project', version: '0.0.0', dependencies: { [holder.manifest.name]: '*' } },
        [place]: {
          version: '0.9.0',
          resolved: urlOf(former),
          integrity: former.integrity,
          dependencies: { evil: '*' },
        },
        [`${place}/node_modules/evil`]: { version: '0.9.0', resolved: urlOf(old), integrity: old.integrity },
      },
    }
    for (const [command, isAsked] of [
      ['ci', false],
      ['install', true],
    ] as const) {
      const project = createManagerProject({
        registry: registry.url,
        manifest: { dependencies: { [holder.manifest.name]: '*' } },
        files: { 'package-lock.json': JSON.stringify(before) },
      })
      const run = (name: string) =>
        runManager('npm12', [name, '--ignore-scripts'], { cwd: project.dir, env: project.env })
      assert.equal((await run('ci')).status, 0)
      project.write({ 'package-lock.json': JSON.stringify(lock).replace('"1.0.0"}}', '"*"}}') })
      registry.forgetRequests()
      const { status, output } = await run(command)
      assert.equal(status, 0, output)
      assert.equal(
        registry.requests.some(({ path }) => path.startsWith('/evil')),
        isAsked,
        command,
      )
      project.dispose()
    }
  })

  test('by npm, though it is marked, where its holder does not declare it: that is fetched, and is not bundled', async () => {
    const lock = npmLock(holders['that does not'], { isDeclared: false, isNested: true, isResolved: false })
    for (const manager of ['npm11', 'npm12'] as const) {
      assert.equal(await isFetched(manager, holders['that does not'], 'package-lock.json', lock), true)
    }
    assert.equal(isBundled(npmPackages(lock)), false)
  })
})
