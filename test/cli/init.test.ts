/** The first day: `init` on a lockfile of more than a thousand packages, then `verify`, then what happens later. */
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { parse, stringify } from 'yaml'
import { readLockfile } from '../../src/lockfile/read.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { createProject, type Project } from '../support/pnpm/index.ts'
import { createTarball } from '../support/registry/index.ts'
import { createSigstore } from '../support/sigstore/index.ts'
import { SIGNED_AT, startWorld } from '../support/world.ts'
import { endings, reportOf, runCli, TRUST_FLAGS, verify, writeDocuments } from './support.ts'

const world = await startWorld()
after(() => world.close())
const LARGE = path.join(import.meta.dirname, '../../fixtures/lockfiles/large/pnpm-lock.yaml')
const { packages } = await readLockfile(LARGE)

/** Who is proven here: all of some scopes, some of others, and some packages without one. */
const isProven = (name: string) =>
  /^@(babel|jest|rollup|types|nodelib)\//.test(name) || /^@npmcli\/[a-m]|^[a-f]/.test(name)

async function attest(name: string, version: string, integrity: string, more: object = {}): Promise<unknown> {
  const scope = /^@([^/]+)/.exec(name)?.[1] ?? 'acme'
  const identity = { repository: `https://github.com/${scope}/${name.replace(/^@.*\//, '')}`, ...more }
  return world.sigstore.document({ name, version, integrity, now: SIGNED_AT, identity })
}

const documents = Object.fromEntries(
  await Promise.all(
    packages
      .filter(({ name }) => isProven(name))
      .map(
        async ({ name, version, integrity = '' }) =>
          [`${name}@${version}`, await attest(name, version, integrity)] as const,
      ),
  ),
)

const elsewhere = await createSigstore({ now: SIGNED_AT })
const attestedElsewhere = ({ name, version, integrity = '' }: LockedPackage) =>
  elsewhere.document({ name, version, integrity, now: SIGNED_AT })

function projectWith(t: TestContext, files: Readonly<Record<string, string>> = {}): Project {
  const { '.sigstorerc': _, ...trust } = world.policyFiles()
  const project = createProject({ registry: world.registry.url, files: { ...trust, ...files } })
  t.after(() => project.dispose())
  copyFileSync(LARGE, path.join(project.dir, 'pnpm-lock.yaml'))
  writeDocuments(project, documents)
  return project
}

const init = (project: Project) => runCli(['init', ...TRUST_FLAGS], { cwd: project.dir, env: project.env })
const read = (project: Project, name: string) => readFileSync(path.join(project.dir, name), 'utf8')
const verifyIt = async (project: Project) =>
  reportOf(await verify(project, '--json', '--attestations', '../attestations'))

