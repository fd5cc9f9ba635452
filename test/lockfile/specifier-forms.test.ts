/**
 * Every form in which package.json can ask for something, and what the real managers make of it: it is installed, and the gate
 * reads from the lockfile that the manager writes, and from the specifier, that it comes from there.
 */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { sourceOf } from '../../hooks/specifier.ts'
import { parseAny } from '../../src/lockfile/formats.ts'
import { formatOf } from '../../src/lockfile/kinds.ts'
import { mayBeFolder } from '../../src/lockfile/specifier.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { foreignOf } from '../../src/proxy/specifier.ts'
import {
  createManagerProject,
  MANAGERS,
  type Manager,
  type ManagerProject,
  runManager,
} from '../support/managers/index.ts'
import { createProject, type PnpmVersion, runPnpm } from '../support/pnpm/index.ts'
import { createTarball, type Registry, startRegistry } from '../support/registry/index.ts'

type From = 'registry' | 'folder' | 'tarball'
/** `NAME` is the name of the dependency: each has a folder and tarballs of its own. */
type Forms = Readonly<Record<string, From>>

const of = (from: From, ...forms: readonly string[]): Forms => Object.fromEntries(forms.map((form) => [form, from]))

const RANGES = [
  '~1',
  '~1.0',
  '~1.0.0',
  '~v1.0.0',
  '~1.x',
  '^1.0.0',
  '1',
  '1.0.0',
  '=1.0.0',
  'v1.0.0',
  '*',
  '',
  'x',
  '1.x',
]
const ANY: Forms = {
  ...of(
    'registry',
    ...RANGES,
    '>=1 <2',
    '0.9 || ^1',
    '1.0.0 - 2',
    ' ^1.0.0 ',
    'next',
    'npm:target@~1.0.0',
    'npm:@s/target@^1',
  ),
  ...of('folder', 'file:NAME-folder', 'file:./NAME-folder', 'file:./NAME-folder/', './NAME-folder', './NAME-folder/'),
  ...of('folder', '../NAME-outside', 'file:../NAME-outside', 'file:sub/../NAME-folder'),
  ...of(
    'tarball',
    'file:NAME.tgz',
    'file:./NAME.tgz',
    './NAME.tgz',
    './sub/NAME.tgz',
    'file:sub/NAME.tgz',
    'file:NAME.tar.gz',
  ),
}
const LINKS = of('folder', 'link:NAME-folder', 'link:./NAME-folder')
/** There is a folder of that name. For yarn 1 it is that folder. */
const TAG = 'latest'

const BY_MANAGER: Readonly<Record<Manager, Forms>> = {
  npm11: {
    ...ANY,
    ...of('folder', 'sub/deep/NAME-folder', '.NAME-folder', '.5-NAME-folder'),
    ...of('tarball', 'NAME.tgz'),
    ...of('registry', TAG),
  },
  npm12: {
    ...ANY,
    ...of('folder', 'sub/deep/NAME-folder', '.NAME-folder', '.5-NAME-folder'),
    ...of('tarball', 'NAME.tgz'),
    ...of('registry', TAG),
  },
  yarn1: {
    ...ANY,
    ...LINKS,
    ...of(
      'folder',
      'link:NAME-folder/',
      'sub/deep/NAME-folder',
      '.NAME-folder',
      '.5-NAME-folder',
      'NAME-folder',
      `sub/${'./'.repeat(3_000)}deep/NAME-folder`,
      TAG,
      'file:~/NAME-folder',
    ),
  },
  yarn4: { ...ANY, ...LINKS, ...of('folder', 'portal:./NAME-folder'), ...of('registry', 'npm:^1.0.0', TAG) },
  bun: { ...ANY, ...of('folder', 'link:./NAME-folder'), ...of('tarball', 'NAME.tgz'), ...of('registry', TAG) },
}
/** pnpm 10 and 11 leave out what is asked for as nothing. */
const { '': _, ...WITHOUT_EMPTY } = ANY
const BY_PNPM: Readonly<Record<PnpmVersion & (10 | 11 | 12), Forms>> = {
  10: { ...WITHOUT_EMPTY, ...LINKS, ...of('registry', TAG) },
  11: { ...WITHOUT_EMPTY, ...LINKS, ...of('registry', TAG) },
  12: { ...ANY, ...LINKS, ...of('registry', TAG) },
}

