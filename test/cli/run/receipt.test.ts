/** `provenance-gate check` after installs through `run`, by each package manager. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { POLICY, startWorld } from '../../support/world.ts'
import { runCli } from '../support.ts'
import { LOCKFILES, type Runner, type RunProject, runProject, STRICT, through, without } from './support.ts'

const world = await startWorld()
after(() => world.close())
await world.publish({ name: 'gizmo', version: '1.0.0' })
await world.publish({ name: 'widget', version: '1.0.0', dependencies: { gizmo: '1.0.0' } })
await world.publish({ name: '@acme/gadget', version: '1.0.0' })

const check = (project: RunProject) => runCli(['check'], { cwd: project.dir, env: project.env })

async function assertChecked(project: RunProject, expected: number, what: string): Promise<string> {
  const { status, stderr } = await check(project)
  assert.equal(status, expected, `${what}: ${stderr}`)
  return stderr
}

async function run(runner: Runner, args: readonly string[], project: RunProject): Promise<void> {
  const { status, output } = await through(runner, args, project)
  assert.equal(status, 0, output)
}

const stage = (t: TestContext) => runProject(t, world, { dependencies: { widget: '1.0.0' } })
const forgetModules = ({ dir }: RunProject) => rmSync(path.join(dir, 'node_modules'), { recursive: true, force: true })

const RUNNERS: readonly Runner[] = ['npm11', 'npm12', 'yarn1', 'yarn4', 'bun', 'pnpm11', 'pnpm12']

for (const runner of RUNNERS) {
  describe(`${runner} through run: check`, () => {
    test('passes after an install, after another, and after one that keeps to the lockfile', async (t) => {
      const project = stage(t)
      await run(runner, ['install'], project)
      assert.match(await assertChecked(project, 0, 'install'), /^2 packages in node_modules, installed under the gate/)
      await run(runner, ['install'], project)
      await assertChecked(project, 0, 'a second install')
      await run(runner, [...(runner.startsWith('npm') ? ['install'] : ['add']), '@acme/gadget@1.0.0'], project)
      await assertChecked(project, 0, 'add')
      forgetModules(project)
      await run(runner, STRICT[runner], project)
      await assertChecked(project, 0, 'strict')
    })

    test('refuses what was installed without it, before and after an install with it', async (t) => {
      const project = stage(t)
      assert.equal((await without(runner, ['install'], project)).status, 0)
      assert.match(await assertChecked(project, 1, 'without'), /no receipt/)
      // What is in place stays in place, and comes through no gate.
      await run(runner, ['install'], project)
      assert.match(await assertChecked(project, 1, 'on top'), /in place before the gate/)
      forgetModules(project)
      await run(runner, ['install'], project)
      await assertChecked(project, 0, 'with')
      forgetModules(project)
      assert.equal((await without(runner, ['install'], project)).status, 0)
      assert.match(await assertChecked(project, 1, 'without, afterwards'), /changed or replaced/)
    })
  })
}

describe('a workspace through run: check', () => {
  const gizmo = JSON.stringify({ name: 'one', version: '1.0.0', dependencies: { gizmo: '1.0.0' } })
  const two = JSON.stringify({ name: 'two', version: '1.0.0', dependencies: { one: '1.0.0' } })
  const policy = POLICY.replace('rules:', 'rules:\n  - { packages: [one, two], require: nothing }')
  const workspace = (t: TestContext, files: Readonly<Record<string, string>> = {}) =>
    runProject(t, world, {
      policy,
      dependencies: { widget: '1.0.0' },
      manifest: { private: true, workspaces: ['apps/*'] },
      files: { 'apps/one/package.json': gizmo, 'apps/two/package.json': two, ...files },
    })

  for (const runner of ['npm11', 'npm12', 'yarn1', 'yarn4', 'bun'] as const) {
    test(`passes with a project that nothing depends on: ${runner}`, async (t) => {
      const project = workspace(t)
      await run(runner, ['install'], project)
      await assertChecked(project, 0, 'install')
      await run(runner, STRICT[runner], project)
      await assertChecked(project, 0, 'strict')
    })

    test(`refuses a node_modules that a repository brings in a project: ${runner}`, async (t) => {
      const project = workspace(t)
      await run(runner, ['install'], project)
      for (const folder of ['', 'apps/one', 'apps/two'])
        rmSync(path.join(project.dir, folder, 'node_modules'), { recursive: true, force: true })
      const other = workspace(t, {
        [LOCKFILES[runner]]: readFileSync(path.join(project.dir, LOCKFILES[runner]), 'utf8'),
        'apps/one/node_modules/gizmo/package.json': JSON.stringify({
          name: 'gizmo',
          version: '1.0.0',
          main: 'evil.js',
        }),
        'apps/one/node_modules/gizmo/evil.js': '',
      })
      const { status } = await through(runner, STRICT[runner], other)
      const isThere = existsSync(path.join(other.dir, 'apps/one/node_modules/gizmo/evil.js'))
      t.diagnostic(`ended with ${status}, ${isThere ? 'kept' : 'removed'}`)
      if (isThere) assert.notEqual((await check(other)).status, 0)
    })
  }
})

describe('npm through run: check', () => {
  test('passes after `npm ci` over what was there, for that removes it first', async (t) => {
    const project = stage(t)
    assert.equal((await without('npm11', ['install'], project)).status, 0)
    await run('npm11', ['ci'], project)
    await assertChecked(project, 0, 'ci')
  })

  test('refuses what was there where a setting keeps `npm ci` from removing it', async (t) => {
    const project = stage(t)
    assert.equal((await without('npm11', ['install'], project)).status, 0)
    await run('npm11', ['ci', '--dry-run'], project)
    await assertChecked(project, 1, 'dry run')
  })

  test('refuses what was committed, of which no package manager has noted anything', async (t) => {
    const project = stage(t)
    await run('npm11', ['install'], project)
    forgetModules(project)
    const folder = path.join(project.dir, 'node_modules/widget')
    mkdirSync(folder, { recursive: true })
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name: 'widget', version: '1.0.0' }))
    await run('npm11', ['install'], project)
    await assertChecked(project, 1, 'committed')
  })
})
