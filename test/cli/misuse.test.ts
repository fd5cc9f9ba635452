/** Exit status 2: the gate could not do its job. One sentence says why, standard output stays empty, nothing passes. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { createSigstore } from '../support/sigstore/index.ts'
import { POLICY, SIGNED_AT, startWorld } from '../support/world.ts'
import { cliProject, lockfileOf, runCli, verify } from './support.ts'

const world = await startWorld()
after(() => world.close())
const pkg = await world.publish({ name: 'widget', version: '1.0.0' })
const LOCKFILE = lockfileOf([pkg])
const other = await createSigstore({ now: SIGNED_AT })
const MARK = 'require("node:fs").writeFileSync("executed", ""); module.exports = { rules: [] }'

interface Misuse {
  readonly what: string
  readonly args?: readonly string[]
  /** Files of the project that are other than they should be; null makes a folder. */
  readonly files?: Readonly<Record<string, string | null>>
  readonly policy?: string
  /** What standard error says, each somewhere in it. */
  readonly says: readonly RegExp[]
}

const lockfile = (what: string, content: string | null, ...says: readonly RegExp[]): Misuse => ({
  what,
  files: { 'pnpm-lock.yaml': content },
  says: [/pnpm-lock\.yaml /, ...says],
})

const LOCKFILES: readonly Misuse[] = [
  {
    what: 'missing',
    args: ['--lockfile', 'gone/pnpm-lock.yaml', '--policy', '.sigstorerc'],
    says: [/There is no lockfile at .*gone/],
  },
  lockfile('empty', '', /is empty/),
  lockfile('blank', ' \n\n', /is empty/),
  lockfile('a folder', null, /is a folder/),
  lockfile('binary', '\u0000\u0001\u0002', /control character U\+0000/),
  lockfile('not UTF-8', '\u00c3(', /not text in UTF-8/),
  lockfile('of version 6', LOCKFILE.replace('9.0', '6.0'), /of version "6\.0".*reads version 9\.0/),
  lockfile('of version 90', LOCKFILE.replace('9.0', '90.0'), /of version "90\.0"/),
  lockfile('without a version', LOCKFILE.replace('lockfileVersion', 'lockFileVersion'), /no `lockfileVersion`/),
  lockfile('in conflict', `<<<<<<< HEAD\n${LOCKFILE}=======\n${LOCKFILE}>>>>>>> main\n`, /merge conflict markers/),
  lockfile('not YAML', `${LOCKFILE}\n{[`, /is not a lockfile/),
  lockfile('a list', '- a\n', /is not a lockfile/),
  lockfile('with an alias', LOCKFILE.replace('resolution:', 'resolution: &a').concat('x: *a\n'), /anchor, alias/),
  lockfile('of three documents', `---\n${LOCKFILE}---\n${LOCKFILE}---\n${LOCKFILE}`, /one or two YAML documents/),
  lockfile('cut off', LOCKFILE.slice(0, LOCKFILE.indexOf('packages:')), /cut off/),
  { what: 'a device', args: ['--lockfile', '/dev/null', '--policy', '.sigstorerc'], says: [/not a regular file/] },
  {
    what: 'beside a pnpm-workspace.yaml that is not YAML',
    files: { 'pnpm-workspace.yaml': '{[' },
    says: [/pnpm-workspace\.yaml is not YAML/],
  },
  {
    what: 'beside config dependencies that are a list',
    files: { 'pnpm-workspace.yaml': 'configDependencies: [x]\n' },
    says: [/`configDependencies` in pnpm-workspace\.yaml is not a plain map/],
  },
]

const rule = (text: string) => `rules:\n  - packages: "**"\n    require: provenance\n${text}`

