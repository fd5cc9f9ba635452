/**
 * pnpm 10 and 11 resolve on while the gate still waits for evidence, and so does a repair on 12: nothing may be linked or
 * run before the last of it has come. Here it comes late.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test'
import { type PnpmVersion, type Project, postinstallsRun, prepareStore, runPnpm } from '../support/pnpm/index.ts'
import { POLICY, startWorld, type World } from '../support/world.ts'
import { FOREIGN, good, linked, PERMISSIVE, VERSIONS } from './stage.ts'

let world: World

before(async () => {
  world = await startWorld()
})
after(() => world.close())
beforeEach(async () => {
  world.registry.reset()
  await world.publish(good('other'))
  await world.publish({ ...good('widget'), dependencies: { evil: '1.0.0' } })
  await world.publish({ ...good('peer'), peerDependencies: { evil: '1.0.0' } })
  await world.publish({ ...good('maybe'), optionalDependencies: { evil: '1.0.0' } })
  await world.publish(good('grown', '1.0.0'))
  await world.publish(good('evil'), FOREIGN)
  world.registry.misbehave({ match: '/attestations/', how: 'late', ms: 1_500 })
})

type Options = Parameters<World['gatedProject']>[0]

interface Way {
  readonly options: Options
  readonly args: readonly string[]
  /** What is locked before, while everything was allowed. */
  readonly locks?: boolean
  readonly meanwhile?: () => Promise<unknown>
}

const app = (name: string, dependencies: Readonly<Record<string, string>>) => ({
  [`apps/${name}/package.json`]: JSON.stringify({ name, version: '1.0.0', dependencies }),
})

const WAYS: Readonly<Record<string, Way>> = {
  install: { options: { dependencies: { widget: '1.0.0' } }, args: ['install'] },
  'an optional dependency': {
    options: { manifest: { optionalDependencies: { evil: '1.0.0' } } },
    args: ['install'],
  },
  'an optional dependency of another': { options: { dependencies: { maybe: '1.0.0' } }, args: ['install'] },
  'an optional dependency for another system': {
    options: {
      manifest: { optionalDependencies: { evil: '1.0.0' } },
      workspace: { supportedArchitectures: { os: ['current'] } },
    },
    args: ['install'],
  },
  'a peer dependency': { options: { dependencies: { peer: '1.0.0' } }, args: ['install'] },
  'an alias': { options: { dependencies: { fine: 'npm:evil@1.0.0' } }, args: ['install'] },
  'an override': {
    options: { dependencies: { other: '1.0.0' }, workspace: { overrides: { other: 'npm:evil@1.0.0' } } },
    args: ['install'],
  },
  add: { options: { dependencies: { other: '1.0.0' } }, args: ['add', 'evil@1.0.0'], locks: true },
  update: {
    options: { dependencies: { grown: '^1.0.0' } },
    args: ['update'],
    locks: true,
    meanwhile: () => world.publish({ ...good('grown', '1.1.0'), dependencies: { evil: '1.0.0' } }),
  },
  dedupe: {
    options: { dependencies: { widget: '1.0.0' } },
    args: ['dedupe'],
  },
  'the hoisted linker': {
    options: { dependencies: { widget: '1.0.0' }, workspace: { nodeLinker: 'hoisted' } },
    args: ['install'],
  },
  'a global virtual store': {
    options: { dependencies: { widget: '1.0.0' }, workspace: { enableGlobalVirtualStore: true } },
    args: ['install'],
  },
  'without a lockfile': {
    options: { dependencies: { widget: '1.0.0' } },
    args: ['install', '--no-lockfile'],
  },
  'a workspace': {
    options: {
      files: { ...app('one', { other: '1.0.0' }), ...app('two', { widget: '1.0.0' }) },
      workspace: { packages: ['apps/*'] },
    },
    args: ['install'],
  },
  'a workspace with a lockfile for each': {
    options: {
      files: { ...app('one', { other: '1.0.0' }), ...app('two', { widget: '1.0.0' }) },
      workspace: { packages: ['apps/*'], sharedWorkspaceLockfile: false },
    },
    args: ['install'],
  },
  'one project of a workspace': {
    options: {
      files: { ...app('one', { other: '1.0.0' }), ...app('two', { widget: '1.0.0' }) },
      workspace: { packages: ['apps/*'] },
    },
    args: ['--filter', 'two', 'install'],
  },
}

