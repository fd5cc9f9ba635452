/**
 * A name that a policy permits as a project of the workspace, and a lockfile that gives that name a tarball of another host:
 * as a direct dependency, and as one of a package. Judged by `verify` in the lockfile of each manager, by the hook in real
 * pnpm, and by `run`.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { stringify } from 'yaml'
import { serve } from '../evidence/support.ts'
import { linked, VERSIONS } from '../hooks/stage.ts'
import { type PnpmVersion, type Project, runPnpm } from '../support/pnpm/index.ts'
import { createTarball, type PackedPackage } from '../support/registry/index.ts'
import { startWorld, type World } from '../support/world.ts'
import { type Runner, runProject, STRICT, through, without } from './run/support.ts'
import { cliProject, endings, report, reportOf, runCli } from './support.ts'

const NAME = '@acme/internal-x'
/** The documented recipe for projects of the workspace. */
const DOCS = readFileSync(path.join(import.meta.dirname, '../../docs/policy.md'), 'utf8')
const [, RECIPE = ''] =
  /### Packages without provenance, and what no registry has\n[\s\S]*?```yaml\n([\s\S]*?)```/.exec(DOCS) ?? []
/** What that recipe was before rules had sources. */
const BARE = RECIPE.replaceAll(/^ {4}source: .*\n/gm, '')
const PERMITTED = `rules:\n  - { packages: '${NAME}', source: tarball, require: nothing }\n  - { packages: '**', require: nothing }\n`

let world: World
let carrier: PackedPackage
let evil: PackedPackage
before(async () => {
  world = await startWorld()
  evil = createTarball({ name: NAME, version: '1.0.0', files: { 'evil.js': '' } })
  carrier = createTarball({ name: 'carrier', version: '1.0.0', dependencies: { [NAME]: '1.0.0' } })
  world.registry.publish(carrier)
  // pnpm 11 asks the registry about each name and version that a lockfile has.
  world.registry.publish(createTarball({ name: NAME, version: '1.0.0' }))
})
after(() => world.close())

async function evilHost(t: TestContext): Promise<string> {
  return (await serve(t, (_, response) => response.end(evil.bytes))).url
}

interface Wanted {
  /** Whether `carrier` asks for it, and no project. */
  readonly isTransitive: boolean
  readonly address: string
}

type Files = Readonly<Record<string, string>>

/** A lockfile of each manager, in which the name and its version stand at an address of the attacker's choice. */
const LOCKED: Readonly<Record<string, (wanted: Wanted) => Files>> = {
  'pnpm-lock.yaml': ({ isTransitive, address }) => ({
    'pnpm-lock.yaml': pnpmLock(isTransitive, `${NAME}@1.0.0`, '1.0.0', { integrity: evil.integrity, tarball: address }),
  }),
  'pnpm-lock.yaml, by a URL': ({ isTransitive, address }) => ({
    'pnpm-lock.yaml': pnpmLock(isTransitive, `${NAME}@${address}`, address, {
      integrity: evil.integrity,
      tarball: address,
    }),
  }),
  'package-lock.json': ({ isTransitive, address }) => ({
    'package-lock.json': JSON.stringify({
      ...{ name: 'project', version: '0.0.0', lockfileVersion: 3, requires: true },
      packages: {
        '': { name: 'project', version: '0.0.0', dependencies: asked(isTransitive) },
        ...(isTransitive && {
          'node_modules/carrier': {
            version: '1.0.0',
            resolved: `${world.registry.url}carrier/-/carrier-1.0.0.tgz`,
            integrity: carrier.integrity,
            dependencies: { [NAME]: '1.0.0' },
          },
        }),
        [`node_modules/${NAME}`]: { version: '1.0.0', resolved: address, integrity: evil.integrity },
      },
    }),
  }),
  'yarn.lock of yarn 1': ({ isTransitive, address }) => ({
    'yarn.lock': [
      '# yarn lockfile v1\n\n',
      `"${NAME}@1.0.0":\n  version "1.0.0"\n  resolved "${address}"\n  integrity ${evil.integrity}\n`,
      isTransitive
        ? `\ncarrier@1.0.0:\n  version "1.0.0"\n  resolved "${world.registry.url}carrier/-/carrier-1.0.0.tgz"\n  integrity ${carrier.integrity}\n  dependencies:\n    "${NAME}" "1.0.0"\n`
        : '',
    ].join(''),
  }),
  'bun.lock': ({ isTransitive, address }) => ({
    'bun.lock': JSON.stringify({
      lockfileVersion: 1,
      workspaces: { '': { name: 'project', dependencies: asked(isTransitive) } },
      packages: {
        [NAME]: [`${NAME}@1.0.0`, address, {}, evil.integrity],
        ...(isTransitive && {
          carrier: [
            'carrier@1.0.0',
            `${world.registry.url}carrier/-/carrier-1.0.0.tgz`,
            { dependencies: { [NAME]: '1.0.0' } },
            carrier.integrity,
          ],
        }),
      },
    }),
  }),
}