const POLICIES: readonly Misuse[] = [
  {
    what: 'missing',
    args: ['--policy', 'gone.yaml'],
    says: [/gone\.yaml: the policy cannot be read \(no such file\)/],
  },
  { what: 'a folder', args: ['--policy', 'trust'], says: [/trust: a directory/] },
  { what: 'empty', policy: '', says: [/\.sigstorerc:1:1: the policy is empty/] },
  { what: 'not YAML', policy: 'rules: [\n', says: [/\.sigstorerc:\d+:\d+: not YAML/] },
  {
    what: 'with an unknown key',
    policy: `${POLICY}ruels: []\n`,
    says: [/\.sigstorerc:9:1: unknown key "ruels".*"rules"/],
  },
  { what: 'without a publisher', policy: rule(''), says: [/\.sigstorerc:3:14: "provenance" without "publisher"/] },
  {
    what: 'with an unknown requirement, and another mistake',
    policy: 'rules:\n  - packages: ""\n    require: provenence\n',
    says: [/\.sigstorerc:2:15: an empty string/, /\.sigstorerc:3:14: expected "provenance", "signature" or "nothing"/],
  },
  {
    what: 'with a pattern for any owner',
    policy: rule('    publisher: { repository: "*/widgets" }\n'),
    says: [/\.sigstorerc:4:30: "\*\/widgets" leaves the owner open/],
  },
  { what: 'with an alias', policy: `x: &x 1\n${POLICY}y: *x\n`, says: [/\.sigstorerc:\d+:\d+: "&x" is an anchor/] },
  {
    what: 'a program that is named',
    args: ['--policy', 'policy.cjs'],
    files: { 'policy.cjs': MARK },
    says: [/is a program/],
  },
  {
    what: 'a program that is found',
    files: { 'sigstore.config.cjs': MARK },
    says: [/sigstore\.config\.cjs: .*is a program/],
  },
  { what: 'one of two', files: { '.sigstorerc.json': '{}' }, says: [/2 policies/] },
]

const trust = (what: string, file: string, content: string | null, ...says: readonly RegExp[]): readonly Misuse[] => [
  { what: `${what}, named by the option`, args: [`--${file}`, 'wrong.json'], files: { 'wrong.json': content }, says },
  {
    what: `${what}, named by the policy`,
    policy: POLICY.replace(file === 'npm-keys' ? 'trust/keys.json' : 'trust/trusted_root.json', 'wrong.json'),
    files: { 'wrong.json': content },
    says,
  },
]

const TRUST: readonly Misuse[] = [
  { what: 'missing root', args: ['--trusted-root', 'gone.json'], says: [/trust material .*gone\.json cannot be read/] },
  { what: 'missing keys', args: ['--npm-keys', 'gone.json'], says: [/trust material .*gone\.json cannot be read/] },
  ...trust('a folder as root', 'trusted-root', null, /wrong\.json cannot be read: it is a folder/),
  ...trust(
    'a root that is not JSON',
    'trusted-root',
    '{',
    /wrong\.json is not a usable .* root: it is JSON that is damaged/,
  ),
  ...trust('a root of nothing', 'trusted-root', '{}', /wrong\.json is not a usable Sigstore trusted root/),
  ...trust('null as root', 'trusted-root', 'null', /wrong\.json is not a usable Sigstore trusted root/),
  ...trust('keys as root', 'trusted-root', JSON.stringify(other.npmKeys), /not a usable Sigstore trusted root/),
  ...trust('a root as keys', 'npm-keys', JSON.stringify(other.trustedRoot), /not a usable keys\.json/),
  ...trust('keys that are not JSON', 'npm-keys', 'keys', /wrong\.json is not a usable JSON document/),
]

