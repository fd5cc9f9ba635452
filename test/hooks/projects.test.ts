/**
 * A workspace with one strict app: what only others need is not its business, and what it needs has to be proven, also
 * where the others have it already.
 */
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { allowSettings } from '../support/allow-settings.ts'
import { type PnpmVersion, type Project, postinstallsRun, prepareStore, runPnpm } from '../support/pnpm/index.ts'
import { startWorld, type World } from '../support/world.ts'
import { good, PERMISSIVE, runCli, VERSIONS } from './stage.ts'

let world: World

before(async () => {
  world = await startWorld()
  await world.publish(good('widget'))
  world.publishUnproven(good('deep'))
  world.publishUnproven({ ...good('plain'), dependencies: { deep: '^1.0.0' } })
})
after(() => world.close())

const TRUST = 'trust: { trustedRoot: trust/trusted_root.json, npmKeys: trust/keys.json }\n'
const ROOT = `${TRUST}projects: [apps/strict]\n${PERMISSIVE}`
const STRICT = `rules:
  - { packages: [lib], require: nothing }
  - { packages: '**', require: provenance, publisher: { repository: acme/widgets } }
`

type Dependencies = Readonly<Record<string, string>>
const manifest = (name: string, dependencies: Dependencies) =>
  JSON.stringify({ name, version: '1.0.0', private: true, dependencies })

interface Stage {
  readonly strict?: Dependencies
  readonly lax?: Dependencies
  readonly lib?: Dependencies
  readonly separate?: boolean
}

function stage(
  t: TestContext,
  { strict = {}, lax = {}, lib = {}, separate = false }: Stage,
  files: Readonly<Record<string, string>> = {},
  workspace: Readonly<Record<string, unknown>> = {},
): Project {
  const project = world.gatedProject({
    policy: ROOT,
    workspace: { packages: ['apps/*', 'lib'], ...(separate && { sharedWorkspaceLockfile: false }), ...workspace },
    files: {
      'apps/strict/.sigstorerc': STRICT,
      'apps/strict/package.json': manifest('strict', strict),
      'apps/lax/package.json': manifest('lax', lax),
      'lib/package.json': manifest('lib', lib),
      ...files,
    },
  })
  t.after(() => project.dispose())
  return project
}

interface Ways {
  readonly strict?: Dependencies
  readonly lib?: Dependencies
  /** Lines for pnpm-workspace.yaml. */
  readonly settings?: string
}

function change(project: Project, folder: string, dependencies: Dependencies): void {
  writeFileSync(path.join(project.dir, folder, 'package.json'), manifest(path.basename(folder), dependencies))
}

/** The lockfile is written while `.sigstorerc` of the strict app allows everything. */
async function locked(
  t: TestContext,
  version: PnpmVersion,
  options: Stage,
  files?: Readonly<Record<string, string>>,
  workspace?: Readonly<Record<string, unknown>>,
): Promise<Project> {
  const project = stage(t, options, files, workspace)
  allowSettings(project.dir)
  writeFileSync(path.join(project.dir, 'apps/strict/.sigstorerc'), PERMISSIVE)
  const { status, output } = await runPnpm(version, ['install', '--lockfile-only'], project)
  assert.equal(status, 0, output)
  writeFileSync(path.join(project.dir, 'apps/strict/.sigstorerc'), STRICT)
  return project
}

const lockfile = (project: Project, folder = '') =>
  readFileSync(path.join(project.dir, folder, 'pnpm-lock.yaml'), 'utf8')

function assertNothingRan(project: Project): void {
  assert.deepEqual(postinstallsRun(project), [])
}

/** Of the message, that it is the strict app's policy which does not allow `deep` or `plain`. */
const REFUSED = /(?:deep|plain)@1\.0\.0 +EVIDENCE_MISSING.*rule: +apps\/strict\/\.sigstorerc:3.*policy of: apps\/strict/

