/** `verify` on lockfiles that npm, pnpm, yarn and bun have just written: one set of packages, one verdict on each. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createManagerProject, type Manager, type ManagerProject, runManager } from '../support/managers/index.ts'
import { createProject, runPnpm } from '../support/pnpm/index.ts'
import { createTarball } from '../support/registry/index.ts'
import { startWorld, type World } from '../support/world.ts'
import { type Report, reportOf, runCli } from './support.ts'

const POLICY = `
trust: { trustedRoot: trust/trusted_root.json, npmKeys: trust/keys.json }
rules:
  - packages: free
    require: nothing
  - packages: "**"
    require: provenance
    publisher: { repository: acme/widgets, workflow: .github/workflows/release.yml }
`

const DEPENDENCIES = {
  dependencies: { '@acme/tool': '^1.0.0', other: 'npm:leaf@^2.0.0', free: '1.0.0', tampered: '1.0.0' },
  devDependencies: { unproven: '^1.0.0' },
  optionalDependencies: { elsewhere: '1.0.0' },
}

/** What is to be said of each, by name and version. */
const EXPECTED = {
  '@acme/tool@1.0.0': 'proven',
  'elsewhere@1.0.0': 'proven',
  'free@1.0.0': 'permitted',
  'leaf@1.0.0': 'proven',
  'leaf@2.0.0': 'proven',
  'tampered@1.0.0': 'DIGEST_MISMATCH',
  'unproven@1.0.0': 'EVIDENCE_MISSING',
}

let world: World
before(async () => {
  world = await startWorld()
  await world.publish({ name: '@acme/tool', version: '1.0.0', dependencies: { leaf: '^1.0.0' } })
  await world.publish({ name: 'leaf', version: '1.0.0' })
  await world.publish({ name: 'leaf', version: '2.0.0' })
  await world.publish({ name: 'elsewhere', version: '1.0.0', os: ['aix'] })
  await world.publish({ name: 'tampered', version: '1.0.0' })
  // A registry that lies, and agrees with itself: the manager notices nothing.
  const other = createTarball({ name: 'tampered', version: '1.0.0', files: { 'evil.js': '' } })
  world.registry.setTarball('tampered', '1.0.0', other.bytes)
  world.registry.setDist('tampered', '1.0.0', { integrity: other.integrity, shasum: other.shasum })
  world.publishUnproven({ name: 'unproven', version: '1.0.0' })
  world.publishUnproven({ name: 'free', version: '1.0.0' })
  const inner = { name: 'inner', version: '1.0.0' }
  world.publishUnproven(inner)
  const held = { 'node_modules/inner/package.json': JSON.stringify(inner) }
  const bundling = { dependencies: { inner: '1.0.0' }, bundleDependencies: ['inner'], files: held }
  await world.publish({ name: 'bundler', version: '1.0.0', ...bundling })
  world.publishUnproven({ name: 'bad-bundler', version: '1.0.0', ...bundling })
})
after(() => world.close())

type Endings = Readonly<Record<string, string>>

function endingsOf({ packages }: Report): Endings {
  const endings = packages.map(({ name, version, status, code }) => [
    `${name}@${version}`,
    status === 'refused' ? (code ?? status) : status,
  ])
  assert.equal(new Set(endings.map(([id]) => id)).size, endings.length, 'each once')
  return Object.fromEntries(endings.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)))
}

/** Made by the real manager, in a folder with a policy. No scripts: they would leave marks. */
async function locked(
  manager: Manager,
  manifest: Readonly<Record<string, unknown>>,
  files: Readonly<Record<string, string>> = {},
): Promise<ManagerProject> {
  const project = createManagerProject({
    registry: world.registry.url,
    manifest,
    files: { ...world.policyFiles(POLICY), ...files },
  })
  const args = manager === 'yarn4' ? ['install', '--mode=skip-build'] : ['install', '--ignore-scripts']
  const { status, output } = await runManager(manager, args, { cwd: project.dir, env: project.env })
  assert.equal(status, 0, output)
  rmSync(join(project.dir, 'node_modules'), { recursive: true, force: true })
  return project
}

