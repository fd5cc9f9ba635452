/** What `repair` hands to pnpm, and what it says when that fails. That it repairs is tried with real pnpm in `test/hooks`. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { REPAIRS } from '../../src/repair.ts'
import { type CliRun, runCli } from './support.ts'

const POSIX = { skip: process.platform === 'win32' ? 'the stand-in for pnpm is a script with a shebang' : false }

interface Call {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
}

interface FakePnpm {
  readonly dir: string
  repair(
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Promise<CliRun & { readonly call: Call | undefined }>
}

/** One package, which no rule of the project is about. */
const REFUSED = `lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      left-pad: {specifier: 1.3.0, version: 1.3.0}
packages:
  left-pad@1.3.0:
    resolution: {integrity: sha512-XI5MPzVNApjAyhQzphX8BkmKsKUxD4LdyK24iZeQGinBN9yTQT3bFlCBy/aVx2HrNcqQGsdot8ghrjyrvMCoEA==}
snapshots:
  left-pad@1.3.0: {}
`

/** A `pnpm` on PATH that notes how it was called, and then does as `body` says, in a project that needs no repair. */
function fakePnpm(t: TestContext, body = ''): FakePnpm {
  const dir = mkdtempSync(join(tmpdir(), 'fake-pnpm-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const note = join(dir, 'call.json')
  const bin = join(dir, 'a bin')
  mkdirSync(bin)
  writeFileSync(join(dir, '.sigstorerc.yaml'), 'rules:\n  - packages: none\n    require: signature\n')
  writeFileSync(join(dir, 'pnpm-lock.yaml'), "lockfileVersion: '9.0'\nimporters: {}\n")
  const script = `#!${process.execPath}
const { writeFileSync } = require('node:fs')
const { argv, env } = process
writeFileSync(${JSON.stringify(note)}, JSON.stringify({ argv: argv.slice(2), env, cwd: process.cwd() }))
${body}`
  writeFileSync(join(bin, 'pnpm'), script)
  chmodSync(join(bin, 'pnpm'), 0o755)
  return {
    dir,
    repair: async (args, env = {}) => {
      rmSync(note, { force: true })
      const run = await runCli(['repair', ...args], { cwd: dir, env: { PATH: bin, ...env } })
      const call = existsSync(note) ? (JSON.parse(readFileSync(note, 'utf8')) as Call) : undefined
      return { ...run, call }
    },
  }
}

describe('what pnpm gets', POSIX, () => {
  for (const command of REPAIRS) {
    test(`${command}, its arguments, --lockfile-only and the variable`, async (t) => {
      const { repair, dir } = fakePnpm(t)
      const { status, call, stderr } = await repair([command, 'left-pad'], { SOME: 'thing' })
      assert.equal(status, 0)
      assert.deepEqual(call?.argv, [command, 'left-pad', '--lockfile-only'])
      assert.equal(call?.env.PROVENANCE_GATE_REPAIR, '1')
      assert.equal(call?.env.SOME, 'thing', 'the rest of the environment is kept')
      assert.ok(dir.endsWith(call?.cwd ?? '?') || call?.cwd.endsWith(dir), 'in the folder it was called in')
      assert.match(stderr, /^0 packages: .*\nThe lockfile has nothing that is refused; nothing was linked or run\./)
    })
  }

  test('no arguments at all', async (t) => {
    assert.deepEqual((await fakePnpm(t).repair(['install'])).call?.argv, ['install', '--lockfile-only'])
  })

  const ARGUMENTS = [
    'a b',
    '',
    '"quoted"',
    "it's",
    '; touch evil #',
    '$(touch evil)',
    '`touch evil`',
    '| touch evil',
    '&& touch evil',
    '*',
    '%PATH%',
    '!x',
    '^1.0.0',
    '@scope/name@>=1 <2',
    'back\\slash\\',
    'new\nline',
    'ü\u{1f600}',
  ]
  test('arguments as they are, with nothing in them that a shell would obey', async (t) => {
    const { repair, dir } = fakePnpm(t)
    const { status, call } = await repair(['update', ...ARGUMENTS])
    assert.equal(status, 0)
    assert.deepEqual(call?.argv, ['update', ...ARGUMENTS, '--lockfile-only'])
    assert.ok(!existsSync(join(dir, 'evil')))
  })

  test('any arguments', async (t) => {
    const { repair } = fakePnpm(t)
    // Neither NUL, which no program can be given, nor half a character.
    const argument = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', ''))
    await fc.assert(
      fc.asyncProperty(fc.array(argument), async (args) => {
        fc.pre(!args.includes('--'))
        assert.deepEqual((await repair(['add', ...args])).call?.argv, ['add', ...args, '--lockfile-only'])
      }),
      { numRuns: 15 },
    )
  })

  test("pnpm's own options, also those that the gate has too", async (t) => {
    const options = ['--latest', '-r', '--filter', './a', '--help', '--version', '--offline', '--json', '-h']
    const { status, call, stdout } = await fakePnpm(t).repair(['update', ...options, 'x'])
    assert.deepEqual([status, stdout], [0, ''])
    assert.deepEqual(call?.argv, ['update', ...options, 'x', '--lockfile-only'])
  })

  test('--lockfile-only stands before a `--`, behind which it would be the name of a package', async (t) => {
    const { call } = await fakePnpm(t).repair(['update', '-r', '--', 'x', '--', 'y'])
    assert.deepEqual(call?.argv, ['update', '-r', '--lockfile-only', '--', 'x', '--', 'y'])
  })

  test('the variable is 1 whatever it was before', async (t) => {
    const { call } = await fakePnpm(t).repair(['install'], { PROVENANCE_GATE_REPAIR: '0' })
    assert.equal(call?.env.PROVENANCE_GATE_REPAIR, '1')
  })

  test('its output passes through, to where it belongs', async (t) => {
    const { stdout, stderr } = await fakePnpm(t, 'console.log("out"); console.error("err")').repair(['install'])
    assert.equal(stdout, 'out\n')
    assert.match(stderr, /^err\n0 packages: .*\nThe lockfile has nothing that is refused/)
  })
})

describe('what is refused before pnpm is started', POSIX, () => {
  const WRONG = [['dlx', 'x'], ['exec'], ['run'], ['Update'], ['update;'], [''], [], ['--filter', 'x', 'update']]
  for (const args of WRONG) {
    test(`repair ${JSON.stringify(args)}`, async (t) => {
      const { status, stdout, stderr, call } = await fakePnpm(t).repair(args)
      assert.deepEqual([status, stdout, call], [2, '', undefined])
      assert.match(stderr, /^error: /)
    })
  }
})

describe('when pnpm leaves a lockfile', POSIX, () => {
  const leaving = (name: string, text: string) =>
    `require('node:fs').writeFileSync(${JSON.stringify(name)}, ${JSON.stringify(text)})`

  test('that holds what is refused: 1, and nothing is called repaired', async (t) => {
    const { status, stderr } = await fakePnpm(t, leaving('pnpm-lock.yaml', REFUSED)).repair(['install'])
    assert.equal(status, 1)
    assert.match(stderr, /The lockfile still holds what is refused above\..*`provenance-gate repair update NAME`/)
    assert.doesNotMatch(stderr, /is repaired/)
  })

  test('that cannot be read: 2, and nothing is called repaired', async (t) => {
    const { status, stderr } = await fakePnpm(t, leaving('pnpm-lock.yaml', '<<<<<<<')).repair(['install'])
    assert.equal(status, 2)
    assert.doesNotMatch(stderr, /is repaired|still holds/)
  })

  for (const told of [['--dir', 'other'], ['-C', 'other'], ['--dir=other']]) {
    test(`in another folder, named with ${told.join(' ')}: that one is checked`, async (t) => {
      const { repair, dir } = fakePnpm(t)
      mkdirSync(join(dir, 'other'))
      writeFileSync(join(dir, 'other/.sigstorerc.yaml'), readFileSync(join(dir, '.sigstorerc.yaml')))
      writeFileSync(join(dir, 'other/pnpm-lock.yaml'), REFUSED)
      assert.equal((await repair(['install', ...told])).status, 1)
      writeFileSync(join(dir, 'other/pnpm-lock.yaml'), readFileSync(join(dir, 'pnpm-lock.yaml')))
      assert.equal((await repair(['install', ...told])).status, 0)
    })
  }

  test('at the root of the workspace, from within one of its projects', async (t) => {
    const { repair, dir } = fakePnpm(t)
    mkdirSync(join(dir, 'apps/web'), { recursive: true })
    writeFileSync(join(dir, 'pnpm-workspace.yaml'), 'packages: [apps/*]\n')
    writeFileSync(join(dir, 'pnpm-lock.yaml'), REFUSED)
    assert.equal((await repair(['install', '--dir', 'apps/web'])).status, 1)
  })
})

describe('when pnpm fails', POSIX, () => {
  for (const [how, body] of [
    ['with 1', 'process.exit(1)'],
    ['with 2, which of the gate itself would mean something else', 'process.exit(2)'],
    ['with 254', 'process.exit(254)'],
    ['by a signal', 'process.kill(process.pid, "SIGKILL")'],
  ] as const) {
    test(`${how}: 1, and nothing is called repaired`, async (t) => {
      const { status, stderr, call } = await fakePnpm(t, body).repair(['update', 'x'])
      assert.equal(status, 1)
      assert.ok(call)
      assert.match(stderr, /^The lockfile could not be repaired: pnpm says above why\. Nothing was linked or run\.\n$/)
    })
  }

  test('because it is not on PATH: 2, with a sentence', async (t) => {
    const { repair, dir } = fakePnpm(t)
    const { status, stderr, call } = await repair(['update', 'x'], { PATH: join(dir, 'empty') })
    assert.deepEqual([status, call], [2, undefined])
    assert.match(stderr, /^provenance-gate: pnpm could not be started \(.*ENOENT.*\)\. It must be on PATH\.\n$/)
  })

  test('because it cannot be executed: 2, with a sentence', async (t) => {
    const { repair, dir } = fakePnpm(t)
    chmodSync(join(dir, 'a bin/pnpm'), 0o644)
    const { status, stderr } = await repair(['update', 'x'])
    assert.equal(status, 2)
    assert.match(stderr, /^provenance-gate: pnpm could not be started \(.*(?:EACCES|ENOENT).*\)/)
  })
})
