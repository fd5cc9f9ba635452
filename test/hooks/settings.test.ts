/**
 * Settings of a repository that change what pnpm says of itself, or where it installs from. Each was a way past the gate.
 */
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { allowSettings } from '../support/allow-settings.ts'
import { type PnpmVersion, type Project, postinstallsRun, prepareStore, runPnpm } from '../support/pnpm/index.ts'
import { createRepository } from '../support/repository.ts'
import { POLICY, startWorld, type World } from '../support/world.ts'
import { packGate } from './packed.ts'
import { FOREIGN, good, linked, lockedProject, PERMISSIVE, VERSIONS } from './stage.ts'

let world: World
let gateVersion: string

before(async () => {
  world = await startWorld()
  await world.publish(good('widget'))
  await world.publish(good('evil'), FOREIGN)
  const { packed } = await packGate()
  world.registry.publish(packed, { attestations: await world.attest(packed) })
  gateVersion = packed.manifest.version
})
after(() => world.close())

/** Adds settings that the policy allows, so that a test sees what the gate does behind its list of settings. */
function settings({ dir }: Project, lines: string): void {
  appendFileSync(path.join(dir, 'pnpm-workspace.yaml'), `${lines}\n`)
  allowSettings(dir)
}

/** A project that locks a refused package. For pnpm 12.15, which the gate refuses, 12.21 makes the lockfile. */
async function locked(t: TestContext, version: PnpmVersion, options: Parameters<World['gatedProject']>[0] = {}) {
  const project = await lockedProject(world, version === '12.15' ? 12 : version, {
    dependencies: { evil: '1.0.0' },
    ...options,
  })
  t.after(() => project.dispose())
  return project
}

function assertNoEvil(project: Project): void {
  assert.deepEqual(
    linked(project).filter((name) => name.startsWith('evil')),
    [],
  )
  assert.deepEqual(postinstallsRun(project), [])
}

describe('a `userAgent` of the repository does not say which pnpm runs', () => {
  for (const version of [12, '12.16'] as const) {
    for (const store of ['cold', 'warm'] as const) {
      test(`pnpm ${version}, ${store} store: \`fetch\` judges the lockfile, whatever pnpm calls itself`, async (t) => {
        const project = await locked(t, version)
        await prepareStore(version, project, store)
        settings(project, 'userAgent: pnpm/11.28.11')
        const { status, flat } = await runPnpm(version, ['fetch'], project)
        assert.notEqual(status, 0, flat)
        assert.match(flat, /evil@1\.0\.0 +WORKFLOW_MISMATCH/)
        assertNoEvil(project)
      })
    }
  }

  for (const agent of ['pnpm/11.28.11', 'pnpm/12.21.0', 'x']) {
    test(`pnpm 12.15 that calls itself ${agent} is refused as what it is`, async (t) => {
      const project = await locked(t, '12.15')
      await prepareStore('12.15', project, 'warm')
      settings(project, `userAgent: ${agent}`)
      for (const args of [['install', '--frozen-lockfile'], ['fetch']]) {
        const { status, flat } = await runPnpm('12.15', args, project)
        assert.notEqual(status, 0, flat)
        assert.match(flat, /cannot guard pnpm 12\.15\.0/)
        assertNoEvil(project)
      }
    })
  }

  test('pnpm 12.21 that calls itself 12.15 is not refused for that', async (t) => {
    const project = await lockedProject(world, 12, { dependencies: { widget: '1.0.0' } })
    t.after(() => project.dispose())
    settings(project, 'userAgent: pnpm/12.15.0')
    const { status, output } = await runPnpm(12, ['install', '--frozen-lockfile'], project)
    assert.equal(status, 0, output)
  })

  test('pnpm 10.25 that calls itself 11 still refuses a repository whose scripts it would run', async (t) => {
    const repository = createRepository(good('tool'))
    t.after(() => repository.dispose())
    const project = world.gatedProject({
      dependencies: { tool: repository.specifier },
      policy: PERMISSIVE,
      workspace: { userAgent: 'pnpm/11.28.11' },
    })
    t.after(() => project.dispose())
    allowSettings(project.dir)
    const { status, flat } = await runPnpm('10.25', ['install'], project)
    assert.notEqual(status, 0, flat)
    assert.match(flat, /cannot guard a git repository .* with pnpm 10\.25\.0/)
    assert.deepEqual(postinstallsRun(project), [])
  })
})