async function judge({ dir, env }: ManagerProject, ...args: readonly string[]): Promise<Report> {
  return reportOf(await runCli(['verify', '--json', ...args], { cwd: dir, env }))
}

describe('one set of packages', () => {
  for (const manager of ['npm11', 'npm12', 'yarn1', 'bun'] as const) {
    test(`locked by ${manager}`, async (t) => {
      const project = await locked(manager, DEPENDENCIES)
      t.after(() => project.dispose())
      const report = await judge(project)
      assert.deepEqual(endingsOf(report), EXPECTED)
      for (const { name, importers } of report.packages) assert.deepEqual(importers, ['.'], name)
    })
  }

  test('locked by pnpm', async (t) => {
    const project = createProject({
      registry: world.registry.url,
      manifest: DEPENDENCIES,
      files: world.policyFiles(POLICY),
    })
    t.after(() => project.dispose())
    const { status, output } = await runPnpm(12, ['install', '--lockfile-only'], project)
    assert.equal(status, 0, output)
    const report = reportOf(await runCli(['verify', '--json'], { cwd: project.dir, env: project.env }))
    assert.deepEqual(endingsOf(report), EXPECTED)
  })

  test('locked by yarn 4: what a rule wants proven is unbound, and counted', async (t) => {
    const project = await locked('yarn4', DEPENDENCIES)
    t.after(() => project.dispose())
    const unbound = Object.entries(EXPECTED).map(([id, ending]) => [
      id,
      ['permitted', 'EVIDENCE_MISSING'].includes(ending) ? ending : 'UNBOUND',
    ])
    const report = await judge(project)
    assert.deepEqual(endingsOf(report), Object.fromEntries(unbound))
    assert.match(
      report.packages.find(({ code }) => code === 'UNBOUND')?.expected ?? '',
      /provenance-gate run -- yarn install/,
    )
  })
})

describe('a bundled package', () => {
  const BUNDLERS = { dependencies: { bundler: '1.0.0', 'bad-bundler': '1.0.0' } }
  for (const manager of ['npm11', 'npm12', 'bun'] as const) {
    test(`locked by ${manager} ends as the one whose tarball it is in`, async (t) => {
      const project = await locked(manager, BUNDLERS)
      t.after(() => project.dispose())
      const { packages, summary } = await judge(project)
      const seen = packages.map(({ name, status, code, bundledIn }) => [name, status, code, bundledIn])
      assert.deepEqual(seen.toSorted(), [
        ['bad-bundler', 'refused', 'EVIDENCE_MISSING', null],
        ['bundler', 'proven', null, null],
        ['inner', 'bundled', null, 'bundler@1.0.0'],
        ['inner', 'refused', 'EVIDENCE_MISSING', 'bad-bundler@1.0.0'],
      ])
      assert.equal(summary.bundled, 1)
    })
  }

  test('is asked no evidence, explained by its bundler, and taken into no draft', async (t) => {
    const project = await locked('npm12', { dependencies: { bundler: '1.0.0' } })
    t.after(() => project.dispose())
    world.registry.forgetRequests()
    const { stdout, status } = await runCli(['explain', 'inner'], { cwd: project.dir, env: project.env })
    assert.equal(status, 0)
    assert.match(
      stdout,
      /inner@1\.0\.0[\s\S]*bundler@1\.0\.0, and what follows is about that[\s\S]*verdict\n\s+bundled/,
    )
    assert.deepEqual(
      world.registry.requests.map(({ path }) => path).filter((path) => path.includes('inner')),
      [],
    )
    rmSync(join(project.dir, '.sigstorerc'))
    const trust = ['--trusted-root', 'trust/trusted_root.json', '--npm-keys', 'trust/keys.json']
    const made = await runCli(['init', ...trust], { cwd: project.dir, env: project.env })
    assert.equal(made.status, 0, made.stderr)
    assert.doesNotMatch(readFileSync(join(project.dir, 'provenance-lock.yaml'), 'utf8'), /inner/)
    assert.deepEqual(endingsOf(await judge(project)), { 'bundler@1.0.0': 'proven', 'inner@1.0.0': 'bundled' })
  })

  test('that npm would fetch all the same is none: marked beside its holder, or of a holder that does not say so', async (t) => {
    const project = await locked('npm12', { dependencies: { '@acme/tool': '1.0.0', unproven: '1.0.0' } })
    t.after(() => project.dispose())
    const file = join(project.dir, 'package-lock.json')
    const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Record<string, unknown>> }
    const { resolved, integrity, ...entry } = lock.packages['node_modules/unproven'] ?? {}
    assert.ok(resolved && integrity)
    const variants: readonly Record<string, Record<string, unknown>>[] = [
      { 'node_modules/unproven': { ...entry, inBundle: true } },
      { 'node_modules/unproven': { ...entry, resolved, integrity, inBundle: true } },
      { 'node_modules/@acme/tool/node_modules/unproven': { ...entry, inBundle: true } },
      { 'node_modules/@acme/tool/node_modules/unproven': { ...entry, resolved, integrity, inBundle: true } },
    ]
    for (const variant of variants) {
      const packages = { ...lock.packages, ...variant }
      writeFileSync(file, JSON.stringify({ ...lock, packages }))
      const report = await judge(project)
      const all = report.packages.filter(({ name }) => name === 'unproven').map(({ status, code }) => code ?? status)
      assert.deepEqual([...new Set(all)], ['EVIDENCE_MISSING'], JSON.stringify(variant))
    }
  })
})

