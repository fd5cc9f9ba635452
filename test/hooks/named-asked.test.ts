/** Who asks for a package of a registry with a name. A key of the lockfile alone is what a stranger writes. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { runProject, through } from '../cli/run/support.ts'
import { verify } from '../cli/support.ts'
import { type Project, runPnpm } from '../support/pnpm/index.ts'
import {
  createTarball,
  type PackageSource,
  type PackedPackage,
  type Registry,
  startRegistry,
} from '../support/registry/index.ts'
import { startWorld, type World } from '../support/world.ts'

let world: World
/** The registry with a name. */
let work: Registry
const packed = new Map<string, PackedPackage>()

before(async () => {
  world = await startWorld()
  work = await startRegistry({ keys: world.sigstore.npmKeys })
  const publish = (registry: Registry, from: string, manifest: Partial<PackageSource> & { readonly name: string }) => {
    const pkg = createTarball({ version: '1.0.0', files: { from }, ...manifest })
    registry.publish(pkg)
    packed.set(`${manifest.name} ${from}`, pkg)
  }
  for (const [registry, from] of [
    [work, 'work'],
    [world.registry, 'usual'],
  ] as const)
    for (const name of ['alpha', '@acme/x']) publish(registry, from, { name })
  publish(world.registry, 'usual', { name: 'parent', dependencies: { alpha: '1.0.0' } })
  publish(world.registry, 'usual', { name: 'peering', peerDependencies: { alpha: '1.0.0' } })
  publish(world.registry, 'usual', { name: 'asking', dependencies: { alpha: 'work:1.0.0' } })
})
after(async () => {
  await work.close()
  await world.close()
})

const POLICY = 'rules: [{ packages: "**", require: nothing }]'

interface Asking {
  readonly dependencies: Readonly<Record<string, string>>
  readonly workspace?: Readonly<Record<string, unknown>>
}

function projectWith(t: TestContext, { dependencies, workspace }: Asking, lockfile?: string): Project {
  const project = world.gatedProject({
    dependencies,
    policy: POLICY,
    workspace: { namedRegistries: { work: work.url }, ...workspace },
    manifest: { packageManager: 'pnpm@12.21.0' },
  })
  t.after(() => project.dispose())
  if (lockfile !== undefined) writeFileSync(path.join(project.dir, 'pnpm-lock.yaml'), lockfile)
  return project
}

/** What real pnpm writes by itself. */
const GENUINE: Readonly<Record<string, Asking>> = {
  'a dependency': { dependencies: { alpha: 'work:1.0.0', '@acme/x': 'work:^1.0.0' } },
  'another name': { dependencies: { other: 'work:@acme/x@1.0.0', alpha: 'work:alpha' } },
  'a catalog': { dependencies: { alpha: 'catalog:' }, workspace: { catalog: { alpha: 'work:1.0.0' } } },
  'an override of a dependency': {
    dependencies: { alpha: '1.0.0' },
    workspace: { overrides: { alpha: 'work:1.0.0' } },
  },
  "an override of a package's dependency": {
    dependencies: { parent: '1.0.0' },
    workspace: { overrides: { alpha: 'work:1.0.0' } },
  },
  "an override of one package's dependency, by a catalog": {
    dependencies: { parent: '1.0.0' },
    workspace: { catalog: { alpha: 'work:1.0.0' }, overrides: { 'parent>alpha': 'catalog:' } },
  },
  'an override under another name': {
    dependencies: { parent: '1.0.0' },
    workspace: { overrides: { alpha: 'work:@acme/x@1.0.0' } },
  },
  'a package that has it as a peer': { dependencies: { alpha: 'work:1.0.0', peering: '1.0.0' } },
  'a package, and an override that says so': {
    dependencies: { asking: '1.0.0' },
    workspace: { overrides: { 'asking>alpha': 'work:1.0.0' } },
  },
}

for (const version of [11, 12] as const) {
  describe(`pnpm ${version}: a package of a named registry is of it`, () => {
    for (const [what, asking] of Object.entries(GENUINE))
      test(`where it is asked for by ${what}`, async (t) => {
        const project = projectWith(t, asking)
        for (const args of [['install', '--lockfile-only'], ['install', '--frozen-lockfile'], ['install']]) {
          const run = await runPnpm(version, args, project)
          assert.equal(run.status, 0, `${args.join(' ')}: ${run.output}`)
        }
        assert.match(readFileSync(path.join(project.dir, 'pnpm-lock.yaml'), 'utf8'), /@work:1\.0\.0/)
        const verified = await verify(project)
        assert.equal(verified.status, 0, verified.stderr)
      })

    test('not where only the package.json of another package says so, which no lockfile holds', async (t) => {
      const project = projectWith(t, { dependencies: { asking: '1.0.0' } })
      await runPnpm(version, ['install', '--lockfile-only', '--ignore-pnpmfile'], project)
      await assertRefused(version, project)
    })
  })
}

