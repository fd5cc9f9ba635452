import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import {
  createProject,
  markedPackage,
  PNPM_VERSIONS,
  PnpmKilled,
  type PnpmRun,
  type PnpmVersion,
  type Project,
  type ProjectOptions,
  postinstallsRun,
  prepareStore,
  runPnpm,
  snapshotTree,
} from '../support/pnpm/index.ts'
import { storeLocks } from '../support/pnpm/locks.ts'
import { createTarball, startRegistry } from '../support/registry/index.ts'

const registry = await startRegistry()
after(() => registry.close())
const code = { 'index.js': 'module.exports = 1\n', 'bin.js': '#!/usr/bin/env node\n' }
const PLAIN = createTarball({ name: 'plain', version: '1.0.0', files: code, bin: 'bin.js' })
const PACKAGES = [
  PLAIN,
  createTarball({ name: '@scope/inner', version: '1.0.0', files: code, bin: 'bin.js' }),
  createTarball({ name: '@scope/outer', version: '1.0.0', dependencies: { '@scope/inner': '^1.0.0' } }),
  markedPackage({ name: '@scope/marked', version: '1.0.0' }),
]
for (const pkg of PACKAGES) registry.publish(pkg)
registry.publish(createTarball({ name: 'plain', version: '1.1.0', files: code, bin: 'bin.js' }), { tag: 'next' })
const DEPENDENCIES = { plain: '1.0.0', '@scope/outer': '1.0.0', '@scope/marked': '1.0.0' }

const HARMLESS = 'module.exports = { hooks: { readPackage: (pkg) => pkg } }'
// Of the hooks that see a fresh install early, the one whose throw stops all four versions.
const REFUSING = `module.exports = { hooks: { readPackage() {
  throw new Error('refused by the hook, in a message that is longer than eighty columns, as good ones often are')
} } }`

function projectFor(t: TestContext, options: Partial<ProjectOptions> = {}): Project {
  const project = createProject({ registry: registry.url, dependencies: DEPENDENCIES, ...options })
  t.after(() => project.dispose())
  return project
}

async function succeeds(
  version: PnpmVersion,
  args: readonly string[],
  project: Project,
  options?: Parameters<typeof runPnpm>[3],
): Promise<PnpmRun> {
  const result = await runPnpm(version, args, project, options)
  assert.equal(result.status, 0, result.output)
  return result
}

function read(project: Project, path: string): string {
  return readFileSync(join(project.dir, path), 'utf8')
}

function installedVersion(project: Project, name: string): unknown {
  return JSON.parse(read(project, `node_modules/${name}/package.json`)).version
}

describe('real pnpm', { concurrency: 2 }, () => {
  for (const version of PNPM_VERSIONS) describe(`pnpm ${version}`, { concurrency: 1 }, () => suite(version))
})

