import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test'
import { allowSettings, setPolicy } from '../support/allow-settings.ts'
import { type GitHost, startGitHost } from '../support/git-host.ts'
import {
  createProject,
  type PnpmVersion,
  type Project,
  postinstallsRun,
  prepareStore,
  runPnpm,
  snapshotTree,
} from '../support/pnpm/index.ts'
import type { PackageSource } from '../support/registry/index.ts'
import { createRepository, preparedPackage } from '../support/repository.ts'
import { POLICY, startWorld, type World } from '../support/world.ts'
import { good, linked, permitting, runCli, VERSIONS } from './stage.ts'

/**
 * Dependencies that are git repositories, cloned or as the archive that a git host makes of them. What makes them
 * special: their own scripts run as soon as they are fetched, long before anything is linked. All projects allow that
 * (`dangerouslyAllowAllBuilds`), so that only the gate is in the way.
 */
let world: World
let host: GitHost

before(async () => {
  world = await startWorld()
  host = await startGitHost()
})
after(async () => {
  await host.close()
  await world.close()
})
beforeEach(() => world.registry.reset())

type Kind = 'clone' | 'archive'

/** The specifier of a new repository with a package of that name. */
function repository(t: TestContext, kind: Kind, name = 'tool', source: PackageSource = good(name)): string {
  if (kind === 'archive') return host.serve('acme', name, preparedPackage(source).bytes)
  const { specifier, dispose } = createRepository(source)
  t.after(dispose)
  return specifier
}

function project(t: TestContext, options: Parameters<World['gatedProject']>[0]): Project {
  const workspace = { ...host.settings, blockExoticSubdeps: false, ...options.workspace }
  const created = world.gatedProject({ ...options, workspace })
  t.after(() => created.dispose())
  allowSettings(created.dir)
  return created
}

function assertNothingRan(created: Project, ...names: readonly string[]): void {
  assert.deepEqual(postinstallsRun(created), [])
  assert.deepEqual(
    linked(created).filter((entry) => names.some((name) => entry === name || entry.startsWith(`${name}@`))),
    [],
  )
}

/** Ways for a repository to be wanted. Each leads past other code of pnpm. */
const WAYS: readonly {
  readonly name: string
  readonly args?: (specifier: string) => readonly string[]
  readonly options?: (specifier: string) => Parameters<World['gatedProject']>[0]
  readonly publish?: (specifier: string) => Promise<unknown>
}[] = [
  { name: 'package.json', options: (specifier) => ({ dependencies: { tool: specifier } }) },
  { name: 'package.json, for development', options: (tool) => ({ manifest: { devDependencies: { tool } } }) },
  { name: 'package.json, optional', options: (tool) => ({ manifest: { optionalDependencies: { tool } } }) },
  { name: 'package.json, under another name', options: (specifier) => ({ dependencies: { other: specifier } }) },
  { name: 'add', args: (specifier) => ['add', specifier] },
  { name: 'add, under another name', args: (specifier) => ['add', `other@${specifier}`] },
  {
    name: 'an override',
    options: (tool) => ({ dependencies: { tool: '1.0.0' }, workspace: { overrides: { tool } } }),
  },
  {
    name: 'a catalog',
    options: (tool) => ({ dependencies: { tool: 'catalog:' }, workspace: { catalog: { tool } } }),
  },
  {
    name: 'a package of the registry',
    options: () => ({ dependencies: { widget: '1.0.0' } }),
    publish: (tool) => world.publish({ ...good('widget'), dependencies: { tool } }),
  },
]

/** How an archive is wanted makes no other difference: these are tried for it. */
function waysOf(kind: Kind): typeof WAYS {
  const some = ['package.json', 'add', 'a package of the registry']
  return kind === 'clone' ? WAYS : WAYS.filter(({ name }) => some.includes(name))
}

