/** `run` as a process: what the command gets, how both end, and what is left where one of them is killed. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { startWorld } from '../../support/world.ts'
import { assertNothingLeft, type RunProject, runProject, start } from './support.ts'

const world = await startWorld()
after(() => world.close())
const POSIX = { skip: process.platform === 'win32' ? 'the stand-in for npm is a script with a shebang' : false }

/** An `npm` on PATH that does as `body` says. */
function standIn(t: TestContext, body: string, name = 'npm'): RunProject {
  const project = runProject(t, world)
  const bin = path.join(project.root, 'a bin')
  mkdirSync(bin)
  writeFileSync(path.join(bin, name), `#!${process.execPath}\nconst fs = require('node:fs')\n${body}\n`)
  chmodSync(path.join(bin, name), 0o755)
  return { ...project, env: { ...project.env, PATH: `${bin}${path.delimiter}${project.env.PATH}` } }
}

interface Ended {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

function end(child: ChildProcess): Promise<Ended> {
  const text = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk: Buffer) => {
    text.stdout += chunk.toString()
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    text.stderr += chunk.toString()
  })
  return new Promise((resolve) => child.once('close', (status, signal) => resolve({ status, signal, ...text })))
}

/** Until it is so; the test's own limit ends what never is. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await setTimeout(20)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // A zombie that nobody has waited for is no process any more.
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

describe('what the command gets', POSIX, () => {
  test('its arguments as they are, its folder, its environment, and its input', async (t) => {
    const project = standIn(
      t,
      `fs.writeFileSync('call.json', JSON.stringify({ argv: process.argv.slice(2), cwd: process.cwd(), env: process.env, input: fs.readFileSync(0, 'utf8') }))`,
    )
    const ARGUMENTS = [
      'install',
      'a b',
      '',
      "it's",
      '$(touch evil)',
      '; touch evil',
      '--help',
      '-h',
      '--version',
      '--json',
      '*',
      'ü',
    ]
    const child = start(['npm', 'exec', ...ARGUMENTS], project, { SOME: 'thing' })
    child.stdin?.end('what is typed')
    const run = await end(child)
    assert.deepEqual([run.status, run.stdout, run.stderr], [0, '', ''])
    const call = JSON.parse(readFileSync(path.join(project.dir, 'call.json'), 'utf8'))
    assert.deepEqual(call.argv, ['exec', ...ARGUMENTS])
    assert.equal(call.cwd, project.dir)
    assert.equal(call.input, 'what is typed')
    assert.equal(call.env.SOME, 'thing')
    assert.match(call.env.npm_config_https_proxy, /^http:\/\/gate:[\w-]{32,}@127\.0\.0\.1:\d+$/)
    // What npm has settings for is no business of the programs that it starts.
    for (const name of ['HTTPS_PROXY', 'HTTP_PROXY', 'https_proxy', 'http_proxy'])
      assert.equal(call.env[name], undefined)
    assert.ok(!existsSync(path.join(project.dir, 'evil')))
  })

  test('a folder for this run that others cannot read, and that is gone afterwards', async (t) => {
    const project = standIn(
      t,
      `const folder = require('node:path').dirname(process.env.npm_config_cafile)
       console.log(JSON.stringify([fs.statSync(folder).mode & 0o777, fs.readdirSync(folder), folder, fs.readFileSync(process.env.npm_config_cafile, 'utf8').match(/BEGIN CERT/g).length]))`,
    )
    const run = await end(start(['npm', 'install'], project))
    const [mode, files, folder, authorities] = JSON.parse(run.stdout)
    assert.deepEqual([mode, files], [0o700, ['bundle.pem', 'extra.pem']])
    assert.ok(authorities > 50, 'beside the roots that Node has')
    assert.ok(!existsSync(folder))
    assertNothingLeft(project)
  })

  test("the user's own authorities are kept beside the gate's", async (t) => {
    const project = standIn(t, `console.log(fs.readFileSync(process.env.NODE_EXTRA_CA_CERTS, 'utf8'))`)
    const { issuedFor } = await import('../../support/tls.ts')
    const { ca } = issuedFor(['x.example'])
    writeFileSync(path.join(project.root, 'ca.pem'), ca)
    const run = await end(
      start(['npm', 'install'], project, { NODE_EXTRA_CA_CERTS: path.join(project.root, 'ca.pem') }),
    )
    assert.ok(run.stdout.includes(ca.trim()))
    assert.equal(run.stdout.match(/BEGIN CERT/g)?.length, 2)
  })

  test('a terminal, where there is one', {
    skip: hasScript() ? false : 'needs the `script` of util-linux',
  }, async (t) => {
    const { CLI } = await import('../../support/world.ts')
    const { dir, env } = standIn(t, `console.log(process.stdin.isTTY, process.stdout.isTTY, process.stderr.isTTY)`)
    const command = `"${process.execPath}" "${CLI}" run -- npm install`
    const run = spawnSync('script', ['-qec', command, '/dev/null'], { cwd: dir, env, encoding: 'utf8' })
    assert.match(run.stdout, /^true true true\r?$/m)
  })
})

describe('how it ends', POSIX, () => {
  for (const status of [0, 1, 3, 127, 254]) {
    test(`with the command's status ${status}`, async (t) => {
      const project = standIn(t, `console.log('out'); console.error('err'); process.exitCode = ${status}`)
      assert.deepEqual(await end(start(['npm', 'install'], project)), {
        status,
        signal: null,
        stdout: 'out\n',
        stderr: 'err\n',
      })
      assertNothingLeft(project)
    })
  }

  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGINT'] as const) {
    test(`by the signal that the command ended by: ${signal}`, async (t) => {
      const project = standIn(t, `process.kill(process.pid, '${signal}'); setInterval(() => {}, 1000)`)
      assert.equal((await end(start(['npm', 'install'], project))).signal, signal)
      assertNothingLeft(project)
    })
  }

  const WRONG: Readonly<Record<string, readonly [readonly string[], RegExp]>> = {
    'an unknown program': [['make', 'all'], /does not know the program make: expected npm, npx, pnpm/],
    'no program': [[], /missing required argument/],
    'one that is not there': [['/nowhere/npm', 'ci'], /\/nowhere\/npm could not be started: there is no such program/],
    'a repository without a name': [
      ['npm', 'install', 'github:a/b'],
      /github:a\/b names no package[^\n]*NAME@github:a\/b/,
    ],
    'a URL without a name': [['npm', 'i', 'https://x.example/x.tgz'], /https:\/\/x\.example\/x\.tgz names no package/],
    'a yarn of no version': [['yarn'], /--version` says "hello" in .*: expected a version number/],
  }
  for (const [what, [args, message]] of Object.entries(WRONG)) {
    test(`with 2, before anything is started, for ${what}`, async (t) => {
      const project = standIn(t, `console.log('hello')`, args[0] === 'yarn' ? 'yarn' : 'npm')
      const run = await end(start(args, project))
      assert.deepEqual([run.status, run.stdout], [2, ''])
      assert.match(run.stderr, message)
      assertNothingLeft(project)
    })
  }

  test('with 2, before anything is started, without a policy', async (t) => {
    const project = standIn(t, `console.log('hello')`)
    const { rmSync } = await import('node:fs')
    rmSync(path.join(project.dir, '.sigstorerc'))
    const run = await end(start(['npm', 'install'], project))
    assert.deepEqual([run.status, run.stdout], [2, ''])
    assert.match(run.stderr, /no policy here/)
  })
})

describe('signals', POSIX, () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    test(`${signal} goes to the command, and the gate lives as long as that does`, async (t) => {
      const project = standIn(
        t,
        `process.on('${signal}', () => { fs.writeFileSync('got', '${signal}'); process.exit(7) }); fs.writeFileSync('ready', ''); setInterval(() => {}, 1000)`,
      )
      const child = start(['npm', 'install'], project)
      const ended = end(child)
      await until(() => existsSync(path.join(project.dir, 'ready')))
      child.kill(signal)
      assert.equal((await ended).status, 7)
      assert.equal(readFileSync(path.join(project.dir, 'got'), 'utf8'), signal)
      assertNothingLeft(project)
    })
  }

  test('a second SIGTERM ends a command that does not listen', async (t) => {
    const project = standIn(
      t,
      `let times = 0; process.on('SIGTERM', () => fs.writeFileSync('got', String(++times))); fs.writeFileSync('ready', ''); setInterval(() => {}, 1000)`,
    )
    const child = start(['npm', 'install'], project)
    const ended = end(child)
    await until(() => existsSync(path.join(project.dir, 'ready')))
    child.kill('SIGTERM')
    await until(() => existsSync(path.join(project.dir, 'got')))
    child.kill('SIGTERM')
    assert.equal((await ended).signal, 'SIGKILL')
    assertNothingLeft(project)
  })
})

describe('where one of them is killed', { skip: process.platform === 'linux' ? false : 'looks into /proc' }, () => {
  test('the command: nothing is left', async (t) => {
    const project = standIn(t, `fs.writeFileSync('pid', String(process.pid)); setInterval(() => {}, 1000)`)
    const child = start(['npm', 'install'], project)
    const ended = end(child)
    await until(
      () => existsSync(path.join(project.dir, 'pid')) && readFileSync(path.join(project.dir, 'pid'), 'utf8') !== '',
    )
    process.kill(Number(readFileSync(path.join(project.dir, 'pid'), 'utf8')), 'SIGKILL')
    assert.equal((await ended).signal, 'SIGKILL')
    assertNothingLeft(project)
  })

  test('the gate: real npm has no way to the registry any more, and ends', async (t) => {
    const { commandOf } = await import('./support.ts')
    const pkg = await world.publish({ name: 'widget', version: '1.0.0' })
    world.registry.misbehave({ how: 'hang', match: '/widget/-/' })
    t.after(() => world.registry.behave())
    const project = runProject(t, world, { dependencies: { widget: pkg.manifest.version } })
    const child = start([...commandOf('npm12'), 'install'], project)
    const ended = end(child)
    await until(() => world.registry.requests.some(({ path: each }) => each.includes('/widget/-/')))
    const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ').map(Number)
    assert.equal(children.length, 1)
    child.kill('SIGKILL')
    await ended
    await until(() => children.every((pid) => !isAlive(pid)))
    assert.ok(!existsSync(path.join(project.dir, 'node_modules/widget')))
    // What nobody was there to remove: certificates, and what npm had downloaded.
    const left = readdirSync(project.env.TMPDIR ?? '').filter((name) => name.startsWith('provenance-gate'))
    assert.ok(left.length > 0 && left.every((name) => /^provenance-gate-(?:run-)?\w+$/.test(name)), String(left))
  })
})

function hasScript(): boolean {
  return process.platform === 'linux' && spawnSync('script', ['--version'], { encoding: 'utf8' }).status === 0
}