function suite(version: PnpmVersion): void {
  test('installs, and two equal installs make equal trees, with or without a harmless pnpmfile', async (t) => {
    const trees = []
    for (const options of [{}, {}, { pnpmfile: HARMLESS }]) {
      const project = projectFor(t, options)
      const { stderr } = await succeeds(version, ['install'], project)
      assert.equal(stderr, '', 'no warning of settings that this version does not know')
      assert.equal(installedVersion(project, '@scope/outer'), '1.0.0')
      assert.deepEqual(postinstallsRun(project), ['@scope/marked@1.0.0'])
      assert.ok(read(project, 'pnpm-lock.yaml').includes(PLAIN.integrity))
      trees.push(snapshotTree(join(project.dir, 'node_modules')))
    }
    const [first = [], second, gated] = trees
    assert.ok(first.some(([path]) => path === '.pnpm/@scope+inner@1.0.0/node_modules/@scope/inner/index.js'))
    assert.ok(first.some(([path, type]) => path === '@scope/outer' && type === 'link'))
    assert.deepEqual(second, first)
    assert.deepEqual(gated, first)
  })

  test('a refusing hook: nothing linked, no script run, whatever the store', async (t) => {
    for (const store of ['cold', 'warm'] as const) {
      const project = projectFor(t, { pnpmfile: REFUSING })
      const { status, flat } = await runPnpm(version, ['install'], project, { store })
      assert.notEqual(status, 0)
      assert.match(flat, /refused by the hook, in a message that is longer than eighty columns/)
      assert.deepEqual(postinstallsRun(project), [])
      assert.equal(existsSync(join(project.dir, 'node_modules', 'plain')), false)
    }
  })

  test('frozen: a warm store needs no tarball, a cold one needs all, and scripts run with both', async (t) => {
    const lockfile = await lockfileOf(version, t)
    for (const [store, tarballs] of [
      ['warm', 0],
      ['cold', 4],
    ] as const) {
      const mirror = await mirrorOf(t)
      const project = projectFor(t, { registry: mirror.url, files: { 'pnpm-lock.yaml': lockfile } })
      await prepareStore(version, project, store)
      mirror.forgetRequests()
      await succeeds(version, ['install', '--frozen-lockfile'], project)
      assert.equal(mirror.requests.filter(({ path }) => path.endsWith('.tgz')).length, tarballs)
      assert.deepEqual(postinstallsRun(project), ['@scope/marked@1.0.0'])
      assert.equal(read(project, 'pnpm-lock.yaml'), lockfile)
      assert.deepEqual(
        readdirSync(project.root).filter((name) => name.startsWith('filler')),
        [],
      )
    }
  })

  test('frozen: refuses an outdated lockfile, and bytes that are not those of the lockfile', async (t) => {
    const lockfile = await lockfileOf(version, t)
    const outdated = projectFor(t, { dependencies: { plain: '1.1.0' }, files: { 'pnpm-lock.yaml': lockfile } })
    const { status, output } = await runPnpm(version, ['install', '--frozen-lockfile'], outdated)
    assert.notEqual(status, 0)
    assert.match(output, /OUTDATED_LOCKFILE/)

    const mirror = await mirrorOf(t)
    mirror.setTarball('plain', '1.0.0', createTarball({ name: 'plain', version: '1.0.0' }).bytes)
    const tampered = projectFor(t, { registry: mirror.url, files: { 'pnpm-lock.yaml': lockfile } })
    const refused = await runPnpm(version, ['install', '--frozen-lockfile'], tampered)
    assert.notEqual(refused.status, 0)
    assert.match(refused.output, /integrity/i)
    assert.deepEqual(postinstallsRun(tampered), [])
  })

  test('fetch, add and update', async (t) => {
    const project = projectFor(t, { files: { 'pnpm-lock.yaml': await lockfileOf(version, t) } })
    await succeeds(version, ['fetch'], project)
    assert.equal(existsSync(join(project.dir, 'node_modules', 'plain')), false)
    assert.ok(existsSync(join(project.dir, 'node_modules', '.pnpm', 'plain@1.0.0')))
    await prepareStore(version, project, 'warm', { '@scope/inner': '1.0.0' })
    await succeeds(version, ['add', '@scope/inner@1.0.0', '--offline'], project)
    assert.equal(installedVersion(project, '@scope/inner'), '1.0.0')
    assert.equal(installedVersion(project, 'plain'), '1.0.0')
    await succeeds(version, ['update', 'plain@next'], project)
    assert.equal(installedVersion(project, 'plain'), '1.1.0')
  })

  test('a registry that fails, fails the install at once', async (t) => {
    const mirror = await mirrorOf(t)
    for (const how of ['reset', 'truncate', 'html'] as const) {
      mirror.misbehave({ match: '.tgz', how })
      const project = projectFor(t, { registry: mirror.url })
      const { status } = await runPnpm(version, ['install'], project)
      assert.notEqual(status, 0, how)
      assert.deepEqual(postinstallsRun(project), [])
      mirror.behave()
    }
  })

  test('a token is needed, and given by npmrc lines', async (t) => {
    const mirror = await mirrorOf(t, 'secret')
    const without = await runPnpm(version, ['install'], projectFor(t, { registry: mirror.url }))
    assert.notEqual(without.status, 0)
    const npmrc = `${mirror.url.slice('http:'.length)}:_authToken=secret`
    await succeeds(version, ['install'], projectFor(t, { registry: mirror.url, npmrc }))
  })

  test('nothing of the machine gets in', async (t) => {
    const strange = {
      npm_config_registry: 'http://127.0.0.1:9/',
      NPM_CONFIG_USERCONFIG: '/nonexistent',
      pnpm_config_registry: 'http://127.0.0.1:9/',
      HTTP_PROXY: 'http://127.0.0.1:9/',
      http_proxy: 'http://127.0.0.1:9/',
      NODE_OPTIONS: '--no-such-option',
      CI: 'true',
    }
    const before = { ...process.env }
    t.after(() => {
      for (const name of Object.keys(strange)) delete process.env[name]
      Object.assign(process.env, before)
    })
    Object.assign(process.env, strange)
    const mirror = await mirrorOf(t)
    const project = projectFor(t, { registry: mirror.url })
    await succeeds(version, ['install'], project)
    assert.ok(mirror.requests.length > 0)
    assert.ok(!mirror.requests.some(({ path }) => path === '/pnpm'), 'no look for a newer pnpm')
    const { stdout } = await succeeds(version, ['exec', 'node', '-p', 'process.execPath'], project)
    assert.equal(stdout.trim(), process.execPath)
  })

  test('killing takes hooks and what they started along', async (t) => {
    // The hook's child holds a connection to this server: its end is the end of the process, whoever reports it.
    const server = createServer()
    t.after(() => server.close().closeAllConnections())
    server.listen(0, '127.0.0.1')
    const connected = new Promise<AbortController>((resolve) => {
      server.on('request', (request) => {
        const ended = new AbortController()
        request.socket.on('close', () => ended.abort())
        resolve(ended)
      })
    })
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    const hold = `require('http').get('http://127.0.0.1:${port}/').on('error', () => {}); setInterval(() => {}, 1e6)`
    const pnpmfile = `module.exports = { hooks: { preResolution: () => new Promise(() => {
        require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(hold)}], { stdio: 'inherit' })
        setInterval(() => {}, 1e6)
      }) } }`
    const killed = new AbortController()
    const running = runPnpm(version, ['install'], projectFor(t, { pnpmfile }), { signal: killed.signal })
    const refusal = assert.rejects(running, PnpmKilled)
    const { signal } = await connected
    const ended = new Promise((resolve) => signal.addEventListener('abort', resolve))
    killed.abort()
    await refusal
    await ended
  })

  test('a time-out is an error, never a status', async (t) => {
    await assert.rejects(runPnpm(version, ['install'], projectFor(t), { timeoutMs: 1 }), PnpmKilled)
    await assert.rejects(runPnpm(version, ['install'], projectFor(t), { signal: AbortSignal.abort() }), PnpmKilled)
  })
}