const asked = (isTransitive: boolean) => (isTransitive ? { carrier: '1.0.0' } : { [NAME]: '1.0.0' })

function pnpmLock(isTransitive: boolean, key: string, ref: string, resolution: object): string {
  const specifier = ref === '1.0.0' ? '1.0.0' : ref
  const direct = { [NAME]: { specifier, version: ref } }
  return stringify({
    lockfileVersion: '9.0',
    importers: {
      '.': { dependencies: isTransitive ? { carrier: { specifier: '1.0.0', version: '1.0.0' } } : direct },
    },
    packages: {
      ...(isTransitive && { 'carrier@1.0.0': { resolution: { integrity: carrier.integrity } } }),
      [key]: { resolution, ...(ref !== '1.0.0' && { version: '1.0.0' }) },
    },
    snapshots: {
      ...(isTransitive && { 'carrier@1.0.0': { dependencies: { [NAME]: ref } } }),
      [key]: {},
    },
  })
}

const kinds = [false, true].flatMap((isTransitive) =>
  ['x.tgz', '@acme/internal-x/-/internal-x-1.0.0.tgz'].map((file) => ({ isTransitive, file })),
)
const named = ({ isTransitive, file }: (typeof kinds)[number]) =>
  `${isTransitive ? 'needed by a package' : 'needed by the project'}, at ${file}`

describe('verify refuses a tarball of any host under the name of a project', () => {
  for (const [format, lock] of Object.entries(LOCKED)) {
    for (const kind of kinds) {
      test(`in ${format}, ${named(kind)}`, async (t) => {
        const { isTransitive, file } = kind
        const files = lock({ isTransitive, address: `https://evil.example/${file}` })
        const made = (policy: string) => {
          const project = cliProject(world, {
            manifest: { dependencies: asked(isTransitive) },
            files: { ...files, '.sigstorerc': policy },
          })
          t.after(() => project.dispose())
          return project
        }
        const judged = async (policy: string) => {
          const all = endings(await report(made(policy), '--attestations', '.'))
          const [, ending] = Object.entries(all).find(([id]) => id.startsWith(NAME)) ?? assert.fail('not listed')
          if (isTransitive) assert.equal(all['carrier@1.0.0'], 'permitted')
          return ending
        }
        // The next rule of the recipe asks for proof of whatever else has such a name.
        assert.equal(await judged(RECIPE), 'EVIDENCE_MISSING')
        assert.equal(await judged(BARE), 'SOURCE_NOT_ALLOWED')
        assert.equal(await judged(`rules: [{ packages: '**', require: nothing }]`), 'SOURCE_NOT_ALLOWED')
        assert.equal(await judged(PERMITTED), 'permitted')
      })
    }
  }

  test('in each of them a project itself passes', async (t) => {
    const workspace = { [NAME]: 'workspace:*' }
    const lockfiles: Readonly<Record<string, string>> = {
      'pnpm-lock.yaml': stringify({
        lockfileVersion: '9.0',
        importers: {
          '.': { dependencies: { [NAME]: { specifier: 'workspace:*', version: 'link:packages/x' } } },
          'packages/x': {},
        },
      }),
      'package-lock.json': JSON.stringify({
        lockfileVersion: 3,
        packages: {
          '': { name: 'project', workspaces: ['packages/*'], dependencies: { [NAME]: '*' } },
          'packages/x': { name: NAME, version: '1.0.0' },
          [`node_modules/${NAME}`]: { resolved: 'packages/x', link: true },
        },
      }),
      'yarn.lock': '# yarn lockfile v1\n\n',
      'bun.lock': JSON.stringify({
        lockfileVersion: 1,
        workspaces: { '': { name: 'project', dependencies: workspace }, 'packages/x': { name: NAME } },
        packages: { [NAME]: [`${NAME}@workspace:packages/x`] },
      }),
    }
    for (const [name, content] of Object.entries(lockfiles)) {
      const project = cliProject(world, {
        manifest: { workspaces: ['packages/*'], dependencies: { [NAME]: '*' } },
        files: {
          [name]: content,
          'packages/x/package.json': JSON.stringify({ name: NAME, version: '1.0.0' }),
          '.sigstorerc': RECIPE,
        },
      })
      t.after(() => project.dispose())
      assert.deepEqual(Object.values(endings(await report(project))), ['permitted'], name)
    }
  })
})