/** A workspace whose one project has a lockfile of its own with a refused package, and no other. */
async function separate(t: TestContext, workspace: Readonly<Record<string, unknown>>, npmrc = ''): Promise<Project> {
  const app = { name: 'app', version: '1.0.0', dependencies: { evil: '1.0.0' } }
  const project = world.gatedProject({
    policy: PERMISSIVE,
    workspace: { packages: ['app'], ...workspace },
    npmrc,
    files: { 'app/package.json': JSON.stringify(app) },
  })
  t.after(() => project.dispose())
  const made = await runPnpm(10, ['install', '--lockfile-only', '--ignore-pnpmfile'], project)
  assert.equal(made.status, 0, made.output)
  assert.match(readFileSync(path.join(project.dir, 'app/pnpm-lock.yaml'), 'utf8'), /evil@1\.0\.0/)
  writeFileSync(path.join(project.dir, '.sigstorerc'), POLICY)
  return project
}

describe('pnpm 10 with a lockfile for each project is refused, however the setting is written', () => {
  const ways: Readonly<Record<string, readonly [Readonly<Record<string, unknown>>, string?]>> = {
    'false in pnpm-workspace.yaml': [{ sharedWorkspaceLockfile: false }],
    'null in pnpm-workspace.yaml': [{ sharedWorkspaceLockfile: null }],
    '0 in pnpm-workspace.yaml': [{ sharedWorkspaceLockfile: 0 }],
    'an empty text in pnpm-workspace.yaml': [{ sharedWorkspaceLockfile: '' }],
    'null in .npmrc': [{}, 'shared-workspace-lockfile=null\n'],
    'false in .npmrc': [{}, 'shared-workspace-lockfile=false\n'],
    'false, by a pnpm that calls itself 11': [{ sharedWorkspaceLockfile: false, userAgent: 'pnpm/11.28.11' }],
  }
  for (const [way, [workspace, npmrc]] of Object.entries(ways)) {
    test(way, async (t) => {
      const project = await separate(t, workspace, npmrc)
      const { status, flat } = await runPnpm(10, ['install', '--frozen-lockfile'], project)
      assert.notEqual(status, 0, flat)
      assert.match(flat, /cannot guard pnpm 10\.34\.9 with `sharedWorkspaceLockfile: .*`/)
      assert.ok(!existsSync(path.join(project.dir, 'app/node_modules/evil')))
      assert.deepEqual(postinstallsRun(project), [])
    })
  }

  test('`~` in pnpm-workspace.yaml', async (t) => {
    const project = await separate(t, { sharedWorkspaceLockfile: false })
    const file = path.join(project.dir, 'pnpm-workspace.yaml')
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('sharedWorkspaceLockfile: false', 'sharedWorkspaceLockfile: ~'),
    )
    const { status, flat } = await runPnpm(10, ['install', '--frozen-lockfile'], project)
    assert.notEqual(status, 0, flat)
    assert.match(flat, /`sharedWorkspaceLockfile: null`/)
    assert.ok(!existsSync(path.join(project.dir, 'app/node_modules/evil')))
  })
})

