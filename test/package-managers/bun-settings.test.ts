import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { BUN_1 } from '../../src/package-managers/bun/settings-1.ts'
import { DENO_2 } from '../../src/package-managers/deno/settings-2.ts'
import { createManagerProject, type ManagerProject, managerCommand, runManager } from '../support/managers/index.ts'
import { createTarball, type Registry, startRegistry } from '../support/registry/index.ts'
import { settingsIn, testList, unlisted } from './lists.ts'

testList(BUN_1)
testList(DENO_2)

const bunfig = settingsIn(BUN_1, 'bunfig.toml')
const dotenv = settingsIn(BUN_1, '.env')

/*
 * bun has no list of its settings, so two things that it does have stand for one. Its program contains the names of
 * [install] that are longer than 16 characters as text, in the order of its code, between two of its messages; shorter
 * ones are compared as numbers, and are in no text. And its help lists the options of the command line: most settings
 * have an option, so that a new option is the time to look for a new setting.
 */

test('the program of bun contains no long name of a setting of [install] that is on neither list', () => {
  const [program] = managerCommand('bun')
  const text = readFileSync(program).toString('latin1')
  const [, part = ''] =
    /Invalid CA\. Expected a string or an array of strings\.(.{50,4000}?)\.bunfig\.toml/s.exec(text) ?? []
  assert.match(part, /minimumReleaseAgeExcludes/)
  const names = [...Object.keys(bunfig.accepted), ...Object.keys(bunfig.refused)].flatMap((name) => name.split('.'))
  const known = [...new Set(names)].toSorted((a, b) => b.length - a.length)
  const messages = /(?:Expected|Invalid) [^.]*?(?=$|[a-z]+[A-Z][a-z]+|Expected|Invalid)/g
  // Messages name settings as well, so names go first.
  const rest = known.reduce((left, name) => left.replaceAll(name, '\n'), part).replaceAll(messages, '\n')
  const unknown = rest.split(/[^A-Za-z]+/).filter((word) => word.length > 2)
  assert.deepEqual(unknown, [])
})

/** Of bun 1.4.5. One that is not here may have a setting of the same name. */
const OPTIONS = [
  'analyze backend ca cache-dir cafile catalog concurrent-scripts config cpu cwd dev dry-run env-file exact filter force',
  'frozen-lockfile global help ignore-scripts libc linker lockfile-only minimum-release-age minimum-release-age-excludes',
  'network-concurrency no-cache no-env-file no-progress no-save no-summary no-verify offline omit only-missing optional os',
  'peer prefer-offline production quiet registry save save-prod save-text-lockfile silent trust use-bundled-ca',
  'use-openssl-ca use-system-ca verbose yarn yes',
]

test('bun install has no option that it had not when the list was made', async () => {
  const project = createManagerProject({ registry: registry.url })
  try {
    const { output } = await runManager('bun', ['install', '--help'], { cwd: project.dir, env: project.env })
    const options = [...output.matchAll(/^\s+(?:-\w, )?--([a-z-]+)/gm)].map(([, name = '']) => name)
    assert.ok(options.length > 40)
    const known = OPTIONS.flatMap((line) => line.split(' '))
    assert.deepEqual(
      options.filter((name) => !known.includes(name)),
      [],
    )
  } finally {
    project.dispose()
  }
})

test('every variable of bun and npm that the program of bun contains is refused in .env', () => {
  const [program] = managerCommand('bun')
  const text = readFileSync(program).toString('latin1')
  const names = new Set(
    [...text.matchAll(/\b(?:BUN_(?:CONFIG|INSTALL)|NPM_CONFIG|npm_config)_\w+/g)].map(([name]) => name),
  )
  assert.ok(names.size > 15)
  assert.deepEqual(unlisted({ accepted: {}, refused: dotenv.refused }, [...names]), [])
})

const good = createTarball({ name: 'pkg', version: '1.0.0', files: { 'good.js': '' } })
const evil = createTarball({ name: 'pkg', version: '1.0.0', files: { 'evil.js': '' } })
const newer = createTarball({ name: 'pkg', version: '1.0.1', files: { 'evil.js': '' } })

