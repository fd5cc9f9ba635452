/** `provenance-gate check` after installs by the real pnpm, with the gate and past it. */
import assert from 'node:assert/strict'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { runCli } from '../cli/support.ts'
import { allowSettings } from '../support/allow-settings.ts'
import { type PnpmVersion, type Project, runPnpm } from '../support/pnpm/index.ts'
import { POLICY, startWorld, type World } from '../support/world.ts'
import { FOREIGN, good, permitting, VERSIONS } from './stage.ts'

let world: World

before(async () => {
  world = await startWorld()
  await world.publish(good('part'))
  await world.publish({ ...good('widget'), dependencies: { part: '1.0.0' } })
  await world.publish(good('gizmo'))
  await world.publish(good('evil'), FOREIGN)
  await world.publish(good('inner'))
  await world.publish({
    ...good('bundler'),
    dependencies: { inner: '1.0.0' },
    bundledDependencies: ['inner'],
    files: { 'node_modules/inner/package.json': JSON.stringify(good('inner')) },
  })
  await world.publish({ ...good('elsewhere'), os: [process.platform === 'win32' ? 'linux' : 'win32'] })
  await world.publish({ ...good('optional'), optionalDependencies: { elsewhere: '1.0.0' } })
})
after(() => world.close())

type Options = Parameters<World['gatedProject']>[0]

function stage(t: TestContext, { workspace, ...options }: Options = {}): Project {
  const project = world.gatedProject({
    dependencies: { widget: '1.0.0' },
    workspace: { confirmModulesPurge: false, ...workspace },
    ...options,
  })
  t.after(() => project.dispose())
  allowSettings(project.dir)
  return project
}

async function check(project: Project, cwd = project.dir, args: readonly string[] = []) {
  return runCli(['check', ...args], { cwd, env: project.env })
}

async function assertUnderGate(project: Project, what = '', cwd?: string): Promise<void> {
  const { status, stderr } = await check(project, cwd)
  assert.equal(status, 0, `${what}: ${stderr}`)
  assert.match(stderr, /^\d+ packages? in node_modules, installed under the gate: /)
}

async function assertPast(project: Project, says: RegExp, cwd?: string): Promise<void> {
  const { status, stderr } = await check(project, cwd)
  assert.equal(status, 1, stderr)
  assert.match(stderr, says)
  assert.match(stderr, /Remove node_modules and install again/)
}

async function install(version: PnpmVersion, project: Project, args: readonly string[] = ['install'], cwd?: string) {
  const run = await runPnpm(version, args, cwd === undefined ? project : { ...project, dir: cwd })
  assert.equal(run.status, 0, run.output)
}

const modules = ({ dir }: Project, ...names: readonly string[]) => path.join(dir, 'node_modules', ...names)
const data = ({ env }: Project) => path.join(env.XDG_DATA_HOME ?? '', 'provenance-gate')

function change(project: Project, file: string, edit: (text: string) => string): void {
  const place = path.join(project.dir, file)
  mkdirSync(path.dirname(place), { recursive: true })
  writeFileSync(place, edit(existsSync(place) ? readFileSync(place, 'utf8') : ''))
}

/** Without it pnpm 10 and 11 install no such lockfile where no pnpmfile is loaded. A pull request can take it out. */
function forgetPnpmfile(project: Project): void {
  change(project, 'pnpm-lock.yaml', (text) => text.replace(/^pnpmfileChecksum: .*\n\n/m, ''))
}

function forgetModules(project: Project): void {
  rmSync(modules(project), { recursive: true, force: true })
}

const PATCH = `diff --git a/patched.js b/patched.js
new file mode 100644
index 0000000..1111111
--- /dev/null
+++ b/patched.js
@@ -0,0 +1 @@
+patched
`

