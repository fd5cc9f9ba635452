/** A trust root from a TUF repository: asked for once, kept, verified on every use, and used on for a while without network. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { refreshState } from '../../src/trust/tuf-refresh.ts'
import { writeState } from '../../src/trust/tuf-state.ts'
import { startGithubHost } from '../support/github-host.ts'
import { createProject, type Project } from '../support/pnpm/index.ts'
import { createTarball } from '../support/registry/index.ts'
import { startTufRepository, type TufRepository } from '../support/tuf/index.ts'
import { startWorld } from '../support/world.ts'
import { lockfileOf, runCli, writeDocuments } from './support.ts'

const world = await startWorld()
after(() => world.close())
const widget = createTarball({ name: 'widget', version: '1.0.0' })
const document = await world.attest(widget)
const ROOT = Buffer.from(JSON.stringify(world.sigstore.trustedRoot))
const KEYS = Buffer.from(JSON.stringify(world.sigstore.npmKeys))
const EVIDENCE = ['--attestations', '../attestations']
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000)

async function repositoryAt(t: TestContext, when: Date): Promise<TufRepository> {
  const repository = await startTufRepository(when)
  t.after(() => repository.close())
  repository.publish({ 'trusted_root.json': ROOT, 'registry.npmjs.org/keys.json': KEYS })
  return repository
}

function projectOf(t: TestContext, { url, pinned }: TufRepository, more = ''): Project {
  const policy = `trust: { tuf: { url: '${url}', root: trust/root.json }${more} }
rules: [{ packages: '**', require: provenance, publisher: { repository: acme/widgets } }]
`
  const made = createProject({
    registry: world.registry.url,
    files: { '.sigstorerc': policy, 'trust/root.json': pinned.toString(), 'pnpm-lock.yaml': lockfileOf([widget]) },
  })
  t.after(() => made.dispose())
  writeDocuments(made, { 'widget@1.0.0': document })
  return made
}

/** What a repository said then, though it is over now. */
async function stateOf({ url, pinned }: TufRepository, when: Date): Promise<string> {
  const optional = ['registry.npmjs.org/keys.json']
  const options = {
    url,
    pinned,
    names: ['trusted_root.json'],
    optional,
    now: when,
    signal: AbortSignal.timeout(20_000),
  }
  return writeState((await refreshState(options, undefined)).state)
}

const run = (project: Project, ...args: readonly string[]) =>
  runCli(args, { cwd: project.dir, env: { ...project.env, XDG_CACHE_HOME: path.join(project.root, 'kept') } })
const verify = (project: Project, ...args: readonly string[]) => run(project, 'verify', ...EVIDENCE, ...args)
const kept = (project: Project) => {
  const folder = path.join(project.root, 'kept/provenance-gate/tuf')
  return existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : []
}

async function withStale(t: TestContext, days: number, more?: string) {
  const repository = await repositoryAt(t, daysAgo(days))
  const project = projectOf(t, repository, more)
  writeFileSync(path.join(project.dir, 'state.json'), await stateOf(repository, daysAgo(days)))
  const imported = await run(project, 'trust', 'import', 'state.json')
  return { repository, project, imported }
}

