import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { bunPackages } from '../../src/lockfile/bun.ts'
import { isOwnFolder } from '../../src/lockfile/importers.ts'
import { npmPackages } from '../../src/lockfile/npm.ts'
import { lockedPackages } from '../../src/lockfile/pnpm.ts'
import { withProjects } from '../../src/lockfile/projects.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { yarnBerryPackages } from '../../src/lockfile/yarn-berry.ts'
import { yarnClassicPackages } from '../../src/lockfile/yarn-classic.ts'

const NOT_OWN = [
  '../x',
  '..',
  'a/../../x',
  '/x',
  'C:/x',
  'c:x',
  'a\\..\\..\\x',
  'node_modules/x',
  'a/node_modules/b',
  'a/NODE_MODULES/b',
  '.git/x',
]

describe('a folder of the repository', () => {
  for (const folder of ['.', 'a', 'a/b', './a', 'a/../b', 'a.b', '..a']) {
    it(`is ${folder}`, () => assert.ok(isOwnFolder(folder)))
  }
  for (const folder of NOT_OWN) {
    it(`is not ${folder}`, () => assert.ok(!isOwnFolder(folder)))
  }
})

/** The source of what is installed as `lib`, where each lockfile says as well as it can that it is a project in a folder. */
const READERS: Readonly<Record<string, (folder: string) => readonly LockedPackage[]>> = {
  pnpm: (folder) =>
    lockedPackages({
      lockfileVersion: '9.0',
      importers: {
        '.': { dependencies: { lib: { specifier: 'workspace:*', version: `link:${folder}` } } },
        [path.posix.normalize(folder)]: {},
      },
    }),
  'pnpm, injected': (folder) =>
    lockedPackages({
      lockfileVersion: '9.0',
      importers: {
        '.': { dependencies: { lib: { specifier: 'workspace:*', version: `file:${folder}` } } },
        [path.posix.normalize(folder)]: {},
      },
      packages: { [`lib@file:${folder}`]: { resolution: { type: 'directory', directory: folder } } },
      snapshots: { [`lib@file:${folder}`]: {} },
    }),
  npm: (folder) =>
    npmPackages({
      lockfileVersion: 3,
      packages: {
        '': { workspaces: [folder], dependencies: { lib: '*' } },
        [path.posix.normalize(folder)]: { name: 'lib' },
        'node_modules/lib': { link: true, resolved: folder },
      },
    }),
  'yarn 4': (folder) =>
    yarnBerryPackages({
      __metadata: { version: 8 },
      [`lib@workspace:*, lib@workspace:${folder}`]: {
        version: '0.0.0-use.local',
        resolution: `lib@workspace:${folder}`,
      },
      'root@workspace:.': { resolution: 'root@workspace:.', dependencies: { lib: 'workspace:*' } },
    }),
  'yarn 1': (folder) =>
    yarnClassicPackages(
      {},
      new Map([
        ['.', { name: 'root', dependencies: { lib: '*' } }],
        [folder, { name: 'lib' }],
      ]),
    ),
  bun: (folder) =>
    bunPackages({
      lockfileVersion: 1,
      workspaces: { '': { name: 'root', dependencies: { lib: 'workspace:*' } }, [folder]: { name: 'lib' } },
      packages: { lib: [`lib@workspace:${folder}`] },
    }),
}

