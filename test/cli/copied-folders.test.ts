/** Folders that are installed as packages: what their package.json asks for is not in the lockfile of every manager. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { POLICY, startWorld } from '../support/world.ts'
import { installed, type Runner, type RunProject, runProject, STRICT, without } from './run/support.ts'
import { runCli } from './support.ts'

const world = await startWorld()
after(() => world.close())
await world.publish({ name: 'widget', version: '1.0.0' })
world.publishUnproven({ name: 'evil', version: '1.0.0' })

const policy = POLICY.replace('rules:', 'rules:\n  - { packages: lib, source: directory, require: nothing }')
const manifest = (name: string, dependencies: Readonly<Record<string, string>>) =>
  JSON.stringify({ name, version: '1.0.0', dependencies })

/** Locked, and without node_modules. */
async function stage(t: TestContext, runner: Runner): Promise<RunProject> {
  const project = runProject(t, world, {
    policy,
    dependencies: { lib: 'file:./lib' },
    files: {
      'lib/package.json': manifest('lib', { widget: '1.0.0' }),
    },
  })
  const { status, output } = await without(runner, ['install'], project)
  assert.equal(status, 0, output)
  rmSync(path.join(project.dir, 'node_modules'), { recursive: true })
  return project
}

const verify = ({ dir, env }: RunProject) => runCli(['verify'], { cwd: dir, env })
const isInstalled = (project: RunProject) => installed(project, 'evil').length > 0

test('is refused of yarn 1 where its package.json asks for what the lockfile does not have: yarn 1 installs that', async (t) => {
  const project = await stage(t, 'yarn1')
  const before = await verify(project)
  assert.equal(before.status, 0, before.stderr)
  writeFileSync(path.join(project.dir, 'lib/package.json'), manifest('lib', { widget: '1.0.0', evil: '1.0.0' }))
  const changed = await verify(project)
  assert.equal(changed.status, 1, changed.stderr)
  assert.match(changed.stderr, /evil@1\.0\.0/)
  assert.match(changed.stderr.replaceAll(/[\s│]/g, ''), /neededbylib@file:\.\/lib,andnotinthelockfile/)
  const run = await without('yarn1', STRICT.yarn1, project)
  assert.equal(run.status, 0, run.output)
  assert.ok(isInstalled(project))
})

/** yarn 1 looks for `./inner` in the root, whoever asks for it. */
const NESTED: readonly (readonly [what: string, files: Readonly<Record<string, string>>, changed: string])[] = [
  [
    'a folder that lib asks for',
    {
      'lib/package.json': manifest('lib', { inner: './inner' }),
      'inner/package.json': manifest('inner', { widget: '1.0.0' }),
    },
    'inner',
  ],
  [
    'a folder that a folder of lib asks for',
    {
      'lib/package.json': manifest('lib', { inner: './lib/inner' }),
      'lib/inner/package.json': manifest('inner', { deep: './deep' }),
      'deep/package.json': manifest('deep', { widget: '1.0.0' }),
    },
    'deep',
  ],
  [
    'one of two folders that ask for each other',
    {
      'lib/package.json': manifest('lib', { inner: './inner' }),
      'inner/package.json': manifest('inner', { lib: './lib', widget: '1.0.0' }),
    },
    'inner',
  ],
]
for (const [what, files, folder] of NESTED)
  test(`is refused of yarn 1 where ${what} asks for what the lockfile does not have`, async (t) => {
    const project = runProject(t, world, {
      policy: policy.replace('packages: lib', 'packages: [lib, inner, deep]'),
      dependencies: { lib: 'file:./lib' },
      files,
    })
    const { status, output } = await without('yarn1', ['install'], project)
    assert.equal(status, 0, output)
    rmSync(path.join(project.dir, 'node_modules'), { recursive: true })
    const before = await verify(project)
    assert.equal(before.status, 0, before.stderr)
    const file = path.join(project.dir, folder, 'package.json')
    const { dependencies } = JSON.parse(readFileSync(file, 'utf8'))
    writeFileSync(file, manifest(folder, { ...dependencies, evil: '1.0.0' }))
    const changed = await verify(project)
    assert.equal(changed.status, 1, changed.stderr)
    assert.match(changed.stderr, /evil@1\.0\.0/)
    const run = await without('yarn1', STRICT.yarn1, project)
    assert.equal(run.status, 0, run.output)
    assert.ok(isInstalled(project))
  })

for (const runner of ['npm11', 'npm12', 'yarn4', 'bun', 'pnpm10', 'pnpm11', 'pnpm12'] as const)
  test(`of ${runner} brings nothing that the lockfile does not have, or verify refuses it`, async (t) => {
    const project = await stage(t, runner)
    const before = await verify(project)
    writeFileSync(path.join(project.dir, 'lib/package.json'), manifest('lib', { widget: '1.0.0', evil: '1.0.0' }))
    const { status } = await verify(project)
    await without(runner, STRICT[runner], project)
    const has = isInstalled(project)
    t.diagnostic(`verify ${before.status}, then ${status}; ${has ? 'installed' : 'not installed'}`)
    assert.ok(status !== 0 || !has)
  })
