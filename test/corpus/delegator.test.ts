/** A genuine package that slsa-github-generator has built: its delegator signs, and vouches for the workflow that builds. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { parse, stringify } from 'yaml'
import { endings, lockfileOf, report, runCli } from '../cli/support.ts'
import { createProject, type Project } from '../support/pnpm/index.ts'
import { corpusFile, readCorpus, skip } from '../verify/corpus.ts'
import { bundlesOf, statementOf } from '../verify/support.ts'
import { describeUnless } from './genuine-packages.ts'

const FOLDER = 'field/npm'
const [NAME, VERSION] = ['@laurentsimon/provenance-npm-test', '1.0.5']
const FLOWS = 'slsa-framework/slsa-github-generator/.github/workflows'

describeUnless(skip, 'a package that slsa-github-generator has built and its delegator signed', () => {
  const document = readCorpus(FOLDER, `${NAME}@${VERSION}.json`)
  // Its tarball has left the registry: the digest is the one that both of its attestations name.
  const [sha512, ...others] = new Set(
    bundlesOf(document).flatMap((bundle) => statementOf(bundle).subject.map(({ digest }) => digest.sha512)),
  )
  assert.deepEqual(others, [])
  const integrity = `sha512-${Buffer.from(sha512 ?? assert.fail(), 'hex').toString('base64')}`

  const publisher = {
    repository: 'laurentsimon/provenance-npm-test',
    workflow: '.github/workflows/release-slsa3.yml',
    builder: `${FLOWS}/builder_nodejs_slsa3.yml@refs/tags/v1.6.0`,
  }
  const rulesFor = (who: object) => stringify({ rules: [{ packages: NAME, require: 'provenance', publisher: who }] })

  function projectOf(t: TestContext, policy: string, entry: { integrity?: string; version?: string } = {}): Project {
    const { version = VERSION } = entry
    const lockfile = lockfileOf([{ manifest: { name: NAME, version }, integrity: entry.integrity ?? integrity }])
    const files = { 'pnpm-lock.yaml': lockfile, '.sigstorerc': policy }
    const project = createProject({ registry: 'http://127.0.0.1:1/', files })
    t.after(() => project.dispose())
    return project
  }
  const ending = async (project: Project) =>
    Object.values(endings(await report(project, '--offline', '--attestations', corpusFile(FOLDER))))

  test('is proven, and says who built it', async (t) => {
    const { packages } = await report(
      projectOf(t, rulesFor(publisher)),
      ...['--offline', '--attestations', corpusFile(FOLDER)],
    )
    const [found] = packages
    assert.equal(found?.status, 'proven', found?.found ?? '')
    assert.equal(found.claims?.delegatedBuilder, `https://github.com/${publisher.builder}`)
    assert.equal(
      found.claims?.buildSignerUri,
      `https://github.com/${FLOWS}/delegator_lowperms-generic_slsa3.yml@refs/tags/v1.6.0`,
    )
  })

  test('is explained', async (t) => {
    const project = projectOf(t, rulesFor(publisher))
    const { stdout, stderr, status } = await runCli(
      ['explain', NAME, '--offline', '--attestations', corpusFile(FOLDER)],
      { cwd: project.dir, env: project.env },
    )
    assert.equal(status, 0, stderr)
    assert.match(
      stdout,
      /delegatedBuilder +https:\/\/github\.com\/slsa-framework\/.*builder_nodejs_slsa3\.yml@refs\/tags\/v1\.6\.0 {2}\(/,
    )
  })

  test('meets the recipe of docs/policy.md, with its own names', async (t) => {
    const docs = readFileSync(path.join(import.meta.dirname, '../../docs/policy.md'), 'utf8')
    const recipes = [...docs.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text)
    const [recipe = '', ...more] = recipes.filter((text) => text.includes('builder_nodejs_slsa3.yml'))
    assert.deepEqual(more, [])
    const { rules } = parse(recipe) as { rules: { publisher?: { builder: string; repository: string } }[] }
    assert.equal(rules[0]?.publisher?.builder, `${FLOWS}/builder_nodejs_slsa3.yml@refs/tags/v*`)
    const own = recipe.replaceAll('acme', 'laurentsimon').replaceAll('/release.yml', '/release-slsa3.yml')
    assert.notEqual(own, recipe)
    assert.deepEqual(await ending(projectOf(t, own)), ['proven'])
    assert.deepEqual(await ending(projectOf(t, own.replace('builder_nodejs', 'builder_go'))), ['BUILDER_MISMATCH'])
  })

  const OTHERS: readonly (readonly [string, object, string])[] = [
    [
      'the delegator',
      { builder: `${FLOWS}/delegator_lowperms-generic_slsa3.yml@refs/tags/v1.6.0` },
      'BUILDER_MISMATCH',
    ],
    ['another builder of theirs', { builder: `${FLOWS}/builder_gradle_slsa3.yml@refs/tags/v*` }, 'BUILDER_MISMATCH'],
    ['another tag', { builder: `${FLOWS}/builder_nodejs_slsa3.yml@refs/tags/v2*` }, 'BUILDER_MISMATCH'],
    ['a branch', { builder: `${FLOWS}/builder_nodejs_slsa3.yml@refs/heads/**` }, 'BUILDER_MISMATCH'],
    ['its own repository', { builder: 'laurentsimon/provenance-npm-test/**@refs/**' }, 'BUILDER_MISMATCH'],
    ['another caller', { workflow: '.github/workflows/release.yml' }, 'WORKFLOW_MISMATCH'],
    ['another repository', { repository: 'slsa-framework/slsa-github-generator' }, 'REPOSITORY_MISMATCH'],
  ]
  for (const [who, change, code] of OTHERS) {
    test(`is refused for ${who}: ${code}`, async (t) => {
      assert.deepEqual(await ending(projectOf(t, rulesFor({ ...publisher, ...change }))), [code])
    })
  }

  test('is refused for other bytes, and under another trust root', async (t) => {
    const other = `sha512-${createHash('sha512').digest('base64')}`
    assert.deepEqual(await ending(projectOf(t, rulesFor(publisher), { integrity: other })), ['DIGEST_MISMATCH'])
    const project = projectOf(t, rulesFor(publisher))
    const root = corpusFile('trust/github/trusted_root.json')
    const options = ['--offline', '--attestations', corpusFile(FOLDER), '--trusted-root', root]
    assert.equal((await report(project, ...options)).summary.refused, 1)
  })

  test('keeps its builder in the identity lock', async (t) => {
    const policy = stringify({ rules: [{ packages: '**', require: 'nothing', unchanged: true }] })
    const project = projectOf(t, policy)
    const options = ['--offline', '--attestations', corpusFile(FOLDER)]
    const accept = await runCli(['accept', ...options], { cwd: project.dir, env: project.env })
    assert.equal(accept.status, 0, accept.stderr)
    const file = path.join(project.dir, 'provenance-lock.yaml')
    const lock = readFileSync(file, 'utf8')
    assert.match(lock, /builder_nodejs_slsa3\.yml/)
    assert.deepEqual(await ending(project), ['proven'])
    for (const name of ['builder_gradle_slsa3.yml', 'delegator_lowperms-generic_slsa3.yml']) {
      writeFileSync(file, lock.replace('builder_nodejs_slsa3.yml', name))
      assert.deepEqual(await ending(project), ['IDENTITY_CHANGED'])
    }
  })
})