describe('init', () => {
  test('then verify passes, offline, with tens of lines of policy for more than eight hundred packages', async (t) => {
    assert.ok(packages.length > 800)
    const project = projectWith(t)
    world.registry.forgetRequests()
    const run = await init(project)
    assert.equal(run.status, 0, run.stderr)
    assert.match(
      run.stderr,
      new RegExp(`\\.sigstorerc and provenance-lock\\.yaml are written: ${packages.length} packages`),
    )
    assert.match(
      run.stderr,
      /^\.sigstorerc has `trust: \{ trustedRoot: trust\/trusted_root\.json, npmKeys: trust\/keys\.json \}`, from your options: /m,
    )
    assert.ok(read(project, '.sigstorerc').includes(/`(trust: [^`]*)`/.exec(run.stderr)?.[1] ?? 'nothing'))
    const lines = read(project, '.sigstorerc').split('\n').length
    assert.ok(lines > 10 && lines < 100, `${lines} lines`)
    const { summary } = await verifyIt(project)
    assert.equal(summary.refused, 0)
    assert.equal(summary.proven, Object.keys(documents).length)
    assert.equal(summary.total, packages.length)
    assert.deepEqual(world.registry.requests, [])
  })

  test('later a loss, another publisher, and an unproven newcomer of a proven scope are refused', async (t) => {
    const project = projectWith(t)
    await init(project)
    const find = (pattern: RegExp) => packages.find(({ name }) => pattern.test(name)) ?? assert.fail(String(pattern))
    const [lost, changed] = [find(/^@babel\/core$/), find(/^axios$/)]
    writeDocuments(project, {
      [`${lost.name}@${lost.version}`]: { attestations: [] },
      [`${changed.name}@${changed.version}`]: await attest(changed.name, changed.version, changed.integrity ?? '', {
        repositoryId: '666',
      }),
    })
    const lockfile = path.join(project.dir, 'pnpm-lock.yaml')
    const entry = `\npackages:\n\n  '@babel/newcomer@1.0.0':\n    resolution: {integrity: ${lost.integrity}}\n`
    const snapshot = `\nsnapshots:\n\n  '@babel/newcomer@1.0.0': {}\n`
    writeFileSync(
      lockfile,
      read(project, 'pnpm-lock.yaml').replace('\npackages:\n', entry).replace('\nsnapshots:\n', snapshot),
    )
    const refused = Object.entries(endings(await verifyIt(project))).filter(
      ([, end]) => !['proven', 'permitted'].includes(end),
    )
    assert.deepEqual(Object.fromEntries(refused), {
      [`${lost.name}@${lost.version}`]: 'PROVENANCE_LOST',
      [`${changed.name}@${changed.version}`]: 'IDENTITY_CHANGED',
      '@babel/newcomer@1.0.0': 'EVIDENCE_MISSING',
    })
  })

  test('tells of attestations that do not hold', async (t) => {
    const project = projectWith(t)
    const [one] = packages.filter(({ name }) => name === 'axios')
    writeDocuments(project, { [`axios@${one?.version}`]: await attest('axios', '0.0.1', one?.integrity ?? '') })
    const run = await init(project)
    assert.equal(run.status, 1)
    assert.match(run.stderr, /^! axios@.* SUBJECT_MISMATCH: /m)
    assert.match(run.stderr, /1 package with attestations that do not hold/)
  })

  test('tells of attestations of which nothing is known, with what to do, and ends with 2', async (t) => {
    const project = projectWith(t)
    const one = packages.find(({ name }) => name === 'axios') ?? assert.fail('no axios')
    writeDocuments(project, { [`axios@${one.version}`]: await attestedElsewhere(one) })
    const run = await init(project)
    assert.equal(run.status, 2, run.stderr)
    assert.match(run.stderr, /^! axios@.* EVIDENCE_UNKNOWN: /m)
    assert.match(
      run.stderr,
      /^1 package with attestations of which nothing is known: .*renew trust\/trusted_root\.json, trust\/keys\.json from where it came/m,
    )
    assert.doesNotMatch(run.stderr, /do not hold|Nothing good|run `provenance-gate trust update/)
    // The draft refuses it all the same.
    assert.match(read(project, '.sigstorerc'), /Nothing was known of their attestations/)
    assert.equal(endings(await verifyIt(project))[`axios@${one.version}`], 'EVIDENCE_UNKNOWN')
    // Something bad beside it counts first.
    const [worse] = packages.filter(({ name }) => name === '@babel/core')
    const other = projectWith(t)
    writeDocuments(other, {
      [`axios@${one.version}`]: await attestedElsewhere(one),
      [`@babel/core@${worse?.version}`]: await attest('@babel/core', '0.0.1', worse?.integrity ?? ''),
    })
    assert.equal((await init(other)).status, 1)
  })

  for (const [what, files, told] of [
    ['a policy', { '.sigstorerc.yaml': 'rules: []\n' }, '.sigstorerc.yaml'],
    ['a policy in package.json', { 'package.json': '{"sigstore": {}}' }, 'package.json'],
    ['an identity lock', { 'provenance-lock.yaml': 'version: 2\npackages: {}\n' }, 'provenance-lock.yaml'],
  ] as const) {
    test(`overwrites nothing: ${what}`, async (t) => {
      const project = projectWith(t, files)
      const run = await init(project)
      assert.equal(run.status, 2)
      assert.match(run.stderr, new RegExp(`${told} is there already, and \`init\` overwrites nothing`))
      for (const [name, text] of Object.entries(files)) assert.equal(read(project, name), text)
      if (!('.sigstorerc' in files)) assert.ok(!existsSync(path.join(project.dir, '.sigstorerc')))
    })
  }

  test('of what could not be found out writes nothing', async (t) => {
    const project = projectWith(t)
    writeFileSync(
      path.join(project.root, 'attestations', `axios@${packages.find(({ name }) => name === 'axios')?.version}.json`),
      '{',
    )
    const run = await init(project)
    assert.equal(run.status, 2)
    assert.match(run.stderr, /1 package could not be looked at/)
    for (const name of ['.sigstorerc', 'provenance-lock.yaml']) assert.ok(!existsSync(path.join(project.dir, name)))
  })
})

