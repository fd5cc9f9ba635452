/** The first day: `init` on a lockfile of more than a thousand packages, then `verify`, then what happens later. */
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { readLockfile } from '../../src/lockfile/read.ts'
import { createProject, type Project } from '../support/pnpm/index.ts'
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

  for (const [what, files, told] of [
    ['a policy', { '.sigstorerc.yaml': 'rules: []\n' }, '.sigstorerc.yaml'],
    ['a policy in package.json', { 'package.json': '{"sigstore": {}}' }, 'package.json'],
    ['an identity lock', { 'provenance-lock.yaml': 'version: 1\npackages: {}\n' }, 'provenance-lock.yaml'],
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
