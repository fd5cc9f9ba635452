import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test'
import { type PnpmVersion, type Project, postinstallsRun, prepareStore, runPnpm } from '../support/pnpm/index.ts'
import { startWorld, type World } from '../support/world.ts'
import { FOREIGN, good, linked, lockedProject, runCli, VERSIONS } from './stage.ts'

/**
 * A lockfile holds `widget@1.0.1`, which is refused, beside `other`, which is not; `widget@1.0.2` is proven. The way out
 * never links `widget@1.0.1`, and needs nothing switched off. The store is warm: nothing but the gate stands in the way.
 */
let world: World

before(async () => {
  world = await startWorld()
})
after(() => world.close())
beforeEach(() => world.registry.reset())

async function stage(t: TestContext, version: PnpmVersion): Promise<Project> {
  await world.publish(good('other'))
  await world.publish(good('widget', '1.0.1'), FOREIGN)
  const project = await lockedProject(world, version, {
    dependencies: { widget: '^1.0.0', other: '1.0.0' },
    manifest: {
      scripts: {
        postinstall: "node -e \"require('fs').writeFileSync(process.env.POSTINSTALL_MARKERS + '/project', '')\"",
      },
    },
  })
  t.after(() => project.dispose())
  await prepareStore(version, project, 'warm')
  // pnpm 11 takes metadata that are seconds old for current, and would not see what is published next.
  rmSync(project.cacheDir, { recursive: true, force: true })
  return project
}

const lockfile = (project: Project) => readFileSync(path.join(project.dir, 'pnpm-lock.yaml'), 'utf8')

function assertNothingOfWidget(project: Project): void {
  assert.deepEqual(
    postinstallsRun(project).filter((name) => name.startsWith('widget@1.0.1')),
    [],
  )
  assert.deepEqual(
    linked(project).filter((name) => name === 'widget@1.0.1'),
    [],
  )
}

for (const version of VERSIONS) {
  describe(`pnpm ${version}`, () => {
    test('a plain install is refused, and says how to repair the lockfile', async (t) => {
      const project = await stage(t, version)
      const { status, flat } = await runPnpm(version, ['install'], project)
      assert.notEqual(status, 0)
      assert.match(flat, /widget@1\.0\.1 +WORKFLOW_MISMATCH/)
      assert.match(flat, /provenance-gate repair update NAME/)
      assert.deepEqual(linked(project), [])
      assert.deepEqual(postinstallsRun(project), [])
    })

    for (const [what, args] of [
      ['update', ['repair', 'update', 'widget']],
      ['remove', ['repair', 'remove', 'widget']],
    ] as const) {
      test(`provenance-gate repair ${what}: the lockfile is repaired, nothing is linked or run`, async (t) => {
        const project = await stage(t, version)
        await world.publish(good('widget', '1.0.2'))
        const { status, output } = await runCli(version, args, project)
        assert.equal(status, 0, output)
        assert.doesNotMatch(lockfile(project), /widget@1\.0\.1/)
        assert.match(lockfile(project), what === 'update' ? /widget@1\.0\.2/ : /other@1\.0\.0/)
        assert.ok(!existsSync(path.join(project.dir, 'node_modules')), 'nothing is linked')
        assert.deepEqual(postinstallsRun(project), [])

        const installed = await runPnpm(version, ['install'], project)
        assert.equal(installed.status, 0, installed.output)
        assert.ok(linked(project).includes(what === 'update' ? 'widget@1.0.2' : 'other@1.0.0'))
        assertNothingOfWidget(project)
      })
    }

    test('provenance-gate repair install, which changes nothing, does not say that it has', async (t) => {
      const project = await stage(t, version)
      const { status, output } = await runCli(version, ['repair', 'install'], project)
      assert.equal(status, 1, output)
      assert.match(output, /widget@1\.0\.1/)
      assert.match(output, /The lockfile still holds what is refused above/)
      assert.deepEqual(linked(project), [])
    })

    test('provenance-gate repair update to a version that is refused again fails, and links nothing', async (t) => {
      const project = await stage(t, version)
      await world.publish(good('widget', '1.0.3'), FOREIGN)
      const { status, output } = await runCli(version, ['repair', 'update', 'widget'], project)
      assert.equal(status, 1, output)
      assert.match(output, /widget@1\.0\.3/)
      assert.deepEqual(linked(project), [])
    })

    for (const args of [['install'], ['add', 'other@1.0.0'], ['install', '--frozen-lockfile']]) {
      test(`with the repair's variable exported, pnpm ${args.join(' ')} links and runs nothing of a refused package`, async (t) => {
        const project = await stage(t, version)
        await runPnpm(version, args, project, { env: { PROVENANCE_GATE_REPAIR: '1' } })
        assertNothingOfWidget(project)
        assert.deepEqual(postinstallsRun(project), [])
      })
    }
  })
}

for (const version of [10, 11] as const) {
  describe(`pnpm ${version} knows its command`, () => {
    for (const args of [
      ['update', 'widget'],
      ['remove', 'widget'],
    ]) {
      test(`pnpm ${args.join(' ')} repairs the lockfile without linking what it replaces`, async (t) => {
        const project = await stage(t, version)
        await world.publish(good('widget', '1.0.2'))
        const { status, output } = await runPnpm(version, args, project)
        assert.equal(status, 0, output)
        assert.doesNotMatch(lockfile(project), /widget@1\.0\.1/)
        assertNothingOfWidget(project)
      })
    }

    test('pnpm update that leaves the refused package where it is is refused before it links', async (t) => {
      const project = await stage(t, version)
      const { status, flat } = await runPnpm(version, ['update', 'other'], project)
      assert.notEqual(status, 0)
      assert.match(flat, /widget@1\.0\.1 +WORKFLOW_MISMATCH/)
      assertNothingOfWidget(project)
    })

    test('with an option before the command it is not beyond doubt: the lockfile is judged as it is', async (t) => {
      const project = await stage(t, version)
      await world.publish(good('widget', '1.0.2'))
      const { status, flat } = await runPnpm(version, ['--filter', 'project', 'update', 'widget'], project)
      assert.notEqual(status, 0)
      assert.match(flat, /provenance-gate repair update NAME/)
      assertNothingOfWidget(project)
    })
  })
}
