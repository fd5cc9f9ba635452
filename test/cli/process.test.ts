/** `verify` as a process among others: closed pipes, full disks, signals, terminals, a second one beside it. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import type { Project } from '../support/pnpm/index.ts'
import { CLI, startWorld } from '../support/world.ts'
import { assertNoStack, cliProject, lockfileOf, report, startCli, verify, writeDocuments } from './support.ts'

const world = await startWorld()
after(() => world.close())
const widget = await world.publish({ name: 'widget', version: '1.0.0' })
const POSIX = { skip: process.platform === 'win32' ? 'needs a POSIX shell' : false }
const FULL = { skip: process.platform === 'linux' ? false : 'needs /dev/full' }

/** More than a pipe holds: a report of 200 KB. Of the packages all are permitted, or one is refused. */
function largeProject(t: TestContext, isRefused: boolean): Project {
  const packages = Array.from({ length: 600 }, (_, i) => ({ ...widget, manifest: { name: `p${i}`, version: '1.0.0' } }))
  const refused = isRefused ? '{ packages: p300, require: provenance, publisher: { repository: acme/widgets } },' : ''
  const policy = `rules: [${refused} { packages: "**", require: nothing }]\n`
  const project = cliProject(world, { policy, files: { 'pnpm-lock.yaml': lockfileOf(packages) } })
  t.after(() => project.dispose())
  writeDocuments(project, {})
  return project
}

/** In a real shell, with its pipes. The status is that of the command line, not that of the whole pipe. */
function shell(script: string, { dir, env }: Project): { readonly status: number; readonly stderr: string } {
  const verify = `"${process.execPath}" "${CLI}" verify --json --attestations ../attestations`
  const text = script.replace('VERIFY', `{ ${verify}; echo "status $?" >&3; }`)
  const run = spawnSync('sh', ['-c', text], {
    cwd: dir,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const [, status] = /^status (\d+)\n$/.exec(String(run.output[3])) ?? assert.fail(String(run.output))
  assertNoStack(run.stderr)
  return { status: Number(status), stderr: run.stderr }
}

describe('a reader that leaves early does not change the verdict, and is shown no stack', POSIX, () => {
  for (const [isRefused, status] of [[false, 0] as const, [true, 1] as const]) {
    test(`| head -1, status ${status}`, (t) => {
      const run = shell('VERIFY | head -n 1', largeProject(t, isRefused))
      assert.equal(run.status, status)
      const last = isRefused
        ? /600 packages: .* refused\n.*: provenance-gate explain .*\n$/
        : /600 packages: .* refused\n$/
      assert.match(run.stderr, last, 'standard error is still complete')
    })

    test(`standard error | head -1, status ${status}`, (t) => {
      assert.equal(shell('VERIFY 2>&1 >/dev/null | head -n 1', largeProject(t, isRefused)).status, status)
      assert.equal(shell('VERIFY 2>&1 | true', largeProject(t, isRefused)).status, status)
    })

    test(`both closed, status ${status}`, (t) => {
      assert.equal(shell('VERIFY >&- 2>&-', largeProject(t, isRefused)).status, status)
    })
  }

  test('a reader that takes its time gets everything', async (t) => {
    const project = largeProject(t, true)
    assert.equal((await report(project, '--attestations', '../attestations')).summary.total, 600)
    const run = shell('VERIFY | { head -c 1 >/dev/null; wc -c >&2; }', project)
    assert.ok(Number(/^\d+$/m.exec(run.stderr)?.[0]) > 100_000, run.stderr)
  })
})

describe('a report that a full disk cut off is no success', FULL, () => {
  for (const [isRefused, status] of [[false, 2] as const, [true, 1] as const]) {
    test(`status ${status}`, async (t) => {
      const { dir, env } = largeProject(t, isRefused)
      const full = openSync('/dev/full', 'w')
      t.after(() => closeSync(full))
      const args = [CLI, 'verify', '--json', '--attestations', '../attestations']
      const run = spawnSync(process.execPath, args, {
        cwd: dir,
        env,
        stdio: ['ignore', full, 'pipe'],
        encoding: 'utf8',
      })
      assert.equal(run.status, status)
      assertNoStack(run.stderr)
    })
  }
})

test('an end before there is an answer is no success', async (t) => {
  const project = cliProject(world, { files: { 'pnpm-lock.yaml': lockfileOf([widget]) } })
  t.after(() => project.dispose())
  const lost = path.join(project.root, 'lost.cjs')
  // Nobody answers any more, and nothing is left to wait for: a thread or a library that forgets a question.
  writeFileSync(lost, "require('node:fs/promises').stat = () => new Promise(() => {})")
  const run = spawnSync(process.execPath, ['--require', lost, CLI, 'verify'], {
    cwd: project.dir,
    env: project.env,
    encoding: 'utf8',
  })
  assert.equal(run.status, 2, run.stderr)
})

describe('signals', POSIX, () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`${signal} ends it at once, while a registry keeps it waiting`, async (t) => {
      const asked = Promise.withResolvers<void>()
      const server = createServer(() => asked.resolve()).listen(0, '127.0.0.1')
      t.after(() => server.closeAllConnections())
      t.after(() => server.close())
      await new Promise((resolve) => server.once('listening', resolve))
      const registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
      const project = cliProject(world, { registry, files: { 'pnpm-lock.yaml': lockfileOf([widget]) } })
      t.after(() => project.dispose())

      const child = startCli(['verify'], { cwd: project.dir, env: project.env })
      const ended = new Promise((resolve) => child.once('close', (...how) => resolve(how)))
      await asked.promise
      const start = performance.now()
      child.kill(signal)
      assert.deepEqual(await ended, [null, signal])
      // The registry would have kept it for another 25 seconds.
      assert.ok(performance.now() - start < 5000)
    })
  }
})

test('two at once do not disturb each other', async (t) => {
  const project = cliProject(world, { files: { 'pnpm-lock.yaml': lockfileOf([widget]) } })
  t.after(() => project.dispose())
  const both = await Promise.all([verify(project, '--json'), verify(project, '--json')])
  assert.equal(both[0].status, 0)
  assert.deepEqual(both[0], both[1])
})

describe('on a terminal', { skip: hasScript() ? false : 'needs the `script` of util-linux' }, () => {
  const onTerminal = async (project: Project, args: string) => {
    const command = `"${process.execPath}" "${CLI}" verify ${args}`
    const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: project.dir, env: project.env, stdio: 'pipe' })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    const status = await new Promise((resolve) => child.once('close', resolve))
    return { status, output: Buffer.concat(chunks).toString('utf8') }
  }

  test('there is a bar, gone at the end, after which the terminal is as it was', async (t) => {
    const project = cliProject(world, { files: { 'pnpm-lock.yaml': lockfileOf([widget]) } })
    t.after(() => project.dispose())
    const { status, output } = await onTerminal(project, '')
    assert.equal(status, 0, output)
    assert.match(output, /verifying .*0\/1.*1\/1/s)
    const [, last = ''] = output.split('\u001b[2K')
    assert.match(last, /^1 package: 1 proven, .* 0 refused\r\n$/, 'the line is cleared before the summary')
    // Cursor hidden, wrapping off: Ctrl-C would leave the terminal like that.
    for (const off of ['\u001b[?25l', '\u001b[?7l']) assert.ok(!output.includes(off))
  })
})

function hasScript(): boolean {
  return process.platform === 'linux' && spawnSync('script', ['--version'], { encoding: 'utf8' }).status === 0
}
