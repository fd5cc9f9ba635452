/** A monorepo with one strict app, from the command line. */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { stringify } from 'yaml'
import type { Project } from '../support/pnpm/index.ts'
import { createTarball, type PackedPackage } from '../support/registry/index.ts'
import { startWorld } from '../support/world.ts'
import { cliProject, lockfileOf, report, runCli, verify, writeDocuments } from './support.ts'

const world = await startWorld()
after(() => world.close())
const widget = createTarball({ name: 'widget', version: '1.0.0' })
const plain = createTarball({ name: 'plain', version: '1.0.0' })

const ROOT = `trust: { trustedRoot: trust/trusted_root.json, npmKeys: trust/keys.json }
projects: [apps/strict]
rules: [{ packages: '**', require: nothing }]
`
const STRICT = `exceptions:
  - { package: other@1.0.0, reason: x, expires: '2999-01-01' }
rules:
  - packages: '**'
    require: provenance
    publisher: { repository: acme/widgets }
`
const EVIDENCE = ['--attestations', '../attestations']

/** What each project needs. */
type Needs = Readonly<Record<string, readonly PackedPackage[]>>
const NEEDS: Needs = { '.': [], 'apps/lax': [widget, plain], 'apps/strict': [widget] }

function sharedLockfile(needs: Needs): string {
  const packages = [...new Set(Object.values(needs).flat())]
  const ids = packages.map(({ manifest: { name, version } }) => `${name}@${version}`)
  const importers = Object.entries(needs).map(([folder, needed]) => {
    const dependencies = needed.map(({ manifest: { name, version } }) => [name, { specifier: version, version }])
    return [folder, { dependencies: Object.fromEntries(dependencies) }]
  })
  return stringify({
    lockfileVersion: '9.0',
    importers: Object.fromEntries(importers),
    packages: Object.fromEntries(packages.map(({ integrity }, i) => [ids[i], { resolution: { integrity } }])),
    snapshots: Object.fromEntries(ids.map((id) => [id, {}])),
  })
}

async function workspace(
  t: TestContext,
  needs: Needs = NEEDS,
  files: Readonly<Record<string, string>> = {},
): Promise<Project> {
  const project = cliProject(world, {
    policy: ROOT,
    files: {
      'pnpm-lock.yaml': sharedLockfile(needs),
      'apps/strict/.sigstorerc': STRICT,
      'apps/strict/package.json': '{}',
      ...files,
    },
  })
  t.after(() => project.dispose())
  writeDocuments(project, { 'widget@1.0.0': await world.attest(widget) })
  return project
}

const run = (project: Project, ...args: readonly string[]) => runCli(args, { cwd: project.dir, env: project.env })