describe('init on what is unusual', () => {
  type Entry = Readonly<{
    name: string
    alias?: string
    /** Undefined: no attestation. */
    identity?: object
    bad?: boolean
  }>
  async function started(t: TestContext, entries: readonly Entry[], files: Readonly<Record<string, string>> = {}) {
    const made = entries.map((entry) => ({ entry, pkg: createTarball({ name: entry.name, version: '1.0.0' }) }))
    const dependencies = made.map(({ entry }) => {
      const version = entry.alias === undefined ? '1.0.0' : `${entry.name}@1.0.0`
      return [entry.alias ?? entry.name, { specifier: version, version }]
    })
    const { '.sigstorerc': _, ...trust } = world.policyFiles()
    const project = createProject({
      registry: world.registry.url,
      files: {
        ...trust,
        'pnpm-lock.yaml': stringify({
          lockfileVersion: '9.0',
          importers: { '.': {}, apps: { dependencies: Object.fromEntries(dependencies) } },
          packages: Object.fromEntries(
            made.map(({ pkg }) => [`${pkg.manifest.name}@1.0.0`, { resolution: { integrity: pkg.integrity } }]),
          ),
          snapshots: Object.fromEntries(made.map(({ pkg }) => [`${pkg.manifest.name}@1.0.0`, {}])),
        }),
        ...files,
      },
    })
    t.after(() => project.dispose())
    const proven = made.filter(({ entry }) => entry.identity !== undefined || entry.bad)
    const documents = proven.map(async ({ entry, pkg }) => {
      const integrity = entry.bad ? packages[0]?.integrity : pkg.integrity
      return [`${entry.name}@1.0.0`, await attest(entry.name, '1.0.0', integrity ?? '', entry.identity)] as const
    })
    writeDocuments(project, Object.fromEntries(await Promise.all(documents)))
    return { project, run: await init(project) }
  }
  const ends = async (project: Project) => endings(await verifyIt(project))

  test('a workflow and an environment of any name', async (t) => {
    const { project, run } = await started(t, [
      {
        name: 'a',
        identity: { workflow: '.github/workflows/release (npm) [x]*.yml', environment: '🚀\ufe0f production ' },
      },
    ])
    assert.equal(run.status, 0, run.stderr)
    assert.deepEqual(await ends(project), { 'a@1.0.0': 'proven' })
  })

  test('an alias whose name somebody else publishes passes by an exception, for a quarter of a year', async (t) => {
    const { project, run } = await started(t, [
      { name: 'vite', identity: { repository: 'https://github.com/vitejs/vite' } },
      { name: 'fork', alias: 'vite-too', identity: {} },
      {
        name: 'rolldown',
        alias: 'vite',
        identity: { repository: 'https://github.com/vitejs/rolldown', repositoryId: '7' },
      },
    ])
    assert.equal(run.status, 0, run.stderr)
    assert.match(run.stderr, /^~ rolldown@1\.0\.0 {2}passes by an exception until \d{4}-\d\d-\d\d: IDENTITY_CHANGED/m)
    assert.deepEqual(await ends(project), {
      'fork@1.0.0': 'proven',
      'rolldown@1.0.0': 'excepted',
      'vite@1.0.0': 'proven',
    })
  })

  test('another issuer than the usual one of a host', async (t) => {
    const issuer = 'https://ci.example/org/1'
    const names = ['@c/a', '@c/b', '@c/c']
    const { project, run } = await started(
      t,
      names.map((name) => ({ name, identity: { issuer } })),
    )
    assert.equal(run.status, 0, run.stderr)
    assert.deepEqual(Object.values(await ends(project)), ['proven', 'proven', 'proven'])
  })

  test('attestations that do not hold are refused from the first day on', async (t) => {
    const { project, run } = await started(t, [{ name: 'a', bad: true }, { name: 'b' }])
    assert.equal(run.status, 1)
    assert.match(run.stderr, /^! a@1\.0\.0 {2}DIGEST_MISMATCH/m)
    assert.deepEqual(await ends(project), { 'a@1.0.0': 'DIGEST_MISMATCH', 'b@1.0.0': 'permitted' })
    const accepted = await runCli(['accept', '--attestations', '../attestations'], {
      cwd: project.dir,
      env: project.env,
    })
    assert.equal(accepted.status, 1)
    assert.match(accepted.stderr, /^! a@1\.0\.0 {2}DIGEST_MISMATCH.*\n.*nothing of it can be accepted/m)
  })

  test('projects that have a policy already are listed', async (t) => {
    const { project, run } = await started(t, [{ name: 'a', identity: {} }], {
      'apps/package.json': '{}',
      'apps/.sigstorerc': 'rules: [{ packages: b, require: nothing }]\n',
    })
    assert.equal(run.status, 0, run.stderr)
    assert.match(read(project, '.sigstorerc'), /^projects:\n {2}- apps$/m)
    assert.deepEqual(await ends(project), { 'a@1.0.0': 'proven' })
  })
})