describe('a setting does not move the workspace away from the command', () => {
  /** The gate is a config dependency, which pnpm loads from wherever it takes the workspace to be. */
  async function gatedByPlugin(t: TestContext, version: PnpmVersion): Promise<Project> {
    const { '.pnpmfile.cjs': _, ...files } = world.policyFiles(PERMISSIVE)
    const project = world.gatedProject({ dependencies: { widget: '1.0.0' }, files: { ...files, '.pnpmfile.cjs': '' } })
    t.after(() => project.dispose())
    const added = await runPnpm(version, ['add', '--config', `pnpm-plugin-provenance-gate@${gateVersion}`], project)
    assert.equal(added.status, 0, added.output)
    writeFileSync(path.join(project.dir, '.sigstorerc'), POLICY)
    const hidden = path.join(project.dir, 'hidden')
    mkdirSync(hidden)
    writeFileSync(path.join(hidden, '.sigstorerc'), PERMISSIVE)
    writeFileSync(path.join(hidden, 'package.json'), '{"name": "hidden", "version": "1.0.0"}')
    return project
  }

  test('pnpm 10, dir: the same is installed, and judged, as without it', async (t) => {
    const project = await gatedByPlugin(t, 10)
    settings(project, 'dir: hidden')
    const { status, output } = await runPnpm(10, ['install'], project)
    assert.equal(status, 0, output)
    assert.ok(linked(project).includes('widget'))
    assert.ok(!existsSync(path.join(project.dir, 'hidden/node_modules')))
    const manifest = path.join(project.dir, 'package.json')
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('widget', 'evil'))
    const refused = await runPnpm(10, ['install', '--no-frozen-lockfile'], project)
    assert.notEqual(refused.status, 0, refused.output)
    assert.match(refused.flat, /evil@1\.0\.0 +WORKFLOW_MISMATCH/)
  })

  for (const [version, setting, value] of [
    [10, 'workspaceDir', (project: Project) => path.join(project.dir, 'hidden')],
    [11, 'lockfileDir', () => 'hidden'],
    [12, 'lockfileDir', () => 'hidden'],
  ] as const) {
    test(`pnpm ${version}, ${setting}: the hook refuses to install from there`, async (t) => {
      const project = await gatedByPlugin(t, version)
      const line = `${setting}: ${value(project)}`
      settings(project, line)
      const { status, flat } = await runPnpm(version, ['install'], project)
      assert.notEqual(status, 0, flat)
      assert.match(flat, /hidden, but the workspace's root is .*Remove `workspaceDir` and `lockfileDir`/)
      assert.deepEqual(
        linked(project).filter((name) => name.startsWith('widget')),
        [],
      )
      // Without the setting the same project is installed.
      const file = path.join(project.dir, 'pnpm-workspace.yaml')
      writeFileSync(file, readFileSync(file, 'utf8').replace(`${line}\n`, ''))
      const plain = await runPnpm(version, ['install'], project)
      assert.equal(plain.status, 0, plain.output)
    })
  }

  for (const version of VERSIONS) {
    const app = JSON.stringify({ name: 'app', version: '1.0.0', dependencies: { widget: '1.0.0' } })
    const policy = POLICY.replace('rules:', 'rules:\n  - { packages: app, require: nothing }')

    test(`pnpm ${version}: the command line and a folder below the root do`, async (t) => {
      const project = world.gatedProject({
        policy,
        workspace: { packages: ['app'] },
        files: { 'app/package.json': app, 'app/src/x.js': '' },
      })
      t.after(() => project.dispose())
      for (const [args, cwd] of [
        [['-C=./app', 'install'], '.'],
        [['install', '--dir', 'app', '--frozen-lockfile', '--force'], '.'],
        [['install'], 'app/src'],
        [['exec', 'node', '-e', '0', 'x', '-C', '/', '--dir', '/tmp'], '.'],
      ] as const) {
        const { status, output } = await runPnpm(version, args, { ...project, dir: path.join(project.dir, cwd) })
        assert.equal(status, 0, `${args.join(' ')}: ${output}`)
        assert.ok(existsSync(path.join(project.dir, 'app/node_modules/widget')), args.join(' '))
      }
    })

    test(`pnpm ${version}: a project without a workspace is its own root, also from a folder below`, async (t) => {
      const project = world.gatedProject({ dependencies: { widget: '1.0.0' }, files: { 'src/x.js': '' } })
      t.after(() => project.dispose())
      const { status, output } = await runPnpm(version, ['install'], { ...project, dir: path.join(project.dir, 'src') })
      assert.equal(status, 0, output)
      assert.ok(linked(project).includes('widget'))
    })

    test(`pnpm ${version}: with --dir the policy is that of the other project`, async (t) => {
      const project = await locked(t, version)
      const elsewhere = path.join(project.root, 'elsewhere')
      mkdirSync(elsewhere)
      writeFileSync(path.join(elsewhere, '.sigstorerc'), PERMISSIVE)
      const args = ['--dir', project.dir, 'install', '--frozen-lockfile']
      const { status, flat } = await runPnpm(version, args, { ...project, dir: elsewhere })
      assert.notEqual(status, 0, flat)
      assert.match(flat, /evil@1\.0\.0 +WORKFLOW_MISMATCH/)
      assertNoEvil(project)
    })
  }
})