describe('verify in a monorepo with one strict app', () => {
  test('asks for proof of what that app needs, and names the app', async (t) => {
    const project = await workspace(t)
    const { packages } = await report(project, ...EVIDENCE)
    assert.deepEqual(
      packages.map(({ name, status, importers, projects, rule }) => [
        name,
        status,
        importers,
        projects,
        path.relative(project.dir, rule?.file ?? ''),
      ]),
      [
        ['plain', 'permitted', ['apps/lax'], null, '.sigstorerc'],
        ['widget', 'proven', ['apps/lax', 'apps/strict'], ['apps/strict'], 'apps/strict/.sigstorerc'],
      ],
    )
  })

  test('refuses what is not proven there, and says whose policy it is', async (t) => {
    const project = await workspace(t, { ...NEEDS, 'apps/strict': [plain] })
    const { status, stderr } = await verify(project, ...EVIDENCE)
    assert.equal(status, 1)
    for (const words of [/EVIDENCE_MISSING/, /needed by: apps\/lax,/, /policy of: apps\/strict/, /c:4 /]) {
      assert.match(stderr, words)
    }
  })

  test('tells exceptions of projects that nobody needs', async (t) => {
    const { stderr } = await verify(await workspace(t), ...EVIDENCE)
    assert.match(stderr, /^unused exception for other@1\.0\.0 \(apps\/strict\/\.sigstorerc:2\): the lockfile does not/m)
  })

  test('stops where a policy is missing, or one more is there', async (t) => {
    const missing = await workspace(t)
    writeFileSync(path.join(missing.dir, '.sigstorerc'), ROOT.replace('apps/strict', 'apps/strict, apps/lax'))
    const more = await workspace(t, NEEDS, { 'apps/lax/.sigstorerc': STRICT })
    for (const [project, words] of [
      [missing, /\.sigstorerc:2:25: "apps\/lax" has no policy of its own/],
      [more, /apps\/lax\/\.sigstorerc: a policy of which nothing would come/],
    ] as const) {
      for (const args of [
        ['verify', ...EVIDENCE],
        ['explain', 'plain', ...EVIDENCE],
        ['policy', 'check'],
      ]) {
        const { status, stderr } = await run(project, ...args)
        assert.equal(status, 2, args.join(' '))
        assert.match(stderr, words)
      }
    }
  })

  test('knows which lockfile is whose where each project has its own', async (t) => {
    const separate = (needed: readonly PackedPackage[]) => ({
      'pnpm-workspace.yaml': 'packages: [apps/*]\nsharedWorkspaceLockfile: false\n',
      'apps/lax/pnpm-lock.yaml': lockfileOf([plain, widget]),
      'apps/strict/pnpm-lock.yaml': lockfileOf(needed),
    })
    const fine = await workspace(t, { '.': [] }, separate([widget]))
    assert.deepEqual(
      (await report(fine, ...EVIDENCE)).packages.map(({ name, status, importers }) => [name, status, importers]),
      [
        ['plain', 'permitted', ['apps/lax']],
        ['widget', 'proven', ['apps/lax', 'apps/strict']],
      ],
    )
    const { packages } = await report(await workspace(t, { '.': [] }, separate([plain])), ...EVIDENCE)
    assert.deepEqual(
      packages.map(({ name, status, projects }) => [name, status, projects]),
      [
        ['plain', 'refused', ['apps/strict']],
        ['widget', 'permitted', null],
      ],
    )
    // Alone, too: there the project is the lockfile's root.
    const alone = ['--policy', '.sigstorerc', '--lockfile', 'apps/strict/pnpm-lock.yaml', ...EVIDENCE]
    assert.equal((await verify(fine, ...alone)).status, 0)
  })
})

describe('explain in a monorepo with one strict app', () => {
  test('shows the rules of each policy, and whose decides', async (t) => {
    const { status, stdout } = await run(await workspace(t), 'explain', 'widget', ...EVIDENCE)
    assert.equal(status, 0)
    assert.match(
      stdout,
      / {2}rules\n {4}\.sigstorerc:3 {2}\*\*: is about it, but another policy is at least as strict\n {2}rules of apps\/strict\n {4}apps\/strict\/\.sigstorerc:4 {2}\*\*: decides\n/,
    )
    assert.match(stdout, /\n {2}verdict\n {4}proven, by the policy of apps\/strict\n/)
  })

  test('says of a refusal whose policy it is', async (t) => {
    const project = await workspace(t, { 'apps/strict': [plain] })
    const { status, stdout } = await run(project, 'explain', 'plain', ...EVIDENCE)
    assert.equal(status, 1)
    assert.match(stdout, /\n {4}refused, by the policy of apps\/strict: EVIDENCE_MISSING\n/)
  })
})

describe('policy in a monorepo with one strict app', () => {
  test('check looks at all of them', async (t) => {
    const needs = { '.': [], 'apps/lax': [widget, plain] }
    const { status, stderr } = await run(await workspace(t, needs), 'policy', 'check')
    assert.equal(status, 0)
    assert.match(stderr, /^apps\/strict\/\.sigstorerc:1: nothing in the lockfile is needed by apps\/strict/m)
    assert.match(stderr, /^\.sigstorerc:3: no rule requires anything of what the lockfile has from registries/m)
    assert.match(stderr, /^\.sigstorerc: 1 rule, no mistakes, one thing to look at above$/m)
    assert.match(stderr, /^apps\/strict\/\.sigstorerc: 1 rule, no mistakes, one thing to look at above$/m)
  })

  test('test tries them on who needs a package', async (t) => {
    const project = await workspace(t)
    const cases = (importers: string) =>
      `cases: [{ name: it, package: a@1.0.0${importers}, expect: refused, code: EVIDENCE_MISSING }]\n`
    const tried = async (importers: string) => {
      writeFileSync(path.join(project.dir, 'cases.yaml'), cases(importers))
      return run(project, 'policy', 'test', 'cases.yaml')
    }
    assert.equal((await tried(', importers: [apps/strict]')).status, 0)
    assert.equal((await tried(', importers: ["."]')).status, 1)
    assert.equal((await tried('')).status, 1)
    const typo = await tried(', importers: [apps/stirct]')
    assert.equal(typo.status, 2)
    assert.match(
      typo.stderr,
      /cases\.yaml:1:\d+: "apps\/stirct" is no project with a policy of its own.*Did you mean "apps\/strict"\?/,
    )
    assert.equal((await tried(', importers: []')).status, 2)
  })
})

