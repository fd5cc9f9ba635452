import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createProject, postinstallsRun, prepareStore, runPnpm } from '../support/pnpm/index.ts'
import { createTarball, type PackedPackage } from '../support/registry/index.ts'
import { POLICY, startWorld, type World } from '../support/world.ts'
import { packGate } from './packed.ts'
import { FOREIGN, good, linked, PERMISSIVE, runCli, VERSIONS } from './stage.ts'

const NAME = 'pnpm-plugin-provenance-gate'
/** The rule of `POLICY`, to be shared. */
const RULES = POLICY.slice(POLICY.indexOf('rules:'))

let world: World
let packed: PackedPackage
let contents: readonly string[]

before(async () => {
  world = await startWorld()
  ;({ packed, contents } = await packGate())
  // Proven like everything else: `pnpm fetch` on pnpm 12 and `verify` judge config dependencies, too.
  world.registry.publish(packed, { attestations: await world.attest(packed) })
  await world.publish(good('widget'))
  await world.publish(good('evil'), FOREIGN)
})
after(() => world.close())

test('the package has what a user needs, and nothing else', () => {
  assert.deepEqual(contents, [
    '.sigstorerc.example',
    'LICENSE',
    'README.md',
    'THIRD-PARTY-LICENSES.txt',
    'dist/check.cjs',
    'dist/cli.cjs',
    'dist/cold.cjs',
    'dist/formats.cjs',
    'dist/hook.cjs',
    'dist/main.cjs',
    'dist/policy.schema.json',
    'dist/provenance-lock.schema.json',
    'dist/run.cjs',
    'dist/settings.cjs',
    'dist/verifier.cjs',
    'package.json',
    'pnpmfile.cjs',
    'pnpmfile.d.cts',
  ])
})

test('it has no dependencies: config dependencies cannot have any on pnpm 10', () => {
  const { dependencies, optionalDependencies, peerDependencies } = packed.manifest
  assert.deepEqual([dependencies, optionalDependencies, peerDependencies], [undefined, undefined, undefined])
})

for (const version of VERSIONS) {
  test(`pnpm ${version}: a shared policy that is a config dependency is there before anything is judged`, async (t) => {
    const shared = createTarball({ name: '@acme/policy', version: '1.0.0', files: { 'rc.yaml': RULES } })
    if (version === 10) world.registry.publish(shared, { attestations: await world.attest(shared) })
    const project = world.gatedProject({ dependencies: { evil: '1.0.0' }, policy: PERMISSIVE })
    t.after(() => project.dispose())
    const added = await runPnpm(version, ['add', '--config', '@acme/policy@1.0.0'], project)
    assert.equal(added.status, 0, added.output)
    const own = `${POLICY.slice(0, POLICY.indexOf('rules:'))}extends: '@acme/policy/rc.yaml'\nrules: [{ packages: widget, require: nothing }]\n`
    writeFileSync(path.join(project.dir, '.sigstorerc'), own)
    await prepareStore(version, project, 'cold')
    const { status, flat } = await runPnpm(version, ['install'], project)
    assert.notEqual(status, 0, flat)
    assert.match(flat, /evil@1\.0\.0 +WORKFLOW_MISMATCH/)
    assert.match(flat, /rule: +node_modules\/\.pnpm-config\/@acme\/policy\/rc\.yaml:2/)
  })

  describe(`as a config dependency of pnpm ${version}`, () => {
    for (const [what, dependency, passes] of [
      ['a good package is installed', 'widget', true],
      ['a refused package is neither linked nor run', 'evil', false],
    ] as const) {
      test(what, async (t) => {
        const project = createProject({
          registry: world.registry.url,
          files: world.policyFiles(PERMISSIVE),
          dependencies: { [dependency]: '1.0.0' },
        })
        t.after(() => project.dispose())
        const added = await runPnpm(version, ['add', '--config', `${NAME}@${packed.manifest.version}`], project)
        assert.equal(added.status, 0, added.output)
        const locked = await runPnpm(version, ['install', '--lockfile-only'], project)
        assert.equal(locked.status, 0, locked.output)
        writeFileSync(path.join(project.dir, '.sigstorerc'), POLICY)
        for (const args of [
          ['install', '--frozen-lockfile'],
          ['install', '--no-frozen-lockfile', '--force'],
          ['fetch'],
        ]) {
          await prepareStore(version, project, 'cold')
          const { status, flat } = await runPnpm(version, args, project)
          if (passes) {
            assert.equal(status, 0, flat)
            assert.ok(linked(project).includes(`${dependency}@1.0.0`))
            const checked = await runCli(version, ['check'], project)
            assert.equal(checked.status, 0, `${args.join(' ')}: ${checked.output}`)
          } else {
            assert.notEqual(status, 0, `${args.join(' ')}: ${flat}`)
            assert.match(flat, /evil@1\.0\.0 +WORKFLOW_MISMATCH/)
            assert.deepEqual(
              linked(project).filter((name) => name.startsWith('evil')),
              [],
            )
            assert.deepEqual(postinstallsRun(project), [])
          }
        }
      })
    }
  })
}
