/**
 * Ways in which files of a repository keep pnpm from loading the gate. What the real pnpm then does: it installs a package
 * that the policy refuses. No hook can tell, so `verify` has to.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { type PnpmVersion, type Project, postinstallsRun, runPnpm } from '../support/pnpm/index.ts'
import { PNPMFILE, POLICY, startWorld, type World } from '../support/world.ts'
import { packGate } from './packed.ts'
import { FOREIGN, good, PERMISSIVE, runCli, VERSIONS } from './stage.ts'

let world: World
let gateVersion: string

before(async () => {
  world = await startWorld()
  await world.publish(good('evil'), FOREIGN)
  const { packed } = await packGate()
  world.registry.publish(packed, { attestations: await world.attest(packed) })
  gateVersion = packed.manifest.version
})
after(() => world.close())

const EVIL = { dependencies: { evil: '1.0.0' } }
const PLUGIN = 'pnpm-plugin-provenance-gate'

/** A project that has a refused package in its lockfile, and loads the gate from `.pnpmfile.cjs`. */
async function locked(
  t: TestContext,
  version: PnpmVersion,
  files: Readonly<Record<string, string>> = {},
  options: Parameters<World['gatedProject']>[0] = EVIL,
): Promise<Project> {
  const load = `// pnpm-plugin-provenance-gate\nmodule.exports = require(${JSON.stringify(PNPMFILE)})\n`
  const project = world.gatedProject({ ...options, policy: PERMISSIVE, files: { '.pnpmfile.cjs': load, ...files } })
  t.after(() => project.dispose())
  const { status, output } = await runPnpm(version, ['install', '--lockfile-only'], project)
  assert.equal(status, 0, output)
  writeFileSync(path.join(project.dir, '.sigstorerc'), POLICY)
  return project
}

const write = (project: Project, name: string, text: string) => writeFileSync(path.join(project.dir, name), text)

async function assertGuarded(version: PnpmVersion, project: Project, args: readonly string[]): Promise<void> {
  const { status, flat } = await runPnpm(version, args, project)
  assert.notEqual(status, 0, flat)
  assert.deepEqual(postinstallsRun(project), [])
  const verified = await runCli(version, ['verify'], project)
  assert.equal(verified.status, 1, verified.output)
}

/** The danger, and that `verify` sees it. */
async function assertNoticed(
  version: PnpmVersion,
  project: Project,
  args: readonly string[],
  message: RegExp,
): Promise<void> {
  const { status, output } = await runPnpm(version, args, project)
  assert.equal(status, 0, output)
  assert.deepEqual(postinstallsRun(project), ['evil@1.0.0'], output)
  const verified = await runCli(version, ['verify'], project)
  assert.equal(verified.status, 2, verified.output)
  assert.match(verified.output, message)
  // Whatever `verify` says: this was not installed under the gate.
  const checked = await runCli(version, ['check'], project)
  assert.equal(checked.status, 1, checked.output)
  assert.match(checked.output, /no receipt/)
}

describe('.pnpmfile.mjs beside the .pnpmfile.cjs that loads the gate', () => {
  for (const version of [11, 12] as const) {
    for (const [what, text] of [
      ['an empty one', ''],
      ['a foreign one', 'export const hooks = {}\n'],
    ] as const) {
      test(`pnpm ${version} loads ${what} in its place; verify refuses it`, async (t) => {
        const project = await locked(t, version)
        const frozen = ['install', '--frozen-lockfile']
        if (text === '') await assertGuarded(version, project, frozen)
        write(project, '.pnpmfile.mjs', text)
        // The lockfile has the digest of the other pnpmfile.
        const lockfile = path.join(project.dir, 'pnpm-lock.yaml')
        writeFileSync(lockfile, readFileSync(lockfile, 'utf8').replace(/^pnpmfileChecksum: .*\n\n?/m, ''))
        const args = text !== '' ? ['install', '--no-frozen-lockfile'] : frozen
        await assertNoticed(version, project, args, /\.pnpmfile\.mjs keeps the gate from being loaded/)
      })
    }
  }

  test('pnpm 10 does not look at it', async (t) => {
    const project = await locked(t, 10, { '.pnpmfile.mjs': '' })
    const { status, flat } = await runPnpm(10, ['install', '--frozen-lockfile'], project)
    assert.notEqual(status, 0, flat)
    assert.match(flat, /evil@1\.0\.0 +WORKFLOW_MISMATCH/)
  })

  for (const version of VERSIONS) {
    test(`pnpm ${version} loads a gate that is a config dependency as well`, async (t) => {
      const project = world.gatedProject({ policy: PERMISSIVE, files: { '.pnpmfile.cjs': '', '.pnpmfile.mjs': '' } })
      t.after(() => project.dispose())
      const added = await runPnpm(version, ['add', '--config', `${PLUGIN}@${gateVersion}`], project)
      assert.equal(added.status, 0, added.output)
      write(project, 'package.json', JSON.stringify({ name: 'project', version: '0.0.0', ...EVIL }))
      assert.equal((await runPnpm(version, ['install', '--lockfile-only'], project)).status, 0)
      write(project, '.sigstorerc', POLICY)
      await assertGuarded(version, project, ['install', '--frozen-lockfile'])
    })
  }
})