describe('which policy is asked', () => {
  test("below the root the root's is: one of a project alone would loosen it", async (t) => {
    const lax = "rules: [{ packages: '**', require: nothing }]\n"
    const project = await workspace(
      t,
      { '.': [] },
      {
        '.sigstorerc': ROOT.replace('require: nothing', 'require: provenance, publisher: { repository: acme/widgets }'),
        'pnpm-workspace.yaml': 'packages: [apps/*]\nsharedWorkspaceLockfile: false\n',
        'apps/strict/.sigstorerc': lax,
        'apps/strict/pnpm-lock.yaml': lockfileOf([plain]),
      },
    )
    const below = { cwd: path.join(project.dir, 'apps/strict'), env: project.env }
    for (const [args, where] of [
      [['--lockfile', 'apps/strict/pnpm-lock.yaml', ...EVIDENCE], { cwd: project.dir, env: project.env }],
      [['--attestations', '../../../attestations'], below],
    ] as const) {
      const { status, stderr } = await runCli(['verify', ...args], where)
      assert.equal(status, 1, stderr)
      assert.match(stderr, /EVIDENCE_MISSING/)
    }
  })

  test('below the root, the way to the lockfile is shown', async (t) => {
    const project = await workspace(t)
    const where = { cwd: path.join(project.dir, 'apps/strict'), env: project.env }
    const { status, stderr } = await runCli(['verify', '--attestations', '../../../attestations'], where)
    assert.equal(status, 2)
    assert.match(
      stderr,
      /There is no lockfile at .*apps\/strict\/pnpm-lock\.yaml\. The workspace's is .*: name it with --lockfile/,
    )
  })

  test('that of another checkout is about the same projects, whatever this one has of them', async (t) => {
    const trusted = await workspace(t)
    const project = await workspace(t, { ...NEEDS, 'apps/strict': [plain] })
    rmSync(path.join(project.dir, 'apps/strict/.sigstorerc'))
    const policy = ['--policy', path.join(trusted.dir, '.sigstorerc')]
    const { packages } = await report(project, ...policy, ...EVIDENCE)
    assert.deepEqual(
      packages.map(({ name, status, projects }) => [name, status, projects]),
      [
        ['plain', 'refused', ['apps/strict']],
        ['widget', 'permitted', null],
      ],
    )
  })
})

test('what a project links counts, also where each has a lockfile', async (t) => {
  const linking = stringify({
    lockfileVersion: '9.0',
    importers: { '.': { dependencies: { lib: { specifier: 'workspace:*', version: 'link:../../lib' } } } },
  })
  const project = await workspace(
    t,
    { '.': [] },
    {
      'pnpm-workspace.yaml': 'packages: [apps/*, lib]\nsharedWorkspaceLockfile: false\n',
      'apps/strict/.sigstorerc': STRICT.replace('rules:\n', 'rules:\n  - { packages: lib, require: nothing }\n'),
      'apps/strict/pnpm-lock.yaml': linking,
      'apps/lax/pnpm-lock.yaml': lockfileOf([widget]),
      'lib/package.json': '{"name":"lib"}',
      'lib/pnpm-lock.yaml': lockfileOf([plain]),
    },
  )
  const { packages } = await report(project, ...EVIDENCE)
  assert.deepEqual(
    packages.map(({ name, status, importers }) => [name, status, importers]),
    [
      ['lib', 'permitted', ['apps/strict']],
      ['plain', 'refused', ['apps/strict', 'lib']],
      ['widget', 'permitted', ['apps/lax']],
    ],
  )
  const checked = await run(project, 'policy', 'check')
  assert.equal(checked.status, 0)
  assert.doesNotMatch(checked.stderr, /without a lockfile/)
})