async function projectFor(t: TestContext, version: PnpmVersion, { options, locks, meanwhile }: Way): Promise<Project> {
  const workspace = { confirmModulesPurge: false, ...options.workspace }
  const project = world.gatedProject({ ...options, workspace, policy: PERMISSIVE })
  t.after(() => project.dispose())
  if (locks) {
    const { status, output } = await runPnpm(version, ['install', '--lockfile-only'], project)
    assert.equal(status, 0, output)
  }
  await meanwhile?.()
  const rule = '  - packages: ["one", "two", "project"]\n    require: nothing\n'
  writeFileSync(path.join(project.dir, '.sigstorerc'), POLICY.replace('rules:\n', `rules:\n${rule}`))
  return project
}

function assertNothing(project: Project): void {
  const isEvil = (name: string) => /^(?:evil|fine)(?:@|$)/.test(path.basename(name))
  assert.deepEqual(
    postinstallsRun(project).filter((name) => name.startsWith('evil')),
    [],
  )
  assert.deepEqual(linked(project).filter(isEvil), [])
  const all = readdirSync(project.dir, { recursive: true, encoding: 'utf8' })
  assert.deepEqual(all.filter(isEvil), [])
}

for (const version of VERSIONS) {
  describe(`pnpm ${version}`, () => {
    for (const [what, way] of Object.entries(WAYS)) {
      // That combination is refused as such.
      if (version === 10 && way.options.workspace?.sharedWorkspaceLockfile === false) continue
      test(`${what}: a package whose evidence comes late, and refuses it, is neither linked nor run`, async (t) => {
        const project = await projectFor(t, version, way)
        for (const store of ['cold', 'warm'] as const) {
          await prepareStore(version, project, store, { evil: '1.0.0' })
          const { status, flat } = await runPnpm(version, way.args, project)
          assert.notEqual(status, 0, flat)
          assert.match(flat, /evil@1\.0\.0 +WORKFLOW_MISMATCH/)
          assertNothing(project)
        }
      })
    }

    test('a rule that nothing can be found out about stops it, too, also in an optional dependency', async (t) => {
      for (const manifest of [{ dependencies: { widget: '1.0.0' } }, { optionalDependencies: { widget: '1.0.0' } }]) {
        const project = world.gatedProject({ manifest })
        t.after(() => project.dispose())
        writeFileSync(path.join(project.dir, 'trust/trusted_root.json'), '{}')
        const { status, flat } = await runPnpm(version, ['install'], project)
        assert.notEqual(status, 0, flat)
        assert.match(flat, /is not a usable Sigstore trusted root/)
        assert.deepEqual(postinstallsRun(project), [])
        assert.deepEqual(
          linked(project).filter((name) => /^(?:widget|evil)(?:@|$)/.test(name)),
          [],
        )
      }
    })

    test('an install that fails for another reason does not wait for evidence', async (t) => {
      world.registry.behave()
      world.registry.misbehave({ match: '/attestations/', how: 'hang' })
      const project = world.gatedProject({ dependencies: { widget: '1.0.0', missing: '1.0.0' } })
      t.after(() => project.dispose())
      const start = performance.now()
      const { status, flat } = await runPnpm(version, ['install'], project)
      assert.notEqual(status, 0, flat)
      assert.match(flat, /missing/)
      assert.doesNotMatch(flat, /unhandled/i)
      assert.ok(!existsSync(path.join(project.dir, 'node_modules/widget')))
      if (version !== 12) assert.ok(performance.now() - start < 9_000, 'it waited')
    })
  })
}