for (const [version, whole] of [
  ['10.9', '10.9.0'],
  ['10.12', '10.12.0'],
] as const)
  test(`pnpm ${version} does not load a gate that is a config dependency; verify refuses packageManager that names it`, async (t) => {
    const project = world.gatedProject({ policy: PERMISSIVE, files: { '.pnpmfile.cjs': '' } })
    t.after(() => project.dispose())
    assert.equal((await runPnpm(10, ['add', '--config', `${PLUGIN}@${gateVersion}`], project)).status, 0)
    const manifest = { name: 'project', version: '0.0.0', ...EVIL }
    write(project, 'package.json', JSON.stringify(manifest))
    assert.equal((await runPnpm(10, ['install', '--lockfile-only', '--ignore-pnpmfile'], project)).status, 0)
    write(project, '.sigstorerc', POLICY)
    await assertGuarded(10, project, ['install', '--frozen-lockfile'])
    write(project, 'package.json', JSON.stringify({ ...manifest, packageManager: `pnpm@${whole}` }))
    const message = new RegExp(`package\\.json:1 names pnpm ${whole}, which does not ask the gate`)
    await assertNoticed(version, project, ['install', '--frozen-lockfile'], message)
  })

describe('code in the folder from which pnpm loads a gate that is a config dependency', () => {
  const folder = `node_modules/.pnpm-config/${PLUGIN}`

  async function withPlugin(t: TestContext): Promise<Project> {
    const project = world.gatedProject({ policy: PERMISSIVE, files: { '.pnpmfile.cjs': '' } })
    t.after(() => project.dispose())
    const added = await runPnpm(10, ['add', '--config', `${PLUGIN}@${gateVersion}`], project)
    assert.equal(added.status, 0, added.output)
    write(project, 'package.json', JSON.stringify({ name: 'project', version: '0.0.0', ...EVIL }))
    assert.equal((await runPnpm(10, ['install', '--lockfile-only', '--ignore-pnpmfile'], project)).status, 0)
    write(project, '.sigstorerc', POLICY)
    await assertGuarded(10, project, ['install', '--frozen-lockfile'])
    return project
  }

  const named = (version: string) => JSON.stringify({ name: PLUGIN, version })
  const another = /node_modules\/\.pnpm-config\/pnpm-plugin-provenance-gate\/pnpmfile\.cjs is not what the gate/
  for (const [how, manifest, message] of [
    ['as it is', () => named(gateVersion), another],
    ['with a byte order mark in its package.json', () => `\uFEFF${named(gateVersion)}`, another],
    ['with the version that begins with v', () => named(`v${gateVersion}`), another],
    ['with the version among spaces and with build metadata', () => named(` =v${gateVersion}+1 `), another],
    [
      'with a package.json of 33 MB',
      () => named(gateVersion) + ' '.repeat(33 << 20),
      /package\.json does not say of which version/,
    ],
  ] as const)
    test(`is loaded by pnpm 10 ${how}, where a repository brings it; verify refuses it`, async (t) => {
      const project = await withPlugin(t)
      rmSync(path.join(project.dir, folder), { recursive: true })
      mkdirSync(path.join(project.dir, folder))
      write(project, `${folder}/package.json`, manifest())
      write(project, `${folder}/pnpmfile.cjs`, 'module.exports = {}\n')
      await assertNoticed(10, project, ['install', '--frozen-lockfile'], message)
    })

  test('is refused by verify whichever of its files is another, and named where its version is', async (t) => {
    const project = await withPlugin(t)
    const saysOf = async (name: string, text: string) => {
      const file = `${folder}/${name}`
      const place = path.join(project.dir, file)
      const before = existsSync(place) ? readFileSync(place) : undefined
      rmSync(place, { force: true })
      write(project, file, text)
      const { status, output } = await runCli(10, ['verify'], project)
      if (before === undefined) rmSync(place)
      else writeFileSync(place, before)
      return { status, output }
    }
    for (const name of ['pnpmfile.cjs', 'dist/hook.cjs', 'dist/verifier.cjs', 'pnpmfile.mjs']) {
      const { status, output } = await saysOf(name, '// pnpm-plugin-provenance-gate\n')
      assert.equal(status, 2, output)
      assert.match(output, new RegExp(`${name.replaceAll('.', '\\.')} is not what the gate`))
    }
    const manifest = JSON.stringify({ name: PLUGIN, version: gateVersion })
    for (const text of ['', '[]', 'null', JSON.stringify({ name: PLUGIN }), JSON.stringify({ version: 'latest' })]) {
      const { status, output } = await saysOf('package.json', text)
      assert.equal(status, 2, output)
      assert.match(output, /package\.json does not say of which version the code in its folder is/)
    }
    // Its files are the gate's: nothing is wrong with them.
    for (const text of [`\uFEFF${manifest}`, manifest.replace(gateVersion, `v${gateVersion}`)]) {
      const { status, output } = await saysOf('package.json', text)
      assert.equal(status, 1, output)
      assert.doesNotMatch(output, /was not looked at/)
    }
    const other = await saysOf('package.json', JSON.stringify({ name: PLUGIN, version: '99.0.0' }))
    assert.equal(other.status, 1, other.output)
    assert.match(other.output, /has version "99\.0\.0" of the gate, and this is/)
  })
})