let registry: Registry
before(async () => {
  registry = await startRegistry()
})
after(() => registry.close())

const SOURCES: Readonly<Record<From, LockedPackage['source']>> = {
  registry: 'registry',
  folder: 'directory',
  tarball: 'tarball',
}

interface Asked {
  readonly name: string
  readonly spec: string
  readonly form: string
  readonly from: From
}

function askedIn(forms: Forms): readonly Asked[] {
  return Object.entries(forms).map(([form, from], index) => {
    const name = `dep-${index}`
    return { name, spec: form.replaceAll('NAME', name), form, from }
  })
}

/** What each dependency is: a package of the registry, folders and tarballs, each of which says what it is. */
function prepare(asked: readonly Asked[], dir: string): void {
  const made = (name: string, from: From, version = '1.0.0') =>
    createTarball({ name, version, files: { 'from.txt': from } })
  registry.reset()
  for (const name of ['target', '@s/target', ...asked.map(({ name }) => name)]) {
    registry.publish(made(name, 'registry'))
    registry.publish(made(name, 'registry', '1.0.1-next.0'), { tag: 'next' })
  }
  const write = (file: string, content: string | Buffer) => {
    mkdirSync(path.dirname(path.join(dir, file)), { recursive: true })
    writeFileSync(path.join(dir, file), content)
  }
  for (const { name } of asked) {
    const folders = [
      ...['NAME-folder', 'sub/deep/NAME-folder', '.NAME-folder', '.5-NAME-folder'],
      ...['~/NAME-folder', '../NAME-outside', TAG],
    ]
    for (const folder of folders.map((each) => each.replace('NAME', name))) {
      write(`${folder}/package.json`, JSON.stringify({ name, version: '1.0.0' }))
      write(`${folder}/from.txt`, 'folder')
    }
    for (const file of [`${name}.tgz`, `sub/${name}.tgz`, `${name}.tar.gz`]) write(file, made(name, 'tarball').bytes)
  }
}

async function compare(asked: readonly Asked[], dir: string, lockfile: string): Promise<void> {
  const file = path.join(dir, lockfile)
  const bytes = readFileSync(file)
  const { packages } = await parseAny(formatOf(file, bytes), bytes, file)
  const found = asked.map(({ name, spec, form, from: expected }) => {
    const from = readFileSync(path.join(dir, 'node_modules', name, 'from.txt'), 'utf8')
    assert.equal(from, expected, `${form} is installed from elsewhere`)
    const read = packages.filter((pkg) => pkg.name === name || pkg.aliases?.includes(name))
    return [form, spec.length > 0, ...read.map(({ source }) => source)]
  })
  assert.deepEqual(
    found,
    asked.map(({ form, spec, from }) => [form, spec.length > 0, SOURCES[from]]),
  )
}

const LOCKFILES: Readonly<Record<Manager, string>> = {
  npm11: 'package-lock.json',
  npm12: 'package-lock.json',
  yarn1: 'yarn.lock',
  yarn4: 'yarn.lock',
  bun: 'bun.lock',
}

function assertSpecifiers(asked: readonly Asked[], source: (asked: Asked) => string | undefined): void {
  for (const each of asked)
    assert.equal(source(each), each.from === 'registry' ? undefined : 'local', `${each.form}: ${each.from}`)
}