let registry: Registry
let lockfile: string
/** bun's cache with the good bytes, one file added to them. */
let poisoned: ManagerProject
before(async () => {
  registry = await startRegistry()
  registry.publish(good)
  poisoned = createManagerProject({ registry: registry.url, manifest: ASKED })
  const { status, output } = await runManager('bun', ['install'], { cwd: poisoned.dir, env: poisoned.env })
  assert.equal(status, 0, output)
  lockfile = readFileSync(join(poisoned.dir, 'bun.lock'), 'utf8')
  const cache = cacheOf(poisoned)
  for (const name of readdirSync(cache)) if (name.startsWith('pkg@')) writeFileSync(join(cache, name, 'evil.js'), '')
  registry.publish(newer)
})
after(async () => {
  poisoned.dispose()
  await registry.close()
})

const ASKED = { dependencies: { pkg: '^1.0.0' } }
const cacheOf = ({ env }: ManagerProject) => env.BUN_INSTALL_CACHE_DIR ?? ''

interface Run {
  readonly files?: Readonly<Record<string, string>>
  /** Lines for [install]. */
  readonly install?: string
  readonly bytes?: Buffer
  /** Where in the project the poisoned cache lies. */
  readonly cache?: string
  readonly variables?: Readonly<Record<string, string>>
}

/** What a frozen install makes of the files. */
async function frozen({ files, install = '', bytes = good.bytes, cache, variables }: Run) {
  registry.setTarball('pkg', '1.0.0', bytes)
  const project = createManagerProject({
    registry: registry.url,
    manifest: ASKED,
    files: { 'bun.lock': lockfile, '.npmrc': '', ...files },
  })
  try {
    const toml = readFileSync(join(project.dir, 'bunfig.toml'), 'utf8')
    project.write({ 'bunfig.toml': `${toml}${install}\n` })
    if (cache !== undefined) cpSync(cacheOf(poisoned), join(project.dir, cache), { recursive: true })
    // A machine that has never seen bun has neither: they would come before the files of the project.
    const { BUN_INSTALL_CACHE_DIR: _, BUN_INSTALL: __, ...env } = project.env
    const run = { cwd: project.dir, env: { ...env, ...variables } }
    const { status, output } = await runManager('bun', ['install', '--frozen-lockfile'], run)
    const has = (file: string) => existsSync(join(project.dir, 'node_modules/pkg', file))
    return { status, output, isGood: has('good.js'), isEvil: has('evil.js') }
  } finally {
    project.dispose()
  }
}

test('bun without a setting installs the lockfile, and refuses other bytes', async () => {
  const { status, output, isGood, isEvil } = await frozen({})
  assert.equal(status, 0, output)
  assert.deepEqual([isGood, isEvil], [true, false])
  const other = await frozen({ bytes: evil.bytes })
  assert.notEqual(other.status, 0)
  assert.equal(other.isEvil, false)
})

for (const file of ['.env', '.env.local', '.env.production', '.env.production.local']) {
  test(`bun compares no digest with BUN_CONFIG_NO_VERIFY in ${file}`, async () => {
    const files = { [file]: 'BUN_CONFIG_NO_VERIFY=1\n' }
    const { status, output, isEvil } = await frozen({ files, bytes: evil.bytes })
    assert.equal(status, 0, output)
    assert.equal(isEvil, true)
  })
}

for (const line of [
  'export BUN_CONFIG_NO_VERIFY=1',
  'BUN_CONFIG_NO_VERIFY: 1',
  '\v\f \tBUN_CONFIG_NO_VERIFY\n = 1',
  '\uFEFFBUN_CONFIG_NO_VERIFY=1',
  '# a comment\rBUN_CONFIG_NO_VERIFY=1',
  'A="\nBUN_CONFIG_NO_VERIFY=1',
]) {
  test(`bun takes ${JSON.stringify(line)} in .env for a variable`, async () => {
    const { status, output, isEvil } = await frozen({ files: { '.env': `${line}\n` }, bytes: evil.bytes })
    assert.equal(status, 0, output)
    assert.equal(isEvil, true)
  })
}

