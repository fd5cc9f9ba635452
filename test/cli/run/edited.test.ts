/** What somebody has written into package.json, or taken out of the lockfile, and a registry has to be asked for. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import { MANAGERS } from '../../support/managers/index.ts'
import { startWorld } from '../../support/world.ts'
import {
  assertNothingLeft,
  installed,
  LOCKFILES,
  marks,
  type Runner,
  type RunProject,
  runProject,
  STRICT,
  through,
  without,
} from './support.ts'

const world = await startWorld()
after(() => world.close())
beforeEach(async () => {
  world.registry.reset()
  world.registry.setKeys(world.sigstore.npmKeys)
  await world.publish({ name: 'gizmo', version: '1.0.0' })
  await world.publish({ name: 'gizmo', version: '2.0.0' })
  await world.publish({ name: 'widget', version: '1.0.0' })
  await world.publish({ name: 'widget', version: '2.0.0' })
  world.publishUnproven({ name: 'bare', version: '1.0.0' })
  world.publishUnproven({ name: 'gizmo', version: '3.0.0' })
})

type Dependencies = Readonly<Record<string, string>>

/** With a lockfile and node_modules of what is asked for first; then package.json asks for something else. */
async function edited(
  t: Parameters<typeof runProject>[0],
  runner: Runner,
  dependencies: Dependencies,
  then: Dependencies,
  more: object = {},
): Promise<RunProject> {
  const project = runProject(t, world, { dependencies })
  const run = await without(runner, ['install'], project)
  assert.equal(run.status, 0, run.output)
  const file = path.join(project.dir, 'package.json')
  const manifest = { ...JSON.parse(readFileSync(file, 'utf8')), dependencies: then, ...more }
  project.write({ 'package.json': JSON.stringify(manifest) })
  forget(project)
  return project
}

function forget({ markersDir }: RunProject): void {
  for (const mark of readdirSync(markersDir)) rmSync(path.join(markersDir, mark))
}

function lockfileOf(runner: Runner, { dir }: RunProject): string {
  return readFileSync(path.join(dir, LOCKFILES[runner]), 'utf8')
}

/** Of a package in node_modules of the project itself. */
function versionOf({ dir }: RunProject, name: string): unknown {
  const file = path.join(dir, 'node_modules', name, 'package.json')
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : undefined
}

for (const runner of MANAGERS) {
  describe(`${runner} install, after package.json was edited`, () => {
    test('installs a proven dependency that was added', async (t) => {
      const project = await edited(t, runner, { widget: '1.0.0' }, { widget: '1.0.0', gizmo: '^1.0.0' })
      const { status, output } = await through(runner, ['install'], project)
      assert.equal(status, 0, output)
      assert.equal(versionOf(project, 'gizmo'), '1.0.0')
      assert.ok(marks(project).includes('gizmo@1.0.0'))
      assert.match(lockfileOf(runner, project), /gizmo/)
      assertNothingLeft(project)
    })

    test('installs a proven version of a range that was changed', async (t) => {
      const project = await edited(t, runner, { gizmo: '^1.0.0' }, { gizmo: '^2.0.0' })
      const { status, output } = await through(runner, ['install'], project)
      assert.equal(status, 0, output)
      assert.equal(versionOf(project, 'gizmo'), '2.0.0')
    })

    test('refuses an unproven dependency that was added, and installs nothing of it', async (t) => {
      const project = await edited(t, runner, { widget: '1.0.0' }, { widget: '1.0.0', bare: '^1.0.0' })
      const { status, stderr, output } = await through(runner, ['install'], project)
      assert.equal(status, 1, output)
      assert.match(stderr, /bare@1\.0\.0/)
      assert.doesNotMatch(stderr, /was not started/)
      assert.deepEqual([installed(project, 'bare'), marks(project).includes('bare@1.0.0')], [[], false])
      assertNothingLeft(project)
    })

    test('refuses an unproven version of a range that was changed, and installs nothing of it', async (t) => {
      const project = await edited(t, runner, { gizmo: '^1.0.0' }, { gizmo: '^3.0.0' })
      const { status, stderr, output } = await through(runner, ['install'], project)
      assert.equal(status, 1, output)
      assert.match(stderr, /gizmo@3\.0\.0/)
      assert.doesNotMatch(stderr, /was not started/)
      assert.notEqual(versionOf(project, 'gizmo'), '3.0.0')
      assert.equal(marks(project).includes('gizmo@3.0.0'), false)
    })

    test('refuses an unproven package under the alias of a proven one', async (t) => {
      const project = await edited(t, runner, { widget: '1.0.0' }, { widget: '1.0.0', gizmo: 'npm:bare@^1.0.0' })
      const { status, stderr, output } = await through(runner, ['install'], project)
      assert.equal(status, 1, output)
      assert.match(stderr, /bare@1\.0\.0/)
      assert.deepEqual([versionOf(project, 'gizmo'), marks(project).includes('bare@1.0.0')], [undefined, false])
    })

    test('refuses what no registry has before anything is started', async (t) => {
      const project = await edited(t, runner, {}, {})
      for (const spec of ['git+file:///nowhere/x.git', 'github:acme/gizmo', 'file:./vendored']) {
        project.write({
          'package.json': JSON.stringify({ name: 'project', version: '0.0.0', dependencies: { gizmo: spec } }),
          'vendored/package.json': '{"name":"gizmo","version":"1.0.0"}',
        })
        const { status, stdout, stderr } = await through(runner, ['install'], project)
        assert.deepEqual([status, stdout], [1, ''], spec)
        assert.match(stderr, /gizmo[\s\S]*was not started/)
        assert.deepEqual([installed(project, 'gizmo'), marks(project)], [[], []])
      }
    })
  })
}

