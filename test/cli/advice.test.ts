/** What a message says to do next has to be something that helps. */
import assert from 'node:assert/strict'
import { mkdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import path from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { createManagerProject, type ManagerProject } from '../support/managers/index.ts'
import { startWorld, type World } from '../support/world.ts'
import { runCli } from './support.ts'

let world: World
before(async () => {
  world = await startWorld()
  await world.publish({ name: 'widget', version: '1.0.0' })
})
after(() => world.close())

function projectWith(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  manifest: Readonly<Record<string, unknown>> = {},
): ManagerProject {
  const project = createManagerProject({ registry: world.registry.url, manifest, files })
  t.after(() => project.dispose())
  return project
}

describe('in a folder of a workspace that has no lockfile', () => {
  const APP = { 'apps/web/package.json': '{"name":"web","version":"1.0.0"}' }
  const verifyIn = ({ dir, env }: ManagerProject, folder: string) =>
    runCli(['verify'], { cwd: path.join(dir, folder), env })

  for (const [file, workspaces] of [
    ['package-lock.json', ['apps/*']],
    ['npm-shrinkwrap.json', ['./apps/web']],
    ['yarn.lock', { packages: ['apps/*'] }],
    ['bun.lock', ['apps/**']],
    ['pnpm-lock.yaml', ['apps/*']],
  ] as const) {
    test(`the ${file} of the workspace is named`, async (t) => {
      const project = projectWith(t, { ...APP, [file]: '' }, { workspaces })
      const { status, stderr } = await verifyIn(project, 'apps/web')
      assert.equal(status, 2)
      assert.ok(
        stderr.includes(
          `The workspace in ${project.dir} has it as a project, and ${path.join(project.dir, file)}: run this there`,
        ),
        stderr,
      )
      assert.doesNotMatch(stderr, /Write one/)
    })
  }

  test('all of them are named where it has several', async (t) => {
    const project = projectWith(t, { ...APP, 'yarn.lock': '', 'bun.lock': '' }, { workspaces: ['apps/*'] })
    const { stderr } = await verifyIn(project, 'apps/web')
    assert.match(stderr, /yarn\.lock, .*bun\.lock: run this there, or name one with --lockfile/)
  })

  test('the root is where one is to be written, if it has none', async (t) => {
    const project = projectWith(t, APP, { workspaces: ['apps/*'] })
    const { stderr } = await verifyIn(project, 'apps/web')
    assert.ok(stderr.includes(`Write one with your package manager in ${project.dir}, whose workspace`), stderr)
  })

  test('no other folder is named where none has it as a project', async (t) => {
    const project = projectWith(t, { 'tools/x/package.json': '{}', 'yarn.lock': '' }, { workspaces: ['apps/*'] })
    const { stderr } = await verifyIn(project, 'tools/x')
    assert.match(stderr, /Write one with your package manager, or name one with --lockfile/)
    assert.ok(!stderr.includes(path.join(project.dir, 'yarn.lock')), stderr)
  })

  test('a folder that is no project at all says the same', async (t) => {
    const project = projectWith(t, {})
    mkdirSync(path.join(project.dir, 'empty'))
    assert.match((await verifyIn(project, 'empty')).stderr, /Write one with your package manager, or name one/)
  })
})

test('after --offline, nobody is told to try the same again', async (t) => {
  const entry = { version: '1.0.0', integrity: `sha512-${'A'.repeat(86)}==` }
  const packages = { '': { dependencies: { widget: '1.0.0' } }, 'node_modules/widget': entry }
  const manifest = { dependencies: { widget: '1.0.0' } }
  const lockfile = JSON.stringify({ name: 'project', lockfileVersion: 3, packages })
  const { dir, env } = projectWith(t, { 'package-lock.json': lockfile, ...world.policyFiles() }, manifest)
  for (const command of ['accept', 'init']) {
    if (command === 'init') rmSync(path.join(dir, '.sigstorerc'))
    const { status, stderr } = await runCli([command, '--offline'], { cwd: dir, env })
    assert.equal(status, 2, stderr)
    assert.match(stderr, /Run it without --offline, or name a folder that has the evidence with --attestations/)
    assert.doesNotMatch(stderr, /[Tt]ry again/)
  }
})

describe('a proxy that wants a login', () => {
  test('is told of, and not the server behind it', async (t) => {
    const proxy = createServer((_, response) => response.writeHead(407, { 'proxy-authenticate': 'Basic' }).end())
    proxy.on('connect', (_, socket) => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'))
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    t.after(() => proxy.close())
    const address = proxy.address()
    const url = `http://user:p4ssw0rd@127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
    const { dir, env } = projectWith(t, {})
    for (const [variable, value] of [
      ['HTTPS_PROXY', url],
      ['https_proxy', url],
    ] as const) {
      const { status, stderr } = await runCli(['trust', 'update'], { cwd: dir, env: { ...env, [variable]: value } })
      assert.equal(status, 2)
      assert.match(stderr, /HTTP 407: the proxy wants a login/)
      assert.doesNotMatch(stderr, /p4ssw0rd/)
    }
  })
})