for (const [version, kind] of VERSIONS.flatMap((each) => [[each, 'clone'] as const, [each, 'archive'] as const])) {
  describe(`pnpm ${version}, ${kind}`, () => {
    for (const { name, args = () => ['install'], options = () => ({}), publish } of waysOf(kind)) {
      test(`wanted by ${name}: a refused repository runs nothing and is not linked`, async (t) => {
        const specifier = repository(t, kind)
        await publish?.(specifier)
        const created = project(t, options(specifier))
        const { status, flat } = await runPnpm(version, args(specifier), created)
        assert.notEqual(status, 0, flat)
        assert.match(flat, /EVIDENCE_MISSING found: a dependency from a (git repository|tarball URL)/)
        assertNothingRan(created, 'tool', 'other', 'widget')
      })
    }

    test('a repository is refused where the rule for its name has no source, or another', async (t) => {
      for (const source of ['', 'source: [registry, workspace, tarball, directory],']) {
        const policy = POLICY.replace('rules:', `rules:\n  - { packages: tool, ${source} require: nothing }`)
        const created = project(t, { dependencies: { tool: repository(t, kind) }, policy })
        const { status, flat } = await runPnpm(version, ['install'], created)
        assert.notEqual(status, 0, flat)
        const code = source === '' ? /SOURCE_NOT_ALLOWED found: a git repository/ : /EVIDENCE_MISSING/
        assert.match(flat, code)
        assertNothingRan(created, 'tool')
      }
    })

    test('a repository whose name a rule permits is installed, fresh and frozen, and has run', async (t) => {
      const specifier = repository(t, kind)
      await world.publish(good('widget'))
      const policy = POLICY.replace('rules:', 'rules:\n  - { packages: tool, source: git, require: nothing }')
      const created = project(t, { dependencies: { tool: specifier, widget: '1.0.0' }, policy })
      const fresh = await runPnpm(version, ['install'], created)
      assert.equal(fresh.status, 0, fresh.output)
      assert.ok(linked(created).includes('tool'))
      assert.deepEqual(postinstallsRun(created), ['tool@1.0.0', 'widget@1.0.0'])
      for (const store of ['cold', 'warm'] as const) {
        await prepareStore(version, created, store)
        const frozen = await runPnpm(version, ['install', '--frozen-lockfile'], created)
        assert.equal(frozen.status, 0, frozen.output)
        assert.ok(linked(created).includes('tool'))
      }
    })

    test('a locked repository that is refused runs nothing, cold or warm', async (t) => {
      const created = await locked(t, version, repository(t, kind))
      setPolicy(created.dir, POLICY)
      for (const store of ['cold', 'warm'] as const) {
        await prepareStore(version, created, store)
        for (const args of [['install', '--frozen-lockfile'], ['install'], ['fetch']]) {
          const { status, flat } = await runPnpm(version, args, created)
          assert.notEqual(status, 0, flat)
          assert.match(flat, /tool@1\.0\.0 +EVIDENCE_MISSING found: a dependency from a git repository/)
          assertNothingRan(created, 'tool')
        }
      }
    })

    test('the name that it is wanted under must be permitted, too', async (t) => {
      const specifier = repository(t, kind)
      for (const [args, options] of [
        [['install'], { dependencies: { 'left-pad': specifier } }],
        [['add', `left-pad@${specifier}`], {}],
      ] as const) {
        const created = project(t, { ...options, policy: permitting('tool') })
        const { status, flat } = await runPnpm(version, args, created)
        assert.notEqual(status, 0, flat)
        assert.match(flat, /left-pad@(git|https).* EVIDENCE_MISSING/)
        assertNothingRan(created, 'tool', 'left-pad')
      }
    })

    test('its own name must be permitted, too', async (t) => {
      const specifier = repository(t, kind)
      for (const [args, options] of [
        [['install'], { dependencies: { fine: specifier } }],
        [['add', `fine@${specifier}`], {}],
      ] as const) {
        const created = project(t, { ...options, policy: permitting('fine') })
        const { status, flat } = await runPnpm(version, args, created)
        assert.notEqual(status, 0, flat)
        assert.match(flat, /tool@.* EVIDENCE_MISSING/)
        assertNothingRan(created, 'tool', 'fine')
      }
    })

    test('its own name must be permitted, also where its package.json claims the digest of a proven package', async (t) => {
      const { integrity } = await world.publish(good('widget'))
      const forged = {
        ...good('widget'),
        dist: { integrity, tarball: `${world.registry.url}widget/-/widget-1.0.0.tgz` },
      }
      const created = project(t, {
        dependencies: { fine: repository(t, kind, 'widget', forged) },
        policy: permitting('fine'),
      })
      const { status, flat } = await runPnpm(version, ['install'], created)
      assert.notEqual(status, 0, flat)
      assertNothingRan(created, 'widget', 'fine')
    })

    test('added without a name, it is judged by its own', async (t) => {
      const created = project(t, { policy: permitting('tool') })
      const { status, output } = await runPnpm(version, ['add', repository(t, kind)], created)
      assert.equal(status, 0, output)
      assert.ok(linked(created).includes('tool'))
      assert.deepEqual(postinstallsRun(created), ['tool@1.0.0'])
    })

    test('one that is permitted does not help another, whose scripts do not run', async (t) => {
      const dependencies = { fine: repository(t, kind, 'fine'), evil: repository(t, kind, 'evil') }
      const created = project(t, { dependencies, policy: permitting('fine') })
      const { status, flat } = await runPnpm(version, ['install'], created)
      assert.notEqual(status, 0, flat)
      assert.match(flat, /evil@(git|https).* EVIDENCE_MISSING/)
      assert.ok(!postinstallsRun(created).includes('evil@1.0.0'))
      assert.ok(!linked(created).some((name) => name.startsWith('evil')))
    })

    test('a lockfile that holds a refused one beside a permitted one is repaired, and then installs', async (t) => {
      const dependencies = { fine: repository(t, kind, 'fine'), evil: repository(t, kind, 'evil') }
      const created = project(t, { dependencies, policy: permitting('fine', 'evil') })
      const made = await runPnpm(version, ['install', '--lockfile-only', '--ignore-scripts'], created)
      assert.equal(made.status, 0, made.output)
      setPolicy(created.dir, permitting('fine'))
      await prepareStore(version, created, 'cold')
      const repaired = await runCli(version, ['repair', 'remove', 'evil'], created)
      assert.equal(repaired.status, 0, repaired.output)
      assert.ok(!postinstallsRun(created).includes('evil@1.0.0'))
      const { status, output } = await runPnpm(version, ['install'], created)
      assert.equal(status, 0, output)
      assert.ok(linked(created).includes('fine'))
      assert.ok(!postinstallsRun(created).includes('evil@1.0.0'))
    })

    test('what pnpm locks and installs of it is what it is without the gate', async (t) => {
      const dependencies = { tool: repository(t, kind) }
      const gated = project(t, { dependencies, policy: permitting('tool') })
      const plain = createProject({ dependencies, registry: world.registry.url, workspace: host.settings })
      t.after(() => plain.dispose())
      for (const each of [gated, plain]) {
        const { status, output } = await runPnpm(version, ['install'], each)
        assert.equal(status, 0, output)
      }
      const lockfile = ({ dir }: Project) =>
        readFileSync(path.join(dir, 'pnpm-lock.yaml'), 'utf8').replace(/^pnpmfileChecksum: .*\n\n/m, '')
      assert.equal(lockfile(gated), lockfile(plain))
      assert.deepEqual(
        snapshotTree(path.join(gated.dir, 'node_modules')),
        snapshotTree(path.join(plain.dir, 'node_modules')),
      )
    })
  })
}

