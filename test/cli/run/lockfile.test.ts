/** What is judged before a command, and what is found after it. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import { createTarball, type PackedPackage } from '../../support/registry/index.ts'
import { startWorld } from '../../support/world.ts'
import { assertNothingLeft, installed, marks, RUNNERS, runProject, STRICT, through, without } from './support.ts'

const world = await startWorld()
let gizmo: PackedPackage
after(() => world.close())
beforeEach(async () => {
  world.registry.reset()
  world.registry.setKeys(world.sigstore.npmKeys)
  gizmo = await world.publish({ name: 'gizmo', version: '1.0.0' })
  await world.publish({ name: 'widget', version: '1.0.0', dependencies: { gizmo: '^1.0.0' } })
  world.publishUnproven({ name: 'bare', version: '1.0.0' })
})
const tarballs = () => world.registry.requests.filter(({ path: each }) => each.endsWith('.tgz')).length

for (const runner of RUNNERS) {
  const command = STRICT[runner].join(' ')
  test(`${runner} ${command}: what its lockfile has is refused before it is started`, {
    skip: runner === 'yarn4' ? 'its lockfile cannot be judged' : false,
  }, async (t) => {
    const project = runProject(t, world, { dependencies: { widget: '1.0.0', bare: '1.0.0' } })
    assert.equal((await without(runner, ['install'], project)).status, 0)
    rmSync(path.join(project.dir, 'node_modules'), { recursive: true })
    for (const mark of readdirSync(project.markersDir)) rmSync(path.join(project.markersDir, mark))
    world.registry.forgetRequests()
    const { status, stdout, stderr } = await through(runner, STRICT[runner], project)
    assert.deepEqual([status, stdout, tarballs()], [1, '', 0])
    assert.match(
      stderr,
      /3 packages: 2 proven, .* 1 refused\n.* was not started: its lockfile has what is refused above\.\n$/,
    )
    assert.deepEqual([existsSync(path.join(project.dir, 'node_modules')), marks(project)], [false, []])
    assertNothingLeft(project)
  })
}

for (const runner of ['npm11', 'npm12', 'pnpm10', 'pnpm11', 'pnpm12'] as const) {
  test(`${runner} ${STRICT[runner].join(' ')}: its cache is used, for it compares it with the lockfile`, async (t) => {
    const project = runProject(t, world, { dependencies: { widget: '1.0.0' } })
    assert.equal((await without(runner, ['install'], project)).status, 0)
    rmSync(path.join(project.dir, 'node_modules'), { recursive: true })
    world.registry.forgetRequests()
    const { status, output } = await through(runner, STRICT[runner], project)
    assert.deepEqual([status, tarballs()], [0, 0], output)
    assert.ok(installed(project, 'widget').length > 0)
  })
}

test('npm ci with two lockfiles: neither cache nor guess, for npm 11 and 12 take different ones', async (t) => {
  for (const runner of ['npm11', 'npm12'] as const) {
    const project = runProject(t, world, { dependencies: { bare: '1.0.0' } })
    assert.equal((await without(runner, ['install'], project)).status, 0)
    const withBare = readFileSync(path.join(project.dir, 'package-lock.json'), 'utf8')
    const empty = JSON.stringify({
      name: 'project',
      version: '0.0.0',
      lockfileVersion: 3,
      requires: true,
      packages: { '': { name: 'project', version: '0.0.0' } },
    })
    rmSync(path.join(project.dir, 'node_modules'), { recursive: true })
    rmSync(path.join(project.markersDir, 'bare%401.0.0'))
    for (const [first, second] of [
      [withBare, empty],
      [empty, withBare],
    ] as const) {
      project.write({ 'npm-shrinkwrap.json': first, 'package-lock.json': second })
      const { status, output } = await through(runner, ['ci'], project)
      assert.notEqual(status, 0, output)
      assert.deepEqual([installed(project, 'bare'), marks(project)], [[], []])
    }
  }
})

test('yarn 1 --frozen-lockfile installs what a workspace asks for and the lockfile has not: it is refused, cached or not', async (t) => {
  const project = runProject(t, world, {
    dependencies: { widget: '1.0.0' },
    manifest: { workspaces: ['packages/*'] },
    files: {
      'packages/a/package.json': JSON.stringify({ name: 'a', version: '1.0.0', dependencies: { bare: '1.0.0' } }),
    },
  })
  const without_ = JSON.stringify({ name: 'a', version: '1.0.0' })
  const withBare = readFileSync(path.join(project.dir, 'packages/a/package.json'), 'utf8')
  assert.equal((await without('yarn1', ['install'], project)).status, 0)
  rmSync(path.join(project.dir, 'node_modules'), { recursive: true })
  rmSync(path.join(project.dir, 'yarn.lock'))
  project.write({ 'packages/a/package.json': without_ })
  assert.equal((await without('yarn1', ['install'], project)).status, 0)
  rmSync(path.join(project.dir, 'node_modules'), { recursive: true })
  for (const mark of readdirSync(project.markersDir)) rmSync(path.join(project.markersDir, mark))
  project.write({ 'packages/a/package.json': withBare })
  const { status, stderr } = await through('yarn1', ['install', '--frozen-lockfile'], project)
  assert.equal(status, 1)
  assert.match(stderr, /bare@1\.0\.0/)
  assert.deepEqual([installed(project, 'bare'), marks(project).includes('bare@1.0.0')], [[], false])
})

test("yarn 4 with an archive in the repository's cache that is not what the registry has: refused by yarn, which is made to compare", async (t) => {
  const project = runProject(t, world, {
    dependencies: { gizmo: '1.0.0' },
    files: {
      '.yarnrc.yml': `npmRegistryServer: "${world.registry.url.slice(0, -1)}"\nunsafeHttpWhitelist: ["127.0.0.1"]\nenableTelemetry: false\nenableGlobalCache: false\nenableScripts: true\nnodeLinker: node-modules\nhttpRetry: 0\n`,
    },
  })
  const { YARN_CACHE_FOLDER: _, ...env } = project.env
  const own = { ...project, env }
  // Made from other bytes, by the same name; with the lockfile that fits.
  const serve = ({ bytes, integrity, shasum }: PackedPackage) => {
    world.registry.setTarball('gizmo', '1.0.0', bytes)
    world.registry.setDist('gizmo', '1.0.0', { integrity, shasum })
  }
  serve(createTarball({ name: 'gizmo', version: '1.0.0', files: { 'index.js': 'evil()' } }))
  assert.equal((await without('yarn4', ['install'], own)).status, 0)
  assert.equal(readdirSync(path.join(own.dir, '.yarn/cache')).filter((name) => name.endsWith('.zip')).length, 1)
  rmSync(path.join(own.dir, 'node_modules'), { recursive: true })
  for (const mark of readdirSync(own.markersDir)) rmSync(path.join(own.markersDir, mark))
  serve(gizmo)
  const { status, output } = await through('yarn4', ['install'], own)
  assert.notEqual(status, 0, output)
  assert.match(output, /YN0018/)
  assert.deepEqual([installed(own, 'gizmo'), marks(own)], [[], []])
})

describe('what did not come through the gate', () => {
  test('a git repository is told, and nothing is started', async (t) => {
    const { execFileSync } = await import('node:child_process')
    const project = runProject(t, world)
    const repository = path.join(project.root, 'repository')
    mkdirSync(repository)
    writeFileSync(path.join(repository, 'package.json'), '{"name": "from-git", "version": "1.0.0"}')
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@x.example', ...args], {
        cwd: repository,
        stdio: 'pipe',
      })
    git('init', '-q')
    git('add', '.')
    git('commit', '-qm', 'x')
    project.write({
      'package.json': JSON.stringify({
        name: 'project',
        version: '0.0.0',
        dependencies: { 'from-git': `git+file://${repository}` },
      }),
    })
    const { status, stderr, output } = await through('npm11', ['install'], project)
    assert.equal(status, 1, output)
    assert.match(stderr, /from-git@git\+file:[\s\S]*npm was not started: what is refused above would not come through/)
    assert.ok(!existsSync(path.join(project.dir, 'node_modules')))
    project.write({
      '.sigstorerc': `rules: [{packages: from-git, source: git, require: nothing}, {packages: "**", require: nothing}]\n`,
    })
    const allowed = await through('npm11', ['install'], project)
    assert.deepEqual([allowed.status, installed(project, 'from-git').length > 0], [0, true], allowed.output)
  })

  for (const [what, content] of Object.entries({
    'a catalog': 'catalog: { widget: "npm:bare@1.0.0" }\n',
    'an override': 'overrides: { widget: "npm:bare@1.0.0" }\n',
  })) {
    test(`an alias in ${what} is a name of what is downloaded`, async (t) => {
      const project = runProject(t, world, { dependencies: { widget: what === 'a catalog' ? 'catalog:' : '1.0.0' } })
      const before = readFileSync(path.join(project.dir, 'pnpm-workspace.yaml'), { encoding: 'utf8', flag: 'a+' })
      project.write({ 'pnpm-workspace.yaml': before + content })
      // Nothing has to be proven of `bare` itself.
      const policy = readFileSync(path.join(project.dir, '.sigstorerc'), 'utf8')
      project.write({ '.sigstorerc': policy.replace('rules:', 'rules:\n  - { packages: bare, require: nothing }') })
      const { status, stderr, output } = await through('pnpm11', ['install'], project)
      assert.equal(status, 1, output)
      assert.match(stderr, /bare@1\.0\.0[\s\S]*installed as/)
      assert.deepEqual([installed(project, 'widget'), marks(project)], [[], []])
    })
  }

  test('what was in node_modules before stays, and is judged by the lockfile', async (t) => {
    const project = runProject(t, world, { dependencies: { bare: '1.0.0' } })
    assert.equal((await without('npm11', ['install'], project)).status, 0)
    const { status, stderr } = await through('npm11', ['install'], project)
    assert.equal(status, 1)
    assert.match(stderr, /bare@1\.0\.0[\s\S]*already installed/)
    assert.ok(installed(project, 'bare').length > 0)
  })
})

describe('where it is run', () => {
  test("in a project of a workspace: the lockfile and the policy are the root's", async (t) => {
    const project = runProject(t, world, {
      manifest: { workspaces: ['packages/*'] },
      files: {
        'packages/a/package.json': JSON.stringify({ name: 'a', version: '1.0.0', dependencies: { widget: '1.0.0' } }),
      },
    })
    assert.equal((await through('npm12', ['install'], project)).status, 0)
    const cwd = path.join(project.dir, 'packages/a')
    const { status, stderr, output } = await through('npm12', ['install', 'bare'], project, { cwd })
    assert.equal(status, 1, output)
    assert.match(stderr, /bare@1\.0\.0/)
    assert.ok(!existsSync(path.join(cwd, 'package-lock.json')))
  })

  test('from elsewhere, with --prefix', async (t) => {
    const project = runProject(t, world, { dependencies: { widget: '1.0.0' } })
    const { status, stderr, output } = await through('npm12', ['install', '--prefix', project.dir], project, {
      cwd: project.root,
    })
    assert.equal(status, 0, output)
    assert.match(stderr, /^2 packages: 2 proven/m)
    assert.ok(installed(project, 'widget').length > 0)
  })

  test('with a policy that is named', async (t) => {
    const project = runProject(t, world, { dependencies: { bare: '1.0.0' } })
    project.write({ 'other.yaml': 'rules: [{packages: "**", require: nothing}]\n' })
    const { status, stderr } = await through('npm12', ['install'], project, { options: ['--policy', 'other.yaml'] })
    assert.equal(status, 0)
    assert.match(stderr, /^1 package: 0 proven, 1 permitted/m)
  })
})
