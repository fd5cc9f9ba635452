/** The identity lock from the command line: `accept` writes it, `verify` and real pnpm hold to it. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { type Project, runPnpm } from '../support/pnpm/index.ts'
import { createTarball, type PackedPackage } from '../support/registry/index.ts'
import { createSigstore } from '../support/sigstore/index.ts'
import { SIGNED_AT, startWorld } from '../support/world.ts'
import { cliProject, endings, lockfileOf, reportOf, runCli, TRUST_FLAGS, verify, writeDocuments } from './support.ts'

const world = await startWorld()
after(() => world.close())

const POLICY = `trust: { trustedRoot: trust/trusted_root.json, npmKeys: trust/keys.json }
rules: [{ packages: "**", require: nothing, unchanged: true }]
`
const STRICT = POLICY.replace('nothing', 'provenance')
const CALLED = 'https://github.com/evil/ci/.github/workflows/build.yml'
const OWN_CALLED = 'https://github.com/acme/widgets/.github/workflows/build.yml@refs/heads/main'
const FOREIGN = { identity: { repository: 'https://github.com/evil/widget', repositoryId: '1', ownerId: '2' } } as const

type Signed = Parameters<typeof world.attest>[1]
/** A version of `widget`, and how it is signed: `none` is not attested at all. */
type Release = readonly [version: string, signed?: Signed | 'none']

function packed([version]: Release): PackedPackage {
  return createTarball({ name: 'widget', version })
}

async function projectWith(t: TestContext, releases: readonly Release[], policy = POLICY): Promise<Project> {
  const project = cliProject(world, { policy })
  t.after(() => project.dispose())
  await lock(project, releases)
  return project
}

/** Writes the lockfile, and the documents. */
async function lock(project: Project, releases: readonly Release[]): Promise<void> {
  writeFileSync(path.join(project.dir, 'pnpm-lock.yaml'), lockfileOf(releases.map(packed)))
  const documents: Record<string, unknown> = {}
  for (const release of releases) {
    const [version, signed] = release
    if (signed !== 'none') documents[`widget@${version}`] = await world.attest(packed(release), signed)
  }
  writeDocuments(project, documents)
}

const accept = (project: Project, ...args: readonly string[]) =>
  runCli(['accept', ...args, ...TRUST_FLAGS], { cwd: project.dir, env: project.env })
const ends = async (project: Project) =>
  endings(reportOf(await verify(project, '--json', '--attestations', '../attestations')))
const lockText = (project: Project) => readFileSync(path.join(project.dir, 'provenance-lock.yaml'), 'utf8')

describe('accept, where nothing is known of an attestation', () => {
  const unknown = async (t: TestContext) => {
    const project = await projectWith(t, [['1.0.0'], ['2.0.0']])
    const elsewhere = await createSigstore({ now: SIGNED_AT })
    const { integrity } = packed(['2.0.0'])
    const document = await elsewhere.document({ name: 'widget', version: '2.0.0', integrity, now: SIGNED_AT })
    writeDocuments(project, { 'widget@2.0.0': document })
    return project
  }

  test('says so, with what to do, writes what is known, and ends with 2', async (t) => {
    const project = await unknown(t)
    const run = await accept(project)
    assert.equal(run.status, 2, run.stderr)
    assert.match(run.stderr, /^! widget@2\.0\.0.* EVIDENCE_UNKNOWN: /m)
    assert.match(
      run.stderr,
      /^1 package with attestations of which nothing is known: .*To find out, renew trust\/trusted_root\.json, trust\/keys\.json from where it came, or renew the gate\. Until then nothing of it can be accepted\.$/m,
    )
    assert.doesNotMatch(run.stderr, /do not hold/)
    assert.match(lockText(project), /- 1\.0\.0/)
    assert.doesNotMatch(lockText(project), /2\.0\.0/)
    assert.equal((await ends(project))['widget@2.0.0'], 'EVIDENCE_UNKNOWN')
    assert.equal((await accept(project, '--check')).status, 2)
  })

  test('is 1 where it is named: what is not known cannot be accepted; and where a lock is to be written', async (t) => {
    const project = await unknown(t)
    assert.equal((await accept(project, '--check')).status, 1)
    assert.equal((await accept(project, 'widget@2.0.0')).status, 2)
    assert.doesNotMatch(lockText(project), /2\.0\.0/)
  })
})