describe('pnpm 10.9', () => {
  test('is refused by a gate that .pnpmfile.cjs loads: it calls no hook for what is in the lockfile', async (t) => {
    const project = await locked(t, 10)
    for (const args of [['install', '--frozen-lockfile'], ['install']]) {
      const { status, flat } = await runPnpm('10.9', args, project)
      assert.notEqual(status, 0, flat)
      assert.match(flat, /cannot guard pnpm 10\.9\.0: before 10\.10 it asks no hook/)
      assert.deepEqual(postinstallsRun(project), [])
    }
  })
})

describe('settings in the folder of a project', () => {
  const WORKSPACE = {
    workspace: { packages: ['app'] },
    files: { 'app/package.json': JSON.stringify({ name: 'app', version: '1.0.0', ...EVIL }) },
  }

  test('pnpm 10 that is started there obeys ignore-pnpmfile of its .npmrc; verify refuses it', async (t) => {
    const project = await locked(t, 10, WORKSPACE.files, WORKSPACE)
    const args = ['-C', 'app', 'install', '--frozen-lockfile']
    await assertGuarded(10, project, args)
    write(project, 'app/.npmrc', 'ignore-pnpmfile=true\n')
    const lockfile = path.join(project.dir, 'pnpm-lock.yaml')
    writeFileSync(lockfile, readFileSync(lockfile, 'utf8').replace(/^pnpmfileChecksum: .*\n\n?/m, ''))
    await assertNoticed(10, project, args, /app\/\.npmrc sets `ignore-pnpmfile`/)
  })

  for (const version of VERSIONS) {
    test(`pnpm ${version} that is started there takes its pnpm-workspace.yaml for the root; verify refuses it`, async (t) => {
      const project = await locked(t, version, WORKSPACE.files, WORKSPACE)
      const args = ['-C', 'app', 'install']
      await assertGuarded(version, project, args)
      for (const name of ['.npmrc', 'pnpm-workspace.yaml'])
        write(project, `app/${name}`, readFileSync(path.join(project.dir, name), 'utf8'))
      await assertNoticed(version, project, args, /app\/pnpm-workspace\.yaml makes another workspace of a project/)
      renameSync(path.join(project.dir, 'app/pnpm-workspace.yaml'), path.join(project.dir, 'app/x.yaml'))
      const verified = await runCli(version, ['verify'], project)
      assert.equal(verified.status, 1, verified.output)
    })
  }
})
