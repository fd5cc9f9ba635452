/** What runs, and what is believed without a look, comes from no place that a restored cache or a repository can fill. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import packageJson from '../../package.json' with { type: 'json' }
import { sourcesDigest } from '../../sources-digest.ts'
import { derivedIn } from '../../src/evidence/derived.ts'
import type { InstallingPnpm } from '../../src/lockfile/identities.ts'
import { packPackages } from '../../src/lockfile/packed.ts'
import { poisonCompiled } from '../support/compile-cache.ts'
import type { Project } from '../support/pnpm/index.ts'
import { CLI, PNPMFILE, startWorld } from '../support/world.ts'
import { cliProject, lockfileOf, runCli } from './support.ts'

const world = await startWorld()
after(() => world.close())
const LOCKFILE = lockfileOf([world.publishUnproven({ name: 'unproven', version: '1.0.0' })])

const poison = mkdtempSync(path.join(tmpdir(), 'poisoned-'))
after(() => rmSync(poison, { recursive: true }))
const bundle = (name: string) => path.join(path.dirname(CLI), name)
const calling = `require(${JSON.stringify(PNPMFILE)}).hooks.preResolution`
poisonCompiled(poison, bundle('main.cjs'), [CLI, '--version'])
poisonCompiled(poison, bundle('hook.cjs'), ['-e', `${calling}({}).catch(() => {})`])

interface Layout {
  readonly env: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  /** What the restored cache, or the checkout, has in the place of DATA. */
  readonly data: string
}

/** Each makes what it needs. `DATA` is what the gate takes for it then. */
const LAYOUTS: Readonly<Record<string, (made: Project) => Layout>> = {
  'DATA in the folder that --cache names': ({ root, env }) => ({
    env: { ...env, XDG_DATA_HOME: path.join(root, 'kept/data') },
    args: ['--cache', path.join(root, 'kept')],
    data: path.join(root, 'kept/data/provenance-gate'),
  }),
  'DATA is a link into CACHE': ({ env }) => {
    const data = path.join(cacheOf(env), 'data')
    link(data, path.join(env.XDG_DATA_HOME ?? '', 'provenance-gate'))
    return { env, data }
  },
  'DATA lies behind a link into CACHE': ({ root, env }) => {
    link(path.join(cacheOf(env), 'share'), path.join(root, 'share'))
    return {
      env: { ...env, XDG_DATA_HOME: path.join(root, 'share') },
      data: path.join(cacheOf(env), 'share/provenance-gate'),
    }
  },
  'DATA lies behind a link of CACHE that leads elsewhere': ({ root, env }) => {
    link(path.join(root, 'elsewhere'), path.join(cacheOf(env), 'way'))
    symlinkSync(path.join(cacheOf(env), 'way'), path.join(root, 'share'))
    return {
      env: { ...env, XDG_DATA_HOME: path.join(root, 'share') },
      data: path.join(root, 'elsewhere/provenance-gate'),
    }
  },
  'DATA beside CACHE in the folder of all caches': ({ env }) => ({
    env: { ...env, XDG_DATA_HOME: path.join(env.XDG_CACHE_HOME ?? '', 'data') },
    data: path.join(env.XDG_CACHE_HOME ?? '', 'data/provenance-gate'),
  }),
  'CACHE in DATA': ({ env }) => ({
    env,
    args: ['--cache', path.join(env.XDG_DATA_HOME ?? '', 'provenance-gate/cache')],
    data: path.join(env.XDG_DATA_HOME ?? '', 'provenance-gate'),
  }),
  'DATA in the project': ({ dir, env }) => ({
    env: { ...env, XDG_DATA_HOME: path.join(dir, '.data') },
    data: path.join(dir, '.data/provenance-gate'),
  }),
  'DATA behind a link into the project': ({ root, dir, env }) => {
    link(path.join(dir, '.data'), path.join(root, 'share'))
    return {
      env: { ...env, XDG_DATA_HOME: path.join(root, 'share') },
      data: path.join(dir, '.data/provenance-gate'),
    }
  },
  'DATA in the repository, above the project': ({ root, env }) => {
    mkdirSync(path.join(root, '.git'))
    return {
      env: { ...env, XDG_DATA_HOME: path.join(root, '.data') },
      data: path.join(root, '.data/provenance-gate'),
    }
  },
}

/** They need --cache, which the hook does not have. */
const BY_OPTION = new Set(['DATA in the folder that --cache names', 'CACHE in DATA'])

function link(target: string, from: string): void {
  for (const folder of [target, path.dirname(from)]) mkdirSync(folder, { recursive: true })
  symlinkSync(target, from)
}

const cacheOf = (env: Readonly<Record<string, string>>) => path.join(env.XDG_CACHE_HOME ?? '', 'provenance-gate')

/** Where the gate looks for its data. */
const dataOf = ({ env }: Layout) => path.join(env.XDG_DATA_HOME ?? '', 'provenance-gate')

function project(t: TestContext): Project {
  const made = cliProject(world, { files: { 'pnpm-lock.yaml': LOCKFILE } })
  t.after(() => made.dispose())
  return made
}