describe('a dependency is from where the real manager takes it', () => {
  for (const manager of MANAGERS) {
    test(`${manager}: ${Object.keys(BY_MANAGER[manager]).length} forms`, async (t) => {
      const asked = askedIn(BY_MANAGER[manager])
      const dependencies = Object.fromEntries(asked.map(({ name, spec }) => [name, spec]))
      const project = createManagerProject({ registry: registry.url, manifest: { dependencies } })
      t.after(() => project.dispose())
      prepare(asked, project.dir)
      const run = await runManager(manager, ['install'], { cwd: project.dir, env: project.env })
      assert.equal(run.status, 0, run.output)
      await compare(asked, project.dir, LOCKFILES[manager])
      assertSpecifiers(asked, ({ name, spec, from }) => {
        // Only the folder itself tells: see the tests below.
        if (manager === 'yarn1' && mayBeFolder(spec)) return from === 'folder' ? 'local' : undefined
        return foreignOf({ name, spec }, () => false) === undefined ? undefined : 'local'
      })
    })
  }

  for (const version of [10, 11, 12] as const) {
    test(`pnpm ${version}: ${Object.keys(BY_PNPM[version]).length} forms`, async (t) => {
      const asked = askedIn(BY_PNPM[version])
      const dependencies = Object.fromEntries(asked.map(({ name, spec }) => [name, spec]))
      const project = createProject({ registry: registry.url, dependencies })
      t.after(() => project.dispose())
      prepare(asked, project.dir)
      const run = await runPnpm(version, ['install', '--no-frozen-lockfile'], project)
      assert.equal(run.status, 0, run.output)
      await compare(asked, project.dir, 'pnpm-lock.yaml')
      assertSpecifiers(asked, ({ spec }) => (sourceOf(spec) === 'registry' ? undefined : 'local'))
    })
  }
})

describe('yarn 1 takes a folder for a tag', () => {
  const PARENT = { dependencies: { parent: '1.0.0' } }
  const ASKED = { dependencies: { dep: TAG } }

  /** A lockfile that yarn has written without the folder, and then the folder. */
  async function withFolder(t: TestContext, manifest: object, files: Readonly<Record<string, string>>) {
    registry.reset()
    const files_ = { 'from.txt': 'registry' }
    registry.publish(createTarball({ name: 'dep', version: '1.0.0', files: files_ }))
    registry.publish(createTarball({ name: 'parent', version: '1.0.0', dependencies: { dep: TAG }, files: files_ }))
    const project = createManagerProject({ registry: registry.url, manifest: { ...manifest } })
    t.after(() => project.dispose())
    const where = { cwd: project.dir, env: project.env }
    const made = await runManager('yarn1', ['install'], where)
    assert.equal(made.status, 0, made.output)
    project.write(files)
    const read = async () => {
      const file = path.join(project.dir, 'yarn.lock')
      const { packages } = await parseAny('yarn', readFileSync(file), file)
      return packages.find(({ name }) => name === 'dep')
    }
    const install = async () => {
      rmSync(path.join(project.dir, 'node_modules'), { recursive: true })
      const { status, output } = await runManager('yarn1', ['install', '--frozen-lockfile'], where)
      assert.equal(status, 0, output)
      return readFileSync(path.join(project.dir, 'node_modules/dep/from.txt'), 'utf8')
    }
    return { read, install }
  }

  const FOLDER = { [`${TAG}/package.json`]: '{"name":"evil","version":"6.6.6"}', [`${TAG}/from.txt`]: 'folder' }
  for (const [who, manifest] of [
    ['a project', ASKED],
    ['a package', PARENT],
  ] as const) {
    test(`although the lockfile has it from a registry, and the gate says so, where ${who} asks for it`, async (t) => {
      const { read, install } = await withFolder(t, manifest, FOLDER)
      assert.equal(await install(), 'folder')
      const pkg = await read()
      assert.deepEqual([pkg?.source, pkg?.integrity], ['unknown', undefined])
    })
  }

  const others: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['has no package.json', { [`${TAG}/from.txt`]: 'folder' }],
    ['is not in the root', { [`x/${TAG}/package.json`]: '{}', [`x/${TAG}/from.txt`]: 'folder' }],
    ['is called otherwise', { 'other/package.json': '{}', 'other/from.txt': 'folder' }],
    ['is called as a range that nobody asks for', { '^1.0.0/package.json': '{}', '~1/package.json': '{}' }],
  ]
  for (const [what, files] of others) {
    test(`but not where the folder ${what}`, async (t) => {
      const { read, install } = await withFolder(t, ASKED, files)
      assert.equal(await install(), 'registry')
      assert.equal((await read())?.source, 'registry')
    })
  }
})