for (const version of VERSIONS) {
  test(`pnpm ${version}: a package whose registry points to a git host is not the package that was attested`, async (t) => {
    const pkg = preparedPackage(good('tool'))
    world.registry.publish(pkg, { attestations: await world.attest(pkg) })
    world.registry.setDist('tool', '1.0.0', { tarball: host.serve('acme', 'tool', pkg.bytes) })
    const created = project(t, { dependencies: { tool: '1.0.0' } })
    const { status, flat } = await runPnpm(version, ['install'], created)
    assert.notEqual(status, 0, flat)
    assert.match(flat, /tool@1\.0\.0 +EVIDENCE_MISSING found: a dependency from a git repository/)
    assertNothingRan(created, 'tool')
  })
}

test('pnpm 10.25 asks nobody before it runs the scripts of a repository: a new one is refused by name and version', async (t) => {
  const specifier = repository(t, 'clone')
  for (const [args, options] of [
    [['install'], { dependencies: { tool: specifier } }],
    [['add', specifier], {}],
  ] as const) {
    const created = project(t, { ...options, policy: permitting('tool') })
    const { status, flat } = await runPnpm('10.25', args, created)
    assert.notEqual(status, 0, flat)
    assert.match(flat, /cannot guard a git repository .* with pnpm 10\.25\.0: .* Use pnpm 10\.26 or newer/)
    assertNothingRan(created, 'tool')
  }
})

test('pnpm 10.25 installs one that the lockfile has and a rule permits', async (t) => {
  const created = await locked(t, 10, repository(t, 'clone'))
  const { status, output } = await runPnpm('10.25', ['install', '--frozen-lockfile'], created)
  assert.equal(status, 0, output)
  assert.ok(linked(created).includes('tool'))
})

/** A project that has been under a policy which permits the repository, until its lockfile was made. */
async function locked(t: TestContext, version: PnpmVersion, specifier: string): Promise<Project> {
  const created = project(t, { dependencies: { tool: specifier }, policy: permitting('tool') })
  const { status, output } = await runPnpm(version, ['install', '--lockfile-only', '--ignore-scripts'], created)
  assert.equal(status, 0, output)
  return created
}
