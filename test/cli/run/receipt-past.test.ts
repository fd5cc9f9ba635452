/**
 * Settings of a pull request that `verify` would refuse, had the policy here not allowed them. Each makes a real package manager
 * install what nobody has judged. `check` says so, also where the manager was started by `run` and came to its end.
 */
import assert from 'node:assert/strict'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test'
import { parse } from 'yaml'
import { allowSettings } from '../../support/allow-settings.ts'
import { markedPackage } from '../../support/pnpm/index.ts'
import { startWorld, type World } from '../../support/world.ts'
import { runCli } from '../support.ts'
import { LOCKFILES, type Runner, type RunProject, runProject, STRICT, through, without } from './support.ts'

let world: World
before(async () => {
  world = await startWorld()
})
after(() => world.close())
beforeEach(async () => {
  world.registry.reset()
  await world.publish({ name: 'widget', version: '1.0.0' })
})

interface Way {
  readonly runners: readonly Runner[]
  /** Adds the settings, once there is a lockfile, and does what else somebody who means harm would. */
  readonly prepare: (project: RunProject, runner: Runner, t: TestContext) => void | Promise<void>
  readonly args?: readonly string[]
  /** Variables of the tests' environment that would outdo the settings. */
  readonly unset?: readonly string[]
  /** The folder that is installed into, from the project. */
  readonly folder?: string
}

const harmful = (version: string) => markedPackage({ name: 'widget', version, files: { 'evil.js': '' } })
const isHarmed = ({ dir }: RunProject, folder = '.') =>
  existsSync(path.join(dir, folder, 'node_modules/widget/evil.js'))

function append({ dir }: RunProject, file: string, text: string): void {
  mkdirSync(path.dirname(path.join(dir, file)), { recursive: true })
  appendFileSync(path.join(dir, file), text)
}

/** A version that nobody has attested, and that package.json takes; the lockfile does not have it. */
function publishNewer(): void {
  world.registry.publish(harmful('1.1.0'))
}

/** The same, which package.json asks for. */
function askForNewer({ dir }: RunProject): void {
  publishNewer()
  const file = path.join(dir, 'package.json')
  writeFileSync(file, readFileSync(file, 'utf8').replace('^1.0.0', '^1.1.0'))
}

/** Other bytes in the place of the proven package, of which nothing is in a cache. */
function replaceBytes({ env }: RunProject): void {
  forgetCaches(env)
  world.registry.setTarball('widget', '1.0.0', harmful('1.0.0').bytes)
}

function forgetCaches({ npm_config_cache = '', BUN_INSTALL_CACHE_DIR = '' }: RunProject['env']): void {
  for (const folder of [npm_config_cache, BUN_INSTALL_CACHE_DIR]) if (folder !== '') rmSync(folder, { recursive: true })
}

