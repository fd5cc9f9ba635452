/**
 * Manifests with other names than package.json. A package manager that reads one which the gate does not read installs what
 * the gate has not judged. Each manager is tried with each of them.
 */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { startWorld, type World } from '../support/world.ts'
import {
  installed,
  LOCKFILES,
  type Runner,
  type RunProject,
  runProject,
  STRICT,
  through,
  without,
} from './run/support.ts'
import { runCli } from './support.ts'

let world: World
before(async () => {
  world = await startWorld()
  await world.publish({ name: 'widget', version: '1.0.0' })
  await world.publish({ name: 'bare', version: '1.0.0' })
})
after(() => world.close())

const NAMES = ['package.json5', 'package.yaml', 'package.jsonc', 'yarn.json', 'deno.json'] as const
const RUNNERS: readonly Runner[] = ['npm12', 'yarn1', 'yarn4', 'bun', 'pnpm10', 'pnpm12']

/** It is YAML and JSON5, too. */
const MEMBER = JSON.stringify({ name: 'app', version: '1.0.0', dependencies: { bare: '1.0.0' } })
const WORKSPACE = { private: true, name: 'root', version: '1.0.0', workspaces: ['app*'] }

function projectOf(t: TestContext, lockfile: Readonly<Record<string, string>> = {}): RunProject {
  return runProject(t, world, {
    dependencies: { widget: '1.0.0' },
    manifest: { workspaces: ['app*'] },
    files: {
      '.git/HEAD': '',
      'pnpm-workspace.yaml':
        'packages: [app*]\ndangerouslyAllowAllBuilds: true\nsideEffectsCache: false\nfetchRetries: 0\n',
      ...lockfile,
    },
  })
}

const lockfiles = new Map<Runner, string>()

/** What the manager writes for a project without `bare`. */
async function locked(t: TestContext, runner: Runner): Promise<RunProject> {
  const name = LOCKFILES[runner]
  const known = lockfiles.get(runner)
  if (known !== undefined) return projectOf(t, { [name]: known })
  const project = projectOf(t)
  const { status, output } = await without(runner, ['install'], project)
  assert.equal(status, 0, output)
  rmSync(path.join(project.dir, 'node_modules'), { recursive: true, force: true })
  lockfiles.set(runner, readFileSync(path.join(project.dir, name), 'utf8'))
  const { status: verified, stderr } = await runCli(['verify'], { cwd: project.dir, env: project.env })
  assert.notEqual(verified, 2, stderr)
  return project
}

function write(project: RunProject, file: string, text: string): void {
  const place = path.join(project.dir, file)
  mkdirSync(path.dirname(place), { recursive: true })
  writeFileSync(place, text)
}

for (const runner of RUNNERS) {
  describe(`${runner} in a workspace`, () => {
    for (const name of NAMES) {
      it(`installs nothing for a project that has ${name} alone, or verify refuses`, async (t) => {
        const project = await locked(t, runner)
        write(project, `app/${name}`, MEMBER)
        const { status, stderr } = await runCli(['verify'], { cwd: project.dir, env: project.env })
        const isRefused = status === 2
        assert.equal(isRefused, runner === 'yarn1' && name === 'yarn.json', stderr)
        await without(runner, STRICT[runner], project)
        const isInstalled = [project, { ...project, dir: path.join(project.dir, 'app') }].some(
          (each) => installed(each, 'bare').length > 0,
        )
        assert.equal(isInstalled, isRefused)
      })
    }
  })
}

