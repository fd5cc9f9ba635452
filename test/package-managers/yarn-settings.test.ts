import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { YARN_1 } from '../../src/package-managers/yarn-classic/settings-1.ts'
import { createManagerProject, type ManagerProject, runManager } from '../support/managers/index.ts'
import { createTarball, type Registry, startRegistry } from '../support/registry/index.ts'
import { settingsIn, testList, unlisted } from './lists.ts'

testList(YARN_1)

const BUNDLE = fileURLToPath(new URL('../../node_modules/yarn1/lib/cli.js', import.meta.url))

/** Names that yarn 1 looks up, as its own code has them between quotes. */
function lookedUp(code: string): readonly string[] {
  const calls = /\bget(?:Registry|RegistryOrGlobal)?Option\((?:registry\w*, )?'([\w-]+)'/g
  const mapped = /^ {2}'([\w-]+)': '([\w-]+)',?$/gm
  const [, defaults = ''] = /\bexports\.DEFAULTS = \{(.*?)\n\};/s.exec(code) ?? []
  const [, aliases = ''] = /\bnpmMap = \{(.*?)\n\};/s.exec(code) ?? []
  const [, relative = ''] = /\bRELATIVE_KEYS = \[(.*?)\];/s.exec(code) ?? []
  return [
    ...[...code.matchAll(calls)].map(([, name = '']) => name),
    ...[...defaults.matchAll(/^ {2}'?([\w-]+)'?:/gm)].map(([, name = '']) => name),
    ...[...aliases.matchAll(mapped)].flatMap(([, ours = '', theirs = '']) => [ours, theirs]),
    ...[...relative.matchAll(/'([\w-]+)'/g)].map(([, name = '']) => name),
  ]
}

/** Options of every command, and of `install`. */
function optionsIn(code: string): readonly string[] {
  const [, install = ''] = /Yarn install is used to install all dependencies(.*?)\n\}/s.exec(code) ?? []
  const all = [...code.matchAll(/\.default\.option\('([^']+)'/g), ...install.matchAll(/\.option\('([^']+)'/g)]
  return all.flatMap(([, flags = '']) => [...flags.matchAll(/--([\w-]+)/g)].map(([, name = '']) => name))
}

test('yarn 1 looks up no setting that is on neither list', () => {
  const names = lookedUp(readFileSync(BUNDLE, 'utf8'))
  for (const name of ['yarn-offline-mirror', 'cache-folder', 'registry', 'git-tag-version', '_authToken', 'env'])
    assert.ok(names.includes(name), name)
  assert.deepEqual(unlisted(settingsIn(YARN_1, '.yarnrc'), names), [])
  const inNpmrc = names.filter((name) => name !== 'yarn-path')
  assert.deepEqual(unlisted(settingsIn(YARN_1, '.npmrc'), inNpmrc), [])
})

test('yarn 1 has no option of every command or of install that is on neither list, with and without the command', () => {
  const options = optionsIn(readFileSync(BUNDLE, 'utf8'))
  for (const option of ['cwd', 'update-checksums', 'no-lockfile', 'pnp', 'production', 'audit'])
    assert.ok(options.includes(option), option)
  const lines = options.flatMap((option) => [`--${option}`, `--install.${option}`])
  assert.deepEqual(unlisted(settingsIn(YARN_1, '.yarnrc'), lines), [])
})

const good = createTarball({ name: 'pkg', version: '1.0.0', files: { 'good.js': '' } })
const evil = createTarball({ name: 'pkg', version: '1.0.0', files: { 'evil.js': '' } })

let registry: Registry
before(async () => {
  registry = await startRegistry()
  registry.publish(good)
})
after(() => registry.close())

const pkgOf = (integrity: string) =>
  `pkg@1.0.0:\n  version "1.0.0"\n  resolved "${registry.url}pkg/-/pkg-1.0.0.tgz#${good.shasum}"\n${integrity}`
const lockfile = () => `# yarn lockfile v1\n\n${pkgOf(`  integrity ${good.integrity}\n`)}`

const ASKED = { dependencies: { pkg: '1.0.0' } }
const FROZEN = ['install', '--frozen-lockfile', '--ignore-scripts']

/** A machine that has never seen yarn has none of these variables, which come before the files of the project. */
function environment({ env }: ManagerProject): Readonly<Record<string, string>> {
  const { YARN_CACHE_FOLDER: _, YARN_GLOBAL_FOLDER: __, YARN_IGNORE_PATH: ___, ...rest } = env
  return rest
}

/** Where evil bytes were installed, and whether anything was. */
async function install(
  args: readonly string[],
  files: Readonly<Record<string, string>>,
  { bytes = good.bytes, prepare }: { readonly bytes?: Buffer; readonly prepare?: (dir: string) => void } = {},
) {
  registry.setTarball('pkg', '1.0.0', bytes)
  const yarnrc = `registry "${registry.url}"\n${files['.yarnrc'] ?? ''}`
  const project = createManagerProject({
    registry: registry.url,
    manifest: ASKED,
    files: { ...files, '.yarnrc': yarnrc },
  })
  try {
    if (!('.yarnrc.yml' in files)) project.write({ '.yarnrc.yml': '' })
    prepare?.(project.dir)
    const { status, output } = await runManager('yarn1', args, { cwd: project.dir, env: environment(project) })
    const there = new Set(readdirSync(project.dir, { recursive: true, encoding: 'utf8' }))
    const has = (file: string) => there.has(file.replaceAll('/', sep))
    return { status, output, has }
  } finally {
    project.dispose()
  }
}

const ofYarn1 = settingsIn(YARN_1, '.yarnrc')

test('yarn 1 without a setting installs the lockfile, and refuses other bytes', async () => {
  const files = { 'yarn.lock': lockfile() }
  const { status, output, has } = await install(FROZEN, files)
  assert.equal(status, 0, output)
  assert.ok(has('node_modules/pkg/good.js'))
  assert.notEqual((await install(FROZEN, files, { bytes: evil.bytes })).status, 0)
})

for (const [file, line] of [
  ['.yarnrc', '--install.cwd "./hidden"\n'],
  ['.yarnrc.yml', '--install.cwd: ./hidden\n'],
] as const) {
  test(`yarn 1 installs another folder with ${line.trim()} in ${file}`, async () => {
    const { refused } = settingsIn(YARN_1, file)
    assert.ok(Object.hasOwn(refused, '--install.cwd') || Object.hasOwn(refused, '--*'))
    const files = {
      'yarn.lock': lockfile(),
      [file]: line,
      'hidden/package.json': JSON.stringify({ name: 'hidden', version: '1.0.0', ...ASKED }),
      'hidden/yarn.lock': pkgOf('').replace(`#${good.shasum}`, ''),
    }
    const { status, output, has } = await install(FROZEN, files, { bytes: evil.bytes })
    assert.equal(status, 0, output)
    assert.ok(has('hidden/node_modules/pkg/evil.js'))
  })
}

const UPDATE = 'update-checksums'
for (const [file, line] of [
  ['.yarnrc', `--install.${UPDATE} true\n`],
  ['.yarnrc', `"--${UPDATE}" true\n`],
] as const) {
  test(`yarn 1 takes any bytes with ${line.trim()} in ${file}`, async () => {
    assert.ok(Object.hasOwn(settingsIn(YARN_1, file).refused, `--install.${UPDATE}`))
    const files = { 'yarn.lock': lockfile(), [file]: line }
    const { status, output, has } = await install(FROZEN, files, { bytes: evil.bytes })
    assert.equal(status, 0, output)
    assert.ok(has('node_modules/pkg/evil.js'))
  })
}

for (const [file, line] of [
  ['.yarnrc', 'yarn-path "./other.cjs"\n'],
  ['.yarnrc.yml', 'yarnPath: ./other.cjs\n'],
] as const) {
  test(`yarn 1 starts another program for ${line.trim()} in ${file}`, async () => {
    const [key = ''] = line.split(/[ :]/)
    assert.ok(Object.hasOwn(settingsIn(YARN_1, file).refused, key))
    const program = 'require("node:fs").writeFileSync("started", "")'
    const files = { 'yarn.lock': lockfile(), [file]: line, 'other.cjs': program }
    const { has } = await install(FROZEN, files)
    assert.deepEqual([has('started'), has('node_modules/pkg')], [true, false])
  })
}

for (const [file, line] of [
  ['.yarnrc', 'cache-folder "./cache"\n'],
  ['.yarnrc', 'preferred-cache-folder "./cache"\n'],
  ['.npmrc', 'cache-folder=./cache\n'],
] as const) {
  test(`yarn 1 compares nothing that it takes from the folder of ${line.trim()} in ${file}`, async () => {
    const [key = ''] = line.split(/[ =]/)
    assert.ok(Object.hasOwn(settingsIn(YARN_1, file).refused, key))
    const files = { 'yarn.lock': lockfile(), [file]: line }
    const cache = createManagerProject({ registry: registry.url })
    try {
      // What a pull request would have in that folder: yarn's own cache, with another file.
      const keep = {
        'yarn.lock': lockfile(),
        '.yarnrc': `registry "${registry.url}"\n`,
        'package.json': JSON.stringify(ASKED),
      }
      cache.write({ ...keep, '.yarnrc.yml': '' })
      const env = { ...environment(cache), YARN_CACHE_FOLDER: join(cache.dir, 'kept') }
      registry.setTarball('pkg', '1.0.0', good.bytes)
      const first = await runManager('yarn1', FROZEN, { cwd: cache.dir, env })
      assert.equal(first.status, 0, first.output)
      const entries = readdirSync(join(cache.dir, 'kept', 'v6')).filter((name) => name.startsWith('npm-pkg-'))
      for (const name of entries) writeFileSync(join(cache.dir, 'kept', 'v6', name, 'node_modules/pkg/evil.js'), '')
      const { status, output, has } = await install(FROZEN, files, {
        prepare: (dir) => cpSync(join(cache.dir, 'kept'), join(dir, 'cache'), { recursive: true }),
      })
      assert.equal(status, 0, output)
      assert.ok(has('node_modules/pkg/evil.js'))
    } finally {
      cache.dispose()
    }
  })
}

test('yarn 1 compares what it takes from an offline mirror with the lockfile', async () => {
  assert.ok(Object.hasOwn(ofYarn1.accepted, 'yarn-offline-mirror'))
  const files = { 'yarn.lock': lockfile(), '.yarnrc': 'yarn-offline-mirror "./mirror"\n', 'mirror/keep': '' }
  const put = (bytes: Buffer) => (dir: string) => writeFileSync(join(dir, 'mirror/pkg-1.0.0.tgz'), bytes)
  const { status, output, has } = await install(FROZEN, files, { prepare: put(good.bytes) })
  assert.equal(status, 0, output)
  assert.ok(has('node_modules/pkg/good.js'))
  assert.notEqual((await install(FROZEN, files, { prepare: put(evil.bytes) })).status, 0)
})

test('yarn 1 compares digests with every setting and option at once that is accepted as true or false', async () => {
  const names = Object.entries(ofYarn1.accepted).flatMap(([name, form]) => (form === 'boolean' ? [name] : []))
  // It asks the registry for advisories, which this one has not.
  const together = names.filter((name) => !name.endsWith('audit'))
  assert.ok(together.length > 30)
  for (const value of ['true', 'false']) {
    const allowed = together.filter((name) => value === 'true' || name !== 'workspaces-experimental')
    const files = {
      'yarn.lock': lockfile(),
      '.yarnrc': allowed.map((name) => `${JSON.stringify(name)} ${value}\n`).join(''),
    }
    const { status, output, has } = await install(FROZEN, files)
    assert.equal(status, 0, output)
    assert.ok(has('node_modules/pkg/good.js'))
    assert.notEqual((await install(FROZEN, files, { bytes: evil.bytes })).status, 0)
  }
})
