/** Lockfiles with every kind of dependency that needs no network, as the managers have just written them. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parseAny } from '../../src/lockfile/formats.ts'
import { formatOf } from '../../src/lockfile/kinds.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { createManagerProject, type Manager, runManager } from '../support/managers/index.ts'
import { createTarball, type PackageSource, type Registry, startRegistry } from '../support/registry/index.ts'

// What is not in the tarball with it has to be met by what lies above, or npm would look for it anew.
const INNER = { name: 'inner', version: '1.0.0', dependencies: { leaf: '*' } }
const PUBLISHED: readonly PackageSource[] = [
  { name: 'leaf', version: '1.0.0' },
  { name: 'leaf', version: '2.0.0' },
  { name: 'peer', version: '1.0.0' },
  { name: 'opt', version: '1.0.0', os: ['aix'] },
  { name: 'remote', version: '3.0.0' },
  INNER,
  {
    name: '@s/mid',
    version: '1.0.0',
    dependencies: { leaf: '^1.0.0', al: 'npm:leaf@2.0.0' },
    optionalDependencies: { opt: '1.0.0' },
    peerDependencies: { peer: '*' },
  },
  {
    name: 'holder',
    version: '1.0.0',
    dependencies: { inner: '1.0.0' },
    bundleDependencies: ['inner'],
    files: { 'node_modules/inner/package.json': JSON.stringify(INNER) },
  },
]

let registry: Registry
before(async () => {
  registry = await startRegistry()
  for (const each of PUBLISHED) registry.publish(createTarball(each))
})
after(() => registry.close())

async function locked(manager: Manager, file: string, args: readonly string[]): Promise<readonly LockedPackage[]> {
  const project = createManagerProject({
    registry: registry.url,
    manifest: {
      workspaces: ['packages/*'],
      dependencies: {
        '@s/mid': '^1.0.0',
        ali: 'npm:leaf@^1.0.0',
        leaf: '^2.0.0',
        peer: '1.0.0',
        holder: '1.0.0',
        rem: `${registry.url}remote/-/remote-3.0.0.tgz`,
        dir: 'file:./dir',
        local: 'file:./local.tgz',
        ws: '1.0.0',
      },
    },
    files: {
      'packages/ws/package.json': JSON.stringify({ name: 'ws', version: '1.0.0', dependencies: { leaf: '^1.0.0' } }),
      'packages/alone/package.json': JSON.stringify({
        name: 'alone',
        version: '1.0.0',
        devDependencies: { leaf: '^2.0.0' },
      }),
      'dir/package.json': JSON.stringify({ name: 'dir', version: '0.1.0', dependencies: { peer: '1.0.0' } }),
    },
  })
  try {
    writeFileSync(join(project.dir, 'local.tgz'), createTarball({ name: 'local', version: '4.0.0' }).bytes)
    // npm 12 fetches nothing but a registry's packages, unless it is told to.
    const allowed = ['remote', 'file', 'directory'].map((kind) => [`npm_config_allow_${kind}`, 'all'])
    const env = { ...project.env, ...Object.fromEntries(allowed) }
    const { status, output } = await runManager(manager, ['install', ...args], { cwd: project.dir, env })
    assert.equal(status, 0, output)
    const bytes = readFileSync(join(project.dir, file))
    return (await parseAny(formatOf(join(project.dir, file), bytes), bytes, join(project.dir, file))).packages
  } finally {
    project.dispose()
  }
}

/** Without what managers call in their own ways: versions of what no registry has, and places. */
function listed(packages: readonly LockedPackage[]): readonly string[] {
  return packages
    .map(({ name, version, source, importers, aliases = [], bundledIn }) => {
      const what =
        source === 'registry'
          ? `${name}@${version}`
          : source === 'bundled'
            ? `${name}@${version} in ${bundledIn?.key}`
            : `${name} ${source}`
      return `${what} by ${importers.join(' ')}${aliases.length > 0 ? ` as ${aliases.join(' ')}` : ''}`
    })
    .sort()
}

const EXPECTED = [
  '@s/mid@1.0.0 by .',
  'dir directory by .',
  'holder@1.0.0 by .',
  'leaf@1.0.0 by . packages/ws as ali',
  'leaf@2.0.0 by . packages/alone as al',
  'local tarball by .',
  'opt@1.0.0 by .',
  'ws workspace by .',
]
const BUNDLED = ['inner@1.0.0 in holder@1.0.0 by .', 'remote tarball by . as rem']

/** By how each writes what is not the same for all. */
const WRITTEN: readonly (readonly [Manager, string, readonly string[], readonly string[]])[] = [
  ['npm11', 'package-lock.json', [], [...BUNDLED, 'peer@1.0.0 by . dir']],
  ['npm12', 'package-lock.json', [], [...BUNDLED, 'peer@1.0.0 by . dir']],
  ['npm11', 'package-lock.json', ['--lockfile-version', '2'], [...BUNDLED, 'peer@1.0.0 by . dir']],
  ['npm12', 'package-lock.json', ['--lockfile-version', '2'], [...BUNDLED, 'peer@1.0.0 by . dir']],
  ['npm12', 'node_modules/.package-lock.json', [], []],
  ['bun', 'bun.lock', [], [...BUNDLED, 'peer@1.0.0 by .']],
  // yarn takes what is bundled from its registry, and does not say what a tarball is really called.
  ['yarn1', 'yarn.lock', [], ['inner@1.0.0 by .', 'rem tarball by .', 'peer@1.0.0 by .']],
  ['yarn4', 'yarn.lock', [], ['inner@1.0.0 by .', 'rem tarball by .', 'peer@1.0.0 by .']],
]

describe('what a manager has written is read whole', () => {
  for (const [manager, file, args, own] of WRITTEN) {
    it(`${file} of ${[manager, ...args].join(' ')}`, async () => {
      const packages = await locked(manager, file, args)
      if (file.startsWith('node_modules')) {
        // It has what is installed, and no root: what is for another system is not there.
        assert.deepEqual(
          packages.filter(({ source }) => source === 'unknown').map(({ key }) => key),
          [],
        )
        assert.ok(packages.length >= 9, listed(packages).join('\n'))
        return
      }
      assert.deepEqual(listed(packages), [...EXPECTED, ...own].sort())
      for (const { source, integrity, unbound } of packages) {
        if (source !== 'registry') continue
        assert.equal(unbound === true, manager === 'yarn4')
        assert.equal(integrity !== undefined, manager !== 'yarn4')
      }
    })
  }
})
