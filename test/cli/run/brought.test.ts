/**
 * What a pull request can bring beside a package.json: folders, other manifests, other lockfiles, other roots, and stores. Each
 * would install the unproven package, mostly under a name that a rule wants proven, if nothing were done about it.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { createTarball } from '../../support/registry/index.ts'
import { POLICY, startWorld } from '../../support/world.ts'
import { assertStopped, installBefore, manifest, PNPMS, WORKSPACE } from './stopped.ts'
import { installed, marks, RUNNERS, type Runner, runProject, through } from './support.ts'

const world = await startWorld()
after(() => world.close())
const bare = world.publishUnproven({ name: 'bare', version: '1.0.0' })
await world.publish({ name: 'widget', version: '1.0.0' })
await world.publish({ name: 'asker', version: '1.0.0', dependencies: { widget: 'next' } })
/** Tells that a folder's scripts ran, as those of the world's packages do. */
const MARKING = { postinstall: "node -e \"require('fs').writeFileSync(process.env.POSTINSTALL_MARKERS+'/folder','')\"" }

/** Nothing has to be proven of what attackers write, wherever it lies, but of what they call it. */
const BY_NAME = POLICY.replace(
  'rules:',
  'rules:\n  - { packages: [bare, helpers, a, app, project], source: [registry, workspace, directory, tarball, git], require: nothing }',
)
const ALIAS = { widget: 'npm:bare@1.0.0' }
const RC = `registry=${world.registry.url}\n`
/** Then no lockfile says afterwards what was installed. */
const UNSAVED = {
  '.npmrc': `${RC}package-lock=false\n`,
  'bunfig.toml': `[install]\nregistry = "${world.registry.url}"\n[install.lockfile]\nsave = false\n`,
}

describe('what a folder, or a tarball beside it, depends on', () => {
  for (const runner of RUNNERS) {
    test(`a folder: ${runner}`, async (t) => {
      const project = runProject(t, world, {
        policy: BY_NAME,
        dependencies: { helpers: 'file:./helpers' },
        files: {
          'helpers/package.json': manifest('helpers', runner === 'bun' ? ALIAS : { a: 'file:../a' }),
          'a/package.json': manifest('a', ALIAS),
          ...UNSAVED,
        },
      })
      await assertStopped(runner, project, /bare@1\.0\.0[\s\S]*installed as/)
    })
    test(`a tarball: ${runner}`, async (t) => {
      const project = runProject(t, world, {
        policy: BY_NAME,
        dependencies: { helpers: 'file:helpers.tgz' },
        files: UNSAVED,
      })
      const { bytes } = createTarball({ name: 'helpers', version: '1.0.0', dependencies: ALIAS })
      writeFileSync(path.join(project.dir, 'helpers.tgz'), bytes)
      await assertStopped(runner, project, /bare@1\.0\.0[\s\S]*installed as/)
    })
    test(`a tarball of which only its name says that it is one: ${runner}`, async (t) => {
      const project = runProject(t, world, { policy: BY_NAME, dependencies: { widget: 'own.tgz' }, files: UNSAVED })
      writeFileSync(path.join(project.dir, 'own.tgz'), bare.bytes)
      await assertStopped(runner, project, /widget@own\.tgz/)
    })
  }
})

describe('a folder that yarn 1 takes for a tag', () => {
  const WIDGET = { 'package.json': JSON.stringify({ name: 'widget', version: '1.0.0', scripts: MARKING }) }
  const inFolder = (folder: string) =>
    Object.fromEntries(Object.entries(WIDGET).map(([file, text]) => [`${folder}/${file}`, text]))
  const MEMBERS = { private: true, workspaces: ['app'] }
  const rows: readonly (readonly [
    what: string,
    args: readonly string[],
    folder: string,
    more: { readonly dependencies?: Record<string, string>; readonly manifest?: object; readonly cwd?: string },
  ])[] = [
    ['of a name alone', ['add', 'widget'], 'latest', {}],
    ['of a name alone, with options', ['add', '--dev', 'widget', '--no-lockfile'], 'latest', {}],
    ['of a tag that the command names', ['add', 'widget@next'], 'next', {}],
    ['of a tag that package.json asks for', ['install'], 'latest', { dependencies: { widget: 'latest' } }],
    ['of a tag that a package of the registry asks for', ['add', 'asker@^1.0.0'], 'next', {}],
    ['in a project of a workspace', ['add', 'widget'], 'app/latest', { manifest: MEMBERS, cwd: 'app' }],
    ['by its name in a workspace', ['workspace', 'app', 'add', 'widget'], 'app/latest', { manifest: MEMBERS }],
    ['by --cwd', ['--cwd', 'app', 'add', 'widget'], 'app/latest', { manifest: MEMBERS }],
  ]
  for (const [what, args, folder, { dependencies = {}, manifest: more = {}, cwd = '.' }] of rows)
    test(`is refused before it is there: ${what}`, async (t) => {
      const files = { 'app/package.json': manifest('app', {}), ...inFolder(folder) }
      const project = runProject(t, world, { dependencies, files, manifest: { ...more } })
      const { status, stderr, output } = await through('yarn1', args, project, { cwd: path.join(project.dir, cwd) })
      assert.equal(status, 1, output)
      assert.match(stderr, /widget@(?:latest|next)/)
      assert.deepEqual([installed(project, 'widget'), marks(project)], [[], []], output)
    })

  test('is no matter where something else is asked for', async (t) => {
    const project = runProject(t, world, { files: inFolder('latest') })
    const { status, output } = await through('yarn1', ['add', 'widget@^1.0.0'], project)
    assert.equal(status, 0, output)
    assert.deepEqual(marks(project), ['widget@1.0.0'])
  })
})