for (const runner of ['npm11', 'npm12', 'yarn1'] as const) {
  test(`${runner} ${STRICT[runner].join(' ')}: what the lockfile lacks is refused before it is started, proven or not`, async (t) => {
    const project = await edited(t, runner, { widget: '1.0.0' }, { widget: '1.0.0', gizmo: '^1.0.0' })
    const { status, stdout, stderr } = await through(runner, STRICT[runner], project)
    assert.deepEqual([status, stdout], [1, ''])
    assert.match(stderr, /gizmo[\s\S]* was not started: its lockfile has what is refused above/)
    assert.deepEqual(marks(project), [])
  })
}

for (const runner of ['npm11', 'npm12'] as const) {
  describe(runner, () => {
    test('other commands than a plain install work after an edit', async (t) => {
      for (const args of [
        ['install', 'widget@2.0.0'],
        ['install', '--package-lock-only'],
        ['update', 'gizmo'],
      ]) {
        const project = await edited(t, runner, { widget: '1.0.0' }, { widget: '1.0.0', gizmo: '^1.0.0' })
        const { status, output } = await through(runner, args, project)
        assert.equal(status, 0, `${args.join(' ')}: ${output}`)
        assert.match(lockfileOf(runner, project), /gizmo-1\.0\.0\.tgz/)
      }
    })

    test('install --package-lock-only writes an unproven one, and the lockfile is refused afterwards', async (t) => {
      const project = await edited(t, runner, { widget: '1.0.0' }, { widget: '1.0.0', bare: '1.0.0' })
      const { status, stderr, output } = await through(runner, ['install', '--package-lock-only'], project)
      assert.equal(status, 1, output)
      assert.match(stderr, /bare@1\.0\.0/)
      assert.deepEqual(installed(project, 'bare'), [])
    })

    test('an entry without sha512 that is removed from the lockfile is looked up, and gets one', async (t) => {
      const project = await edited(t, runner, { gizmo: '^1.0.0' }, { gizmo: '^1.0.0' })
      const lockfile = JSON.parse(lockfileOf(runner, project))
      delete lockfile.packages['node_modules/gizmo']
      project.write({ 'package-lock.json': JSON.stringify(lockfile) })
      rmSync(path.join(project.dir, 'node_modules'), { recursive: true })
      const { status, output } = await through(runner, ['install'], project)
      assert.equal(status, 0, output)
      assert.match(lockfileOf(runner, project), /"integrity": "sha512-/)
    })

    test('an override of a registry is left to the proxy, and one of a repository is not', async (t) => {
      const asked = { gizmo: '^1.0.0' }
      const good = await edited(t, runner, asked, asked, {
        overrides: { gizmo: '2.0.0' },
        dependencies: { gizmo: '2.0.0' },
      })
      const run = await through(runner, ['install'], good)
      assert.equal(run.status, 0, run.output)
      assert.equal(versionOf(good, 'gizmo'), '2.0.0')
      const bad = await edited(
        t,
        runner,
        { widget: '1.0.0' },
        { widget: '1.0.0', bare: '1.0.0' },
        {
          overrides: { bare: 'github:acme/bare' },
        },
      )
      const { status, stderr } = await through(runner, ['install'], bad)
      assert.equal(status, 1)
      assert.match(stderr, /bare[\s\S]*was not started/)
    })
  })
}

test('yarn1: an entry that is removed from the lockfile is looked up', async (t) => {
  const project = await edited(t, 'yarn1', { gizmo: '^1.0.0' }, { gizmo: '^1.0.0' })
  project.write({ 'yarn.lock': '# yarn lockfile v1\n' })
  rmSync(path.join(project.dir, 'node_modules'), { recursive: true })
  const { status, output } = await through('yarn1', ['install'], project)
  assert.equal(status, 0, output)
  assert.match(lockfileOf('yarn1', project), /integrity sha512-/)
})

test('yarn1: a tag that is the name of a folder is refused before it is started', async (t) => {
  const project = await edited(t, 'yarn1', { widget: '1.0.0' }, { widget: '1.0.0', gizmo: 'next' })
  project.write({ 'next/package.json': '{"name":"gizmo","version":"1.0.0"}' })
  const { status, stderr } = await through('yarn1', ['install'], project)
  assert.equal(status, 1)
  assert.match(stderr, /gizmo[\s\S]*was not started/)
  assert.deepEqual(installed(project, 'gizmo'), [])
})