describe('the lockfile that is judged', () => {
  test('is every one that the folder has, each named with what it holds', async (t) => {
    const project = await locked('npm12', { dependencies: { leaf: '1.0.0' } })
    t.after(() => project.dispose())
    const yarn = await locked('yarn1', { dependencies: { leaf: '1.0.0', unproven: '1.0.0' } })
    t.after(() => yarn.dispose())
    project.write({ 'yarn.lock': readFileSync(join(yarn.dir, 'yarn.lock'), 'utf8') })
    const run = await runCli(['verify', '--json'], { cwd: project.dir, env: project.env })
    assert.deepEqual(endingsOf(reportOf(run)), { 'leaf@1.0.0': 'proven', 'unproven@1.0.0': 'EVIDENCE_MISSING' })
    assert.match(
      run.stderr,
      /several lockfiles, of which an installer may use any: package-lock\.json: 1 package; yarn\.lock: 2 packages/,
    )
    assert.deepEqual(endingsOf(await judge(project, '--lockfile', 'package-lock.json')), { 'leaf@1.0.0': 'proven' })
  })

  test('is npm-shrinkwrap.json and package-lock.json: npm 11 takes the one, and npm 12 the other', async (t) => {
    const project = await locked('npm12', { dependencies: { leaf: '1.0.0' } })
    t.after(() => project.dispose())
    const other = await locked('npm12', { dependencies: { leaf: '2.0.0' } })
    t.after(() => other.dispose())
    project.write({
      'package.json': JSON.stringify({ name: 'project', version: '0.0.0', dependencies: { leaf: '*' } }),
      'package-lock.json': readFileSync(join(project.dir, 'package-lock.json'), 'utf8').replace(
        '"leaf": "1.0.0"',
        '"leaf": "*"',
      ),
      'npm-shrinkwrap.json': readFileSync(join(other.dir, 'package-lock.json'), 'utf8').replace(
        '"leaf": "2.0.0"',
        '"leaf": "*"',
      ),
    })
    assert.deepEqual(Object.keys(endingsOf(await judge(project))), ['leaf@1.0.0', 'leaf@2.0.0'])
    for (const [manager, version] of [
      ['npm11', '2.0.0'],
      ['npm12', '1.0.0'],
    ] as const) {
      rmSync(join(project.dir, 'node_modules'), { recursive: true, force: true })
      const { status, output } = await runManager(manager, ['ci', '--ignore-scripts'], {
        cwd: project.dir,
        env: project.env,
      })
      assert.equal(status, 0, output)
      const installed = JSON.parse(readFileSync(join(project.dir, 'node_modules/leaf/package.json'), 'utf8')) as {
        version: string
      }
      assert.equal(installed.version, version, manager)
    }
  })

  test('is the hidden one of npm where it is named, and what it holds may be anyone’s', async (t) => {
    const project = await locked('npm12', { dependencies: { leaf: '1.0.0' } })
    t.after(() => project.dispose())
    await runManager('npm12', ['ci', '--ignore-scripts'], { cwd: project.dir, env: project.env })
    const report = await judge(project, '--lockfile', 'node_modules/.package-lock.json')
    assert.deepEqual(endingsOf(report), { 'leaf@1.0.0': 'proven' })
  })

  test('is no other that lies below, and those are named', async (t) => {
    const project = await locked('npm12', { dependencies: { leaf: '1.0.0' } })
    t.after(() => project.dispose())
    project.write({ 'tools/x/yarn.lock': '', 'node_modules/x/package-lock.json': '', '.git/bun.lock': '' })
    const { stderr } = await runCli(['verify'], { cwd: project.dir, env: project.env })
    assert.match(stderr, /^not judged, name it with --lockfile where it is yours: tools\/x\/yarn\.lock$/m)
  })

  for (const [what, files, says] of [
    [
      'none',
      {},
      /There is no lockfile in .*looked for pnpm-lock\.yaml, npm-shrinkwrap\.json, package-lock\.json, yarn\.lock, bun\.lock/,
    ],
    ['bun.lockb', { 'bun.lockb': '\u0000' }, /is the binary lockfile of bun.*--save-text-lockfile/],
    ['deno.lock', { 'deno.lock': '{}' }, /is a lockfile of Deno, which the gate does not read/],
    [
      'version 1',
      { 'package-lock.json': '{"lockfileVersion":1,"dependencies":{}}' },
      /version 1.*--lockfile-version 3/,
    ],
  ] as const) {
    test(`where it is ${what}, that is said, with what to do`, async (t) => {
      const project = createManagerProject({
        registry: world.registry.url,
        files: { ...world.policyFiles(POLICY), ...files },
      })
      t.after(() => project.dispose())
      const { status, stderr } = await runCli(['verify'], { cwd: project.dir, env: project.env })
      assert.equal(status, 2)
      assert.match(stderr, says)
    })
  }
})