describe('a manifest that pnpm alone reads', () => {
  const TEXTS = {
    'package.yaml': 'name: project\ndependencies: { widget: "npm:bare@1.0.0" }\n',
    'package.json5': "{name: 'project', dependencies: {widget: 'npm:bare@1.0.0'}}",
  }
  for (const runner of PNPMS)
    for (const [file, text] of Object.entries(TEXTS))
      for (const folder of ['.', 'packages/x'])
        test(`${file} in ${folder}: ${runner}`, async (t) => {
          const files = { 'pnpm-workspace.yaml': `${WORKSPACE}lockfile: false\npackages: ['packages/*']\n` }
          const project = runProject(t, world, {
            policy: BY_NAME,
            files: { ...files, [path.join(folder, file)]: text },
          })
          if (folder === '.') rmSync(path.join(project.dir, 'package.json'))
          await assertStopped(runner, project, /package\.(?:yaml|json5) is a manifest that pnpm alone reads/)
        })
})

describe('the lockfile of another manager, in place of none', () => {
  const yarn = (resolved: string) =>
    `# yarn lockfile v1\n\n\nwidget@^1.0.0:\n  version "1.0.0"\n  resolved "${resolved}"\n`
  const npm = {
    '': { name: 'project', version: '0.0.0', dependencies: { widget: '^1.0.0' } },
    'node_modules/widget': { name: 'bare', version: '1.0.0', resolved: `${world.registry.url}bare/-/bare-1.0.0.tgz` },
  }
  const pnpm = `lockfileVersion: '9.0'\nimporters: {.: {dependencies: {widget: {specifier: ^1.0.0, version: bare@1.0.0}}}}\npackages: {bare@1.0.0: {resolution: {integrity: ${bare.integrity}}}}\nsnapshots: {bare@1.0.0: {}}\n`
  const LOCKS = [
    ['npm11', 'yarn.lock', yarn('npm:bare@1.0.0')],
    ['npm12', 'yarn.lock', yarn('npm:bare@1.0.0')],
    ['npm11', 'yarn.lock', yarn('https://registry.npmjs.org/bare/-/bare-1.0.0.tgz')],
    ['npm12', 'yarn.lock', yarn('file:./own')],
    ['bun', 'yarn.lock', yarn(`${world.registry.url}bare/-/bare-1.0.0.tgz`)],
    ['bun', 'package-lock.json', JSON.stringify({ lockfileVersion: 3, requires: true, packages: npm })],
    ['bun', 'pnpm-lock.yaml', pnpm],
  ] as const
  for (const [runner, file, text] of LOCKS)
    test(`${file} for ${runner}: ${text.length}`, async (t) => {
      const project = runProject(t, world, {
        policy: BY_NAME,
        dependencies: { widget: '^1.0.0' },
        files: { ...UNSAVED, '.npmrc': `${RC}save=false\n`, 'own/package.json': manifest('bare', {}), [file]: text },
      })
      rmSync(path.join(project.dir, 'own/package.json'))
      await assertStopped(
        runner,
        project,
        new RegExp(`installs from .*${file.replace('.', '\\.')} where it has no lockfile`),
      )
    })
  test('not where npm installs nothing into the project, or has a lockfile of its own', async (t) => {
    const project = runProject(t, world, { dependencies: { widget: '^1.0.0' } })
    await installBefore('npm12', project)
    project.write({ 'yarn.lock': yarn('npm:bare@1.0.0') })
    const run = await through('npm12', ['install'], project)
    assert.equal(run.status, 0, run.output)
    rmSync(path.join(project.dir, 'package-lock.json'))
    assert.equal((await through('npm12', ['run'], project)).status, 0)
  })
})

