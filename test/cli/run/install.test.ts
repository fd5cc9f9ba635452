/** Real package managers behind the gate: the same result as without it, and nothing of what is refused. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import path from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import { createTarball } from '../../support/registry/index.ts'
import { startWorld } from '../../support/world.ts'
import {
  assertNothingLeft,
  installed,
  isPnpm,
  LOCKFILES,
  marks,
  RUNNERS,
  type Runner,
  result,
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
  await world.publish({ name: 'widget', version: '1.0.0', dependencies: { gizmo: '^1.0.0' } })
  await world.publish({ name: '@acme/gadget', version: '1.0.0' })
  await world.publish({ name: 'evil', version: '1.0.0' }, { identity: { repository: 'https://github.com/other/evil' } })
  world.publishUnproven({ name: 'bare', version: '1.0.0' })
})

const GOOD = { widget: '1.0.0', '@acme/gadget': '^1.0.0' }
const MARKS = ['@acme/gadget@1.0.0', 'gizmo@1.0.0', 'widget@1.0.0']

/** A registry that lies consistently: other bytes, and their digest in the metadata. */
function tamper(name: string): void {
  const { bytes, integrity, shasum } = createTarball({
    ...{ name, version: '1.0.0', files: { 'index.js': 'evil()' } },
    scripts: { postinstall: 'node -e "process.exit(0)"' },
  })
  world.registry.setTarball(name, '1.0.0', bytes)
  world.registry.setDist(name, '1.0.0', { integrity, shasum })
}