test('pnpm 11 asks the hooks of the project about dlx and global installs: its policy judges them', async (t) => {
  const project = world.gatedProject({ dependencies: {} })
  t.after(() => project.dispose())
  const home = path.join(project.root, 'pnpm-home')
  mkdirSync(path.join(home, 'bin'), { recursive: true })
  const PATH = [home, path.join(home, 'bin'), project.env.PATH].join(path.delimiter)
  const run = (name: string) =>
    runPnpm(11, ['add', '--global', `${name}@1.0.0`], project, { env: { PNPM_HOME: home, PATH } })
  const { status, output } = await run('widget')
  assert.equal(status, 0, output)
  for (const refused of [await run('evil'), await runPnpm(11, ['dlx', 'evil@1.0.0'], project)]) {
    assert.notEqual(refused.status, 0, refused.output)
    assert.match(refused.flat, /evil@1\.0\.0 +WORKFLOW_MISMATCH/)
  }
  const installed = readdirSync(home, { recursive: true, encoding: 'utf8' }).map((file) => path.basename(file))
  assert.ok(installed.includes('widget'))
  assert.ok(!installed.includes('evil'))
})

describe('a setting does not undo --frozen-lockfile', () => {
  for (const [version, line] of [
    [10, 'dedupe: true'],
    [10, 'fixLockfile: true'],
    [10, 'update: true'],
    [11, 'dedupe: true'],
    [11, 'fixLockfile: true'],
    [11, 'packageLock: {}'],
  ] as const) {
    test(`pnpm ${version}, ${line}: nothing is installed`, async (t) => {
      const project = await lockedProject(world, version, { dependencies: { widget: '^1.0.0' } })
      t.after(() => project.dispose())
      await prepareStore(version, project, 'warm')
      settings(project, line)
      const { status, flat } = await runPnpm(version, ['install', '--frozen-lockfile'], project)
      assert.notEqual(status, 0, flat)
      // pnpm 11 itself refuses the last one.
      if (line !== 'packageLock: {}')
        assert.match(flat, /it is to keep to the lockfile \(`--frozen-lockfile`\), but pnpm/)
      assert.deepEqual(postinstallsRun(project), [])
      assert.ok(!linked(project).includes('widget'))
      // The command line may say so itself.
      const { status: other, output } = await runPnpm(version, ['install', '--no-frozen-lockfile'], project)
      assert.equal(other, 0, output)
    })
  }

  for (const version of VERSIONS) {
    test(`pnpm ${version}: a project without dependencies is installed`, async (t) => {
      const project = await lockedProject(world, version, {})
      t.after(() => project.dispose())
      const { status, output } = await runPnpm(version, ['install', '--frozen-lockfile'], project)
      assert.equal(status, 0, output)
    })
  }
})