/** A registry of the same packages that a test may spoil. */
async function mirrorOf(t: TestContext, token?: string) {
  const mirror = await startRegistry(token === undefined ? {} : { token })
  t.after(() => mirror.close())
  for (const pkg of PACKAGES) mirror.publish(pkg)
  return mirror
}

async function lockfileOf(version: PnpmVersion, t: TestContext): Promise<string> {
  const project = projectFor(t)
  await succeeds(version, ['install', '--lockfile-only'], project)
  return read(project, 'pnpm-lock.yaml')
}

test('disposing leaves nothing behind', async () => {
  const locks = () => (existsSync(storeLocks()) ? readdirSync(storeLocks()) : [])
  const before = locks()
  const project = createProject({ registry: registry.url, files: { 'packages/a/package.json': '{}' } })
  assert.ok(existsSync(join(project.dir, 'packages', 'a', 'package.json')))
  const folders = Object.entries(project.env).filter(([name]) => /^(HOME|USERPROFILE|XDG_.*|T(E)?MP(DIR)?)$/.test(name))
  assert.equal(folders.length, 9)
  assert.ok(folders.every(([, path]) => path.startsWith(project.root)))
  await succeeds(12, ['install'], project)
  const made = locks().filter((name) => !before.includes(name))
  project.dispose()
  project.dispose()
  assert.equal(existsSync(project.root), false)
  // Other tests may be making locks of their own meanwhile.
  assert.ok(
    made.some((name) => !locks().includes(name)),
    'the lock of this store is gone',
  )
})