describe('a root above the project', () => {
  // The nearest lockfile is that of the root for yarn 4.
  for (const runner of ['npm11', 'npm12', 'yarn1', 'yarn4', 'bun', ...PNPMS] as const)
    for (const isLocked of runner === 'yarn4' ? [false] : [false, true])
      test(`${runner}, ${isLocked ? 'with' : 'without'} a lockfile in the project`, async (t) => {
        const project = runProject(t, world)
        const cwd = path.join(project.dir, 'app')
        project.write({ 'app/package.json': manifest('app', { widget: '1.0.0' }) })
        for (const file of ['.npmrc', '.yarnrc', '.yarnrc.yml'])
          project.write({ [`app/${file}`]: readFileSync(path.join(project.dir, file), 'utf8') })
        project.write({ ...world.policyFiles(BY_NAME), 'app/bunfig.toml': UNSAVED['bunfig.toml'] })
        if (isLocked) {
          for (const file of ['package.json', 'pnpm-workspace.yaml']) rmSync(path.join(project.dir, file))
          project.write({ 'app/pnpm-workspace.yaml': WORKSPACE })
          await installBefore(runner, project, cwd)
          rmSync(path.join(cwd, 'pnpm-workspace.yaml'))
        }
        project.write({
          ...UNSAVED,
          'package.json': manifest('project', ALIAS, { workspaces: ['app'], overrides: ALIAS }),
          'pnpm-workspace.yaml': `${WORKSPACE}packages: [app]\nlockfile: false\n`,
        })
        await assertStopped(runner, project, /bare@1\.0\.0[\s\S]*installed as/, { cwd })
      })
})

describe('a pattern that leads to a project in a way of its own', () => {
  const WAYS: readonly (readonly [Runner, string])[] = [
    ...(['npm11', 'npm12'] as const).flatMap((runner) =>
      ['!!x/a', '/x/a', 'x\\a'].map((each) => [runner, each] as const),
    ),
    ...(['yarn1', 'yarn4', 'bun'] as const).flatMap((runner) => [[runner, 'node_modules/a'] as const]),
    ...(['yarn1', 'bun', ...PNPMS] as const).map((runner) => [runner, '../outside'] as const),
    ['bun', '!!x/a'],
    ['yarn1', 'n*_modules/a'],
  ]
  for (const [runner, pattern] of WAYS)
    test(`${pattern}: ${runner}`, async (t) => {
      const a = manifest('a', ALIAS)
      const places = ['x/a', '../outside', 'node_modules/a'].map((folder) => [`${folder}/package.json`, a])
      const files = { ...UNSAVED, 'pnpm-workspace.yaml': `${WORKSPACE}packages: ['${pattern}']\n` }
      const project = runProject(t, world, {
        policy: BY_NAME,
        manifest: { workspaces: [pattern] },
        files: { ...files, ...Object.fromEntries(places) },
      })
      await assertStopped(runner, project, /bare@1\.0\.0[\s\S]*installed as/)
    })
  test('one that would have to be looked for on the whole disk is told', async (t) => {
    const project = runProject(t, world, { manifest: { workspaces: ['../../**'] } })
    const { status, stderr } = await through('npm12', ['install'], project)
    assert.equal(status, 2)
    assert.match(stderr, /leads out of its folder, to any depth/)
  })
})

describe('what a repository brings, with lockfiles switched off, is told afterwards', () => {
  for (const runner of ['npm11', 'bun', ...PNPMS] as const)
    test(runner, async (t) => {
      const project = runProject(t, world, {
        policy: BY_NAME,
        files: { ...UNSAVED, 'pnpm-workspace.yaml': `${WORKSPACE}lockfile: false\n` },
      })
      const repository = path.join(project.root, 'repository')
      mkdirSync(repository)
      writeFileSync(path.join(repository, 'package.json'), manifest('helpers', ALIAS))
      for (const args of [
        ['init', '-q'],
        ['add', '.'],
        ['commit', '-qm', 'x'],
      ])
        execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@x.example', ...args], { cwd: repository })
      project.write({ 'package.json': manifest('project', { helpers: `git+file://${repository}` }) })
      const { status, stderr } = await through(runner, ['install'], project)
      assert.equal(status, runner === 'bun' ? 2 : 1, stderr)
      assert.match(
        stderr,
        runner === 'bun' ? /has left no lockfile/ : /bare@1\.0\.0[\s\S]*installed as "widget"[\s\S]*already installed/,
      )
    })
})

describe('what takes the place of a dependency', () => {
  const REFERENCE = { dependencies: { helpers: 'npm:bare@1.0.0', x: 'file:./x' }, overrides: { widget: '$helpers' } }
  const files = { ...UNSAVED, 'x/package.json': manifest('x', { widget: '^1.0.0' }) }
  const policy = BY_NAME.replace('helpers, a,', 'helpers, x,')
  for (const runner of ['npm11', 'npm12', 'pnpm10', 'pnpm11', 'pnpm12'] as const)
    for (const [what, overrides] of [
      ['a reference', REFERENCE.overrides],
      ['a range of versions', { 'widget@>=1': 'npm:bare@1.0.0' }],
    ] as const)
      test(`${what}: ${runner}`, async (t) => {
        const settings = `${WORKSPACE}lockfile: false\noverrides: ${JSON.stringify(overrides)}\n`
        const project = runProject(t, world, {
          policy,
          manifest: { dependencies: REFERENCE.dependencies, ...(runner.startsWith('npm') ? { overrides } : {}) },
          files: { ...files, 'pnpm-workspace.yaml': settings },
        })
        await assertStopped(runner, project, /bare@1\.0\.0[\s\S]*installed as .*"widget"/)
      })
})
