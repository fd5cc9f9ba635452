/** `verify --base-lock`: what a change may not take out of the identity lock of the protected branch. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import type { Project } from '../support/pnpm/index.ts'
import { createTarball } from '../support/registry/index.ts'
import { startWorld } from '../support/world.ts'
import { cliProject, lockfileOf, reportOf, runCli, TRUST_FLAGS, verify, writeDocuments } from './support.ts'

const world = await startWorld()
after(() => world.close())

const POLICY = `trust: { trustedRoot: trust/trusted_root.json, npmKeys: trust/keys.json }
rules: [{ packages: "**", require: nothing, unchanged: true }]
`
const ALLOWED = (expires: string) =>
  `allowLockChanges: [{ package: widget, reason: moved to another workflow, expires: '${expires}' }]\n${POLICY}`
const FLAGS = ['--attestations', '../attestations', '--base-lock', '../protected/provenance-lock.yaml']
const BASE = '../protected/provenance-lock.yaml'

/** A change of a project, and beside it the protected branch, whose lock knows `widget` and `part`. */
async function change(t: TestContext): Promise<Project> {
  const project = cliProject(world, { policy: POLICY })
  t.after(() => project.dispose())
  mkdirSync(path.join(project.root, 'protected'))
  await lockfile(project, 'widget', 'part')
  const accepted = await runCli(['accept', ...TRUST_FLAGS], { cwd: project.dir, env: project.env })
  assert.equal(accepted.status, 0, accepted.stderr)
  writeFileSync(path.join(project.dir, BASE), lockOf(project))
  return project
}

async function lockfile(project: Project, ...names: readonly string[]): Promise<void> {
  const packages = names.map((name) => createTarball({ name, version: '1.0.0' }))
  writeFileSync(path.join(project.dir, 'pnpm-lock.yaml'), lockfileOf(packages))
  const documents = packages.map(async (pkg) => [`${pkg.manifest.name}@1.0.0`, await world.attest(pkg)] as const)
  writeDocuments(project, Object.fromEntries(await Promise.all(documents)))
}

const fileOf = (project: Project) => path.join(project.dir, 'provenance-lock.yaml')
const lockOf = (project: Project) => readFileSync(fileOf(project), 'utf8')
const edit = (project: Project, from: string | RegExp, to: string) => {
  const before = lockOf(project)
  const after = before.replace(from, to)
  assert.notEqual(after, before)
  writeFileSync(fileOf(project), after)
}
const PART = / {2}part:\n(?: {4}.*\n)+/