describe('policy check', () => {
  test('names what a rule met before, and the line under which it passes', async (t) => {
    const files = LOCKED['package-lock.json']?.({ isTransitive: false, address: 'https://evil.example/x.tgz' })
    const rest = `  - { packages: '**', require: nothing }\n`
    const project = cliProject(world, { files: { ...files, '.sigstorerc': `rules:\n${rest}` } })
    t.after(() => project.dispose())
    const where = { cwd: project.dir, env: project.env }
    const { status, stderr } = await runCli(['policy', 'check'], where)
    assert.equal(status, 0)
    const [, line] = /write before this rule: - (\{.*\})$/m.exec(stderr) ?? assert.fail(stderr)
    assert.match(
      stderr,
      /^\.sigstorerc:2: this rule covers registry and workspace, and so not: @acme\/internal-x@1\.0\.0/,
    )
    writeFileSync(path.join(project.dir, '.sigstorerc'), `rules:\n  - ${line}\n${rest}`)
    assert.deepEqual(Object.values(endings(reportOf(await runCli(['verify', '--json'], where)))), ['permitted'])
    assert.match((await runCli(['policy', 'check'], where)).stderr, /^\.sigstorerc: 2 rules, no mistakes$/m)
  })
})

describe('the hook refuses a tarball of any host under the name of a project', () => {
  const isThere = ({ dir }: Project) =>
    [`node_modules/${NAME}`, `node_modules/.pnpm/node_modules/${NAME}`].some((each) =>
      existsSync(path.join(dir, each, 'evil.js')),
    )
  /** pnpm writes a checksum of the pnpmfile into lockfiles, and installs from none without it. */
  async function addChecksum(version: PnpmVersion, { dir }: Project): Promise<void> {
    const other = world.gatedProject({ dependencies: {}, policy: PERMITTED })
    await runPnpm(version, ['install', '--lockfile-only'], other)
    const [line] = /^pnpmfileChecksum: .*\n/m.exec(readFileSync(path.join(other.dir, 'pnpm-lock.yaml'), 'utf8')) ?? []
    other.dispose()
    const file = path.join(dir, 'pnpm-lock.yaml')
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^(?=importers:)/m, line ?? assert.fail('no checksum')))
  }
  for (const version of VERSIONS) {
    for (const form of ['pnpm-lock.yaml', 'pnpm-lock.yaml, by a URL'] as const) {
      for (const isTransitive of [false, true]) {
        test(`pnpm ${version}, frozen, ${form}, ${isTransitive ? 'transitive' : 'direct'}`, async (t) => {
          const address = `${await evilHost(t)}x.tgz`
          const isUrl = form !== 'pnpm-lock.yaml'
          const made = (policy: string) => {
            const project = world.gatedProject({
              dependencies: isTransitive ? { carrier: '1.0.0' } : { [NAME]: isUrl ? address : '1.0.0' },
              files: LOCKED[form]?.({ isTransitive, address }) ?? {},
              workspace: { blockExoticSubdeps: false, minimumReleaseAge: 0 },
              policy,
            })
            t.after(() => project.dispose())
            return project
          }
          for (const policy of [RECIPE, BARE]) {
            const refused = made(policy)
            const { status, flat } = await runPnpm(version, ['install', '--frozen-lockfile'], refused)
            assert.notEqual(status, 0, flat)
            assert.match(flat, policy === RECIPE ? /EVIDENCE_MISSING/ : /SOURCE_NOT_ALLOWED found: a tarball \(/)
            assert.deepEqual([isThere(refused), linked(refused)], [false, []])
          }
          // Otherwise it would be installed; pnpm 11 and 12 themselves refuse other addresses than their registry gives.
          const permitted = made(PERMITTED)
          await addChecksum(version, permitted)
          const { status, output } = await runPnpm(version, ['install', '--frozen-lockfile'], permitted)
          if (isUrl || version === 10) assert.deepEqual([status, isThere(permitted)], [0, true], output)
          else assert.match(output, /ERR_PNPM_TARBALL_URL_MISMATCH/)
        })
      }
    }

    test(`pnpm ${version}, resolving what package.json asks for`, async (t) => {
      const address = `${await evilHost(t)}x.tgz`
      const project = world.gatedProject({ dependencies: { [NAME]: address }, policy: BARE })
      t.after(() => project.dispose())
      const { status, flat } = await runPnpm(version, ['install'], project)
      assert.notEqual(status, 0, flat)
      assert.match(flat, /SOURCE_NOT_ALLOWED found: a tarball \(/)
      assert.equal(isThere(project), false)
    })

    test(`pnpm ${version}: a project of the workspace passes, resolved and frozen`, async (t) => {
      const project = world.gatedProject({
        dependencies: { [NAME]: 'workspace:*' },
        files: { 'packages/x/package.json': JSON.stringify({ name: NAME, version: '1.0.0' }) },
        workspace: { packages: ['packages/*'] },
        policy: RECIPE,
      })
      t.after(() => project.dispose())
      for (const args of [['install'], ['install', '--frozen-lockfile']]) {
        const { status, output } = await runPnpm(version, args, project)
        assert.equal(status, 0, output)
      }
    })
  }
})