describe('accept', () => {
  test('writes who publishes what, and verify passes', async (t) => {
    const project = await projectWith(t, [['1.0.0'], ['2.0.0', 'none']])
    const run = await accept(project)
    assert.equal(run.status, 0, run.stderr)
    assert.equal(run.stdout, '')
    assert.match(
      run.stderr,
      /^\+ widget@1\.0\.0 {2}https:\/\/github\.com\/acme\/widgets, \.github\/workflows\/release\.yml, on push, on a hosted runner, from branch main$/m,
    )
    assert.match(run.stderr, /^= widget@2\.0\.0 {2}has no provenance, and is recorded with its bytes/m)
    assert.match(run.stderr, /provenance-lock\.yaml is written: commit it\./)
    assert.match(
      lockText(project),
      /^ {2}widget:\n {4}published:\n {6}- from:\n {10}- 1\.0\.0\n {8}issuer: github\n {8}repository: acme\/widgets$/m,
    )
    assert.match(lockText(project), /^ {4}unproven:\n {6}2\.0\.0: sha512-/m)
    assert.deepEqual(await ends(project), { 'widget@1.0.0': 'proven', 'widget@2.0.0': 'permitted' })
    assert.deepEqual(
      readdirSync(project.dir).filter((name) => name.endsWith('.tmp')),
      [],
    )
  })

  test('writes nothing again where nothing is new', async (t) => {
    const project = await projectWith(t, [['1.0.0']])
    await accept(project)
    const before = lockText(project)
    const run = await accept(project)
    assert.equal(run.status, 0)
    assert.equal(run.stderr, 'provenance-lock.yaml is as it was.\n')
    assert.equal(lockText(project), before)
  })

  test('--check writes nothing, and says with its status whether there is something to write', async (t) => {
    const project = await projectWith(t, [['1.0.0']])
    const run = await accept(project, '--check')
    assert.equal(run.status, 1)
    assert.match(
      run.stderr,
      /\+ widget@1\.0\.0.*\nprovenance-lock\.yaml is not up to date: run `provenance-gate accept`, /,
    )
    assert.ok(!existsSync(path.join(project.dir, 'provenance-lock.yaml')))
    await accept(project)
    const checked = await accept(project, '--check')
    assert.equal(checked.status, 0)
    assert.equal(checked.stderr, 'provenance-lock.yaml is up to date.\n')
  })

  test('takes over another publisher, and a loss, only where the package is named', async (t) => {
    for (const [signed, shown] of [
      [
        FOREIGN,
        /! widget@1\.0\.1 {2}repository id "1", owner id "2"; expected repository id "520031842", owner id "61840275", as since 1\.0\.0\n {4}before {2}https:\/\/github\.com\/acme\/widgets, .*\n {4}now {5}https:\/\/github\.com\/evil\/widget, /,
      ],
      [
        'none',
        /- widget@1\.0\.1 {2}has no provenance; expected https:\/\/github\.com\/acme\/widgets, .*, as since 1\.0\.0/,
      ],
    ] as const) {
      const project = await projectWith(t, [['1.0.0']])
      await accept(project)
      const before = lockText(project)
      await lock(project, [['1.0.1', signed]])
      const refused = await accept(project)
      assert.equal(refused.status, 1)
      assert.match(refused.stderr, shown)
      assert.match(
        refused.stderr,
        /1 package not accepted\. Look at each; to accept: provenance-gate accept widget@1\.0\.1$/m,
      )
      assert.equal(lockText(project), before)
      const taken = await accept(project, signed === 'none' ? 'widget@1.0.1' : 'widget')
      assert.equal(taken.status, 0, taken.stderr)
      assert.match(taken.stderr, shown)
      assert.notEqual(lockText(project), before)
      assert.deepEqual(await ends(project), { 'widget@1.0.1': signed === 'none' ? 'permitted' : 'proven' })
    }
  })

  test("believes whom the policy trusts, as verify does, and nobody else's trust root", async (t) => {
    const project = await projectWith(t, [['1.0.0']])
    const where = { cwd: project.dir, env: project.env }
    const run = await runCli(['accept', '--attestations', '../attestations'], where)
    assert.equal(run.status, 0, run.stderr)
    assert.match(run.stderr, /^\+ widget@1\.0\.0 /m)
    assert.deepEqual(await ends(project), { 'widget@1.0.0': 'proven' })

    // The embedded root, which is asked where a policy names none, has never heard of this Sigstore.
    writeFileSync(path.join(project.dir, '.sigstorerc'), POLICY.replace(/^trust.*$/m, ''))
    rmSync(path.join(project.dir, 'provenance-lock.yaml'))
    const foreign = await runCli(['accept', '--attestations', '../attestations'], where)
    assert.doesNotMatch(foreign.stderr, /^\+ widget/m)
  })

  test('without a policy is a mistake: nobody says whom to believe', async (t) => {
    const project = await projectWith(t, [['1.0.0']])
    rmSync(path.join(project.dir, '.sigstorerc'))
    const run = await accept(project)
    assert.equal(run.status, 2)
    assert.match(run.stderr, /no policy here/)
    assert.ok(!existsSync(path.join(project.dir, 'provenance-lock.yaml')))
  })

  test('of a package that is not there is a mistake', async (t) => {
    const project = await projectWith(t, [['1.0.0']])
    const run = await accept(project, 'widgte')
    assert.equal(run.status, 2)
    assert.match(run.stderr, /has no package called widgte/)
  })

  test('of a version that the lockfile does not have says which it has, and what to do', async (t) => {
    const project = await projectWith(t, [['1.5.0']])
    const run = await accept(project, 'widget@1.4.99')
    assert.equal(run.status, 2)
    assert.match(
      run.stderr,
      /has widget in 1\.5\.0 and not in 1\.4\.99.*Bring that version into the lockfile without installing it \(docs\/policy\.md/,
    )
    assert.ok(!existsSync(path.join(project.dir, 'provenance-lock.yaml')))
  })

  test('rewrites a lock of the form of earlier versions, which verify refuses, and keeps what it knew', async (t) => {
    const old = (repositoryId: string) => `version: 1
packages:
  widget:
    - from: [2.0.0]
      issuer: github
      repository: acme/widgets
      repositoryId: '${repositoryId}'
      ref: branch
`
    const project = await projectWith(t, [['1.0.0', 'none'], ['2.0.0']])
    const file = path.join(project.dir, 'provenance-lock.yaml')
    writeFileSync(file, old('520031842'))
    const refused = await verify(project, '--attestations', '../attestations')
    assert.equal(refused.status, 2)
    assert.match(
      refused.stderr,
      /provenance-lock\.yaml:1:10: the form of earlier versions.*`provenance-gate accept` reads it/,
    )
    assert.equal((await accept(project, '--check')).status, 1)
    const run = await accept(project)
    assert.equal(run.status, 0, run.stderr)
    assert.match(lockText(project), /^version: 2$/m)
    assert.match(
      lockText(project),
      /runner: hosted\n {8}trigger: push\n {8}ref: branch\n {8}branch:\n {10}- main\n {4}unproven:\n {6}1\.0\.0: /,
    )
    assert.deepEqual(await ends(project), { 'widget@1.0.0': 'permitted', 'widget@2.0.0': 'proven' })

    // It is no way to accept what the old form would have refused.
    writeFileSync(file, old('1'))
    const changed = await accept(project)
    assert.equal(changed.status, 1)
    assert.match(changed.stderr, /^! widget@2\.0\.0 {2}repository id "520031842"; expected repository id "1"/m)
    assert.equal((await ends(project))['widget@2.0.0'], 'IDENTITY_CHANGED')
  })

  test('of what could not be found out is none', async (t) => {
    const project = await projectWith(t, [['1.0.0']])
    writeFileSync(path.join(project.root, 'attestations', 'widget@1.0.0.json'), '{')
    const run = await accept(project)
    assert.equal(run.status, 2)
    assert.match(run.stderr, /1 package could not be looked at.*widget@1\.0\.0/)
    assert.ok(!existsSync(path.join(project.dir, 'provenance-lock.yaml')))
  })
})

describe('a rule with "unchanged"', () => {
  test('without an identity lock is no protection: nothing is judged', async (t) => {
    const project = await projectWith(t, [['1.0.0']])
    const run = await verify(project, '--attestations', '../attestations')
    assert.equal(run.status, 2)
    assert.match(run.stderr, /provenance-lock\.yaml: there is no such file.*Run `provenance-gate accept`/)
  })

  const CASES: readonly (readonly [string, Release, string])[] = [
    ['the same publisher', ['1.0.1'], 'proven'],
    ['a new line of the same publisher', ['2.0.0'], 'proven'],
    ['a downgrade: provenance that the line had is gone', ['1.14.1', 'none'], 'PROVENANCE_LOST'],
    ['a new line without provenance', ['2.0.0', 'none'], 'PROVENANCE_LOST'],
    ['an older version without provenance, which moves nothing but "latest"', ['0.9.99', 'none'], 'PROVENANCE_LOST'],
    ['an older version of the same line without provenance', ['1.0.0-rc.1', 'none'], 'PROVENANCE_LOST'],
    ['an older version of the same publisher', ['0.9.0'], 'proven'],
    ['an older version of another publisher', ['0.9.0', FOREIGN], 'IDENTITY_CHANGED'],
    ['a machine of its own', ['1.0.1', { identity: { runnerEnvironment: 'self-hosted' } }], 'IDENTITY_CHANGED'],
    ['a pull request of strangers', ['1.0.1', { identity: { trigger: 'pull_request_target' } }], 'IDENTITY_CHANGED'],
    ['a release by hand', ['1.0.1', { identity: { trigger: 'workflow_dispatch' } }], 'proven'],
    ['another branch', ['1.0.1', { identity: { ref: 'refs/heads/evil' } }], 'IDENTITY_CHANGED'],
    [
      'a workflow of another repository',
      ['1.0.1', { identity: { buildSignerUri: `${CALLED}@refs/tags/v1` } }],
      'IDENTITY_CHANGED',
    ],
    ['a called workflow of the same repository', ['1.0.1', { identity: { buildSignerUri: OWN_CALLED } }], 'proven'],
    ['another repository', ['1.0.1', FOREIGN], 'IDENTITY_CHANGED'],
    ['another workflow', ['1.0.1', { identity: { workflow: '.github/workflows/x.yml' } }], 'IDENTITY_CHANGED'],
    ['a tag in place of a branch', ['1.0.1', { identity: { ref: 'refs/tags/v1.0.1' } }], 'IDENTITY_CHANGED'],
    [
      'a repository that was renamed',
      ['1.0.1', { identity: { repository: 'https://github.com/acme/renamed' } }],
      'proven',
    ],
    ['a repository that went to another owner', ['1.0.1', { identity: { ownerId: '9' } }], 'IDENTITY_CHANGED'],
    ['a repository of the same name, made anew', ['1.0.1', { identity: { repositoryId: '9' } }], 'IDENTITY_CHANGED'],
  ]
  for (const [what, release, expected] of CASES) {
    test(`${what}: ${expected}`, async (t) => {
      const project = await projectWith(t, [['1.0.0']])
      await accept(project)
      await lock(project, [release])
      assert.deepEqual(await ends(project), { [`widget@${release[0]}`]: expected })
    })
  }

  test('lets other bytes of a recorded version pass for nothing', async (t) => {
    const project = await projectWith(t, [['1.0.0', 'none'], ['2.0.0']])
    await accept(project)
    assert.deepEqual(await ends(project), { 'widget@1.0.0': 'permitted', 'widget@2.0.0': 'proven' })
    const other = createTarball({ name: 'widget', version: '1.0.0', files: { 'evil.js': '' } })
    const lockfile = path.join(project.dir, 'pnpm-lock.yaml')
    writeFileSync(lockfile, readFileSync(lockfile, 'utf8').replace(packed(['1.0.0']).integrity, other.integrity))
    const run = await verify(project, '--json', '--attestations', '../attestations')
    assert.deepEqual(endings(reportOf(run)), { 'widget@1.0.0': 'PROVENANCE_LOST', 'widget@2.0.0': 'proven' })
    assert.match(
      reportOf(run).packages[0]?.found ?? '',
      /other bytes than those that provenance-lock\.yaml:\d+ lets in/,
    )
  })

  test('keeps old lines quiet: semver 5 and 6 beside a proven 7', async (t) => {
    const project = await projectWith(t, [['5.7.2', 'none'], ['6.3.1', 'none'], ['7.7.0']])
    assert.equal((await accept(project)).status, 0)
    assert.deepEqual(await ends(project), {
      ...{ 'widget@5.7.2': 'permitted', 'widget@6.3.1': 'permitted', 'widget@7.7.0': 'proven' },
    })
    const checked = await accept(project, '--check')
    assert.equal(checked.status, 0)
    assert.equal(checked.stderr, 'provenance-lock.yaml is up to date.\n')
  })

  test('that requires provenance refuses what nobody has accepted yet', async (t) => {
    const project = await projectWith(t, [['1.0.0']], STRICT)
    writeFileSync(path.join(project.dir, 'provenance-lock.yaml'), 'version: 2\npackages: {}\n')
    assert.deepEqual(await ends(project), { 'widget@1.0.0': 'IDENTITY_UNKNOWN' })
    await accept(project)
    assert.deepEqual(await ends(project), { 'widget@1.0.0': 'proven' })
  })

  test('does not fetch what the lock says nothing about: unproven packages cost no request', async (t) => {
    const project = cliProject(world, {
      policy: POLICY,
      files: {
        'pnpm-lock.yaml': lockfileOf([packed(['1.0.0'])]),
        'provenance-lock.yaml': 'version: 2\npackages: {}\n',
      },
    })
    t.after(() => project.dispose())
    world.registry.forgetRequests()
    assert.deepEqual(endings(reportOf(await verify(project, '--json'))), { 'widget@1.0.0': 'permitted' })
    assert.deepEqual(world.registry.requests, [])
  })

  test('stops a real install of a downgrade', async (t) => {
    world.registry.reset()
    await world.publish({ name: 'axle', version: '1.14.0' })
    const project = world.gatedProject({
      dependencies: { axle: '1.14.0' },
      policy: POLICY,
      files: { 'provenance-lock.yaml': 'version: 2\npackages: {}\n' },
    })
    t.after(() => project.dispose())
    assert.equal((await runPnpm(12, ['install'], project)).status, 0)
    const flags = TRUST_FLAGS.slice(2)
    const accepted = await runCli(['accept', ...flags], { cwd: project.dir, env: project.env })
    assert.match(accepted.stderr, /\+ axle@1\.14\.0/)
    world.publishUnproven({ name: 'axle', version: '1.14.1' })
    const { status, flat } = await runPnpm(12, ['add', 'axle@1.14.1'], project)
    assert.notEqual(status, 0)
    assert.match(flat, /axle@1\.14\.1 +PROVENANCE_LOST/)
  })
})