describe('a change to the identity lock', () => {
  test('that takes nothing away passes', async (t) => {
    const project = await change(t)
    const run = await verify(project, ...FLAGS)
    assert.equal(run.status, 0, run.stderr)
    assert.doesNotMatch(run.stderr, /LOCK_LOOSENED/)
    assert.deepEqual(reportOf(await verify(project, '--json', ...FLAGS)).lockChanges, [])
    assert.equal('lockChanges' in reportOf(await verify(project, '--json', ...FLAGS.slice(0, 2))), false)
  })

  test('that adds a package passes, and one for a package that left the lockfile', async (t) => {
    const project = await change(t)
    await lockfile(project, 'widget', 'more')
    edit(project, PART, '')
    await runCli(['accept', ...TRUST_FLAGS], { cwd: project.dir, env: project.env })
    assert.match(lockOf(project), /^ {2}more:$/m)
    const run = await verify(project, ...FLAGS)
    assert.equal(run.status, 0, run.stderr)
  })

  for (const [what, from, to, message] of [
    [
      'removes a package',
      PART,
      '',
      /^\/.*\/protected\/provenance-lock\.yaml:\d+ {2}part {2}LOCK_LOOSENED: found nothing of it; expected its entries, for the lockfile still has it$/m,
    ],
    [
      'gives a package another name',
      '  part:\n',
      '  prat:\n',
      /part {2}LOCK_LOOSENED: found its entries under the name "prat"/,
    ],
    [
      'drops a field',
      '        runner: hosted\n',
      '',
      /^provenance-lock\.yaml:\d+ {2}part {2}LOCK_LOOSENED: found from 1\.0\.0 on no runner; expected runner "hosted", as since 1\.0\.0 \(.*protected\/provenance-lock\.yaml:\d+\)$/m,
    ],
    [
      'adds a branch',
      '- main\n',
      '- main\n          - "*"\n',
      /found from 1\.0\.0 on branch "main" or "\*"; expected branch "main"/,
    ],
    [
      'lets a version lack provenance',
      '- main\n',
      `- main\n    unproven:\n      0.9.9: sha512-${'A'.repeat(86)}==\n`,
      /part {2}LOCK_LOOSENED: found 0\.9\.9 needs no provenance; expected provenance by "https:\/\/github\.com\/acme\/widgets", as since 1\.0\.0/,
    ],
  ] as const) {
    test(`that ${what} is refused, with line and package`, async (t) => {
      const project = await change(t)
      edit(project, from, to)
      const run = await verify(project, ...FLAGS)
      assert.equal(run.status, 1, run.stderr)
      assert.match(run.stderr, message)
      assert.match(run.stderr, /1 change of the identity lock refused: part\. An owner of the protected branch/)
      assert.equal((await verify(project, ...FLAGS.slice(0, 2))).status, 0)
      const [one, ...others] = reportOf(await verify(project, '--json', ...FLAGS)).lockChanges ?? []
      assert.deepEqual([one?.code, one?.package, one?.refused, others], ['LOCK_LOOSENED', 'part', true, []])
      assert.ok((one?.base.line ?? 0) > 5)
    })
  }

  test('that removes the file is refused for each package that is still there', async (t) => {
    const project = await change(t)
    rmSync(fileOf(project))
    writeFileSync(path.join(project.dir, '.sigstorerc'), POLICY.replace(', unchanged: true', ''))
    const run = await verify(project, ...FLAGS)
    assert.equal(run.status, 1, run.stderr)
    assert.match(run.stderr, /2 changes of the identity lock refused: part, widget\./)
  })

  test('that the policy of the protected branch allows passes until its day, and is told', async (t) => {
    const project = await change(t)
    edit(project, /( {2}widget:[\s\S]*)workflow: .*/, '$1workflow: .github/workflows/other.yml')
    const pkg = createTarball({ name: 'widget', version: '1.0.0' })
    const identity = { workflow: '.github/workflows/other.yml' }
    writeDocuments(project, { 'widget@1.0.0': await world.attest(pkg, { identity }) })
    assert.equal((await verify(project, ...FLAGS)).status, 1)
    const policy = path.join(project.dir, '.sigstorerc')
    for (const [expires, status, told] of [
      ['2999-12-31', 0, /Allowed until 2999-12-31 \(\.sigstorerc:1\): moved to another workflow/],
      ['2020-01-01', 1, /It was allowed until 2020-01-01 \(\.sigstorerc:1\)/],
    ] as const) {
      writeFileSync(policy, ALLOWED(expires))
      const run = await verify(project, ...FLAGS)
      assert.equal(run.status, status, run.stderr)
      assert.match(run.stderr, told)
      const [one] = reportOf(await verify(project, '--json', ...FLAGS)).lockChanges ?? []
      assert.deepEqual([one?.allowance?.expires, one?.refused], [expires, status === 1])
    }
  })

  test('cannot be judged where there is nothing to compare it with', async (t) => {
    const project = await change(t)
    for (const [file, message] of [
      [
        '../protected/none.yaml',
        /none\.yaml: there is no such file, so nothing says what the change may not take away/,
      ],
      ['../protected', /a directory, where the identity lock should be a file/],
    ] as const) {
      const run = await verify(project, ...FLAGS.slice(0, 2), '--base-lock', file)
      assert.equal(run.status, 2)
      assert.match(run.stderr, message)
    }
    writeFileSync(path.join(project.dir, BASE), 'version: 1\npackages: {}\n')
    const old = await verify(project, ...FLAGS)
    assert.equal(old.status, 2)
    assert.match(old.stderr, /the form of earlier versions/)
  })

  test('shows nothing that a terminal or a log obeys', async (t) => {
    const project = await change(t)
    edit(project, 'workflow: .github/workflows/release.yml', 'workflow: "\\x1b[2K\\u202e::error::x\\n::error::y"')
    const run = await verify(project, ...FLAGS)
    assert.equal(run.status, 1)
    assert.match(run.stderr, /LOCK_LOOSENED/)
    assert.doesNotMatch(run.stderr, /(?!\n)[\p{Cc}\p{Cf}]|^::/mu)
  })
})
