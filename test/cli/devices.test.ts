/** What a pull request puts in the place of a file is read as a file, or is an error: at once, and without much memory. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { parse } from 'yaml'
import { bareEnvironment } from '../support/environment.ts'
import { createSigstore } from '../support/sigstore/index.ts'
import { closeSockets, SPECIAL_FILES } from '../support/special-files.ts'
import { CLI, PNPMFILE, SIGNED_AT } from '../support/world.ts'
import { assertNoStack } from './support.ts'

const INTEGRITY = `sha512-${Buffer.alloc(64).toString('base64')}`
const BERRY_CHECKSUM = `10c0/${'0'.repeat(128)}`
const TARBALL = 'https://registry.npmjs.org/widget/-/widget-1.0.0.tgz'

const KINDS = ['a pipe', 'a terminal', 'an endless device', 'the null device', 'a folder', 'a file of 1 GB']

interface Format {
  readonly lockfile: string
  readonly text: string
  /** What `verify` reads beside it without asking a registry. */
  readonly read: readonly string[]
  /** What it need not read, or reads only where it asks one. */
  readonly others: readonly string[]
}

const FORMATS: Readonly<Record<string, Format>> = {
  pnpm: {
    lockfile: 'pnpm-lock.yaml',
    text: `lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      widget: { specifier: 1.0.0, version: 1.0.0 }\npackages:\n  widget@1.0.0: { resolution: { integrity: ${INTEGRITY} } }\nsnapshots:\n  widget@1.0.0: {}\n`,
    read: ['.npmrc', 'pnpm-workspace.yaml', 'package.json', '.sigstorerc', 'pnpm-lock.yaml'],
    others: [],
  },
  npm: {
    lockfile: 'package-lock.json',
    text: JSON.stringify({
      name: 'project',
      version: '0.0.0',
      lockfileVersion: 3,
      packages: {
        '': { name: 'project', version: '0.0.0', dependencies: { widget: '1.0.0' } },
        'node_modules/widget': { version: '1.0.0', resolved: TARBALL, integrity: INTEGRITY },
      },
    }),
    read: ['.npmrc', '.sigstorerc', 'package-lock.json'],
    others: ['package.json'],
  },
  'yarn 1': {
    lockfile: 'yarn.lock',
    text: `# yarn lockfile v1\n\n\nwidget@1.0.0:\n  version "1.0.0"\n  resolved "${TARBALL}#${'0'.repeat(40)}"\n  integrity ${INTEGRITY}\n`,
    read: ['.yarnrc', 'package.json', '.sigstorerc', 'yarn.lock'],
    others: ['.npmrc'],
  },
  'yarn 4': {
    lockfile: 'yarn.lock',
    text: [
      '__metadata:\n  version: 8\n  cacheKey: 10c0\n',
      '"project@workspace:.":\n  version: 0.0.0-use.local\n  resolution: "project@workspace:."\n  dependencies:\n    widget: "npm:1.0.0"\n  languageName: unknown\n  linkType: soft\n',
      `"widget@npm:1.0.0":\n  version: 1.0.0\n  resolution: "widget@npm:1.0.0"\n  checksum: ${BERRY_CHECKSUM}\n  languageName: node\n  linkType: hard\n`,
    ].join('\n'),
    read: ['.sigstorerc', 'yarn.lock'],
    others: ['.yarnrc.yml', 'package.json'],
  },
  bun: {
    lockfile: 'bun.lock',
    text: JSON.stringify({
      lockfileVersion: 1,
      workspaces: { '': { name: 'project', dependencies: { widget: '1.0.0' } } },
      packages: { widget: ['widget@1.0.0', '', {}, INTEGRITY] },
    }),
    read: ['.sigstorerc', 'bun.lock'],
    others: ['bunfig.toml', '.npmrc', 'package.json'],
  },
}

const sigstore = await createSigstore({ now: SIGNED_AT })
const POLICIES = {
  // The lockfile names npm's registry, the settings another one.
  nothing: 'rules: [{ packages: "**", source: [registry, workspace, tarball], require: nothing }]\n',
  provenance:
    'trust: { trustedRoot: trust/root.json, npmKeys: trust/keys.json }\nrules: [{ packages: "**", require: provenance, publisher: { repository: a/b } }]\n',
}