const OPTIONS: readonly Misuse[] = [
  { what: 'an unknown option', args: ['--no-verify'], says: [/unknown option '--no-verify'/] },
  { what: 'an option without its value', args: ['--policy'], says: [/'--policy <file>' argument missing/] },
  { what: 'an argument too many', args: ['pnpm-lock.yaml'], says: [/too many arguments/] },
  { what: 'part of an option', args: ['--off'], says: [/unknown option '--off'/] },
  {
    what: '--attestations of a missing folder',
    args: ['--attestations', 'gone'],
    says: [/--attestations gone: there is no/],
  },
  { what: '--attestations of a file', args: ['--attestations', '.sigstorerc'], says: [/there is no such folder/] },
  { what: '--attestations of nothing', args: ['--attestations', ''], says: [/there is no such folder/] },
  {
    what: '--offline with --attestations of a missing folder',
    args: ['--offline', '--attestations', 'gone'],
    says: [/there is no such folder/],
  },
  { what: '--lockfile of nothing', args: ['--lockfile', '', '--policy', '.sigstorerc'], says: [/is a folder/] },
]

for (const [about, cases] of Object.entries({ LOCKFILES, POLICIES, TRUST, OPTIONS })) {
  describe(`${about.toLowerCase()}`, () => {
    for (const { what, args = [], files = {}, policy, says } of cases) {
      test(what, async (t) => {
        const project = cliProject(world, {
          files: { 'pnpm-lock.yaml': LOCKFILE },
          ...(policy === undefined ? {} : { policy }),
        })
        t.after(() => project.dispose())
        if (args.length === 0) assert.notDeepEqual({ files, policy }, { files: {}, policy: undefined })
        for (const [file, content] of Object.entries(files)) put(join(project.dir, file), content)
        const { status, stderr } = await verify(project, ...args)
        assert.equal(status, 2, stderr)
        for (const said of says) assert.match(stderr, said)
        // Of a lockfile called '' the folder is the one above, in which the user's data are here.
        assert.match(stderr, /^(?:provenance-gate warns: .*\n)?(?:provenance-gate: |error: )/)
        assert.doesNotMatch(stderr, /please report|packages?: \d|TypeError/)
        assert.ok(!existsSync(join(project.dir, 'executed')), 'no policy is executed')
      })
    }
  })
}

function put(file: string, content: string | null): void {
  rmSync(file, { force: true })
  // In Latin-1, so that a text can be any bytes.
  if (content !== null) writeFileSync(file, content, 'latin1')
  else mkdirSync(file)
}

test('a lockfile of 64 MB and a byte', async (t) => {
  const project = cliProject(world, { files: { 'pnpm-lock.yaml': LOCKFILE } })
  t.after(() => project.dispose())
  truncateSync(join(project.dir, 'pnpm-lock.yaml'), 64 * 1024 * 1024 + 1)
  const { status, stderr } = await verify(project)
  assert.equal(status, 2)
  assert.match(stderr, /pnpm-lock\.yaml has more than 67108864 bytes/)
})

test('the neighbour of all of these passes', async (t) => {
  const project = cliProject(world, { files: { 'pnpm-lock.yaml': LOCKFILE } })
  t.after(() => project.dispose())
  assert.equal((await verify(project)).status, 0)
})

describe('the command itself', () => {
  const where = { cwd: import.meta.dirname, env: {} }
  for (const args of [['verfy'], ['verify', 'x'], ['--verify'], ['Verify'], ['repair'], ['help', 'nothing', '--x']]) {
    test(`${args.join(' ')}: 2, and what is known instead`, async () => {
      const { status, stdout, stderr } = await runCli(args, where)
      assert.deepEqual([status, stdout], [2, ''])
      assert.match(stderr, /error: |Usage: /)
    })
  }

  test('no command at all: 2, and the help on standard error', async () => {
    const { status, stdout, stderr } = await runCli([], where)
    assert.deepEqual([status, stdout], [2, ''])
    assert.match(stderr, /^Usage: provenance-gate /)
  })

  for (const args of [['--help'], ['help'], ['verify', '--help'], ['repair', '--help'], ['--version']]) {
    test(`${args.join(' ')}: 0, on standard output`, async () => {
      const { status, stdout, stderr } = await runCli(args, where)
      assert.deepEqual([status, stderr], [0, ''])
      assert.match(stdout, /^(?:Usage: provenance-gate |\d+\.\d+\.\d+\n$)/)
    })
  }
})
