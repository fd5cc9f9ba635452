import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { BERRY_4 } from '../../src/package-managers/yarn-berry/settings-4.ts'
import { createManagerProject, type ManagerProject, runManager } from '../support/managers/index.ts'
import { createTarball, type Registry, startRegistry } from '../support/registry/index.ts'
import { settingsIn, testList, unlisted } from './lists.ts'

testList(BERRY_4)

test('yarn 4 knows no setting that is on neither list', async () => {
  const project = createManagerProject({ registry: registry.url, files: { 'yarn.lock': '' } })
  try {
    const { status, stdout, output } = await runManager('yarn4', ['config', '--json'], {
      cwd: project.dir,
      env: project.env,
    })
    assert.equal(status, 0, output)
    const lines = stdout
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
    const names = lines.map((line) => String((line as { readonly key: unknown }).key))
    assert.ok(names.length > 80)
    assert.deepEqual(unlisted(settingsIn(BERRY_4, '.yarnrc.yml'), [...names, 'plugins']), [])
  } finally {
    project.dispose()
  }
})

const good = createTarball({ name: 'pkg', version: '1.0.0', files: { 'good.js': '' } })
const evil = createTarball({ name: 'pkg', version: '1.0.0', files: { 'evil.js': '' } })

let registry: Registry
before(async () => {
  registry = await startRegistry()
  registry.publish(good)
})
after(() => registry.close())

const ASKED = { dependencies: { pkg: '1.0.0' } }

/** A machine that has never seen yarn has none of these variables, which come before the files of the project. */
function environment({ env }: ManagerProject): Readonly<Record<string, string>> {
  const { YARN_CACHE_FOLDER: _, YARN_GLOBAL_FOLDER: __, YARN_IGNORE_PATH: ___, ...rest } = env
  return rest
}

const ofYarn4 = settingsIn(BERRY_4, '.yarnrc.yml')

const rcWith = (settings: string) =>
  [
    `npmRegistryServer: "${registry.url.replace(/\/$/, '')}"`,
    'unsafeHttpWhitelist: ["127.0.0.1"]',
    'nodeLinker: node-modules',
    'npmMinimalAgeGate: 0',
    'enableTelemetry: false',
    settings,
  ].join('\n')

/** What `yarn install --immutable` makes of settings and a lockfile, from a registry that has these bytes. */
async function immutable(bytes: Buffer, settings: string, lock: string) {
  registry.setTarball('pkg', '1.0.0', bytes)
  const files = { '.yarnrc.yml': rcWith(settings), 'yarn.lock': lock }
  const project = createManagerProject({ registry: registry.url, manifest: ASKED, files })
  try {
    const run = { cwd: project.dir, env: environment(project) }
    const { status, output } = await runManager('yarn4', ['install', '--immutable'], run)
    const has = (file: string) => existsSync(join(project.dir, 'node_modules/pkg', file))
    return { status, output, isGood: has('good.js'), isEvil: has('evil.js') }
  } finally {
    project.dispose()
  }
}

/** A lockfile that yarn 4 itself has written for the good bytes. */
async function berryLockfile(settings: string): Promise<string> {
  registry.setTarball('pkg', '1.0.0', good.bytes)
  const project = createManagerProject({ registry: registry.url, manifest: ASKED, files: { 'yarn.lock': '' } })
  try {
    const file = join(project.dir, '.yarnrc.yml')
    writeFileSync(file, `${readFileSync(file, 'utf8')}npmMinimalAgeGate: 0\n${settings}`)
    const env = environment(project)
    const { status, output } = await runManager('yarn4', ['install', '--no-immutable'], { cwd: project.dir, env })
    assert.equal(status, 0, output)
    return readFileSync(join(project.dir, 'yarn.lock'), 'utf8')
  } finally {
    project.dispose()
  }
}

for (const behaviour of ['update', 'ignore', 'reset']) {
  test(`yarn 4 takes any bytes with checksumBehavior: ${behaviour}, and this value is not accepted`, async () => {
    assert.deepEqual(ofYarn4.accepted.checksumBehavior, ['throw'])
    const lock = await berryLockfile('')
    const { status, output, isEvil } = await immutable(evil.bytes, `checksumBehavior: ${behaviour}\n`, lock)
    assert.equal(status, 0, output)
    assert.equal(isEvil, true)
  })
}

test('yarn 4 compares digests with every setting at once that is accepted as true or false', async () => {
  const names = Object.entries(ofYarn4.accepted).flatMap(([name, form]) => (form === 'boolean' ? [name] : []))
  assert.ok(names.length > 20)
  const lock = await berryLockfile('')
  for (const value of ['true', 'false']) {
    // With these yarn stops: it may download nothing, has no login, or finds a key twice.
    const together = names.filter(
      (name) => !name.includes('.') && !['enableImmutableCache', 'enableTelemetry', 'npmAlwaysAuth'].includes(name),
    )
    const settings = together.map((name) => `${name}: ${value}\n`).join('')
    const { status, output, isGood } = await immutable(good.bytes, settings, lock)
    assert.equal(status, 0, output)
    assert.equal(isGood, true)
    assert.notEqual((await immutable(evil.bytes, settings, lock)).status, 0)
  }
})

for (const level of ['1', 'mixed']) {
  test(`yarn 4 installs no other bytes with compressionLevel: ${level}, whichever the lockfile was written with`, async () => {
    assert.ok(Object.hasOwn(ofYarn4.accepted, 'compressionLevel'))
    for (const written of ['', `compressionLevel: ${level}\n`]) {
      const { status, isEvil } = await immutable(
        evil.bytes,
        `compressionLevel: ${level}\n`,
        await berryLockfile(written),
      )
      assert.notEqual(status, 0)
      assert.equal(isEvil, false)
    }
  })
}