/** It has no evidence of anything. */
const registry = createServer((_, response) => response.writeHead(404).end('{}'))
await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`
after(() => {
  registry.close()
  closeSockets()
})

interface Made {
  readonly root: string
  readonly dir: string
  readonly spare: string
  readonly env: Readonly<Record<string, string>>
}

function project(t: TestContext, format: Format, policy: keyof typeof POLICIES): Made {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'device-')))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const [dir, spare] = [path.join(root, 'project'), path.join(root, 'spare')]
  for (const folder of [path.join(dir, 'trust'), spare]) mkdirSync(folder, { recursive: true })
  const files = {
    'package.json': '{ "name": "project", "version": "0.0.0", "dependencies": { "widget": "1.0.0" } }',
    '.sigstorerc': POLICIES[policy],
    'trust/root.json': JSON.stringify(sigstore.trustedRoot),
    'trust/keys.json': JSON.stringify(sigstore.npmKeys),
    [format.lockfile]: format.text,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(dir, name), text)
  const env = bareEnvironment((name) => {
    mkdirSync(path.join(root, name), { recursive: true })
    return path.join(root, name)
  })
  return { root, dir, spare, env: { ...env, npm_config_registry: url, BUN_CONFIG_REGISTRY: url } }
}

/**
 * Notes the most memory that a process had. What Node reads lies outside of the heap, which an option bounds. No file: to load
 * one, Node itself reads the package.json of the working directory, and waits for a pipe in its place.
 */
const SPY = `data:text/javascript,${encodeURIComponent(`import { readFileSync, writeFileSync } from 'node:fs'
  process.on('exit', () => writeFileSync(process.env.PEAK, /VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]))`)}`
const MOST_KILOBYTES = 400 * 1024

function verify(made: Made, args: readonly string[], shell?: string) {
  return runNode(made, [CLI, 'verify', ...args], shell)
}

async function runNode({ root, dir, env }: Made, args: readonly string[], shell?: string) {
  const peak = path.join(root, 'peak')
  const command = [process.execPath, '--max-old-space-size=256', '--import', SPY, ...args]
  const [program = '', ...rest] = shell === undefined ? command : ['bash', '-c', shell, 'bash', ...command]
  const child = spawn(program, rest, {
    cwd: dir,
    env: { ...env, PEAK: peak },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
  }
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve))
  assert.notEqual(status, null, `did not end: ${output}`)
  assertNoStack(output)
  const memory = Number(readFileSync(peak, 'utf8'))
  assert.ok(memory > 0 && memory < MOST_KILOBYTES, `${memory} KB`)
  return { status, output }
}

async function put(made: Made, name: string, kind: string): Promise<void> {
  const file = path.join(made.dir, name)
  rmSync(file, { force: true })
  await SPECIAL_FILES[kind]?.put(file, made.spare)
}

function assertNames(output: string, name: string): void {
  assert.ok(output.includes(path.basename(name)), output)
  assert.doesNotMatch(output, /please report/)
}

const isLinux = process.platform === 'linux' ? false : 'needs the devices of Linux'

for (const [manager, format] of Object.entries(FORMATS)) {
  describe(`verify --offline of a lockfile of ${manager}`, { skip: isLinux, concurrency: 2 }, () => {
    test('passes with files in their places', async (t) => {
      const { status, output } = await verify(project(t, format, 'nothing'), ['--offline'])
      assert.equal(status, 0, output)
    })
    for (const name of [...format.read, ...format.others]) {
      for (const [kind, { skip = false, absent = false }] of Object.entries(SPECIAL_FILES)) {
        if (format.others.includes(name) && !KINDS.includes(kind)) continue
        test(`ends at once where ${name} is ${kind}`, { skip }, async (t) => {
          const made = project(t, format, 'nothing')
          await put(made, name, kind)
          const { status, output } = await verify(made, ['--offline'])
          // What is listed in a folder, and may be the policy, has to be there.
          const isNeeded = ['.sigstorerc', 'package.json', format.lockfile].includes(name)
          const isRefused = format.read.includes(name) && (!absent || isNeeded)
          if (isRefused) assert.equal(status, 2, output)
          if (status === 2) assertNames(output, name)
          else assert.equal(status, 0, output)
          if (absent && !isNeeded) assert.equal(status, 0, output)
        })
      }
    }
  })
}

/** By manager: settings that say how a registry is asked. */
const ASKING: Readonly<Record<string, readonly string[]>> = {
  pnpm: ['.npmrc', 'pnpm-workspace.yaml'],
  npm: ['.npmrc'],
  'yarn 1': ['.npmrc', '.yarnrc'],
  bun: ['.npmrc', 'bunfig.toml'],
}
describe('verify that asks a registry', { skip: isLinux, concurrency: 2 }, () => {
  for (const [manager, names] of Object.entries(ASKING)) {
    const format = FORMATS[manager] as Format
    for (const kind of KINDS) {
      for (const name of names) {
        test(`${manager} is an error where ${name} is ${kind}`, async (t) => {
          const made = project(t, format, 'provenance')
          await put(made, name, kind)
          const { status, output } = await verify(made, [])
          assert.equal(status, 2, output)
          assertNames(output, name)
        })
      }

      test(`${manager} is an error where the cafile of .npmrc is ${kind}`, async (t) => {
        const made = project(t, format, 'provenance')
        await put(made, 'ca.pem', kind)
        writeFileSync(path.join(made.dir, '.npmrc'), 'cafile=./ca.pem\n')
        const { status, output } = await verify(made, [])
        assert.equal(status, 2, output)
        assertNames(output, 'ca.pem')
      })

      test(`${manager} is an error where the key for a registry is ${kind}`, async (t) => {
        const made = project(t, format, 'provenance')
        await put(made, 'key.pem', kind)
        const host = url.replace('http:', '')
        const file = path.join(made.dir, 'key.pem')
        writeFileSync(path.join(made.dir, '.npmrc'), `${host}:certfile=${file}\n${host}:keyfile=${file}\n`)
        const { status, output } = await verify(made, [])
        assert.equal(status, 2, output)
        // Of yarn and bun it is not known that they take such settings: the value may be anything.
        assertNames(output, manager === 'pnpm' || manager === 'npm' ? 'key.pem' : ':keyfile')
      })

      const isEmpty = kind === 'the null device'
      test(`${manager} ${isEmpty ? 'goes on' : 'is an error'} where the user's own .npmrc is ${kind}`, async (t) => {
        const made = project(t, format, 'provenance')
        await put(made, '../home/.npmrc', kind)
        const { status, output } = await verify(made, [])
        assert.equal(status, isEmpty ? 1 : 2, output)
        if (!isEmpty) assertNames(output, 'home/.npmrc')
      })
    }

    test(`${manager} goes on where the user's settings are named as /dev/null`, async (t) => {
      const made = project(t, format, 'provenance')
      const env = { ...made.env, NPM_CONFIG_USERCONFIG: '/dev/null', npm_config_userconfig: '/dev/null' }
      const { status, output } = await verify({ ...made, env }, [])
      assert.equal(status, 1, output)
    })
  }

  test('reads user settings that a shell passes on through a descriptor', async (t) => {
    const made = project(t, FORMATS.npm as Format, 'provenance')
    const { npm_config_registry: _, ...env } = made.env
    const shell = `npm_config_userconfig=<(echo registry=${url}named/) exec "$@"`
    // Tests run two at once, and ask the same registry.
    const asked: string[] = []
    const note = ({ url }: { readonly url?: string }) => asked.push(url ?? '')
    registry.on('request', note)
    const { status, output } = await verify({ ...made, env }, [], shell)
    registry.off('request', note)
    assert.equal(status, 1, output)
    assert.ok(
      asked.some((each) => each.startsWith('/named/')),
      asked.join(' '),
    )
  })
})