for (const version of VERSIONS) {
  describe(`pnpm ${version}`, () => {
    for (const args of [['install'], ['install', '--frozen-lockfile'], ['fetch']]) {
      for (const store of ['cold', 'warm'] as const) {
        test(`\`${args.join(' ')}\`, ${store}: what only others need is installed`, async (t) => {
          const project = await locked(t, version, {
            strict: { widget: '1.0.0', lib: 'workspace:*' },
            lax: { plain: '1.0.0' },
          })
          const { status, output } = await runPnpm(version, args, project, { store })
          assert.equal(status, 0, output)
          if (args[0] === 'install') assert.equal(postinstallsRun(project).length, 3)
        })

        test(`\`${args.join(' ')}\`, ${store}: what the strict app needs is refused, through its dependencies too`, async (t) => {
          const project = await locked(t, version, {
            strict: { lib: 'workspace:*' },
            lib: { plain: '1.0.0' },
            lax: { plain: '1.0.0' },
          })
          const { status, flat } = await runPnpm(version, args, project, { store })
          assert.notEqual(status, 0)
          assert.match(flat, REFUSED)
          assert.match(flat, /needed by: apps\/lax, apps\/strict, lib/)
          assertNothingRan(project)
        })
      }
    }

    const WAYS: Readonly<Record<string, Ways>> = {
      itself: { strict: { plain: '1.0.0' } },
      'by another range': { strict: { plain: '^1.0.0' } },
      'by a catalog': { strict: { widget: '1.0.0', plain: 'catalog:' }, settings: 'catalog: { plain: 1.0.0 }' },
      'through a project of the workspace': { strict: { lax: 'workspace:*' } },
      'through a link': { strict: { lax: 'link:../lax' } },
      'through a project that it has already': { lib: { plain: '1.0.0' } },
      'through an override': { settings: 'overrides: { widget: "npm:plain@1.0.0" }' },
      'through an override that links': { settings: 'overrides: { widget: "link:apps/lax" }' },
      'through a package extension': { settings: 'packageExtensions: { widget: { dependencies: { plain: 1.0.0 } } }' },
    }
    for (const [way, { strict, lib, settings }] of Object.entries(WAYS)) {
      test(`what others have already is refused when the strict app comes to need it ${way}`, async (t) => {
        const project = await locked(t, version, {
          strict: { lib: 'workspace:*', widget: '1.0.0' },
          lax: { plain: '1.0.0' },
        })
        // In the store already, as on any machine that has installed the workspace before.
        await prepareStore(version, project, 'warm')
        if (strict !== undefined) change(project, 'apps/strict', strict)
        if (lib !== undefined) change(project, 'lib', lib)
        if (settings !== undefined) appendFileSync(path.join(project.dir, 'pnpm-workspace.yaml'), `\n${settings}\n`)
        const { status, flat } = await runPnpm(version, ['install', '--no-frozen-lockfile'], project)
        assert.notEqual(status, 0)
        assert.match(flat, /policy of: apps\/strict/)
        assertNothingRan(project)
      })
    }

    test('a new package of the strict app is installed where it is proven', async (t) => {
      const project = await locked(t, version, {})
      change(project, 'apps/strict', { widget: '1.0.0' })
      const { status, output } = await runPnpm(version, ['install', '--no-frozen-lockfile'], project)
      assert.equal(status, 0, output)
    })

    test('a new package of another project is installed, on pnpm 12 after a repair', async (t) => {
      const project = await locked(t, version, { strict: { widget: '1.0.0' }, lax: {} })
      change(project, 'apps/lax', { plain: '1.0.0' })
      const first = await runPnpm(version, ['install', '--no-frozen-lockfile'], project)
      if (version !== 12) return assert.equal(first.status, 0, first.output)
      assert.notEqual(first.status, 0)
      assert.match(first.flat, /Which project needs what, pnpm does not say.*provenance-gate repair install/)
      assertNothingRan(project)
      const repair = await runCli(version, ['repair', 'install', '--no-frozen-lockfile'], project)
      assert.equal(repair.status, 0, repair.output)
      const { status, output } = await runPnpm(version, ['install'], project)
      assert.equal(status, 0, output)
    })

    test('without a lockfile nothing of the strict app is installed that is not proven', async (t) => {
      const project = stage(t, { strict: { plain: '1.0.0' } })
      const { status, flat } = await runPnpm(version, ['install'], project)
      assert.notEqual(status, 0)
      assert.match(flat, REFUSED)
      assertNothingRan(project)
    })

    test('a policy of a project that is not listed is an error', async (t) => {
      const project = await locked(t, version, { lax: { widget: '1.0.0' } })
      writeFileSync(path.join(project.dir, 'apps/lax/.sigstorerc'), STRICT)
      const { status, flat } = await runPnpm(version, ['install'], project)
      assert.notEqual(status, 0)
      assert.match(flat, /apps\/lax\/\.sigstorerc: a policy of which nothing would come/)
      assertNothingRan(project)
    })

    test('a name under which the strict app wants it counts, in time', async (t) => {
      const project = await locked(t, version, { strict: { widget: '1.0.0' }, lax: { plain: '1.0.0' } })
      const strict = `rules: [{ packages: left-pad, require: signature }, { packages: '**', require: nothing }]\n`
      writeFileSync(path.join(project.dir, 'apps/strict/.sigstorerc'), strict)
      await prepareStore(version, project, 'warm')
      change(project, 'apps/strict', { widget: '1.0.0', 'left-pad': 'npm:plain@1.0.0' })
      const { status, flat } = await runPnpm(version, ['install', '--no-frozen-lockfile'], project)
      assert.notEqual(status, 0)
      assert.match(flat, /plain@1\.0\.0 +EVIDENCE_MISSING.*it is installed as "left-pad"/)
      assertNothingRan(project)
    })

    test('a folder that only another project has is installed', async (t) => {
      const vendored = { 'vendor/package.json': '{"name": "vendored", "version": "1.0.0"}' }
      const project = await locked(t, version, { lax: { vendored: 'file:../../vendor' } }, vendored)
      const { status, output } = await runPnpm(version, ['install', '--frozen-lockfile'], project)
      assert.equal(status, 0, output)
    })

    test('what nothing needs any more is left to the root', async (t) => {
      const project = await locked(t, version, { strict: { widget: '1.0.0' }, lax: { plain: '1.0.0' } })
      const text = lockfile(project).replace(/ {2}apps\/lax:\n(?: {4}.*\n)+/, '  apps/lax: {}\n')
      assert.match(text, /plain@1\.0\.0/)
      writeFileSync(path.join(project.dir, 'pnpm-lock.yaml'), text)
      change(project, 'apps/lax', {})
      const { status, output } = await runPnpm(version, ['install', '--frozen-lockfile'], project)
      assert.equal(status, 0, output)
    })

    describe('deploy', () => {
      const workspace = { injectWorkspacePackages: true, ...(version === 10 && { forceLegacyDeploy: true }) }
      test('a deployed app is the app that it is a copy of', async (t) => {
        const project = await locked(t, version, { strict: { plain: '1.0.0' } }, {}, workspace)
        const { status, flat } = await runPnpm(version, ['--filter', 'strict', 'deploy', 'out'], project)
        assert.notEqual(status, 0)
        assert.match(flat, /policy of: apps\/strict/)
        assertNothingRan(project)
      })

      test('another app is deployed', async (t) => {
        const project = await locked(
          t,
          version,
          { strict: { widget: '1.0.0' }, lax: { plain: '1.0.0' } },
          {},
          workspace,
        )
        const { status, output } = await runPnpm(version, ['--filter', 'lax', 'deploy', 'out'], project)
        assert.equal(status, 0, output)
      })

      test('a strict app is deployed where everything is proven', async (t) => {
        const project = await locked(t, version, { strict: { widget: '1.0.0' }, lax: {} }, {}, workspace)
        const { status, output } = await runPnpm(version, ['--filter', 'strict', 'deploy', 'out'], project)
        assert.equal(status, 0, output)
      })
    })

    if (version === 10) return
    test('with a lockfile for each project, each is judged for its own', async (t) => {
      const project = await locked(t, version, {
        strict: { widget: '1.0.0' },
        lax: { plain: '1.0.0' },
        separate: true,
      })
      assert.match(lockfile(project, 'apps/lax'), /plain@1\.0\.0/)
      const fine = await runPnpm(version, ['install', '--frozen-lockfile'], project)
      assert.equal(fine.status, 0, fine.output)
      const verified = await runCli(version, ['verify'], project)
      assert.equal(verified.status, 0, verified.output)

      writeFileSync(path.join(project.dir, 'apps/strict/.sigstorerc'), PERMISSIVE)
      change(project, 'apps/strict', { plain: '1.0.0' })
      assert.equal((await runPnpm(version, ['install', '--lockfile-only', '--no-frozen-lockfile'], project)).status, 0)
      writeFileSync(path.join(project.dir, 'apps/strict/.sigstorerc'), STRICT)
      const refused = await runPnpm(version, ['install', '--frozen-lockfile'], project, { store: 'warm' })
      assert.notEqual(refused.status, 0)
      assert.match(refused.flat, REFUSED)
    })

    test('with a lockfile for each project, what a linked project needs is needed too', async (t) => {
      const project = await locked(t, version, {
        strict: { lib: 'workspace:*' },
        lib: { plain: '1.0.0' },
        separate: true,
      })
      const refused = await runPnpm(version, ['install', '--frozen-lockfile'], project, { store: 'warm' })
      assert.notEqual(refused.status, 0)
      assert.match(refused.flat, REFUSED)
      assertNothingRan(project)
    })
  })
}
