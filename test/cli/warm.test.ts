/** What a second run does not do: ask anybody, verify anything, or load what would. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import type { Project } from '../support/pnpm/index.ts'
import { CLI, PNPMFILE, startWorld } from '../support/world.ts'
import { cliProject, endings, lockfileOf, report, runCli, startCli, verify } from './support.ts'

const world = await startWorld()
after(() => world.close())

const NAMES = ['widget', '@acme/gadget', 'gizmo']
const packed = await Promise.all(NAMES.map((name) => world.publish({ name, version: '1.0.0' })))

/** A project of three proven packages, with its lockfile. */
async function project(t: TestContext): Promise<Project> {
  const made = cliProject(world, { files: { 'pnpm-lock.yaml': lockfileOf(packed) } })
  t.after(() => made.dispose())
  return made
}

const cacheOf = (made: Project) => path.join(made.env.XDG_CACHE_HOME ?? '', 'provenance-gate')
const dataOf = (made: Project) => path.join(made.env.XDG_DATA_HOME ?? '', 'provenance-gate')
const asked = () => world.registry.requests.filter(({ path: each }) => each.includes('attestations')).length
const PROVEN = Object.fromEntries(NAMES.map((name) => [`${name}@1.0.0`, 'proven']))

/** What a process has loaded at its end: bundles of the gate, and modules of Node that speak to others. */
async function loadedBy(made: Project, args: readonly string[]): Promise<readonly string[]> {
  const spy = path.join(made.root, 'spy.cjs')
  const list = path.join(made.root, 'loaded.json')
  writeFileSync(
    spy,
    `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(list)}, JSON.stringify([
      ...Object.keys(require.cache).map((file) => require('node:path').basename(file)),
      ...process.moduleLoadList.filter((each) => /^NativeModule (https?|tls|worker_threads|http2)$/.test(each)),
    ])))`,
  )
  await promisify(execFile)(process.execPath, ['--require', spy, ...args], { cwd: made.dir, env: made.env })
  return (JSON.parse(readFileSync(list, 'utf8')) as readonly string[]).filter((file) => file !== 'spy.cjs')
}

describe('what is loaded', () => {
  test('by --help: the command line alone', async (t) => {
    assert.deepEqual((await loadedBy(await project(t), [CLI, '--help'])).toSorted(), ['cli.cjs', 'main.cjs'])
  })

  test('by a first run: everything', async (t) => {
    const loaded = await loadedBy(await project(t), [CLI, 'verify'])
    for (const each of ['cold.cjs', 'verifier.cjs', 'NativeModule https']) assert.ok(loaded.includes(each), each)
  })

  test('by a second run: no verifier, no TUF client, no HTTP client, no thread', async (t) => {
    const made = await project(t)
    assert.equal((await verify(made)).status, 0)
    const before = asked()
    assert.deepEqual((await loadedBy(made, [CLI, 'verify'])).toSorted(), ['cli.cjs', 'main.cjs'])
    assert.equal(asked(), before)
  })

  test('by the hook, for pnpm: nothing before it is asked, and then no more than that', async (t) => {
    const made = await project(t)
    assert.equal((await verify(made)).status, 0)
    const lockfile: unknown = parse(readFileSync(path.join(made.dir, 'pnpm-lock.yaml'), 'utf8'))
    const context = { lockfileDir: made.dir, registries: { default: world.registry.url }, wantedLockfile: lockfile }
    const call = (run: string) =>
      loadedBy(made, ['-e', `const { hooks } = require(${JSON.stringify(PNPMFILE)}); ${run}`])
    assert.deepEqual(await call(''), ['pnpmfile.cjs'])
    const before = asked()
    const loaded = await call(`hooks.preResolution(${JSON.stringify(context)})`)
    assert.deepEqual(loaded.toSorted(), ['hook.cjs', 'pnpmfile.cjs'])
    assert.equal(asked(), before, 'the command line and the hook remember together')
  })
})

describe('a folder of documents', () => {
  test('is read and verified on every run, whatever is remembered', async (t) => {
    const made = await project(t)
    assert.deepEqual(endings(await report(made)), PROVEN)
    const empty = path.join(made.root, 'empty')
    mkdirSync(empty)
    for (let round = 0; round < 2; round += 1) {
      const all = Object.values(endings(await report(made, '--attestations', empty)))
      assert.deepEqual(all, ['EVIDENCE_MISSING', 'EVIDENCE_MISSING', 'EVIDENCE_MISSING'])
    }
    assert.deepEqual(endings(await report(made)), PROVEN)
  })
})