describe('projects of a workspace with a policy of their own', () => {
  for (const manager of ['npm12', 'yarn1', 'bun'] as const) {
    test(`in ${manager}'s lockfile are those that their package.json makes them`, async (t) => {
      const policy = POLICY.replace('rules:', 'projects: [apps/strict]\nrules:').replace(
        'packages: free',
        'packages: [free, strict]',
      )
      const strict =
        '{ "rules": [{ "packages": "**", "require": "provenance", "publisher": { "repository": "acme/widgets" } }] }'
      const project = await locked(
        manager,
        { workspaces: ['apps/*'] },
        {
          ...world.policyFiles(policy),
          'apps/strict/package.json': JSON.stringify({
            name: 'strict',
            version: '1.0.0',
            dependencies: { free: '1.0.0' },
          }),
          'apps/strict/.sigstorerc': strict,
          'apps/lax/package.json': JSON.stringify({ name: 'lax', version: '1.0.0', dependencies: { leaf: '1.0.0' } }),
        },
      )
      t.after(() => project.dispose())
      const { packages } = await judge(project)
      assert.deepEqual(
        packages.map(({ name, code, status, importers, projects }) => [name, code ?? status, importers, projects]),
        [
          ['free', 'EVIDENCE_MISSING', ['apps/strict'], ['apps/strict']],
          ['leaf', 'proven', ['apps/lax'], null],
        ],
      )
    })
  }
})
