/**
 * A stolen token publishes an old version without provenance, and moves `latest` to it: `widget@1.4.99`, while the identity
 * lock knows `widget` from 1.5.0 on. The real pnpm 10, 11 and 12 take it on an update.
 */
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { type PnpmVersion, type Project, postinstallsRun, runPnpm } from '../support/pnpm/index.ts'
import { startWorld } from '../support/world.ts'
import { linked, runCli, VERSIONS } from './stage.ts'

const world = await startWorld()
after(() => world.close())

const POLICY = `trust: { trustedRoot: trust/trusted_root.json, npmKeys: trust/keys.json }
rules: [{ packages: "**", require: nothing, unchanged: true }]
`
const STOLEN = 'widget@1.4.99'

/** A project with `widget@1.5.0`, which its identity lock knows; then the registry gets the other one. */
async function stolen(t: TestContext, version: PnpmVersion): Promise<Project> {
  world.registry.reset()
  await world.publish({ name: 'widget', version: '1.5.0' })
  const project = world.gatedProject({
    dependencies: { widget: '^1.4.0' },
    policy: POLICY,
    files: { 'provenance-lock.yaml': 'version: 2\npackages: {}\n' },
  })
  t.after(() => project.dispose())
  const installed = await runPnpm(version, ['install'], project)
  assert.equal(installed.status, 0, installed.output)
  const accepted = await runCli(version, ['accept'], project)
  assert.equal(accepted.status, 0, accepted.output)
  assert.equal((await runCli(version, ['accept', '--check'], project)).status, 0)
  publishStolen(project, '1.4.99')
  return project
}

/** The machine has no metadata of before: with it, pnpm 11 did not ask the registry again. */
function publishStolen(project: Project, version: string): void {
  world.publishUnproven({ name: 'widget', version })
  rmSync(project.cacheDir, { recursive: true })
}

const lockfileOf = (project: Project) => readFileSync(path.join(project.dir, 'pnpm-lock.yaml'), 'utf8')

for (const version of VERSIONS) {
  describe(`an older version without provenance, with pnpm ${version}`, () => {
    test('is what an update without the gate takes, and verify, accept --check and a frozen install refuse', async (t) => {
      const project = await stolen(t, version)
      const ungated = ['update', 'widget', '--lockfile-only', '--ignore-scripts', '--ignore-pnpmfile']
      assert.equal((await runPnpm(version, ungated, project)).status, 0)
      assert.match(lockfileOf(project), /widget@1\.4\.99/)

      const verified = await runCli(version, ['verify'], project)
      assert.equal(verified.status, 1, verified.output)
      assert.match(verified.output, /widget@1\.4\.99 +│ PROVENANCE_LOST/)
      const explained = await runCli(version, ['explain', 'widget'], project)
      assert.match(explained.output, /since 1\.5\.0 \(line \d+\): https:\/\/github\.com\/acme\/widgets, /)
      assert.match(
        explained.output,
        /provenance-lock\.yaml:\d+; if it is right that it has none: provenance-gate accept widget@1\.4\.99\)/,
      )

      const checked = await runCli(version, ['accept', '--check'], project)
      assert.equal(checked.status, 1, checked.output)
      assert.match(
        checked.output,
        /^- widget@1\.4\.99 {2}has no provenance; expected https:\/\/github\.com\/acme\/widgets/m,
      )
      assert.match(checked.output, /to accept: provenance-gate accept widget@1\.4\.99$/m)

      const frozen = await runPnpm(version, ['install', '--frozen-lockfile'], project)
      assert.notEqual(frozen.status, 0)
      assert.ok(!linked(project).includes(STOLEN))
      assert.ok(!postinstallsRun(project).includes(STOLEN))
    })

    test('is refused under the hook, on an update', async (t) => {
      const project = await stolen(t, version)
      const before = lockfileOf(project)
      const { status, flat } = await runPnpm(version, ['update', 'widget'], project)
      assert.notEqual(status, 0)
      assert.match(flat, /widget@1\.4\.99 +PROVENANCE_LOST/)
      assert.match(flat, /provenance-gate accept widget@1\.4\.99/)
      assert.equal(lockfileOf(project), before)
      assert.ok(!linked(project).includes(STOLEN))
      assert.ok(!postinstallsRun(project).includes(STOLEN))
    })

    test('passes once it was accepted, with its bytes, and no other version with it', async (t) => {
      const project = await stolen(t, version)
      // As docs/policy.md says: the version gets into the lockfile without being installed.
      const policy = path.join(project.dir, '.sigstorerc')
      writeFileSync(policy, POLICY.replace('unchanged: true', 'unchanged: true, mode: warn'))
      const locked = await runPnpm(version, ['update', 'widget', '--lockfile-only', '--ignore-scripts'], project)
      assert.equal(locked.status, 0, locked.output)
      const accepted = await runCli(version, ['accept', STOLEN], project)
      assert.equal(accepted.status, 0, accepted.output)
      writeFileSync(policy, POLICY)
      assert.equal((await runCli(version, ['verify'], project)).status, 0)
      const installed = await runPnpm(version, ['install', '--frozen-lockfile'], project)
      assert.equal(installed.status, 0, installed.output)
      assert.ok(postinstallsRun(project).includes(STOLEN) || linked(project).includes(STOLEN))

      publishStolen(project, '1.4.100')
      const next = await runPnpm(version, ['update', 'widget'], project)
      assert.notEqual(next.status, 0)
      assert.match(next.flat, /widget@1\.4\.100 +PROVENANCE_LOST/)
    })
  })
}