describe('the cache', () => {
  test('is where --cache says, and nothing is then in the user’s', async (t) => {
    const made = await project(t)
    const other = path.join(made.root, 'elsewhere')
    assert.equal((await verify(made, '--cache', '../elsewhere')).status, 0)
    assert.deepEqual(readdirSync(other).toSorted(), ['derived', 'evidence', 'proofs', 'pruned'])
    assert.throws(() => readdirSync(cacheOf(made)))
    const before = asked()
    assert.equal((await verify(made, '--cache', '../elsewhere')).status, 0)
    assert.equal(asked(), before)
    assert.equal((await verify(made)).status, 0)
    assert.equal(asked(), before + NAMES.length)
  })

  test('of another machine is verified, and not believed', async (t) => {
    const [theirs, mine] = [await project(t), await project(t)]
    await verify(theirs)
    cpSync(cacheOf(theirs), cacheOf(mine), { recursive: true })
    const before = asked()
    assert.deepEqual(endings(await report(mine)), PROVEN)
    assert.equal(asked(), before, 'its documents are as good as the registry’s')
    // Whoever fills it can put a lockfile's packages and proofs there, but not sign them.
    const loaded = await loadedBy(mine, [CLI, 'verify'])
    assert.ok(!loaded.includes('verifier.cjs'))
    rmSync(dataOf(mine), { recursive: true })
    assert.ok((await loadedBy(mine, [CLI, 'verify'])).includes('verifier.cjs'))
  })

  test('is for the user alone, and so is the key, which lies elsewhere', {
    skip: process.platform === 'win32' && 'no such permissions',
  }, async (t) => {
    const made = await project(t)
    await verify(made)
    for (const folder of [cacheOf(made), dataOf(made)]) {
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        const stats = statSync(path.join(folder, name))
        if (stats.isFile()) assert.equal(stats.mode & 0o077, 0, name)
      }
    }
    assert.deepEqual(readdirSync(dataOf(made)), ['key'])
  })

  test('with a key that others can read is not used', {
    skip: process.platform === 'win32' && 'no such permissions',
  }, async (t) => {
    const made = await project(t)
    await verify(made)
    chmodSync(path.join(dataOf(made), 'key'), 0o644)
    assert.ok((await loadedBy(made, [CLI, 'verify'])).includes('verifier.cjs'))
  })

  test('is not believed where the key lies in it', async (t) => {
    const made = await project(t)
    const env = { ...made.env, XDG_DATA_HOME: made.env.XDG_CACHE_HOME ?? '' }
    assert.equal((await runCli(['verify'], { cwd: made.dir, env })).status, 0)
    assert.deepEqual(readdirSync(cacheOf(made)).toSorted(), ['evidence', 'pruned'])
    assert.ok((await loadedBy({ ...made, env }, [CLI, 'verify'])).includes('verifier.cjs'))
  })

  test('with signatures that are taken from the names of its files is verified', async (t) => {
    const made = await project(t)
    await verify(made)
    for (const folder of ['proofs', 'derived'].map((name) => path.join(cacheOf(made), name))) {
      for (const name of readdirSync(folder)) writeFileSync(path.join(folder, name), `${name.replace('.json', '')}\n`)
    }
    assert.deepEqual(endings(await report(made)), PROVEN)
  })

  test('that cannot be written stops nothing', async (t) => {
    const made = await project(t)
    for (const folder of [made.env.XDG_CACHE_HOME, made.env.XDG_DATA_HOME]) {
      rmSync(folder ?? '', { recursive: true, force: true })
      writeFileSync(folder ?? '', 'a file')
    }
    for (let round = 0; round < 2; round += 1) assert.deepEqual(endings(await report(made)), PROVEN)
  })

  test('is whole after many runs at once, and after any that were killed', async (t) => {
    const made = await project(t)
    await Promise.all(Array.from({ length: 6 }, () => verify(made)))
    for (const delay of [40, 80, 120, 160, 200, 240, 300, 400]) {
      rmSync(cacheOf(made), { recursive: true, force: true })
      const child = startCli(['verify'], { cwd: made.dir, env: made.env })
      const ended = new Promise((resolve) => child.once('close', resolve))
      // Not a wait for something: whatever it is doing then is cut off.
      const timer = setTimeout(() => child.kill('SIGKILL'), delay)
      await ended
      clearTimeout(timer)
      assert.deepEqual(endings(await report(made)), PROVEN)
      assert.deepEqual(endings(await report(made)), PROVEN)
    }
  })

  test('knows a lockfile by its text: one digest that changes is verified', async (t) => {
    const made = await project(t)
    await verify(made)
    const file = path.join(made.dir, 'pnpm-lock.yaml')
    const text = readFileSync(file, 'utf8')
    const other = await world.publish({ name: 'other', version: '1.0.0' })
    const [, own = ''] = /gizmo@1\.0\.0[\s\S]*?integrity: (\S+)/.exec(text) ?? []
    writeFileSync(file, text.replace(own, other.integrity))
    assert.deepEqual(endings(await report(made)), { ...PROVEN, 'gizmo@1.0.0': 'DIGEST_MISMATCH' })
    writeFileSync(file, text)
    assert.deepEqual(endings(await report(made)), PROVEN)
  })

  test('knows a policy by its text: one word that changes decides', async (t) => {
    const made = await project(t)
    await verify(made)
    const file = path.join(made.dir, '.sigstorerc')
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replace('acme/widgets', 'acme/gadgets'))
    assert.deepEqual(new Set(Object.values(endings(await report(made)))), new Set(['REPOSITORY_MISMATCH']))
    writeFileSync(file, text)
    assert.equal((await runCli(['verify'], { cwd: made.dir, env: made.env })).status, 0)
  })

  test('in a folder of the repository is one that a pull request has filled: it proves nothing', async (t) => {
    const [theirs, mine] = [await project(t), await project(t)]
    const folder = path.join(mine.dir, 'cache')
    await verify(theirs)
    mkdirSync(folder)
    cpSync(cacheOf(theirs), folder, { recursive: true })
    for (const name of readdirSync(path.join(folder, 'evidence/documents'), { recursive: true, encoding: 'utf8' })) {
      const file = path.join(folder, 'evidence/documents', name)
      if (statSync(file).isFile()) writeFileSync(file, '{"attestations":[]}')
    }
    const before = asked()
    assert.deepEqual(endings(await report(mine, '--cache', 'cache')), PROVEN)
    assert.equal(asked(), before + NAMES.length)
  })
})
