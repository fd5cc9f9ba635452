/** Large workspaces through every command and the hook. Each took minutes, or gigabytes, or both. */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import type { JsonReport } from '../../src/report/json.ts'
import { largeWorkspace, lockedPackages } from '../support/large-workspace.ts'
import { runPnpm } from '../support/pnpm/index.ts'
import { startWorld } from '../support/world.ts'
import { cliProject, runCli, TRUST_FLAGS, writeDocuments } from './support.ts'

const world = await startWorld()
after(() => world.close())

const TRUST = 'trust: { trustedRoot: trust/trusted_root.json, npmKeys: trust/keys.json }'
const ONE = `${TRUST}
rules:
  - { packages: refused, require: provenance, publisher: { repository: acme/widgets } }
  - { packages: "**", require: nothing }
`
const ALL = `${TRUST}
rules: [{ packages: "**", require: provenance, publisher: { repository: acme/widgets } }]
`
/** A few seconds are meant. `runCli` ends what takes a minute. */
const LONG = { timeout: 120_000 }
const ASTRO = largeWorkspace(547, lockedPackages(2000))

describe('a workspace of 547 projects with 2,000 packages, of which one is refused', LONG, () => {
  const project = cliProject(world, { policy: ONE, files: ASTRO.files })
  after(() => project.dispose())
  const attestations = ['--attestations', writeDocuments(project, {})]
  const run = (...args: readonly string[]) => runCli(args, { cwd: project.dir, env: project.env })

  test('verify says so on one screen', async () => {
    const { status, stderr } = await run('verify', ...attestations)
    assert.equal(status, 1)
    assert.match(stderr.replaceAll(/[\s│]+/g, ' '), /project-0004, … and 542 more/)
    assert.match(stderr, /^2000 packages: 0 proven, 1999 permitted, 0 warned, 0 excepted, 1 refused$/m)
    assert.ok(stderr.split('\n').length < 20, stderr)
  })

  test('verify --json names each set of projects once', async () => {
    const { status, stdout } = await run('verify', '--json', ...attestations)
    assert.equal(status, 1)
    assert.ok(stdout.length < 5_000_000, String(stdout.length))
    const { projectSets, packages } = JSON.parse(stdout) as JsonReport
    const refused = packages.find(({ status }) => status === 'refused')
    assert.deepEqual(projectSets[refused?.importers ?? -1], ASTRO.folders)
  })

  test('verify of 2,000 refusals', async () => {
    const all = path.join(project.dir, 'all.yaml')
    writeFileSync(all, ALL)
    const { status, stderr } = await run('verify', '--policy', all, ...attestations)
    rmSync(all)
    assert.equal(status, 1)
    assert.match(stderr, /and 1800 more: --json lists them all/)
  })

  test('explain', async () => {
    const { status, stdout } = await run('explain', 'refused', ...attestations)
    assert.equal(status, 1)
    assert.match(stdout, /^ {4}needed by {3}.*project-0019, … and 527 more$/m)
    assert.match(stdout, /^ {4}refused: EVIDENCE_MISSING$/m)
  })

  test('the hook, in real pnpm', async () => {
    const gated = world.gatedProject({ policy: ONE, files: ASTRO.files })
    const { status, flat } = await runPnpm(12, ['install', '--frozen-lockfile'], gated)
    gated.dispose()
    assert.notEqual(status, 0)
    assert.match(flat, /provenance-gate refused 1 package\. refused@1\.0\.0 EVIDENCE_MISSING/)
    assert.match(flat, /… and 542 more/)
  })

  test('init, and then accept --check', async () => {
    rmSync(path.join(project.dir, '.sigstorerc'))
    const made = await run('init', ...TRUST_FLAGS)
    assert.match(made.stderr, /2000 packages, 0 names with provenance/)
    const checked = await run('accept', '--check', ...attestations)
    assert.equal(checked.status, 0, checked.stderr)
  })
})

const LARGER: readonly (readonly [projects: number, packages: number])[] = [
  [1000, 3000],
  [1500, 6000],
]
for (const [projects, packages] of LARGER) {
  describe(
    `${projects} projects with ${packages} packages, of which all are refused, in a heap of 512 MB`,
    LONG,
    () => {
      const { files } = largeWorkspace(projects, lockedPackages(packages))
      const project = cliProject(world, { policy: ALL, files })
      after(() => project.dispose())

      test('verify --json', async () => {
        const env = { ...project.env, NODE_OPTIONS: '--max-old-space-size=512' }
        const args = ['verify', '--json', '--attestations', writeDocuments(project, {})]
        const { status, stdout, stderr } = await runCli(args, { cwd: project.dir, env })
        assert.equal(status, 1, stderr)
        assert.equal((JSON.parse(stdout) as JsonReport).summary.refused, packages)
        assert.ok(stdout.length < 20_000_000, String(stdout.length))
      })
    },
  )
}

test('where Node may use little memory, it is said before it is used', LONG, async () => {
  const project = cliProject(world, { policy: ONE, files: ASTRO.files })
  // Nothing that pnpm reads: a long lockfile is what counts.
  writeFileSync(
    path.join(project.dir, 'pnpm-lock.yaml'),
    `${'# long\n'.repeat(3 * 2 ** 20)}${ASTRO.files['pnpm-lock.yaml']}`,
  )
  const where = { cwd: project.dir, env: { ...project.env, NODE_OPTIONS: '--max-old-space-size=256' } }
  const { status, stderr } = await runCli(['verify', '--attestations', writeDocuments(project, {})], where)
  project.dispose()
  assert.equal(status, 1, stderr)
  assert.match(stderr, /pnpm-lock\.yaml has 22 MB, which may need \d+ MB of memory, and Node takes \d+ MB at most/)
})