/** With the permissions that an archive can restore. */
function plantCompiled(data: string): void {
  mkdirSync(data, { recursive: true, mode: 0o700 })
  const folder = path.join(data, 'compiled')
  cpSync(poison, folder, { recursive: true })
  chmodSync(folder, 0o700)
}

/** The attacker's key, and beside it under that key that this lockfile has no packages. */
async function plant(made: Project, { env, args, data }: Layout): Promise<void> {
  plantCompiled(data)
  const keyFile = path.join(data, 'key')
  writeFileSync(keyFile, 'k'.repeat(32), { mode: 0o600 })
  const lockfile = path.join(made.dir, 'pnpm-lock.yaml')
  // Written as if from a place where a key may be, for the gate does not sign with such a key any more.
  const away = mkdtempSync(path.join(tmpdir(), 'key-'))
  cpSync(keyFile, path.join(away, 'key'))
  const places = { cache: args?.[1] ?? cacheOf(env), keyFile: path.join(away, 'key') }
  const once = derivedIn(places, `${packageJson.version} ${sourcesDigest()}`)
  const none = packPackages([])
  const empty = { packages: none, projects: [], configDependencies: [] }
  for (const pnpm of ['any', 'from-11.20'] satisfies readonly InstallingPnpm[]) {
    await once(['whole lockfile, by source', lockfile, pnpm], readFileSync(lockfile), () => empty)
    await once(['wanted lockfile, by source', made.dir, pnpm], JSON.stringify(parse(LOCKFILE)), () => none)
  }
  rmSync(away, { recursive: true })
}

const hook = (made: Project, env: Readonly<Record<string, string>>) => {
  const wantedLockfile: unknown = parse(LOCKFILE)
  const context = { lockfileDir: made.dir, registries: { default: world.registry.url }, wantedLockfile }
  const code = `${calling}(${JSON.stringify(context)}).then(() => console.log('passed'), ({ message }) => console.log(message))`
  return promisify(execFile)(process.execPath, ['-e', code], { cwd: made.dir, env: { ...env } })
}

describe('code that somebody else has compiled', () => {
  test('is run where Node is told to: what the other tests bring along would work', async (t) => {
    const made = project(t)
    const env = { ...made.env, NODE_COMPILE_CACHE: poison }
    assert.deepEqual(await runCli(['verify'], { cwd: made.dir, env }), {
      status: 0,
      signal: null,
      stdout: '',
      stderr: '',
    })
    assert.equal((await hook(made, env)).stdout, '')
  })

  test('is not run out of DATA, wherever that is', async (t) => {
    const made = project(t)
    const data = dataOf({ env: made.env, data: '' })
    plantCompiled(data)
    const run = await runCli(['verify'], { cwd: made.dir, env: made.env })
    assert.equal(run.status, 1)
    assert.doesNotMatch(run.stderr, /is not used/)
    assert.ok(existsSync(path.join(data, 'key')))
  })
})

test('what is planted with a key would be believed where the key may be: else the tests below would prove nothing', async (t) => {
  const made = project(t)
  await plant(made, { env: made.env, data: dataOf({ env: made.env, data: '' }) })
  const { status, stderr } = await runCli(['verify'], { cwd: made.dir, env: made.env })
  assert.equal(status, 0, stderr)
  assert.match(stderr, /^0 packages: /m)
  assert.equal((await hook(made, made.env)).stdout, 'passed\n')
})

for (const [title, prepare] of Object.entries(LAYOUTS)) {
  describe(title, () => {
    test('verify runs and believes nothing of it, and says so in one line', async (t) => {
      const made = project(t)
      const layout = prepare(made)
      await plant(made, layout)
      const run = await runCli(['verify', ...(layout.args ?? [])], { cwd: made.dir, env: layout.env })
      assert.equal(run.status, 1, run.stderr)
      assert.match(run.stderr, /EVIDENCE_MISSING/)
      assert.match(run.stderr, /^1 package: 0 proven, .* 1 refused$/m)
      const warnings = run.stderr.split('\n').filter((line) => line.includes('is not used'))
      assert.equal(warnings.length, 1, run.stderr)
      assert.match(warnings[0] ?? '', /^provenance-gate warns: The key .*key is not used: .*XDG_DATA_HOME/)
      assert.equal(readFileSync(path.join(layout.data, 'key'), 'utf8'), 'k'.repeat(32))
    })

    test('no key is made there', async (t) => {
      const made = project(t)
      const layout = prepare(made)
      const run = await runCli(['verify', ...(layout.args ?? [])], { cwd: made.dir, env: layout.env })
      assert.equal(run.status, 1, run.stderr)
      assert.equal(existsSync(path.join(dataOf(layout), 'key')), false)
    })

    if (BY_OPTION.has(title)) return
    test('the hook runs and believes nothing of it', async (t) => {
      const made = project(t)
      const layout = prepare(made)
      await plant(made, layout)
      const { stdout, stderr } = await hook(made, layout.env)
      assert.match(stdout, /provenance-gate refused 1 package\./)
      assert.equal(stderr.match(/is not used/g)?.length, 1)
    })
  })
}