describe('init where the registry signs', () => {
  const pack = (name: string, files: Readonly<Record<string, string>> = {}) =>
    createTarball({ name, version: '1.0.0', files })
  const signed = pack('signed')
  const bare = pack('bare')
  const other = pack('signed', { 'evil.js': '' })
  const signature = world.sigstore.signature({ name: 'signed', version: '1.0.0', integrity: signed.integrity })
  const URL_TARBALL = 'https://files.example/vendored.tgz'
  const REPOSITORY = 'https://git.example/fork.git'
  const COMMIT = 'a'.repeat(40)

  type Entries = Readonly<Record<string, object>>
  const REGISTRY: Entries = {
    'signed@1.0.0': { resolution: { integrity: signed.integrity } },
    'widget@1.0.0': { resolution: { integrity: pack('widget').integrity } },
  }
  const BARE: Entries = { 'bare@1.0.0': { resolution: { integrity: bare.integrity } } }
  const ELSEWHERE: Entries = {
    [`fork@git+${REPOSITORY}#${COMMIT}`]: {
      resolution: { type: 'git', repo: REPOSITORY, commit: COMMIT },
      version: '1.0.0',
    },
    [`vendored@${URL_TARBALL}`]: { resolution: { tarball: URL_TARBALL, integrity: bare.integrity }, version: '1.0.0' },
    'copied@file:../copied': { resolution: { type: 'directory', directory: '../copied' } },
    'moved@1.0.0': { resolution: { tarball: 'https://files.example/moved.tgz', integrity: bare.integrity } },
  }

  function lockfile(entries: Entries, more: Readonly<Record<string, object>> = {}): string {
    const dependencies = Object.keys(entries).map((id) => {
      const at = id.indexOf('@', 1)
      return [id.slice(0, at), { specifier: id.slice(at + 1), version: id.slice(at + 1) }]
    })
    return stringify({
      lockfileVersion: '9.0',
      importers: { '.': { dependencies: { ...Object.fromEntries(dependencies), ...more } }, 'packages/lib': {} },
      packages: entries,
      snapshots: Object.fromEntries(Object.keys(entries).map((id) => [id, {}])),
    })
  }

  async function started(t: TestContext, content: string): Promise<Project> {
    world.registry.reset()
    world.registry.setKeys(world.sigstore.npmKeys)
    world.registry.publish(signed, { signatures: [signature] })
    world.registry.publish(bare)
    const widget = pack('widget')
    world.registry.publish(widget, { attestations: await attest('widget', '1.0.0', widget.integrity) })
    const { '.sigstorerc': _, ...trust } = world.policyFiles()
    const project = createProject({
      registry: world.registry.url,
      files: { ...trust, 'pnpm-lock.yaml': content, 'packages/lib/package.json': '{"name":"lib"}' },
    })
    t.after(() => project.dispose())
    return project
  }
  const TRUST = ['--trusted-root', 'trust/trusted_root.json', '--npm-keys', 'trust/keys.json']
  const initIt = (project: Project) => runCli(['init', ...TRUST], { cwd: project.dir, env: project.env })
  const judge = async (project: Project) => endings(reportOf(await verify(project, '--json')))
  const rules = (project: Project) => (parse(read(project, '.sigstorerc')) as { rules: readonly object[] }).rules
  const write = (project: Project, content: string) => writeFileSync(path.join(project.dir, 'pnpm-lock.yaml'), content)

  test('a lockfile cannot bring other bytes of an unproven package', async (t) => {
    const project = await started(t, lockfile(REGISTRY))
    const run = await initIt(project)
    assert.equal(run.status, 0, run.stderr)
    assert.deepEqual(rules(project), [{ packages: '**', require: 'signature', unchanged: true }])
    assert.deepEqual(await judge(project), { 'signed@1.0.0': 'proven', 'widget@1.0.0': 'proven' })
    for (const resolution of [
      { integrity: other.integrity, tarball: 'https://evil.example/signed/-/signed-1.0.0.tgz' },
      { integrity: other.integrity },
    ]) {
      write(project, lockfile({ ...REGISTRY, 'signed@1.0.0': { resolution } }))
      assert.equal((await judge(project))['signed@1.0.0'], 'DIGEST_MISMATCH')
    }
    write(project, lockfile({ ...REGISTRY, ...BARE }))
    assert.equal((await judge(project))['bare@1.0.0'], 'EVIDENCE_MISSING')
  })

  test('what is unproven and unsigned passes by name, of the registry alone', async (t) => {
    const project = await started(t, lockfile({ ...REGISTRY, ...BARE }))
    const run = await initIt(project)
    assert.equal(run.status, 0, run.stderr)
    assert.deepEqual(rules(project), [
      { packages: ['bare'], source: 'registry', require: 'nothing', unchanged: true },
      { packages: '**', require: 'signature', unchanged: true },
    ])
    assert.equal((await judge(project))['bare@1.0.0'], 'permitted')
    const tarball = 'https://evil.example/bare.tgz'
    write(project, lockfile({ ...REGISTRY, 'bare@1.0.0': { resolution: { integrity: other.integrity, tarball } } }))
    assert.equal((await judge(project))['bare@1.0.0'], 'EVIDENCE_MISSING')
  })

  test('whatever had provenance has to keep it, and a signature does not take its place', async (t) => {
    const project = await started(t, lockfile(REGISTRY))
    assert.equal((await initIt(project)).status, 0)
    const widget = pack('widget')
    const { integrity } = widget
    world.registry.reset()
    world.registry.setKeys(world.sigstore.npmKeys)
    world.registry.publish(signed, { signatures: [signature] })
    world.registry.publish(widget, {
      signatures: [world.sigstore.signature({ name: 'widget', version: '1.0.0', integrity })],
    })
    assert.deepEqual(
      endings(reportOf(await verify(project, '--json', '--cache', path.join(project.root, 'empty'))))['widget@1.0.0'],
      'PROVENANCE_LOST',
    )
  })

  test('the workspace, and what no registry has, gets rules with its source, by name', async (t) => {
    const link = { lib: { specifier: 'workspace:*', version: 'link:packages/lib' } }
    const all = lockfile({ ...REGISTRY, ...BARE, ...ELSEWHERE }, link)
    const project = await started(t, all)
    const run = await initIt(project)
    assert.equal(run.status, 0, run.stderr)
    assert.deepEqual(rules(project), [
      { packages: '**', source: 'workspace', require: 'nothing' },
      { packages: ['copied'], source: 'directory', require: 'nothing' },
      { packages: ['fork'], source: 'git', require: 'nothing' },
      { packages: ['moved', 'vendored'], source: 'tarball', require: 'nothing' },
      { packages: ['bare'], source: 'registry', require: 'nothing', unchanged: true },
      { packages: '**', require: 'signature', unchanged: true },
    ])
    const verdicts = reportOf(await verify(project, '--json')).summary
    assert.deepEqual([verdicts.refused, verdicts.total], [0, 8])
    const check = await runCli(['policy', 'check'], { cwd: project.dir, env: project.env })
    assert.equal(check.stderr, '.sigstorerc: 6 rules, no mistakes\n')
    // Nothing else may come from there.
    write(project, lockfile(ELSEWHERE, link).replaceAll('fork', 'signed'))
    const later = reportOf(await verify(project, '--json')).packages.filter(({ status }) => status === 'refused')
    assert.deepEqual(
      later.map(({ name, code }) => [name, code]),
      [['signed', 'EVIDENCE_MISSING']],
    )
  })

  test('a signature that does not hold is refused, and told', async (t) => {
    const project = await started(
      t,
      lockfile({ ...REGISTRY, 'signed@1.0.0': { resolution: { integrity: other.integrity } } }),
    )
    const run = await initIt(project)
    assert.equal(run.status, 1)
    assert.match(run.stderr, /^! signed@1\.0\.0 {2}DIGEST_MISMATCH/m)
    assert.equal((await judge(project))['signed@1.0.0'], 'DIGEST_MISMATCH')
  })

  test('without any signature nothing but provenance is asked for, and the policy says so', async (t) => {
    const project = await started(t, lockfile(BARE))
    const run = await initIt(project)
    assert.equal(run.status, 0, run.stderr)
    assert.deepEqual(rules(project), [{ packages: '**', require: 'nothing', unchanged: true }])
    assert.match(read(project, '.sigstorerc'), /The registry has no signatures/)
    assert.match(
      run.stderr,
      /^This policy holds none of them: .*the registry has answered.*"evidenceFrom".*docs\/registries\.md/m,
    )
  })

  test('of a registry that was not asked nothing is said', async (t) => {
    const project = await started(t, lockfile({ ...REGISTRY, ...BARE }))
    writeDocuments(project, {})
    world.registry.forgetRequests()
    const run = await runCli(['init', ...TRUST_FLAGS], { cwd: project.dir, env: project.env })
    assert.equal(run.status, 0, run.stderr)
    assert.deepEqual(world.registry.requests, [])
    assert.match(
      read(project, '.sigstorerc'),
      /The registry was not asked, and the folder of evidence has no signatures/,
    )
    assert.match(
      run.stderr,
      /^This policy holds none of them: .*\.\.\/attestations proves nothing of it, and the registry was not asked/m,
    )
    assert.doesNotMatch(
      `${run.stderr}${read(project, '.sigstorerc')}`,
      /The registry has|evidenceFrom|registry has answered/,
    )
  })

  test('what is of unknown source is refused, and told', async (t) => {
    const project = await started(t, lockfile({ ...REGISTRY, 'odd@custom:1': { resolution: { type: 'custom:x' } } }))
    const run = await initIt(project)
    assert.equal(run.status, 1)
    assert.match(run.stderr, /^! odd@custom:1 .*No rule of the draft permits it: correct the lockfile/m)
  })
})
