/** What is not refused although something is wrong: warnings and exceptions, as the command line tells them. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { createTarball } from '../support/registry/index.ts'
import { POLICY, startWorld } from '../support/world.ts'
import { cliProject, endings, lockfileOf, reportOf, verify, writeDocuments } from './support.ts'

const world = await startWorld()
after(() => world.close())
const good = createTarball({ name: 'good', version: '1.0.0' })
const bad = createTarball({ name: 'bad', version: '1.0.0' })

function projectWith(policy: string, locked = [good, bad]) {
  const project = cliProject(world, { policy, files: { 'pnpm-lock.yaml': lockfileOf(locked) } })
  return project
}

const documents = async () => ({
  'good@1.0.0': await world.attest(good),
  'bad@1.0.0': await world.attest(bad, { identity: { workflow: '.github/workflows/other.yml' } }),
})

const exception = (pkg: string, expires = '2999-12-31') =>
  `exceptions: [{ package: ${pkg}, reason: waits for a release, expires: '${expires}' }]\n${POLICY}`

describe('a rule that only warns', () => {
  test('passes, and tells what would be refused', async (t) => {
    const project = projectWith(`${POLICY}    mode: warn\n`)
    t.after(() => project.dispose())
    const run = await verify(project, '--json', '--attestations', writeDocuments(project, await documents()))
    assert.equal(run.status, 0)
    assert.deepEqual(endings(reportOf(run)), { 'good@1.0.0': 'proven', 'bad@1.0.0': 'warned' })
    assert.match(run.stderr, /│ package +│ warned because/)
    assert.match(run.stderr, /│ bad@1\.0\.0 +│ WORKFLOW_MISMATCH/)
    assert.doesNotMatch(run.stderr, /refused because/)
  })

  test('refuses from the day that it names', async (t) => {
    const project = projectWith(`${POLICY}    mode: warn\n    enforceFrom: '2026-01-31'\n`)
    t.after(() => project.dispose())
    const run = await verify(project, '--attestations', writeDocuments(project, await documents()))
    assert.equal(run.status, 1)
    assert.match(run.stderr, /│ package +│ refused because/)
  })
})

describe('an exception', () => {
  test('passes, and stands in the report', async (t) => {
    const project = projectWith(exception('bad@1.0.0'))
    t.after(() => project.dispose())
    const run = await verify(project, '--json', '--attestations', writeDocuments(project, await documents()))
    assert.equal(run.status, 0)
    const made = reportOf(run)
    assert.deepEqual(endings(made), { 'good@1.0.0': 'proven', 'bad@1.0.0': 'excepted' })
    const [excepted] = made.packages.filter(({ name }) => name === 'bad')
    assert.equal(excepted?.code, 'WORKFLOW_MISMATCH')
    assert.deepEqual(
      [excepted?.exception?.reason, excepted?.exception?.expires, excepted?.exception?.line],
      ['waits for a release', '2999-12-31', 1],
    )
    assert.doesNotMatch(run.stderr, /unused exception/)
  })

  for (const [pkg, why] of [
    ['good@1.0.0', 'nothing is wrong with it'],
    ['bad@1.0.1', 'the lockfile does not have it'],
  ] as const) {
    test(`that excuses nothing is told: ${why}`, async (t) => {
      const project = projectWith(exception(pkg), [good])
      t.after(() => project.dispose())
      const run = await verify(project, '--attestations', writeDocuments(project, await documents()))
      assert.equal(run.status, 0)
      assert.match(run.stderr, new RegExp(`unused exception for ${pkg} \\(\\.sigstorerc:1\\): ${why}\\. Remove it\\.`))
    })
  }

  test('that is over is told with the refusal, and as one to remove', async (t) => {
    const project = projectWith(exception('bad@1.0.0', '2026-01-31'))
    t.after(() => project.dispose())
    const run = await verify(project, '--attestations', writeDocuments(project, await documents()))
    assert.equal(run.status, 1)
    assert.match(run.stderr, /│ bad@1\.0\.0 +│ EXCEPTION_EXPIRED/)
    assert.match(run.stderr, /unused exception for bad@1\.0\.0 .*: it is over\. Remove it\./)
  })
})