/** What each prints of a refusal: some only that there was one, and then the gate's own report says why. */
const OWN_WORDS: Readonly<Record<Runner, RegExp>> = {
  ...{ npm11: /npm error 403 .*provenance-gate refused/, npm12: /npm error 403 .*provenance-gate refused/ },
  ...{
    yarn1: /error .*Request failed "403/,
    yarn4: /Response Code: 403 \(provenance-gate refused/,
    bun: /error: GET .* - 403/,
  },
  ...{ pnpm10: /ERR_PNPM_FETCH_403.*provenance-gate refused/, pnpm11: /ERR_PNPM_FETCH_403.*provenance-gate refused/ },
  pnpm12: /HTTP 403 for/,
}

for (const runner of RUNNERS) {
  describe(runner, () => {
    test('a good project: what is installed, the lockfile and the scripts are those without the gate', async (t) => {
      const gated = runProject(t, world, { dependencies: GOOD })
      const run = await through(runner, ['install'], gated)
      assert.equal(run.status, 0, run.output)
      assert.match(run.stderr, /^3 packages: 3 proven, .* 0 refused$/m)
      assert.deepEqual(marks(gated), MARKS)
      const plain = runProject(t, world, { dependencies: GOOD })
      assert.equal((await without(runner, ['install'], plain)).status, 0)
      assert.deepEqual(result(runner, gated), result(runner, plain))
      assertNothingLeft(gated)
    })

    const refusals = [
      ['evil', 'another publisher', () => {}, 'REPOSITORY_MISMATCH'],
      ['bare', 'missing evidence', () => {}, 'EVIDENCE_MISSING'],
      ['gizmo', 'other bytes than were attested', () => tamper('gizmo'), 'DIGEST_MISMATCH'],
    ] as const
    for (const [name, what, prepare, code] of refusals) {
      test(`${what}: stopped, with package, rule and reason, and nothing of it is installed or run`, async (t) => {
        prepare()
        const project = runProject(t, world, { dependencies: { '@acme/gadget': '1.0.0', [name]: '1.0.0' } })
        const { status, output, flat, stderr } = await through(runner, ['install'], project)
        assert.equal(status, 1, output)
        assert.match(flat, OWN_WORDS[runner])
        for (const said of [`${name}@1.0.0`, code, '.sigstorerc:4', 'found: ', 'expected: '])
          assert.ok(stderr.includes(said), stderr)
        assert.match(stderr, /1 refused$/m)
        assert.deepEqual(installed(project, name), [])
        assert.ok(!marks(project).includes(`${name}@1.0.0`))
        assertNothingLeft(project)
      })
    }

    test('a cache that has it already changes nothing', async (t) => {
      const project = runProject(t, world, { dependencies: { bare: '1.0.0' } })
      assert.equal((await without(runner, ['install'], project)).status, 0)
      assert.ok(installed(project, 'bare').length > 0)
      for (const lost of ['node_modules', LOCKFILES[runner]]) rmSync(path.join(project.dir, lost), { recursive: true })
      rmSync(path.join(project.markersDir, 'bare%401.0.0'))
      const { status, output } = await through(runner, ['install'], project)
      assert.equal(status, 1, output)
      assert.deepEqual([installed(project, 'bare'), marks(project)], [[], []])
    })

    test('with a lockfile and caches: the same again, and what is refused is refused', async (t) => {
      const project = runProject(t, world, { dependencies: GOOD })
      assert.equal((await without(runner, ['install'], project)).status, 0)
      const before = result(runner, project)
      for (const args of [STRICT[runner], ['install']]) {
        rmSync(path.join(project.dir, 'node_modules'), { recursive: true })
        const { status, output, stderr } = await through(runner, args, project)
        assert.equal(status, 0, output)
        assert.match(stderr, /^3 packages: 3 proven/m)
        assert.deepEqual(result(runner, project), before)
      }
      world.registry.setAttestations('gizmo', '1.0.0', undefined)
      for (const args of [STRICT[runner], ['install']]) {
        rmSync(path.join(project.dir, 'node_modules'), { recursive: true, force: true })
        rmSync(path.join(project.env.XDG_CACHE_HOME ?? '', 'provenance-gate'), { recursive: true })
        const { status, output, stderr } = await through(runner, args, project)
        assert.equal(status, 1, output)
        assert.match(stderr, /gizmo@1\.0\.0[\s\S]*EVIDENCE_MISSING/)
        assert.deepEqual(installed(project, 'gizmo'), [])
      }
    })

    test('a new package: added where it is proven, not where it is not', async (t) => {
      const project = runProject(t, world, { dependencies: { widget: '1.0.0' } })
      assert.equal((await without(runner, ['install'], project)).status, 0)
      const command = runner.startsWith('npm') ? 'install' : 'add'
      const refused = await through(runner, [command, 'bare'], project)
      assert.equal(refused.status, 1, refused.output)
      assert.deepEqual(installed(project, 'bare'), [])
      assert.ok(!marks(project).includes('bare@1.0.0'))
      const added = await through(runner, [command, '@acme/gadget'], project)
      assert.equal(added.status, 0, added.output)
      assert.ok(marks(project).includes('@acme/gadget@1.0.0'))
      // And a later install without the gate finds nothing to complain of.
      const later = await without(runner, ['install'], project)
      assert.equal(later.status, 0, later.output)
    })

    test('two at once', async (t) => {
      const projects = [1, 2].map(() => runProject(t, world, { dependencies: GOOD }))
      const runs = await Promise.all(projects.map((project) => through(runner, ['install'], project)))
      for (const { status, output } of runs) assert.equal(status, 0, output)
      for (const project of projects) assert.deepEqual(marks(project), MARKS)
    })

    if (isPnpm(runner)) {
      test('a store that has it already is left alone, and a later install finds its own', async (t) => {
        const project = runProject(t, world, { dependencies: { widget: '1.0.0' } })
        assert.equal((await through(runner, ['install'], project)).status, 0)
        for (const args of [['install'], ['add', '@acme/gadget'], ['remove', '@acme/gadget']]) {
          const run = await without(runner, args, project)
          assert.equal(run.status, 0, run.output)
        }
      })

      test('with --ignore-pnpmfile and without, where the gate is its hook, too', async (t) => {
        const { PNPMFILE } = await import('../../support/world.ts')
        for (const args of [['install'], ['install', '--ignore-pnpmfile']]) {
          const files = { '.pnpmfile.cjs': `module.exports = require(${JSON.stringify(PNPMFILE)})\n` }
          const good = runProject(t, world, { dependencies: GOOD, files })
          const run = await through(runner, args, good)
          assert.equal(run.status, 0, run.output)
          const bad = runProject(t, world, { dependencies: { bare: '1.0.0' }, files })
          const refused = await through(runner, args, bad)
          assert.notEqual(refused.status, 0)
          assert.match(refused.output, /bare@1\.0\.0/)
          assert.deepEqual([installed(bad, 'bare'), marks(bad)], [[], []])
        }
      })
    }
  })
}