describe('a policy that names a TUF repository', () => {
  test('asks it once, and then no more while what it said is good', async (t) => {
    const repository = await repositoryAt(t, new Date())
    const project = projectOf(t, repository)
    const first = await verify(project)
    assert.equal(first.status, 0, first.stderr)
    assert.ok(repository.requests.length > 3)
    repository.requests.length = 0
    assert.equal((await verify(project)).status, 0)
    assert.equal((await verify(project, '--offline')).status, 0)
    assert.deepEqual(repository.requests, [])
    assert.equal(kept(project).length, 1)
  })

  test('trusts what it says, and nothing else', async (t) => {
    const repository = await repositoryAt(t, new Date())
    repository.publish({
      'trusted_root.json': Buffer.from(JSON.stringify({ ...world.sigstore.trustedRoot, tlogs: [] })),
    })
    const { status, stderr } = await verify(projectOf(t, repository))
    assert.equal(status, 2)
    assert.match(stderr, /EVIDENCE_UNKNOWN/)
    assert.match(stderr.replace(/[\s│]+/g, ' '), /provenance-gate trust update/)
  })

  test('stops where it cannot be asked, and nothing is kept', async (t) => {
    const repository = await repositoryAt(t, new Date())
    await repository.close()
    for (const args of [[], ['--offline']]) {
      const { status, stderr } = await verify(projectOf(t, repository), ...args)
      assert.equal(status, 2)
      assert.match(
        stderr,
        /The trust root of .* is not on this machine, and could not be had\. Go online, or bring it over/,
      )
    }
  })

  test('finds a changed byte in what is kept, and asks anew', async (t) => {
    const repository = await repositoryAt(t, new Date())
    const project = projectOf(t, repository)
    await verify(project)
    const [file = assert.fail()] = kept(project)
    const before = readFileSync(file, 'utf8')
    const state = JSON.parse(before) as { files: { bytes: string }[] }
    const [first = assert.fail()] = state.files
    first.bytes = Buffer.from('{}').toString('base64')
    for (const changed of [JSON.stringify(state), before.slice(0, 100), '', '[]']) {
      writeFileSync(file, changed)
      const offline = await verify(project, '--offline')
      assert.equal(offline.status, 2, offline.stderr)
      assert.match(offline.stderr, /What is kept of .* is not used: /)
      const { status, stderr } = await verify(project)
      assert.equal(status, 0)
      assert.match(stderr, /^provenance-gate warns: What is kept of .* is not used: /m)
      assert.equal(readFileSync(file, 'utf8'), before)
    }
  })

  test('goes on for two weeks without it, with a warning, and renews it as soon as it can', async (t) => {
    const { repository, project, imported } = await withStale(t, 10)
    assert.equal(imported.status, 2)
    assert.match(imported.stdout, /It is over: export a newer one/)
    for (const args of [[], ['--offline']]) {
      const { status, stderr } = await verify(project, ...args)
      assert.equal(status, 0, stderr)
      assert.match(
        stderr,
        /^provenance-gate warns: The trust root of .* was good until .*, and could not be renewed \(/m,
      )
    }
    const renewed = { ...repository.signed.timestamp, version: 2, expires: '2999-01-01T00:00:00Z' }
    repository.served.set('timestamp.json', repository.sign('timestamp', renewed))
    const { status, stderr } = await verify(project)
    assert.equal(status, 0)
    assert.doesNotMatch(stderr, /warns/)
  })

  test('then stops, unless the policy allows more', async (t) => {
    const { project } = await withStale(t, 25)
    for (const args of [[], ['--offline']]) {
      const { status, stderr } = await verify(project, ...args)
      assert.equal(status, 2)
      assert.match(stderr, /^provenance-gate: TRUST_ROOT_STALE: the trust root of .* was good until .*trust update/m)
    }
    const more = await withStale(t, 25, ", maxStaleness: '60d'")
    assert.equal((await verify(more.project)).status, 0)
  })

  test('keeps one whole state, however many ask at once', async (t) => {
    const repository = await repositoryAt(t, new Date())
    const project = projectOf(t, repository)
    const runs = await Promise.all(Array.from({ length: 6 }, () => verify(project)))
    assert.deepEqual(new Set(runs.map(({ status }) => status)), new Set([0]))
    assert.equal(kept(project).length, 1)
    repository.requests.length = 0
    assert.equal((await verify(project)).status, 0)
    assert.deepEqual(repository.requests, [])
  })
})

describe('trust', () => {
  test('status, update, export and import', async (t) => {
    const repository = await repositoryAt(t, new Date())
    const here = projectOf(t, repository)
    const none = await run(here, 'trust', 'status')
    assert.equal(none.status, 0)
    assert.match(none.stdout, /: nothing is kept\./)
    assert.equal((await run(here, 'trust', 'export', 'state.json')).status, 2)

    const updated = await run(here, 'trust', 'update')
    assert.equal(updated.status, 0, updated.stderr)
    assert.match(
      updated.stdout,
      /: good until 20.*\n {2}root 1, timestamp 1, snapshot 1, targets 1\n {2}trusted_root\.json\n/,
    )
    assert.equal((await run(here, 'trust', 'status')).stdout, updated.stdout)
    assert.equal((await run(here, 'trust', 'export', 'state.json')).status, 0)
    repository.publish()
    assert.match((await run(here, 'trust', 'update')).stdout, /timestamp 2, snapshot 2, targets 2/)

    const there = projectOf(t, repository)
    writeFileSync(path.join(there.dir, 'state.json'), readFileSync(path.join(here.dir, 'state.json')))
    await repository.close()
    assert.equal((await run(there, 'trust', 'import', 'state.json')).status, 0)
    assert.equal((await verify(there)).status, 0)
    const older = await run(here, 'trust', 'import', 'state.json')
    assert.equal(older.status, 2)
    assert.match(older.stderr, /state\.json is no trust root of .*: it is older than what is kept already/)
    const failed = await run(here, 'trust', 'update')
    assert.equal(failed.status, 2)
    assert.match(
      failed.stderr,
      /could not be renewed: .*\. The one that (?:is kept|came with the gate) stays in use; it is good until 20/,
    )
  })

  test('import takes no other repository, and nothing that is no state', async (t) => {
    const project = projectOf(t, await repositoryAt(t, new Date()))
    const now = new Date()
    writeFileSync(path.join(project.dir, 'other.json'), await stateOf(await repositoryAt(t, now), now))
    writeFileSync(path.join(project.dir, 'empty.json'), '')
    for (const [file, expected] of [
      ['other.json', /other\.json is no trust root of .*: /],
      ['empty.json', /empty\.json is no trust root of /],
      ['.sigstorerc', /\.sigstorerc is no trust root of /],
      ['gone.json', /gone\.json cannot be read/],
    ] as const) {
      const { status, stderr } = await run(project, 'trust', 'import', file)
      assert.equal(status, 2)
      assert.match(stderr, expected)
    }
    assert.deepEqual(kept(project), [])
  })

  test('without a policy is about the public instance', async (t) => {
    const project = createProject({ registry: world.registry.url })
    t.after(() => project.dispose())
    const { status, stdout } = await run(project, 'trust', 'status')
    assert.equal(status, 0)
    assert.match(
      stdout,
      /^https:\/\/tuf-repo-cdn\.sigstore\.dev: nothing is kept\. The one that came with the gate is used, which is good until \S+Z\./,
    )
  })
})

describe('a proxy', () => {
  test('that the environment names is used for the repository, unless it says not to', async (t) => {
    const repository = await repositoryAt(t, new Date())
    // Refuses whatever is asked of it but tunnels.
    const proxy = await startGithubHost()
    t.after(() => proxy.close())
    const project = projectOf(t, repository)
    const where = (more: object) => ({
      cwd: project.dir,
      env: { ...project.env, XDG_CACHE_HOME: path.join(project.root, 'kept'), HTTP_PROXY: proxy.proxy, ...more },
    })
    const through = await runCli(['trust', 'update'], where({}))
    assert.equal(through.status, 2)
    assert.match(through.stderr, /HTTP 502/)
    assert.deepEqual(repository.requests, [])
    assert.equal((await runCli(['trust', 'update'], where({ NO_PROXY: '127.0.0.1' }))).status, 0)
  })
})

test('a folder in which nothing can be kept stops nothing, and is told', async (t) => {
  const repository = await repositoryAt(t, new Date())
  const project = projectOf(t, repository)
  writeFileSync(path.join(project.root, 'file'), '')
  const where = { cwd: project.dir, env: { ...project.env, XDG_CACHE_HOME: path.join(project.root, 'file') } }
  const verified = await runCli(['verify', ...EVIDENCE], where)
  assert.equal(verified.status, 0, verified.stderr)
  assert.match(verified.stderr, /could not be kept on this machine, and is asked for each time/)
  assert.equal((await runCli(['trust', 'update'], where)).status, 2)
})