describe('a project of the workspace', () => {
  for (const [format, read] of Object.entries(READERS)) {
    const sourceIn = (folder: string) => {
      try {
        return read(folder).find(({ name }) => name === 'lib')?.source
      } catch {
        return 'refused'
      }
    }
    it(`is one in a lockfile of ${format}, in a folder of the repository`, () =>
      assert.equal(sourceIn('packages/lib'), 'workspace'))
    it(`is none in a lockfile of ${format}, where the folder leads elsewhere`, () => {
      for (const folder of NOT_OWN.filter((each) => each !== '..'))
        assert.notEqual(sourceIn(folder), 'workspace', folder)
    })
  }

  it('is none that only a link of pnpm names, and no importer', () => {
    const link = { dependencies: { lib: { specifier: 'link:packages/lib', version: 'link:packages/lib' } } }
    assert.equal(lockedPackages({ lockfileVersion: '9.0', importers: { '.': link } })[0]?.source, 'directory')
  })

  it('is none that npm links by `file:`, outside of the patterns of the workspace', () => {
    for (const workspaces of [undefined, [], ['apps/*'], ['packages'], ['!packages/lib'], 'packages/lib']) {
      const packages = {
        '': { workspaces, dependencies: { lib: 'file:packages/lib' } },
        'packages/lib': { name: 'lib' },
        'node_modules/lib': { link: true, resolved: 'packages/lib' },
      }
      assert.equal(npmPackages({ lockfileVersion: 3, packages })[0]?.source, 'directory', String(workspaces))
    }
    for (const workspaces of [
      ['packages/*'],
      ['./packages/lib/'],
      ['packages/**'],
      ['*/*'],
      { packages: ['packages/l*'] },
      ['{apps,packages}/*'],
    ]) {
      const packages = {
        '': { workspaces, dependencies: { lib: '*' } },
        'packages/lib': { name: 'lib' },
        'node_modules/lib': { link: true, resolved: 'packages/lib' },
      }
      assert.equal(npmPackages({ lockfileVersion: 3, packages })[0]?.source, 'workspace', JSON.stringify(workspaces))
    }
  })

  it('is none of another name in a lockfile of bun or npm', () => {
    const workspaces = { '': { dependencies: { lib: '*' } }, 'packages/x': { name: 'x' } }
    const bun = bunPackages({ lockfileVersion: 1, workspaces, packages: { lib: ['lib@workspace:packages/x'] } })
    assert.equal(bun[0]?.source, 'directory')
  })

  it('is none that is a tarball, whatever it is called', () => {
    const url = 'https://evil.example/lib.tgz'
    const [pkg] = lockedPackages({
      lockfileVersion: '9.0',
      importers: { '.': { dependencies: { lib: { specifier: 'workspace:*', version: url } } }, 'packages/lib': {} },
      packages: { [`lib@${url}`]: { resolution: { tarball: url }, version: '1.0.0' } },
      snapshots: { [`lib@${url}`]: {} },
    })
    assert.equal(pkg?.source, 'tarball')
  })
})

describe('folders on disk', () => {
  function workspace(t: TestContext): string {
    const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'projects-')))
    t.after(() => rmSync(root, { recursive: true }))
    for (const folder of ['repo/packages/a', 'repo/packages/b', 'repo/node_modules/evil', 'elsewhere']) {
      mkdirSync(path.join(root, folder), { recursive: true })
      writeFileSync(path.join(root, folder, 'package.json'), '{}')
    }
    return path.join(root, 'repo')
  }
  const linked = (origin: string, source: LockedPackage['source'] = 'workspace'): LockedPackage => ({
    ...{ name: 'x', version: '', integrity: undefined, source, origin, importers: ['.'], key: `x@${origin}` },
  })
  const sourceOf = (pkg: LockedPackage, folder: string, root = folder, hasSeveralLockfiles = false) =>
    withProjects([pkg], folder, { root, hasSeveralLockfiles })[0]?.source

  it('that are there, or not there yet, stay projects', (t) => {
    const root = workspace(t)
    for (const origin of ['workspace:packages/a', 'file:packages/a', 'workspace:packages/later', 'workspace:.'])
      assert.equal(sourceOf(linked(origin), root), 'workspace', origin)
  })

  it('that are symbolic links out of the repository, or into node_modules, are no projects', (t) => {
    const root = workspace(t)
    symlinkSync('../../elsewhere', path.join(root, 'packages/out'))
    symlinkSync('../node_modules/evil', path.join(root, 'packages/in'))
    symlinkSync('../..', path.join(root, 'packages/up'))
    symlinkSync('a', path.join(root, 'packages/same'))
    for (const name of ['out', 'out/deeper', 'in', 'up/elsewhere'])
      assert.equal(sourceOf(linked(`workspace:packages/${name}`), root), 'directory', name)
    assert.equal(sourceOf(linked('workspace:packages/same'), root), 'workspace')
  })

  it('that a lockfile links are projects of a workspace with several lockfiles, and of no other', (t) => {
    const root = workspace(t)
    const folder = path.join(root, 'packages/a')
    const link = linked('link:../b', 'directory')
    assert.equal(sourceOf(link, folder, root, true), 'workspace')
    assert.equal(sourceOf(link, folder, root, false), 'directory')
    assert.equal(sourceOf(link, folder, folder, true), 'directory')
    for (const origin of ['link:../gone', 'link:../../../elsewhere', 'link:../../node_modules/evil', 'file:../b'])
      assert.equal(sourceOf(linked(origin, 'directory'), folder, root, true), 'directory', origin)
  })

  it('say nothing of what is no folder', (t) => {
    const root = workspace(t)
    for (const source of ['registry', 'git', 'tarball', 'unknown'] as const)
      assert.equal(sourceOf(linked('link:packages/a', source), root, root, true), source)
  })
})