test('a warm store that cannot be filled is an error', async (t) => {
  const project = projectFor(t, { dependencies: { unknown: '1.0.0' } })
  await assert.rejects(runPnpm(12, ['install'], project, { store: 'warm' }), /could not be filled/)
})

test('a marked package whose mark cannot be made fails', async (t) => {
  const project = projectFor(t)
  const { status } = await runPnpm(12, ['install'], project, { env: { POSTINSTALL_MARKERS: '/nonexistent' } })
  assert.notEqual(status, 0)
})

describe('snapshots differ by', () => {
  function folder(t: TestContext, change: (dir: string) => void = () => {}): string {
    const dir = join(mkdtempSync(join(tmpdir(), 'snapshot-test-')), 'node_modules')
    t.after(() => rmSync(join(dir, '..'), { recursive: true }))
    mkdirSync(join(dir, '.bin'), { recursive: true })
    mkdirSync(join(dir, 'pkg'))
    writeFileSync(join(dir, 'pkg', 'index.js'), 'module.exports = 1')
    writeFileSync(join(dir, '.bin', 'tool'), `exec ${dir}/pkg/index.js`)
    writeFileSync(join(dir, '.modules.yaml'), JSON.stringify({ storeDir: dir, prunedAt: dir, layoutVersion: 5 }))
    writeFileSync(join(dir, '.pnpm-workspace-state-v1.json'), JSON.stringify({ lastValidatedTimestamp: dir, a: 1 }))
    mkdirSync(join(dir, '.pnpm'))
    writeFileSync(join(dir, '.pnpm', 'lock.yaml'), `a: 1\n\npnpmfileChecksum: ${dir}\n\nb: 2\n`)
    change(dir)
    return dir
  }

  test('nothing, for what differs by nature', (t) => {
    assert.deepEqual(snapshotTree(folder(t)), snapshotTree(folder(t)))
  })

  const changes: Record<string, (dir: string) => void> = {
    'one byte': (dir) => writeFileSync(join(dir, 'pkg', 'index.js'), 'module.exports = 2'),
    'a permission': (dir) => chmodSync(join(dir, 'pkg', 'index.js'), 0o755),
    'a file more': (dir) => writeFileSync(join(dir, 'pkg', 'more.js'), ''),
    'a file less': (dir) => rmSync(join(dir, 'pkg', 'index.js')),
    'an empty folder more': (dir) => mkdirSync(join(dir, 'empty')),
    'a link': (dir) => symlinkSync('pkg', join(dir, 'link')),
    'a link for a file': (dir) => {
      rmSync(join(dir, 'pkg', 'index.js'))
      symlinkSync('elsewhere.js', join(dir, 'pkg', 'index.js'))
    },
    'what a shim runs': (dir) => writeFileSync(join(dir, '.bin', 'tool'), `exec ${dir}/pkg/other.js`),
    'a layout': (dir) => writeFileSync(join(dir, '.modules.yaml'), JSON.stringify({ layoutVersion: 6 })),
    'a setting': (dir) => writeFileSync(join(dir, '.pnpm-workspace-state-v1.json'), JSON.stringify({ a: 2 })),
    'a lockfile entry': (dir) => writeFileSync(join(dir, '.pnpm', 'lock.yaml'), 'a: 1\n\nb: 3\n'),
    "a package's own file of a name that pnpm uses": (dir) =>
      writeFileSync(join(dir, 'pkg', '.modules.yaml'), JSON.stringify({ prunedAt: dir })),
  }
  for (const [name, change] of Object.entries(changes)) {
    test(name, (t) => assert.notDeepEqual(snapshotTree(folder(t, change)), snapshotTree(folder(t))))
  }
})