const RUN: readonly (readonly [Runner, string])[] = [
  ['npm11', 'package-lock.json'],
  ['npm12', 'package-lock.json'],
  ['yarn1', 'yarn.lock of yarn 1'],
  ['bun', 'bun.lock'],
]

describe('run refuses a tarball of any host under the name of a project', () => {
  for (const [runner, format] of RUN) {
    for (const isTransitive of [false, true]) {
      test(`${runner}, ${isTransitive ? 'transitive' : 'direct'}`, async (t) => {
        const address = `${await evilHost(t)}x.tgz`
        const made = (policy: string) =>
          runProject(t, world, {
            dependencies: asked(isTransitive),
            files: {
              ...LOCKED[format]?.({ isTransitive, address }),
              '.sigstorerc': policy,
              // npm 12 fetches what is at another host only where it is told to.
              '.npmrc': `registry=${world.registry.url}\nallow-remote=all\n`,
            },
          })
        const isThere = ({ dir }: { dir: string }) => existsSync(path.join(dir, 'node_modules', NAME, 'evil.js'))
        const control = made(BARE)
        const bare = await without(runner, STRICT[runner], control)
        assert.equal(bare.status, 0, bare.output)
        assert.ok(isThere(control), 'without the gate it is installed')
        for (const policy of [RECIPE, BARE]) {
          const refused = made(policy)
          const { status, stderr } = await through(runner, STRICT[runner], refused)
          assert.equal(status, 1, stderr)
          assert.match(stderr, policy === RECIPE ? /EVIDENCE_MISSING/ : /SOURCE_NOT_ALLOWED/)
          assert.ok(!isThere(refused))
        }
        const permitted = made(PERMITTED)
        const { status, output } = await through(runner, STRICT[runner], permitted)
        assert.deepEqual([status, isThere(permitted)], [0, true], output)
      })
    }
  }
})
