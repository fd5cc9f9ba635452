/** The identity lock over genuine attestations: what real packages do from version to version, and what is an alarm. */
import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { endings, report, runCli } from '../cli/support.ts'
import { createProject, type Project } from '../support/pnpm/index.ts'
import { skipGenuine } from '../support/sigstore/genuine.ts'
import { describeUnless, GENUINE, type GenuinePackage, lockfileFor } from './genuine-packages.ts'

const CORPUS = process.env.PROVENANCE_GATE_CORPUS ?? ''
const POLICY = 'rules: [{ packages: "**", require: nothing, unchanged: true }]\n'
const FLAGS = ['--offline', '--attestations', '../attestations']
const NPM_TEST = '@laurentsimon/provenance-npm-test'

function projectOf(t: TestContext): Project {
  const project = createProject({ registry: 'http://127.0.0.1:1/', files: { '.sigstorerc': POLICY } })
  t.after(() => project.dispose())
  const folder = join(project.root, 'attestations')
  cpSync(join(CORPUS, 'attestations'), folder, { recursive: true })
  return project
}

const lock = (project: Project, ...packages: readonly GenuinePackage[]) =>
  writeFileSync(join(project.dir, 'pnpm-lock.yaml'), lockfileFor(packages))
const accept = (project: Project, ...args: readonly string[]) =>
  runCli(['accept', ...FLAGS, ...args], { cwd: project.dir, env: project.env })
const genuine = (name: string, ...versions: readonly string[]) =>
  versions.map((version) => GENUINE.find((pkg) => pkg.name === name && pkg.version === version) ?? assert.fail(version))

describeUnless(skipGenuine, 'the identity lock of genuine packages', () => {
  test('lets all of them pass that it was made from', async (t) => {
    const project = projectOf(t)
    lock(project, ...GENUINE)
    const accepted = await accept(project)
    assert.equal(accepted.status, 0, accepted.stderr)
    const ends = Object.values(endings(await report(project, ...FLAGS)))
    assert.deepEqual([...new Set(ends)], ['proven'])
    assert.equal((await accept(project, '--check')).status, 0)
  })

  test('raises no alarm on later and earlier versions of one workflow, over two release lines', async (t) => {
    for (const [known, next] of [
      [['1.3.0'], ['2.1.0', '2.3.1']],
      [['2.3.1'], ['1.3.0', '2.1.0']],
    ] as const) {
      const project = projectOf(t)
      lock(project, ...genuine('sigstore', ...known))
      assert.equal((await accept(project)).status, 0)
      lock(project, ...genuine('sigstore', ...next))
      const ends = endings(await report(project, ...FLAGS))
      assert.deepEqual(
        Object.values(ends),
        next.map(() => 'proven'),
      )
      assert.equal((await accept(project, '--check')).status, 0)
    }
  })

  test('completes what certificates of early 2023 do not say, which is no alarm', async (t) => {
    const project = projectOf(t)
    lock(project, ...genuine(NPM_TEST, '1.0.0'))
    assert.equal((await accept(project)).status, 0)
    assert.doesNotMatch(readFileSync(join(project.dir, 'provenance-lock.yaml'), 'utf8'), /runner|builder|repositoryId/)
    lock(project, ...genuine(NPM_TEST, '1.0.3'))
    assert.deepEqual(Object.values(endings(await report(project, ...FLAGS))), ['proven'])
    const added = await accept(project)
    assert.equal(added.status, 0)
    assert.match(
      added.stderr,
      /^\+ @laurentsimon\/provenance-npm-test@1\.0\.3 .* on workflow_dispatch, on a hosted runner, from branch main$/m,
    )
    assert.match(
      readFileSync(join(project.dir, 'provenance-lock.yaml'), 'utf8'),
      /repositoryId[\s\S]*builder: own\n {8}runner: hosted/,
    )
  })

  test('tells that a package went from a workflow for tags to one for a branch, but not that the event is another', async (t) => {
    const project = projectOf(t)
    lock(project, ...genuine('sigstore', '0.4.0'))
    await accept(project)
    lock(project, ...genuine('sigstore', '1.3.0'))
    const [changed] = (await report(project, ...FLAGS)).packages
    assert.equal(changed?.code, 'IDENTITY_CHANGED')
    assert.equal(changed?.found, 'workflow ".github/workflows/release.yml", kind of ref "branch"')
  })
})