const workspaceFiles = {
  'apps/one/package.json': JSON.stringify({ name: 'one', version: '1.0.0', dependencies: { gizmo: '1.0.0' } }),
  'apps/two/package.json': JSON.stringify({
    name: 'two',
    version: '1.0.0',
    dependencies: { one: 'workspace:*' },
    devDependencies: { part: '1.0.0' },
  }),
  'apps/bare/package.json': JSON.stringify({ name: 'bare-app', version: '1.0.0' }),
}

for (const version of VERSIONS) {
  describe(`pnpm ${version}: check passes`, () => {
    test('after every command that installs under the gate, and after those that install nothing', async (t) => {
      const project = stage(t, { manifest: { scripts: { build: 'node -e 0', prepare: 'node -e 0' } } })
      const COMMANDS = [
        ['install'],
        ['install'],
        ['run', 'build'],
        ['install', '--frozen-lockfile'],
        ['add', 'gizmo@1.0.0'],
        ['remove', 'gizmo'],
        ['rebuild'],
        ['install', '--prod'],
        ['fetch'],
        ['install', '--offline', '--frozen-lockfile'],
        ['update'],
        ['install', '--force'],
      ]
      for (const args of COMMANDS) {
        await install(version, project, args)
        await assertUnderGate(project, args.join(' '))
      }
    })

    for (const [what, workspace] of [
      ['the hoisted linker', { nodeLinker: 'hoisted' }],
      ['a global virtual store', { enableGlobalVirtualStore: true }],
      ['a virtual store elsewhere', { virtualStoreDir: 'store-of-links' }],
    ] as const) {
      test(`with ${what}`, async (t) => {
        const project = stage(t, { workspace })
        for (const args of [['install'], ['add', 'gizmo@1.0.0'], ['install', '--frozen-lockfile']]) {
          await install(version, project, args)
          await assertUnderGate(project, args.join(' '))
        }
      })
    }

    test('in a workspace, for all of it and after a filtered install', async (t) => {
      const project = stage(t, {
        policy: permitting('one'),
        files: workspaceFiles,
        workspace: { packages: ['apps/*'] },
      })
      await install(version, project, ['install', '--filter', 'two'])
      await assertUnderGate(project, 'filtered')
      await install(version, project)
      await assertUnderGate(project, 'all')
      await assertUnderGate(project, 'from a project', path.join(project.dir, 'apps/one'))
      await install(version, project, ['add', 'part@1.0.0'], path.join(project.dir, 'apps/one'))
      await assertUnderGate(project, 'added in a project')
    })

    test('with all kinds of dependencies: aliases, folders, links, patches, other platforms, bundled ones', async (t) => {
      const project = stage(t, {
        policy: permitting('local', 'linked', 'inner'),
        dependencies: {
          ...{ widget: '1.0.0', alias: 'npm:part@1.0.0', bundler: '1.0.0', optional: '1.0.0' },
          ...{ local: 'file:./local', linked: 'link:./linked' },
        },
        files: {
          'local/package.json': JSON.stringify({ name: 'local', version: '2.0.0' }),
          'linked/package.json': JSON.stringify({ name: 'linked', version: '1.0.0' }),
          'part.patch': PATCH,
        },
        workspace: { patchedDependencies: { 'part@1.0.0': 'part.patch' } },
      })
      for (const args of [['install'], ['install', '--frozen-lockfile']]) {
        await install(version, project, args)
        await assertUnderGate(project, args.join(' '))
      }
    })

    if (version !== 10)
      test('in a workspace with a lockfile for each project', async (t) => {
        const project = stage(t, {
          policy: permitting('one'),
          files: workspaceFiles,
          workspace: { packages: ['apps/*'], sharedWorkspaceLockfile: false },
        })
        for (const args of [['install'], ['install', '--frozen-lockfile']]) {
          await install(version, project, args)
          await assertUnderGate(project, args.join(' '))
        }
        const evil = path.join(project.dir, 'apps/one/node_modules/evil')
        mkdirSync(evil)
        writeFileSync(path.join(evil, 'package.json'), '{"name":"evil","version":"1.0.0"}')
        await assertPast(project, /apps\/one\/node_modules\/evil/)
      })

    test('after an install that was killed and run again', async (t) => {
      for (const delay of [300, 700, 1_100]) {
        const project = stage(t)
        await runPnpm(version, ['install'], project, { signal: AbortSignal.timeout(delay) }).catch(() => {})
        await install(version, project)
        await assertUnderGate(project, String(delay))
      }
    })

    test('after two installs at once', async (t) => {
      const project = stage(t)
      await install(version, project, ['install', '--lockfile-only'])
      const runs = await Promise.all([1, 2].map(() => runPnpm(version, ['install', '--frozen-lockfile'], project)))
      // Of two that write the same files pnpm itself may fail.
      if (runs.some(({ status }) => status !== 0)) await install(version, project, ['install', '--frozen-lockfile'])
      await assertUnderGate(project)
    })
  })

  describe(`pnpm ${version}: check refuses`, () => {
    const PAST: Record<string, (project: Project) => Promise<void>> = {
      '--ignore-pnpmfile': (project) => install(version, project, ['install', '--ignore-pnpmfile']),
      'a frozen install with --ignore-pnpmfile': async (project) => {
        await install(version, project, ['install', '--lockfile-only'])
        forgetPnpmfile(project)
        await install(version, project, ['install', '--frozen-lockfile', '--ignore-pnpmfile'])
      },
      'ignorePnpmfile in pnpm-workspace.yaml': async (project) => {
        change(project, 'pnpm-workspace.yaml', (text) => `${text}ignorePnpmfile: true\n`)
        await install(version, project)
      },
      'a pnpmfile that is another': async (project) => {
        change(project, '.pnpmfile.cjs', () => 'module.exports = {}\n')
        await install(version, project)
      },
      'the setting pnpmfile': async (project) => {
        change(project, 'none.cjs', () => 'module.exports = {}\n')
        change(project, 'pnpm-workspace.yaml', (text) => `${text}pnpmfile: none.cjs\n`)
        await install(version, project)
      },
    }
    if (version !== 10)
      PAST['an empty .pnpmfile.mjs'] = async (project) => {
        change(project, '.pnpmfile.mjs', () => 'export const hooks = {}\n')
        await install(version, project)
      }
    else
      PAST['ignore-pnpmfile in .npmrc'] = async (project) => {
        change(project, '.npmrc', (text) => `${text}ignore-pnpmfile=true\n`)
        await install(version, project)
      }
    for (const [what, run] of Object.entries(PAST)) {
      test(`what was installed by ${what}`, async (t) => {
        const project = stage(t)
        await run(project)
        await assertPast(project, /no receipt of this user and machine/)
      })

      test(`what was installed by ${what}, after the same was installed under the gate`, async (t) => {
        const later = stage(t)
        await install(version, later)
        forgetModules(later)
        forgetPnpmfile(later)
        await run(later)
        await assertPast(later, /changed or replaced|pnpm has loaded/)
      })
    }

    test('a node_modules that was there when the gate judged its first install, also after that', async (t) => {
      const project = stage(t)
      await install(version, project, ['install', '--ignore-pnpmfile'])
      for (let round = 0; round < 2; round += 1) {
        await install(version, project, ['install', '--no-frozen-lockfile', '--force'])
        await assertPast(project, /in place before the gate/)
      }
      forgetModules(project)
      await install(version, project)
      await assertUnderGate(project)
    })

    test('another lockfile than was judged, and a package that was added past the gate', async (t) => {
      const project = stage(t)
      await install(version, project)
      const lockfile = readFileSync(path.join(project.dir, 'pnpm-lock.yaml'), 'utf8')
      change(project, 'pnpm-lock.yaml', (text) => text.replaceAll('part', 'gizmo'))
      await assertPast(project, /pnpm-lock\.yaml\n +found: gizmo@1\.0\.0, which was not judged/)
      change(project, 'pnpm-lock.yaml', () => lockfile)
      await assertUnderGate(project)
      await install(version, project, ['add', 'evil@1.0.0', '--ignore-pnpmfile'])
      await assertPast(project, /found: evil@1\.0\.0/)
    })

    test('what somebody has put into node_modules afterwards', async (t) => {
      const project = stage(t)
      await install(version, project)
      const CHANGES: Readonly<Record<string, readonly [string, string, RegExp]>> = {
        'a package': ['evil/package.json', '{"name":"evil","version":"1.0.0"}', /node_modules\/evil\n +found: evil@1/],
        'a file': ['evil.js', '', /node_modules\/evil\.js\n +found: what lies there is not a folder/],
        'a package for others': [
          '.pnpm/node_modules/evil/package.json',
          '{"name":"evil","version":"1.0.0"}',
          /found: evil@1\.0\.0/,
        ],
        'a name that is judged': [
          '@acme/part/package.json',
          '{"name":"part","version":"1.0.0"}',
          /found: part@1\.0\.0, installed as @acme\/part/,
        ],
      }
      for (const [what, [file, text, says]] of Object.entries(CHANGES)) {
        mkdirSync(path.dirname(modules(project, file)), { recursive: true })
        writeFileSync(modules(project, file), text)
        await assertPast(project, says)
        const top = file.replace(/\/package\.json$/, '')
        rmSync(modules(project, top), { recursive: true })
        await assertUnderGate(project, what)
      }
    })

    test('a node_modules that a repository brings in a project of its workspace', async (t) => {
      const brought = {
        'apps/two/node_modules/gizmo/package.json': JSON.stringify({ ...good('gizmo'), main: 'evil.js' }),
        'apps/two/node_modules/gizmo/evil.js': '',
      }
      const options = { policy: permitting('one'), files: workspaceFiles, workspace: { packages: ['apps/*'] } }
      const project = stage(t, options)
      await install(version, project, ['install', '--lockfile-only'])
      for (const [name, text] of Object.entries(brought)) change(project, name, () => text)
      await runPnpm(version, ['install', '--frozen-lockfile'], project)
      assert.ok(existsSync(path.join(project.dir, 'apps/two/node_modules/gizmo/evil.js')))
      await assertPast(project, /in place before the gate/)
      // Where pnpm resolves anew it may put its own in that place.
      const other = stage(t, { ...options, files: { ...workspaceFiles, ...brought } })
      await runPnpm(version, ['install', '--no-frozen-lockfile'], other)
      if (existsSync(path.join(other.dir, 'apps/two/node_modules/gizmo/evil.js')))
        await assertPast(other, /in place before the gate/)
    })

    test('a link in the place of a file of a package, and of a package', async (t) => {
      const project = stage(t)
      await install(version, project)
      const manifest = `${realpathSync(modules(project, 'widget')) + path.sep}package.json`
      const text = readFileSync(manifest, 'utf8')
      writeFileSync(path.join(path.dirname(manifest), '.p.json'), text)
      rmSync(manifest)
      symlinkSync('.p.json', manifest)
      await assertPast(project, /a link inside of a package/)
      const other = stage(t)
      await install(version, other)
      const vendored = path.join(other.dir, 'vendor/node_modules/widget')
      cpSync(realpathSync(modules(other, 'widget')), vendored, { recursive: true, preserveTimestamps: true })
      rmSync(modules(other, 'widget'), { recursive: true })
      symlinkSync('../vendor/node_modules/widget', modules(other, 'widget'))
      await assertPast(other, /node_modules\/widget/)
    })

    test('a package whose files were changed afterwards', async (t) => {
      const project = stage(t)
      await install(version, project)
      const later = new Date(Date.now() + 5_000)
      const { utimesSync } = await import('node:fs')
      utimesSync(modules(project, 'widget/package.json'), later, later)
      await assertPast(project, /node_modules\/widget\/package\.json\n +found: a file of/)
    })

    test('a node_modules that was copied away and back, or comes from another folder', async (t) => {
      const project = stage(t)
      await install(version, project)
      const aside = path.join(project.root, 'aside')
      cpSync(modules(project), aside, { recursive: true, verbatimSymlinks: true })
      forgetModules(project)
      cpSync(aside, modules(project), { recursive: true, verbatimSymlinks: true })
      await assertPast(project, /changed or replaced/)
    })

    test('a project that was copied or moved elsewhere', async (t) => {
      const project = stage(t)
      await install(version, project)
      const other = path.join(project.root, 'other')
      cpSync(project.dir, other, { recursive: true, verbatimSymlinks: true })
      await assertPast(project, /no receipt/, other)
      await assertUnderGate(project)
      renameSync(project.dir, `${project.dir}-moved`)
      await assertPast(project, /no receipt/, `${project.dir}-moved`)
    })

    test('a receipt that a cache has carried here, or that somebody else has written', async (t) => {
      const project = stage(t)
      await install(version, project)
      const receipts = path.join(data(project), 'receipts')
      const [name = assert.fail()] = readdirSync(receipts)
      const file = path.join(receipts, name)
      const text = readFileSync(file, 'utf8')
      const [mac = '', body = ''] = text.split('\n')
      const FORGED = [
        '',
        body,
        `${'0'.repeat(64)}\n${body}`,
        `${mac}\n${body.replace('"isWhole":true', '"isWhole":false')}`,
        `${name.replace('.json', '')}\n${body}`,
      ]
      for (const forged of FORGED) {
        writeFileSync(file, forged)
        await assertPast(project, /no receipt/)
      }
      writeFileSync(file, text)
      await assertUnderGate(project)
      // The key and the receipts of this machine, as a cache brings them to another one: the files are others.
      cpSync(data(project), `${data(project)}-restored`, { recursive: true })
      rmSync(data(project), { recursive: true })
      renameSync(`${data(project)}-restored`, data(project))
      await assertPast(project, /no receipt/)
    })

    test('a receipt of another folder of this user', async (t) => {
      const project = stage(t)
      await install(version, project)
      const other = path.join(project.root, 'other')
      cpSync(project.dir, other, { recursive: true, filter: (file) => !file.includes('node_modules') })
      await install(version, project, ['install', '--frozen-lockfile'], other)
      await assertUnderGate(project, 'other', other)
      const receipts = path.join(data(project), 'receipts')
      const [one = '', two = ''] = readdirSync(receipts)
      const texts = [one, two].map((each) => readFileSync(path.join(receipts, each), 'utf8'))
      writeFileSync(path.join(receipts, one), texts[1] ?? '')
      writeFileSync(path.join(receipts, two), texts[0] ?? '')
      await assertPast(project, /no receipt/)
      await assertPast(project, /no receipt/, other)
    })

    test('an install that was judged by another policy than the one that is there now', async (t) => {
      const project = stage(t)
      await install(version, project)
      change(project, '.sigstorerc', (text) => `${text}\n# other\n`)
      await assertPast(project, /another policy/)
      writeFileSync(path.join(project.root, 'protected'), POLICY)
      change(project, '.sigstorerc', () => POLICY)
      await assertUnderGate(project)
      assert.equal((await check(project, project.dir, ['--policy', '.sigstorerc'])).status, 0)
      writeFileSync(path.join(project.dir, 'strict.yaml'), POLICY.replace('acme/widgets', 'acme/*'))
      assert.equal((await check(project, project.dir, ['--policy', 'strict.yaml'])).status, 1)
    })

    test('an install that was judged by other trust files than those of the policy that is asked for', async (t) => {
      const project = stage(t)
      await install(version, project)
      const protect = (edit: (name: string, text: string) => string) => {
        for (const [name, text] of Object.entries(world.policyFiles())) {
          const place = path.join(project.root, 'protected', name)
          mkdirSync(path.dirname(place), { recursive: true })
          writeFileSync(place, edit(name, text))
        }
        return check(project, project.dir, ['--policy', '../protected/.sigstorerc'])
      }
      assert.equal((await protect((_, text) => text)).status, 0)
      for (const changed of ['trust/trusted_root.json', 'trust/keys.json']) {
        const { status, stderr } = await protect((name, text) => (name === changed ? `${text}\n` : text))
        assert.equal(status, 1, changed)
        assert.match(stderr, /another policy/)
      }
      change(project, 'trust/trusted_root.json', (text) => `${text}\n`)
      await assertPast(project, /another policy/)
    })

    test('a node_modules after an install that the gate has stopped, where it was not there before', async (t) => {
      const project = stage(t, { dependencies: { evil: '1.0.0' } })
      assert.notEqual((await runPnpm(version, ['install'], project)).status, 0)
      const { status } = await check(project)
      assert.notEqual(status, 0)
    })

    test('what a project of the workspace has installed from a lockfile of its own, past the gate', async (t) => {
      const project = stage(t, {
        policy: permitting('one'),
        files: workspaceFiles,
        workspace: { packages: ['apps/*'] },
      })
      await install(version, project)
      const one = path.join(project.dir, 'apps/one')
      rmSync(path.join(one, 'node_modules'), { recursive: true })
      // Without the workspace's settings.
      writeFileSync(path.join(one, '.npmrc'), `registry=${world.registry.url}\nstore-dir=${project.storeDir}\n`)
      // pnpm 11 and 12 fail afterwards, for scripts that they have not run.
      await runPnpm(version, ['add', 'evil@1.0.0', '--ignore-workspace', '--ignore-pnpmfile'], { ...project, dir: one })
      assert.ok(existsSync(path.join(one, 'node_modules/evil/package.json')))
      await assertPast(project, /apps\/one/)
    })
  })
}