/** A server that answers each question of pnpm with a lockfile of its own. */
async function startPnpr(t: TestContext, lockfile: unknown): Promise<string> {
  const server = createServer((request, response) => {
    request.resume()
    response.end(`${JSON.stringify({ type: 'done', lockfile, stats: { totalPackages: 1 } })}\n`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const settings = (runners: readonly Runner[], line: string): Way => ({
  runners,
  prepare: (project) => {
    askForNewer(project)
    append(project, 'pnpm-workspace.yaml', `${line}\n`)
  },
})

const WAYS: Readonly<Record<string, Way>> = {
  'frozen-undone, dedupe': settings(['pnpm10', 'pnpm11'], 'dedupe: true'),
  'frozen-undone, fixLockfile': settings(['pnpm10', 'pnpm11'], 'fixLockfile: true'),
  'frozen-undone, update': settings(['pnpm10'], 'update: true'),
  'pnpr-server': {
    runners: ['pnpm11'],
    prepare: async (project, _, t) => {
      publishNewer()
      const { integrity } = harmful('1.1.0')
      const lockfile = parse(readFileSync(path.join(project.dir, 'pnpm-lock.yaml'), 'utf8'))
      lockfile.importers['.'].dependencies.widget.version = '1.1.0'
      lockfile.packages = { 'widget@1.1.0': { resolution: { integrity } } }
      lockfile.snapshots = { 'widget@1.1.0': {} }
      append(project, 'pnpm-workspace.yaml', `pnprServer: ${await startPnpr(t, lockfile)}\n`)
    },
  },
  'npm-userconfig': {
    runners: ['npm11', 'npm12'],
    unset: ['npm_config_userconfig'],
    prepare: (project) => {
      replaceBytes(project)
      append(project, '.npmrc', 'userconfig=./x\n')
      append(project, 'x', 'install-strategy=linked\n')
    },
  },
  'yarnrc-cwd': {
    runners: ['yarn1'],
    folder: 'hidden',
    prepare: async (project, runner, t) => {
      publishNewer()
      append(project, '.yarnrc', '--install.cwd "./hidden"\n')
      const hidden = runProject(t, world, { dependencies: { widget: '1.1.0' } })
      assert.equal((await without(runner, ['install'], hidden)).status, 0)
      for (const name of ['package.json', 'yarn.lock'])
        cpSync(path.join(hidden.dir, name), path.join(project.dir, 'hidden', name))
    },
  },
  'bun-dotenv, the lockfile not read': {
    runners: ['bun'],
    args: ['install'],
    prepare: (project) => {
      publishNewer()
      forgetCaches(project.env)
      append(project, '.env', 'BUN_CONFIG_SKIP_LOAD_LOCKFILE=1\n')
    },
  },
  'bun-dotenv, nothing compared': {
    runners: ['bun'],
    prepare: (project) => {
      replaceBytes(project)
      append(project, '.env', 'BUN_CONFIG_NO_VERIFY=1\n')
    },
  },
  'bun-dotenv, a cache in the repository': {
    runners: ['bun'],
    unset: ['BUN_INSTALL_CACHE_DIR'],
    prepare: async (project, runner) => {
      append(project, '.env', 'BUN_INSTALL_CACHE_DIR=./x\n')
      assert.equal((await without(runner, STRICT[runner], project)).status, 0)
      rmSync(path.join(project.dir, 'node_modules'), { recursive: true })
      const [name = assert.fail()] = readdirSync(path.join(project.dir, 'x')).filter((each) => /^widget@/.test(each))
      append(project, `x/${name}/evil.js`, '')
    },
  },
}

async function stage(t: TestContext, runner: Runner, { prepare, unset = [] }: Way): Promise<RunProject> {
  const { env, ...made } = runProject(t, world, { dependencies: { widget: '^1.0.0' } })
  const kept = Object.entries(env).filter(([name]) => !unset.includes(name))
  const project = { ...made, env: Object.fromEntries(kept) }
  const { status, output } = await without(runner, ['install'], project)
  assert.equal(status, 0, output)
  rmSync(path.join(project.dir, 'node_modules'), { recursive: true })
  assert.ok(existsSync(path.join(project.dir, LOCKFILES[runner])))
  await prepare(project, runner, t)
  allowSettings(project.dir)
  return project
}

const cli = (command: string, { dir, env }: RunProject, folder = '.') =>
  runCli([command], { cwd: path.join(dir, folder), env })

for (const [what, way] of Object.entries(WAYS)) {
  const { args, folder } = way
  describe(what, () => {
    for (const runner of way.runners) {
      test(`${runner} by itself installs what verify has not judged; check says so`, async (t) => {
        const project = await stage(t, runner, way)
        const verified = await cli('verify', project)
        assert.equal(verified.status, 0, verified.stderr)
        const { output } = await without(runner, args ?? STRICT[runner], project)
        assert.ok(isHarmed(project, folder), output)
        const { status, stderr } = await cli('check', project, folder)
        assert.equal(status, 1, stderr)
        assert.match(stderr, /no receipt/)
      })

      test(`${runner} through run does not install it, or check says so`, async (t) => {
        const project = await stage(t, runner, way)
        const run = await through(runner, args ?? STRICT[runner], project)
        if (!isHarmed(project, folder)) return t.diagnostic(`stopped with ${run.status}`)
        const { status, stderr } = await cli('check', project, folder)
        t.diagnostic(`installed with ${run.status}: ${stderr.split('\n', 3).join(' ')}`)
        assert.equal(status, 1, stderr)
      })
    }
  })
}

test('check in a folder with an install that belongs to no project of the workspace is about that, too', async (t) => {
  const dependencies = { widget: '1.0.0' }
  const project = runProject(t, world, { dependencies })
  const installed = await through('npm11', ['install'], project)
  assert.equal(installed.status, 0, installed.output)
  assert.equal((await cli('check', project)).status, 0)
  const inner = path.join(project.dir, 'inner')
  mkdirSync(path.join(inner, 'src'), { recursive: true })
  writeFileSync(path.join(inner, 'package.json'), JSON.stringify({ dependencies }))
  cpSync(path.join(project.dir, '.npmrc'), path.join(inner, '.npmrc'))
  const past = await without('npm11', ['install', '--ignore-scripts'], { ...project, dir: inner })
  assert.equal(past.status, 0, past.output)
  assert.equal((await cli('check', project)).status, 0)
  for (const folder of ['inner', 'inner/src']) {
    const { status, stderr } = await cli('check', project, folder)
    assert.equal(status, 1, stderr)
    assert.match(stderr, /inner/)
    assert.match(stderr, /no receipt/)
  }
})
