import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  createProject,
  type PnpmVersion,
  type Project,
  postinstallsRun,
  prepareStore,
  runPnpm,
  type StoreState,
  snapshotTree,
} from '../support/pnpm/index.ts'
import { POLICY, startWorld, type World } from '../support/world.ts'
import { linked, PERMISSIVE, VERSIONS } from './stage.ts'

/**
 * pnpm 10, 11 and 12 × {fresh, frozen, add, update, fetch} × {cold, warm store} × {good, refused}, each a run of the real
 * pnpm with the built hook. `widget` depends on `part`, and it is `part` that is refused: nobody asked for it by name.
 */
const STORES: readonly StoreState[] = ['cold', 'warm']

interface Path {
  readonly name: string
  readonly args: readonly string[]
  readonly dependencies: Readonly<Record<string, string>>
  /** Whether the run starts from a lockfile. `older`: one that was made before `part@1.1.0` was published. */
  readonly lockfile: 'none' | 'current' | 'older'
  /** What a warm store has beside the dependencies. */
  readonly extra?: Readonly<Record<string, string>>
}

const PATHS: readonly Path[] = [
  { name: 'fresh', args: ['install'], dependencies: { widget: '1.0.0' }, lockfile: 'none' },
  { name: 'frozen', args: ['install', '--frozen-lockfile'], dependencies: { widget: '1.0.0' }, lockfile: 'current' },
  {
    name: 'add',
    args: ['add', 'widget@1.0.0'],
    dependencies: { other: '1.0.0' },
    lockfile: 'current',
    extra: { widget: '1.0.0' },
  },
  { name: 'update', args: ['update'], dependencies: { part: '^1.0.0' }, lockfile: 'older', extra: { newer: '1.0.0' } },
  { name: 'fetch', args: ['fetch'], dependencies: { widget: '1.0.0' }, lockfile: 'current' },
]

let world: World

before(async () => {
  world = await startWorld()
})
after(() => world.close())

/** Everything but `part@1.1.0`, which is attested for the workflow that the policy names, or for another. */
async function publishAll(good: boolean): Promise<void> {
  await world.publish(
    { name: 'part', version: '1.1.0' },
    good ? {} : { identity: { workflow: '.github/workflows/x.yml' } },
  )
}

async function publishOld(): Promise<void> {
  world.registry.reset()
  await world.publish({ name: 'part', version: '1.0.0' })
  await world.publish({ name: 'widget', version: '1.0.0', dependencies: { part: '1.1.0' } })
  await world.publish({ name: 'newer', version: '1.0.0', dependencies: { part: '1.1.0' } })
  await world.publish({ name: 'other', version: '1.0.0' })
}

/** A project in the state before the run. The lockfile is made behind the same pnpmfile, whose digest it holds. */
async function prepared(
  version: PnpmVersion,
  route: Path,
  store: StoreState,
  good: boolean,
  gated: boolean,
): Promise<Project> {
  await publishOld()
  if (route.lockfile !== 'older') await publishAll(good)
  const { dependencies, lockfile, extra } = route
  // pnpm 10 and 11 ask before they remove what another command has linked.
  const workspace = version === 12 ? {} : { confirmModulesPurge: false }
  const project = gated
    ? world.gatedProject({ dependencies, workspace, policy: PERMISSIVE })
    : createProject({ dependencies, workspace, registry: world.registry.url })
  if (lockfile !== 'none') {
    const { status, output } = await runPnpm(version, ['install', '--lockfile-only'], project)
    assert.equal(status, 0, output)
  }
  if (route.lockfile === 'older') await publishAll(good)
  await prepareStore(version, project, store, extra)
  if (gated) writeFileSync(path.join(project.dir, '.sigstorerc'), POLICY)
  return project
}

for (const version of VERSIONS) {
  describe(`pnpm ${version}`, () => {
    for (const route of PATHS) {
      for (const store of STORES) {
        test(`${route.name}, ${store} store: a refused package is neither linked nor run`, async (t) => {
          const project = await prepared(version, route, store, false, true)
          t.after(() => project.dispose())
          const { status, flat } = await runPnpm(version, route.args, project)
          assert.notEqual(status, 0, flat)
          assert.match(flat, /part@1\.1\.0 +WORKFLOW_MISMATCH/)
          assert.match(flat, /rule: +\.sigstorerc:4/)
          assert.deepEqual(
            postinstallsRun(project).filter((name) => name === 'part@1.1.0'),
            [],
          )
          assert.deepEqual(
            linked(project).filter((name) => name === 'part' || name.startsWith('part@1.1.0')),
            [],
          )
        })

        test(`${route.name}, ${store} store: a good install is what it is without the gate`, async (t) => {
          const gated = await prepared(version, route, store, true, true)
          t.after(() => gated.dispose())
          const { status, output } = await runPnpm(version, route.args, gated)
          assert.equal(status, 0, output)
          const plain = await prepared(version, route, store, true, false)
          t.after(() => plain.dispose())
          const without = await runPnpm(version, route.args, plain)
          assert.equal(without.status, 0, without.output)
          assert.deepEqual(modulesOf(gated), modulesOf(plain))
          assert.deepEqual(postinstallsRun(gated), postinstallsRun(plain))
        })
      }
    }
  })
}

function modulesOf(project: Project) {
  const modules = path.join(project.dir, 'node_modules')
  const entries = snapshotTree(modules)
  // An empty folder would be equal to any other empty folder.
  assert.ok(
    entries.some(([name]) => name.includes('part@1.1.0')),
    'nothing was installed',
  )
  return entries
}