describe('check', () => {
  test('says 2 where nothing is installed, where there is no policy, and where the key is not the user’s alone', async (t) => {
    const project = stage(t)
    assert.equal((await check(project)).status, 2)
    await install(11, project)
    rmSync(path.join(project.dir, '.sigstorerc'))
    const without = await check(project)
    assert.equal(without.status, 2)
    assert.match(without.stderr, /no policy here/)
    if (process.platform === 'win32') return
    const { chmodSync } = await import('node:fs')
    chmodSync(path.join(data(project), 'key'), 0o644)
    const { status, stderr } = await check(project)
    assert.equal(status, 2)
    assert.match(stderr, /key of this user/)
  })

  test('writes a report for machines', async (t) => {
    const project = stage(t)
    await install(11, project)
    const passed = JSON.parse((await check(project, project.dir, ['--json'])).stdout)
    assert.equal(passed.underGate, true)
    assert.equal(passed.installed, 2)
    assert.deepEqual(passed.problems, [])
    assert.equal(passed.receipts.length, 1)
    assert.match(passed.receipts[0].policy, /^[0-9a-f]{64}$/)
    assert.match(passed.receipts[0].lockfile, /^[0-9a-f]{64}$/)
    assert.equal(passed.receipts[0].judged, 2)
    const strange = modules(project, '\u001b[2Kevil')
    mkdirSync(strange)
    writeFileSync(path.join(strange, 'index.js'), '')
    const run = await check(project, project.dir, ['--json'])
    assert.equal(run.status, 1)
    assert.equal(JSON.parse(run.stdout).underGate, false)
    assert.ok(!`${run.stdout}${run.stderr}`.includes('\u001b'))
  })

  test('says that no receipt could be left, and so does the install, which goes on', async (t) => {
    const project = stage(t)
    mkdirSync(path.dirname(data(project)), { recursive: true })
    writeFileSync(data(project), 'a file')
    const run = await runPnpm(11, ['install'], project)
    assert.equal(run.status, 0, run.output)
    assert.match(run.flat, /no receipt of this install is left/)
    assert.notEqual((await check(project)).status, 0)
  })
})