describe('a yarn.json', () => {
  const where = (project: RunProject, folder = '.') => ({ cwd: path.join(project.dir, folder), env: project.env })

  it('above makes yarn 1 install from another lockfile, so verify and run refuse it', async (t) => {
    const project = await locked(t, 'yarn1')
    for (const name of ['.npmrc', '.yarnrc', '.sigstorerc'])
      write(project, `app/${name}`, readFileSync(path.join(project.dir, name), 'utf8'))
    write(project, 'app/package.json', MEMBER.replace('bare', 'widget'))
    write(project, 'app/yarn.lock', readFileSync(path.join(project.dir, 'yarn.lock'), 'utf8'))
    rmSync(path.join(project.dir, 'package.json'))
    write(project, 'yarn.json', JSON.stringify(WORKSPACE))

    const { status, stderr } = await runCli(['verify'], where(project, 'app'))
    assert.match(stderr, /\n\s*\.\.\/yarn\.json:1 "yarn\.json": is a manifest for yarn alone/)
    assert.equal(status, 2)
    const app: RunProject = { ...project, dir: path.join(project.dir, 'app') }
    const run = await through('yarn1', STRICT.yarn1, app, { refusesSettings: true })
    assert.match(run.stderr, /\.\.\/yarn\.json:1/)
    assert.equal(run.status, 2)

    const { status: done, output } = await without('yarn1', STRICT.yarn1, app)
    assert.equal(done, 0, output)
    assert.notDeepEqual(installed(project, 'widget'), [])
  })

  for (const text of [JSON.stringify(WORKSPACE), '{}', 'no JSON', '']) {
    it(`beside a lockfile of yarn 1 is refused: ${JSON.stringify(text)}`, async (t) => {
      const project = await locked(t, 'yarn1')
      write(project, 'yarn.json', text)
      const { status, stderr } = await runCli(['verify'], where(project))
      assert.match(stderr, /\n\s*yarn\.json:1 "yarn\.json": is a manifest for yarn alone/)
      assert.equal(status, 2)
    })
  }
})

describe('a .yarnclean', () => {
  /** The text, whether yarn 1 deletes the package's manifest, and the lines that are refused. */
  const cases: readonly (readonly [text: string, deletes: boolean, refused: readonly number[]])[] = [
    ['package.json\n', true, [1]],
    ['# all\n\n*.json\n', true, [3]],
    ['PACKAGE.JSON\n', true, [1]],
    ['*.md\n !no-such-file\n', true, [2]],
    ['*.md\ntest\n.*ignore\r\n', false, []],
    ['!package.json\n# package.json\n!\n', false, []],
  ]
  for (const [text, deletes, refused] of cases) {
    it(`${refused.length > 0 ? 'is refused' : 'passes'} with ${JSON.stringify(text)}`, async (t) => {
      const project = await locked(t, 'yarn1')
      write(project, '.yarnclean', text)
      const { status, stderr } = await runCli(['verify'], { cwd: project.dir, env: project.env })
      assert.equal(status, refused.length > 0 ? 2 : 0, stderr)
      const lines = [...stderr.matchAll(/\.yarnclean:(\d+) ".*": makes yarn delete files/g)].map(([, line]) =>
        Number(line),
      )
      assert.deepEqual(lines, refused)
      await without('yarn1', STRICT.yarn1, project)
      assert.equal(installed(project, 'widget').length === 0, deletes)
    })
  }

  it('as yarn autoclean --init writes it passes', async (t) => {
    const project = await locked(t, 'yarn1')
    const { status, output } = await without('yarn1', ['autoclean', '--init'], project)
    assert.equal(status, 0, output)
    assert.match(readFileSync(path.join(project.dir, '.yarnclean'), 'utf8'), /^\.\*ignore$/m)
    const verified = await runCli(['verify'], { cwd: project.dir, env: project.env })
    assert.equal(verified.status, 0, verified.stderr)
  })

  it('is allowed by a policy that names the pattern', async (t) => {
    const project = await locked(t, 'yarn1')
    write(project, '.yarnclean', 'index.js\n')
    const policy = readFileSync(path.join(project.dir, '.sigstorerc'), 'utf8')
    const entry = '{file: .yarnclean, key: index.js, reason: tried, expires: "2099-12-31"}'
    write(project, '.sigstorerc', `${policy}\nallowSettings: [${entry}]\n`)
    const { status, stderr } = await runCli(['verify'], { cwd: project.dir, env: project.env })
    assert.equal(status, 0, stderr)
  })
})