describe('elsewhere', { skip: isLinux, concurrency: 2 }, () => {
  for (const kind of KINDS) {
    for (const name of ['.npmrc', 'pnpm-workspace.yaml', '.sigstorerc']) {
      test(`the hook is an error where ${name} is ${kind}`, async (t) => {
        const made = project(t, FORMATS.pnpm as Format, 'provenance')
        await put(made, name, kind)
        const wantedLockfile: unknown = parse(FORMATS.pnpm?.text ?? '')
        const context = JSON.stringify({ lockfileDir: made.dir, registries: { default: url }, wantedLockfile })
        const code = `require(${JSON.stringify(PNPMFILE)}).hooks.preResolution(${context}).catch(({ message }) => { console.log(message); process.exitCode = 3 })`
        const { status, output } = await runNode(made, ['-e', code])
        assert.equal(status, 3, output)
        assertNames(output, name)
        assert.doesNotMatch(output, /provenance-gate refused/)
      })
    }

    for (const name of ['.npmrc', 'package.json', '.sigstorerc']) {
      test(`run starts no npm where ${name} is ${kind}`, async (t) => {
        const made = project(t, FORMATS.npm as Format, 'nothing')
        await put(made, name, kind)
        const { status, output } = await runNode(made, [CLI, 'run', '--', 'npm', 'ci'])
        assert.equal(status, 2, output)
        assertNames(output, name)
        assert.doesNotMatch(output, /npm error/)
      })
    }

    test(`run starts no yarn where .yarnrc is ${kind}`, async (t) => {
      const made = project(t, FORMATS['yarn 1'] as Format, 'nothing')
      const bin = path.join(made.root, 'bin')
      mkdirSync(bin)
      const started = path.join(made.root, 'started')
      const script = `#!/bin/sh\n[ "$1" = --version ] && echo 1.22.22 && exit\ntouch ${started}\n`
      writeFileSync(path.join(bin, 'yarn'), script, { mode: 0o755 })
      await put(made, '.yarnrc', kind)
      const env = { ...made.env, PATH: `${bin}:${made.env.PATH}` }
      const { status, output } = await runNode({ ...made, env }, [CLI, 'run', '--', 'yarn', 'install'])
      assert.equal(status, 2, output)
      assertNames(output, '.yarnrc')
      assert.ok(!existsSync(started))
    })
  }
})
