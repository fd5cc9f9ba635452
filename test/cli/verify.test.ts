/** What each option of `verify` does, and where a policy, an .npmrc and documents are looked for. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { type Project, type ProjectOptions, runPnpm } from '../support/pnpm/index.ts'
import { createSigstore } from '../support/sigstore/index.ts'
import { CLI, POLICY, SIGNED_AT, startWorld } from '../support/world.ts'
import { cliProject, endings, lockfileOf, report, reportOf, runCli, verify, writeDocuments } from './support.ts'

const world = await startWorld()
after(() => world.close())
const proven = await world.publish({ name: '@acme/proven', version: '1.0.0', dependencies: { inner: '^1.0.0' } })
const inner = await world.publish({ name: 'inner', version: '1.2.3' })
const unproven = world.publishUnproven({ name: 'unproven', version: '1.0.0' })

const PROVEN = lockfileOf([proven, inner])
const REFUSED = lockfileOf([proven, unproven])
const PERMIT_ALL = 'rules: [{ packages: "**", require: nothing }]\n'
const WITHOUT_TRUST = POLICY.replace(/^trust:.*\n/m, '')

function project(
  t: TestContext,
  lockfile: string,
  options: Partial<ProjectOptions> & { policy?: string } = {},
): Project {
  const made = cliProject(world, { ...options, files: { 'pnpm-lock.yaml': lockfile, ...options.files } })
  t.after(() => made.dispose())
  world.registry.forgetRequests()
  return made
}

describe('a lockfile that real pnpm wrote', () => {
  for (const version of [10, 11, 12] as const) {
    test(`of pnpm ${version}`, async (t) => {
      const made = cliProject(world, { dependencies: { '@acme/proven': '1.0.0', alias: 'npm:inner@1.2.3' } })
      t.after(() => made.dispose())
      const { status, output } = await runPnpm(version, ['install', '--lockfile-only'], made)
      assert.equal(status, 0, output)
      assert.deepEqual(endings(await report(made)), { '@acme/proven@1.0.0': 'proven', 'inner@1.2.3': 'proven' })

      // Once the registry has an attestation no more, what was proven still is; for who has not seen it, it is not.
      const document = await world.attest(inner)
      world.registry.setAttestations('inner', '1.2.3', undefined)
      t.after(() => world.registry.setAttestations('inner', '1.2.3', document))
      assert.equal(endings(await report(made))['inner@1.2.3'], 'proven')
      assert.equal(endings(await report(made, '--cache', join(made.root, 'other')))['inner@1.2.3'], 'EVIDENCE_MISSING')
      assert.ok(!existsSync(join(made.dir, 'node_modules')), 'nothing is installed')
    })
  }
})

describe('exit status and output', () => {
  test('0, one line, and nothing on standard output', async (t) => {
    const run = await verify(project(t, PROVEN))
    assert.deepEqual(run, {
      status: 0,
      signal: null,
      stdout: '',
      stderr: '2 packages: 2 proven, 0 permitted, 0 warned, 0 excepted, 0 refused\n',
    })
  })

  test('1, with a table that names package, code, found, expected, rule and who needs it', async (t) => {
    const run = await verify(project(t, REFUSED))
    assert.equal(run.status, 1)
    const cells = run.stderr.split('\n').flatMap((line) => line.split('│').map((cell) => cell.trim()))
    for (const said of ['unproven@1.0.0', 'EVIDENCE_MISSING', '.sigstorerc:4', 'needed by: the root project'])
      assert.ok(cells.includes(said), `${said} in\n${run.stderr}`)
    const url = `${world.registry.url}-/npm/v1/attestations/unproven@1.0.0`
    const said = cells.join(' ').replaceAll(/\s+/g, ' ')
    assert.ok(said.includes(`found: no attestations at ${url} (HTTP 404) expected: an attestation document`), said)
    assert.doesNotMatch(run.stderr, /@acme\/proven/, 'only refusals are in it')
    assert.match(run.stderr, /\n2 packages: 1 proven, 0 permitted, 0 warned, 0 excepted, 1 refused\n.*\n$/)
  })

  test('ends with a command that explains a package of the table, and works', async (t) => {
    const made = project(t, REFUSED, { files: { "the rules' own": POLICY } })
    for (const options of [
      [],
      ['--policy', "the rules' own"],
      ['--json'],
      ['--lockfile', './pnpm-lock.yaml', '--offline'],
    ]) {
      const { stderr } = await verify(made, ...options)
      const [, command = ''] = /: provenance-gate (explain .*)\n$/.exec(stderr) ?? assert.fail(stderr)
      const shell = spawnSync('sh', ['-c', `"$0" "$1" ${command}`, process.execPath, CLI], {
        cwd: made.dir,
        env: made.env,
        encoding: 'utf8',
      })
      assert.match(shell.stdout, /^unproven@1\.0\.0\n/, shell.stderr)
    }
    assert.doesNotMatch((await verify(project(t, PROVEN))).stderr, /explain/)
  })

  test('2 where it could not be found out, and no word says that it is bad', async (t) => {
    const made = project(t, PROVEN, { registry: 'http://127.0.0.1:1/' })
    const { status, stderr } = await verify(made, '--offline', '--cache', 'none')
    assert.equal(status, 2)
    assert.match(stderr, /│ not verified because/)
    assert.match(stderr, /\n2 packages: 0 proven, 0 permitted, 0 warned, 0 excepted, 2 not verified\n/)
    assert.doesNotMatch(stderr, /refused/)
    assert.equal(reportOf(await verify(made, '--offline', '--cache', 'none', '--json')).summary.refused, 2)
    // One that is bad makes the others what they are called today.
    const policy = POLICY.replace('"**"', 'inner')
    const mixed = await verify(
      project(t, PROVEN, { registry: 'http://127.0.0.1:1/', policy }),
      '--offline',
      '--cache',
      'none',
    )
    assert.equal(mixed.status, 1)
    assert.match(mixed.stderr, /│ refused because [\s\S]* 2 refused\n/)
  })

  test('--json changes neither status nor standard error', async (t) => {
    const made = project(t, REFUSED)
    const { stdout, ...plain } = await verify(made)
    const { stdout: json, ...rest } = await verify(made, '--json')
    assert.deepEqual(rest, plain)
    assert.equal(stdout, '')
    const { summary, packages } = await report(made)
    assert.deepEqual(reportOf({ ...plain, stdout: json }), { summary, packages })
    assert.deepEqual(summary, {
      ...{ total: 2, proven: 1, permitted: 0, bundled: 0, warned: 0, excepted: 0, refused: 1 },
      codes: { EVIDENCE_MISSING: 1 },
    })
    const [good, bad] = packages
    const rule = { file: join(made.dir, '.sigstorerc'), line: 4 }
    assert.deepEqual(
      { ...good, claims: null },
      {
        ...{ name: '@acme/proven', version: '1.0.0', integrity: proven.integrity, status: 'proven' },
        ...{
          code: null,
          found: null,
          expected: null,
          rule,
          exception: null,
          claims: null,
          importers: ['.'],
          bundledIn: null,
          projects: null,
        },
      },
    )
    assert.equal(good?.claims?.repository, 'https://github.com/acme/widgets')
    assert.equal(good?.claims?.environment, null, 'an absent claim is null, not left out')
    assert.deepEqual(bad?.claims, null)
    assert.deepEqual(bad?.rule, rule)
  })

  test('workspace projects are named, also those that bring a package in by another', async (t) => {
    const importers = {
      '.': {},
      'packages/app': { dependencies: { outer: { specifier: '1.0.0', version: '1.0.0' } } },
      'packages/b c': { devDependencies: { unproven: { specifier: '1.0.0', version: '1.0.0' } } },
    }
    const lockfile = JSON.stringify({
      lockfileVersion: '9.0',
      importers,
      packages: {
        'outer@1.0.0': { resolution: { integrity: inner.integrity } },
        'unproven@1.0.0': { resolution: { integrity: unproven.integrity } },
      },
      snapshots: { 'outer@1.0.0': { dependencies: { unproven: '1.0.0' } }, 'unproven@1.0.0': {} },
    })
    const { packages } = await report(project(t, lockfile))
    assert.deepEqual(
      packages.map(({ name, importers }) => [name, importers]),
      [
        ['outer', ['packages/app']],
        ['unproven', ['packages/app', 'packages/b c']],
      ],
    )
    assert.match((await verify(project(t, lockfile))).stderr, /needed by: packages\/app, packages\/b c /)
  })

  test('a lockfile without packages is allowed, and counted', async (t) => {
    const { status, stderr } = await verify(project(t, lockfileOf([])))
    assert.equal(status, 0)
    assert.equal(stderr, '0 packages: 0 proven, 0 permitted, 0 warned, 0 excepted, 0 refused\n')
    assert.deepEqual((await report(project(t, lockfileOf([])))).packages, [])
  })
})

describe('--lockfile', () => {
  test('brings the policy, the registry and the trust root of its own folder, not those of the working directory', async (t) => {
    const there = project(t, REFUSED)
    const here = project(t, PROVEN, { registry: 'http://127.0.0.1:1/', policy: PERMIT_ALL })
    const run = (...args: string[]) => runCli(['verify', ...args], { cwd: here.dir, env: here.env })
    assert.equal((await run()).status, 0)
    const { status, stderr } = await run('--lockfile', join(there.dir, 'pnpm-lock.yaml'))
    assert.equal(status, 1)
    assert.match(stderr, /2 packages: 1 proven, .* 1 refused/)
  })

  test('may have another name, and be named relative to the working directory', async (t) => {
    const made = project(t, PROVEN, {
      files: { 'sub/other.yaml': REFUSED, 'sub/.sigstorerc': PERMIT_ALL, 'sub/pnpm-workspace.yaml': '' },
    })
    assert.equal((await verify(made)).status, 0)
    const { status, stderr } = await verify(made, '--lockfile', 'sub/other.yaml')
    assert.equal(status, 0)
    assert.match(stderr, /^2 packages: 0 proven, 2 permitted/)
  })
})

describe('--policy', () => {
  test('replaces the one beside the lockfile, in both directions', async (t) => {
    const made = project(t, REFUSED, { files: { 'lax.yaml': PERMIT_ALL } })
    assert.equal((await verify(made)).status, 1)
    assert.equal((await verify(made, '--policy', 'lax.yaml')).status, 0)
    const lax = project(t, REFUSED, { policy: PERMIT_ALL, files: { 'strict.yaml': POLICY } })
    assert.equal((await verify(lax)).status, 0)
    assert.equal((await verify(lax, '--policy', 'strict.yaml')).status, 1)
  })

  test('names trust files relative to itself, and is shown with its own line', async (t) => {
    const strict = `# somewhere else\n\n${POLICY.replaceAll('trust/', '../trust/')}`
    const made = project(t, REFUSED, { files: { 'policies/strict.yaml': strict } })
    const { packages } = await report(made, '--policy', join(made.dir, 'policies/strict.yaml'))
    assert.deepEqual(
      packages.map(({ status, rule }) => [status, rule]),
      ['proven', 'refused'].map((status) => [status, { file: join(made.dir, 'policies/strict.yaml'), line: 6 }]),
    )
  })
})

describe('--attestations', () => {
  test('is asked instead of the network', async (t) => {
    const made = project(t, REFUSED)
    writeDocuments(made, { '@acme/proven@1.0.0': await world.attest(proven) })
    const ended = endings(await report(made, '--attestations', '../attestations'))
    assert.deepEqual(ended, { '@acme/proven@1.0.0': 'proven', 'unproven@1.0.0': 'EVIDENCE_MISSING' })
    assert.deepEqual(world.registry.requests, [])
  })

  test('lacks a package although the registry has it: refused, not asked for elsewhere', async (t) => {
    const made = project(t, PROVEN)
    const ended = endings(await report(made, '--attestations', writeDocuments(made, {})))
    assert.deepEqual(Object.values(ended), ['EVIDENCE_MISSING', 'EVIDENCE_MISSING'])
    assert.deepEqual(world.registry.requests, [])
  })

  test('with --offline makes no request either; --offline alone has what is kept', async (t) => {
    const made = project(t, PROVEN)
    const documents = { '@acme/proven@1.0.0': await world.attest(proven), 'inner@1.2.3': await world.attest(inner) }
    const folder = writeDocuments(made, documents)
    assert.equal((await verify(made, '--offline', '--attestations', folder)).status, 0)
    const { status, stderr } = await verify(made, '--offline')
    assert.equal(status, 2)
    assert.match(stderr.replace(/[│\s]+/g, ' '), /nothing that is kept on this machine/)
    assert.deepEqual(world.registry.requests, [])
    assert.equal((await verify(made)).status, 0)
    const asked = world.registry.requests.length
    assert.equal((await verify(made, '--offline')).status, 0)
    assert.equal(world.registry.requests.length, asked)
  })
})

describe('--trusted-root and --npm-keys', () => {
  const options = ['--trusted-root', 'trust/trusted_root.json', '--npm-keys', 'trust/keys.json']

  test('replace the embedded ones', async (t) => {
    const made = project(t, PROVEN, { policy: WITHOUT_TRUST })
    assert.equal((await verify(made, ...options)).status, 0)
    const embedded = endings(await report(made))
    assert.deepEqual(Object.values(embedded), ['EVIDENCE_UNKNOWN', 'EVIDENCE_UNKNOWN'])
  })

  test('each alone is not enough where both are needed: for what the registry signs', async (t) => {
    const signature = WITHOUT_TRUST.replace(/require: provenance\n.*/s, 'require: signature\n')
    const made = project(t, PROVEN, { policy: signature })
    assert.equal((await verify(made, ...options)).status, 0)
    for (const half of [options.slice(0, 2), options.slice(2)]) {
      const { codes } = (await report(made, ...half)).summary
      assert.equal(codes.EVIDENCE_UNKNOWN, 2, half.join(' '))
    }
  })

  test('the keys are not needed for a build', async (t) => {
    const made = project(t, PROVEN, { policy: WITHOUT_TRUST })
    assert.equal((await verify(made, ...options.slice(0, 2))).status, 0)
    assert.equal((await report(made, ...options.slice(2))).summary.codes.EVIDENCE_UNKNOWN, 2)
  })

  test("replace the policy's own, whose files are then not even read", async (t) => {
    const made = project(t, PROVEN, { policy: POLICY.replace('trusted_root.json', 'gone.json') })
    assert.equal((await verify(made)).status, 2)
    assert.equal((await verify(made, ...options)).status, 0)
    assert.equal((await verify(made, ...options.slice(0, 2))).status, 0)
  })

  test('of another Sigstore refuse what the policy trusts', async (t) => {
    const other = await createSigstore({ now: SIGNED_AT })
    const made = project(t, PROVEN, { files: { 'other.json': JSON.stringify(other.trustedRoot) } })
    assert.equal((await verify(made)).status, 0)
    const { summary } = await report(made, '--trusted-root', 'other.json')
    assert.equal(summary.refused, 2)
  })
})

test('the registry and its path come from the .npmrc beside the lockfile', async (t) => {
  const made = project(t, PROVEN, { registry: 'http://127.0.0.1:1/', npmrc: `@acme:registry=${world.registry.url}\n` })
  assert.deepEqual(endings(await report(made)), {
    '@acme/proven@1.0.0': 'proven',
    'inner@1.2.3': 'EVIDENCE_UNAVAILABLE',
  })
  const paths = world.registry.requests.map(({ path }) => path)
  assert.deepEqual(paths, ['/-/npm/v1/attestations/@acme%2fproven@1.0.0'])
})

test('nothing is left behind, neither in the project nor in the temporary folder', async (t) => {
  const made = project(t, PROVEN)
  const before = readFileSync(join(made.dir, 'pnpm-lock.yaml'))
  const temporary = join(made.root, 'verify-tmp')
  mkdirSync(temporary)
  assert.equal((await runCli(['verify'], { cwd: made.dir, env: { ...made.env, TMPDIR: temporary } })).status, 0)
  assert.deepEqual(readFileSync(join(made.dir, 'pnpm-lock.yaml')), before)
  assert.deepEqual(readdirSync(temporary), [])
})