async function assertRefused(version: 11 | 12, project: Project): Promise<void> {
  const verified = await verify(project)
  assert.equal(verified.status, 1, verified.stderr)
  assert.match(verified.stderr, /SOURCE_NOT_ALLOWED/)
  const run = await runPnpm(version, ['install', '--frozen-lockfile'], project)
  assert.notEqual(run.status, 0)
  assert.match(run.flat, /SOURCE_NOT_ALLOWED/)
  assert.equal(existsSync(path.join(project.dir, 'node_modules/alpha')), false)
}

/** A lockfile with `alpha` as the only dependency. */
function lockfileWith(from: 'work' | 'usual', specifier: string, more = ''): string {
  const version = from === 'work' ? 'work:1.0.0' : '1.0.0'
  return `${HEAD}${more}importers:\n  .:\n    dependencies:\n      alpha:\n        specifier: '${specifier}'\n        version: ${version}\npackages:\n  alpha@${version}:\n    resolution: {integrity: ${packed.get(`alpha ${from}`)?.integrity}}\nsnapshots:\n  alpha@${version}: {}\n`
}

const HEAD = "lockfileVersion: '9.0'\nsettings:\n  autoInstallPeers: true\n  excludeLinksFromLockfile: false\n"
const CATALOG = "catalogs:\n  default:\n    alpha:\n      specifier: '1.0.0'\n      version: 1.0.0\n"

const below = () =>
  `${HEAD}importers:\n  .:\n    dependencies:\n      parent:\n        specifier: 1.0.0\n        version: 1.0.0\npackages:\n  alpha@work:1.0.0:\n    resolution: {integrity: ${packed.get('alpha work')?.integrity}}\n  parent@1.0.0:\n    resolution: {integrity: ${packed.get('parent usual')?.integrity}}\nsnapshots:\n  alpha@work:1.0.0: {}\n  parent@1.0.0:\n    dependencies:\n      alpha: work:1.0.0\n`

/** What a lockfile alone brings about. Real pnpm installs each of them without the gate. */
const FORGED: Readonly<Record<string, readonly [Asking, () => string]>> = {
  'a named registry in the place of the usual one': [
    { dependencies: { alpha: '1.0.0' } },
    () => lockfileWith('work', '1.0.0'),
  ],
  'the usual registry in the place of a named one': [
    { dependencies: { alpha: 'work:1.0.0' } },
    () => lockfileWith('usual', 'work:1.0.0'),
  ],
  'a named registry for the dependency of a package': [{ dependencies: { parent: '1.0.0' } }, below],
  'a named registry in the place of what a catalog has': [
    { dependencies: { alpha: 'catalog:' }, workspace: { catalog: { alpha: '1.0.0' } } },
    () => lockfileWith('work', 'catalog:', CATALOG),
  ],
  'a named registry, and leaves the catalog out': [
    { dependencies: { alpha: 'catalog:' }, workspace: { catalog: { alpha: '1.0.0' } } },
    () => lockfileWith('work', 'catalog:'),
  ],
  'the usual registry, and leaves the catalog out': [
    { dependencies: { alpha: 'catalog:' }, workspace: { catalog: { alpha: 'work:1.0.0' } } },
    () => lockfileWith('usual', 'catalog:'),
  ],
}

describe('a lockfile alone cannot choose the registry', () => {
  for (const [what, [asking, lockfile]] of Object.entries(FORGED))
    for (const version of [11, 12] as const)
      test(`pnpm ${version} installs ${what}, and the gate refuses that`, async (t) => {
        const bare = projectWith(t, asking, lockfile())
        const ignoring = await runPnpm(version, ['install', '--frozen-lockfile', '--ignore-pnpmfile'], bare)
        assert.equal(ignoring.status, 0, ignoring.output)
        await assertRefused(version, projectWith(t, asking, lockfile()))
      })

  for (const runner of ['pnpm11', 'pnpm12'] as const)
    for (const [from, specifier, status] of [
      ['work', '1.0.0', 1],
      ['usual', 'work:1.0.0', 1],
      ['work', 'work:1.0.0', 0],
      ['usual', '1.0.0', 0],
    ] as const)
      test(`run with ${runner} ${status === 0 ? 'lets' : 'does not let'} alpha through from the ${from} registry where ${specifier} is asked for`, async (t) => {
        const project = runProject(t, world, {
          dependencies: { alpha: specifier },
          policy: POLICY,
          files: {
            'pnpm-lock.yaml': lockfileWith(from, specifier),
            'pnpm-workspace.yaml': `pmOnFail: ignore\nfetchRetries: 0\nnamedRegistries: { work: '${work.url}' }\n`,
          },
          manifest: { packageManager: 'pnpm@12.21.0' },
        })
        const run = await through(runner, ['install', '--frozen-lockfile'], project)
        assert.equal(run.status, status, run.stderr)
        if (status === 1) assert.match(run.stderr, /SOURCE_NOT_ALLOWED/)
        assert.equal(existsSync(path.join(project.dir, 'node_modules/alpha')), status === 0)
      })
})