test('bun installs another version than that of the lockfile with BUN_CONFIG_SKIP_LOAD_LOCKFILE in .env', async () => {
  assert.deepEqual(unlisted({ accepted: {}, refused: dotenv.refused }, ['BUN_CONFIG_SKIP_LOAD_LOCKFILE']), [])
  const { status, output, isEvil } = await frozen({ files: { '.env': 'BUN_CONFIG_SKIP_LOAD_LOCKFILE=1\n' } })
  assert.equal(status, 0, output)
  assert.equal(isEvil, true)
})

test('bun installs nothing with BUN_CONFIG_SKIP_INSTALL_PACKAGES in .env, and ends without an error', async () => {
  const { status, output, isGood } = await frozen({ files: { '.env': 'BUN_CONFIG_SKIP_INSTALL_PACKAGES=1\n' } })
  assert.equal(status, 0, output)
  assert.equal(isGood, false)
})

const CACHES: readonly (readonly [string, Run])[] = [
  ['BUN_INSTALL_CACHE_DIR in .env', { files: { '.env': 'BUN_INSTALL_CACHE_DIR=./cache\n' }, cache: 'cache' }],
  ['BUN_INSTALL in .env', { files: { '.env': 'BUN_INSTALL=./cache\n' }, cache: 'cache/install/cache' }],
  ['install.cache.dir', { install: 'cache.dir = "./cache"', cache: 'cache' }],
  ['install.cache = "./cache"', { install: 'cache = "./cache"', cache: 'cache' }],
  ['install.cache = false', { install: 'cache = false', cache: 'node_modules/.cache' }],
  ['install.cache.disable', { install: 'cache.disable = true', cache: 'node_modules/.cache' }],
  ['cache=./cache in .npmrc', { files: { '.npmrc': 'cache=./cache\n' }, cache: 'cache' }],
  ['cache=false in .npmrc', { files: { '.npmrc': 'cache=false\n' }, cache: 'node_modules/.cache' }],
]

test('bun is not told by any accepted value where its cache is', () => {
  assert.deepEqual([bunfig.accepted['install.cache'], bunfig.accepted['install.cache.disable']], [[true], [false]])
  assert.ok(Object.hasOwn(bunfig.refused, 'install.cache.dir'))
  assert.ok(Object.hasOwn(settingsIn(BUN_1, '.npmrc').refused, 'cache'))
})

for (const [title, run] of CACHES) {
  test(`bun compares nothing that it takes from the cache of ${title}`, async () => {
    const { status, output, isEvil } = await frozen(run)
    assert.equal(status, 0, output)
    assert.equal(isEvil, true)
  })
}

test('bun compares digests with every setting at once that is accepted as true or false', async () => {
  const names = Object.entries(bunfig.accepted).flatMap(([name, form]) =>
    form === 'boolean' && /^install\.\w+$/.test(name) ? [name.slice('install.'.length)] : [],
  )
  assert.ok(names.length >= 5)
  for (const value of ['true', 'false']) {
    const install = names.map((name) => `${name} = ${value}`).join('\n')
    const { status, output, isGood, isEvil } = await frozen({ install })
    assert.equal(status, 0, output)
    assert.deepEqual([isGood, isEvil], [true, false])
    assert.notEqual((await frozen({ install, bytes: evil.bytes })).status, 0)
  }
})

for (const linker of ['hoisted', 'isolated']) {
  test(`bun compares digests with linker = "${linker}"`, async () => {
    const install = `linker = "${linker}"`
    const { status, output, isGood } = await frozen({ install })
    assert.equal(status, 0, output)
    assert.equal(isGood, true)
    assert.notEqual((await frozen({ install, bytes: evil.bytes })).status, 0)
  })
}

test('bun reads no other variable of .env that an application may have', async () => {
  const files = { '.env': 'NODE_ENV=production\nCI=1\nDATABASE_URL=postgres://localhost/x\nPORT=3000\n' }
  const { status, output, isGood } = await frozen({ files })
  assert.equal(status, 0, output)
  assert.equal(isGood, true)
})
