/**
 * Config dependencies: pnpm installs them before any hook is loaded, and runs the pnpmfile of those that are called
 * `pnpm-plugin-…`. So `verify` is all that stands before them, and must see each that pnpm would see.
 */
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, beforeEach, describe, type TestContext, test } from 'node:test'
import { type PnpmVersion, type Project, runPnpm } from '../support/pnpm/index.ts'
import { createTarball } from '../support/registry/index.ts'
import { startWorld } from '../support/world.ts'
import { cliProject, endings, lockfileOf, report, verify } from './support.ts'

const world = await startWorld()
after(() => world.close())
beforeEach(() => world.registry.reset())

const widget = { name: 'widget', version: '1.1.0' }
const plugin = { name: 'pnpm-plugin-x', version: '1.0.0' }

function project(t: TestContext, options: Parameters<typeof cliProject>[1]): Project {
  const made = cliProject(world, options)
  t.after(() => made.dispose())
  return made
}

async function pnpm(version: PnpmVersion, made: Project, ...args: readonly string[]): Promise<void> {
  const { status, output } = await runPnpm(version, args, made)
  assert.equal(status, 0, output)
}

describe('as pnpm writes them', () => {
  for (const version of [10, 11, 12] as const) {
    test(`pnpm ${version}: proven, and refused once anything about them is wrong`, async (t) => {
      const pkg = await world.publish(plugin)
      await world.publish(widget)
      const made = project(t, { dependencies: { widget: '1.1.0' } })
      await pnpm(version, made, 'install', '--lockfile-only')
      await pnpm(version, made, 'add', '--config', 'pnpm-plugin-x@1.0.0')
      assert.deepEqual(endings(await report(made)), { 'pnpm-plugin-x@1.0.0': 'proven', 'widget@1.1.0': 'proven' })

      world.registry.setAttestations('pnpm-plugin-x', '1.0.0', undefined)
      // By a machine that has not seen it before.
      const missing = endings(await report(made, '--cache', join(made.root, 'other')))
      assert.deepEqual(missing, { 'pnpm-plugin-x@1.0.0': 'EVIDENCE_MISSING', 'widget@1.1.0': 'proven' })

      world.registry.setAttestations('pnpm-plugin-x', '1.0.0', await world.attest(pkg))
      const evil = createTarball({ ...plugin, files: { 'pnpmfile.cjs': 'evil()' } })
      const file = join(made.dir, version === 10 ? 'pnpm-workspace.yaml' : 'pnpm-lock.yaml')
      const text = readFileSync(file, 'utf8')
      assert.ok(text.includes(pkg.integrity), 'this is where its digest stands')
      writeFileSync(file, text.replace(pkg.integrity, evil.integrity))
      const swapped = endings(await report(made))
      assert.deepEqual(swapped, { 'pnpm-plugin-x@1.0.0': 'DIGEST_MISMATCH', 'widget@1.1.0': 'proven' })
    })
  }
})

test('without a digest anywhere they are refused', async (t) => {
  const pkg = await world.publish(widget)
  await world.publish(plugin)
  const made = project(t, { files: { 'pnpm-lock.yaml': lockfileOf([pkg]) } })
  assert.equal((await verify(made)).status, 0)
  appendFileSync(join(made.dir, 'pnpm-workspace.yaml'), 'configDependencies:\n  pnpm-plugin-x: 1.0.0\n')
  const ended = endings(await report(made))
  assert.deepEqual(ended, { 'widget@1.1.0': 'proven', 'pnpm-plugin-x@1.0.0': 'INTEGRITY_MISSING' })
})

test("a project's own lockfile does not vouch for them: pnpm installs them from the root's, or anew", async (t) => {
  const pkg = await world.publish(plugin)
  const lockfile = `---
lockfileVersion: '9.0'
importers:
  .:
    configDependencies:
      pnpm-plugin-x: { specifier: 1.0.0, version: 1.0.0 }
packages:
  pnpm-plugin-x@1.0.0:
    resolution: { integrity: ${pkg.integrity} }
snapshots:
  pnpm-plugin-x@1.0.0: {}
---
${lockfileOf([await world.publish(widget)])}`
  const workspace = { sharedWorkspaceLockfile: false, configDependencies: { 'pnpm-plugin-x': '1.0.0' } }
  const below = await report(project(t, { files: { 'packages/a/pnpm-lock.yaml': lockfile }, workspace }))
  assert.deepEqual([below.summary.proven, below.summary.codes], [2, { INTEGRITY_MISSING: 1 }])
  const own = await report(project(t, { files: { 'pnpm-lock.yaml': lockfile }, workspace }))
  assert.deepEqual([own.summary.proven, own.summary.codes], [2, {}])
})