describe('yarn 1 fetches what a frozen lockfile does not have', () => {
  const EVIL = { evil: '6.6.6' }
  type Change = (project: ManagerProject) => void
  const inEntry =
    (section: string): Change =>
    ({ dir }) => {
      const file = path.join(dir, 'yarn.lock')
      writeFileSync(file, `${readFileSync(file, 'utf8').trimEnd()}\n  ${section}:\n    evil "6.6.6"\n`)
    }
  const inFolder =
    (section: string): Change =>
    (project) =>
      project.write({ 'lib/package.json': JSON.stringify({ name: 'lib', version: '1.0.0', [section]: EVIL }) })
  const changes: readonly (readonly [string, Change])[] = [
    ['the dependencies of an entry', inEntry('dependencies')],
    ['the optionalDependencies of an entry', inEntry('optionalDependencies')],
    ['the dependencies of a folder', inFolder('dependencies')],
    ['the optionalDependencies of a folder', inFolder('optionalDependencies')],
  ]
  for (const [what, change] of changes) {
    test(`and the gate lists ${what} as of unknown source`, async (t) => {
      registry.reset()
      for (const [name, version] of [
        ['zebra', '1.0.0'],
        ['evil', '6.6.6'],
      ] as const)
        registry.publish(createTarball({ name, version, files: { 'from.txt': 'registry' } }))
      const manifest = { dependencies: { zebra: '1.0.0', lib: 'file:./lib' } }
      const project = createManagerProject({
        ...{ registry: registry.url, manifest },
        files: { 'lib/package.json': '{"name":"lib","version":"1.0.0"}' },
      })
      t.after(() => project.dispose())
      const where = { cwd: project.dir, env: project.env }
      assert.equal((await runManager('yarn1', ['install'], where)).status, 0)
      const file = path.join(project.dir, 'yarn.lock')
      const sources = async () => {
        const { packages } = await parseAny('yarn', readFileSync(file), file)
        return packages.map(({ name, source }) => `${name} ${source}`)
      }
      assert.deepEqual(await sources(), ['lib directory', 'zebra registry'])
      change(project)
      rmSync(path.join(project.dir, 'node_modules'), { recursive: true })
      const { status, output } = await runManager('yarn1', ['install', '--frozen-lockfile'], where)
      assert.equal(status, 0, output)
      assert.equal(readFileSync(path.join(project.dir, 'node_modules/evil/from.txt'), 'utf8'), 'registry')
      assert.deepEqual(await sources(), ['evil unknown', 'lib directory', 'zebra registry'])
    })
  }
})

describe('folders that many ask for', () => {
  const read = async (t: TestContext, files: Readonly<Record<string, string>>, tags: number, names: number) => {
    const project = createManagerProject({ registry: registry.url, manifest: {}, files })
    t.after(() => project.dispose())
    const texts = Array.from({ length: tags }, (_, tag) =>
      Array.from({ length: names }, (_, name) => `n${tag}-${name}@tag${tag}:\n  version "1.0.0"\n\n`).join(''),
    )
    const lockfile = Buffer.from(`# yarn lockfile v1\n\n\n${texts.join('')}`)
    return parseAny('yarn', lockfile, path.join(project.dir, 'yarn.lock'))
  }
  const large = (bytes: number) => JSON.stringify({ dependencies: { zebra: '1' }, x: 'x'.repeat(bytes) })
  const needs = (count: number) =>
    JSON.stringify({ dependencies: Object.fromEntries(Array.from({ length: count }, (_, i) => [`d${i}`, '1'])) })

  test('are read once each', async (t) => {
    const { packages } = await read(t, { 'tag0/package.json': needs(20_000) }, 1, 2_000)
    assert.equal(packages.length, 22_000)
  })

  test('are refused where all of them together are too large', async (t) => {
    const files = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`tag${i}/package.json`, large(3_900_000)]))
    await assert.rejects(read(t, files, 20, 1), /have more than 67108864 bytes; the gate reads no more/)
  })

  test('are refused where there are too many of them', async (t) => {
    const projects = Array.from({ length: 300 }, (_, i) => [`p/${i}/package.json`, '{}'] as const)
    const tags = Array.from({ length: 100 }, (_, i) => [`tag${i}/package.json`, '{}'] as const)
    const root = ['package.json', '{"workspaces":["p/*"]}'] as const
    await assert.rejects(
      read(t, Object.fromEntries([...projects, ...tags, root]), 100, 1),
      /More than 20000 folders are asked for/,
    )
  })
})