test('two digests for one version, in the two places, are both judged', async (t) => {
  const pkg = await world.publish(plugin)
  const evil = createTarball({ ...plugin, files: { 'pnpmfile.cjs': 'evil()' } })
  const pinned = (integrity: string) => ({ configDependencies: { 'pnpm-plugin-x': `1.0.0+${integrity}` } })
  const files = { 'pnpm-lock.yaml': lockfileOf([pkg]) }
  const { summary } = await report(project(t, { files, workspace: pinned(evil.integrity) }))
  assert.deepEqual([summary.total, summary.proven, summary.codes], [2, 1, { DIGEST_MISMATCH: 1 }])
  assert.equal((await verify(project(t, { files, workspace: pinned(pkg.integrity) }))).status, 0)
})

describe('as an attacker hides them: where pnpm runs one, `verify` has refused it', () => {
  /** Of a policy that guards plugins and nothing else: whatever is overlooked, or read under another name, is permitted. */
  const POLICY = `rules:
  - { packages: "pnpm-plugin-*", require: provenance, publisher: { repository: acme/widgets } }
  - { packages: "**", require: nothing }
`
  const evil = createTarball({
    ...plugin,
    files: { 'pnpmfile.cjs': 'require("node:fs").writeFileSync(process.env.POSTINSTALL_MARKERS + "/evil", "")' },
  })
  const PIN = `{ pnpm-plugin-x: 1.0.0+${evil.integrity} }`
  interface Disguise {
    readonly what: string
    /** Appended to pnpm-workspace.yaml. */
    readonly yaml?: string
    readonly manifest?: Readonly<Record<string, unknown>>
    /** The versions of pnpm that fall for it. */
    readonly versions: readonly PnpmVersion[]
  }

  const DISGUISES: readonly Disguise[] = [
    { what: 'not at all', yaml: `configDependencies: ${PIN}\n`, versions: [10, 11, 12] },
    { what: 'a quoted key', yaml: `"config\\u0044ependencies": ${PIN}\n`, versions: [10, 12] },
    { what: 'a tagged key', yaml: `!!str configDependencies: ${PIN}\n`, versions: [10, 12] },
    { what: 'an alias', yaml: `x: &x ${PIN}\nconfigDependencies: *x\n`, versions: [10, 12] },
    { what: 'a merge key', yaml: `<<: { configDependencies: ${PIN} }\n`, versions: [10, 12] },
    { what: 'a merge key inside', yaml: `configDependencies: { <<: ${PIN} }\n`, versions: [10, 12] },
    {
      what: 'a comment that ends at a lone carriage return',
      yaml: `# harmless\rconfigDependencies: ${PIN}\r# harmless\n`,
      versions: [10, 12],
    },
    {
      what: 'a key with a variable in it',
      yaml: `"\${UNSET:-configDependencies}": ${PIN}\n`,
      versions: [10, 11],
    },
    {
      what: 'the `pnpm` field of package.json',
      manifest: { pnpm: { configDependencies: { 'pnpm-plugin-x': `1.0.0+${evil.integrity}` } } },
      versions: [10],
    },
  ]
  for (const { what, yaml = '', manifest = {}, versions } of DISGUISES) {
    for (const version of versions) {
      test(`${what}, pnpm ${version}`, async (t) => {
        const pkg = await world.publish(widget)
        world.registry.publish(evil)
        const files = { 'pnpm-lock.yaml': lockfileOf([pkg]) }
        const made = project(t, { policy: POLICY, manifest, files, dependencies: { widget: '1.1.0' } })
        appendFileSync(join(made.dir, 'pnpm-workspace.yaml'), yaml)
        const { status, stderr } = await verify(made)
        await runPnpm(version, ['install', '--ignore-scripts'], made)
        assert.ok(existsSync(join(made.markersDir, 'evil')), 'pnpm runs it')
        assert.notEqual(status, 0, stderr)
      })
    }
  }
})
