/** The table of package managers: each of them in each recipe. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { runJob, stepsOf } from '../support/ci/github.ts'
import { PAGE, recipe, recipeFor, rows } from '../support/ci/markdown.ts'
import { LOCKERS, stage } from './stage.ts'

const made = await stage()
after(() => made.dispose())

const WORKFLOW = recipe('GitHub Actions', 'yaml')

async function job(ref: string, workflow: string) {
  const machine = made.machine()
  const done = await runJob(stepsOf(workflow), { ...machine, repository: made.dir, ref })
  return { ...done, machine, modules: join(machine.root, 'workspace/change/node_modules') }
}

test('the table has every one of them', () => {
  assert.deepEqual(
    rows().map(({ manager }) => manager),
    Object.keys(LOCKERS),
  )
})

for (const row of rows().slice(1)) {
  const locker = LOCKERS[row.manager] ?? assert.fail()
  const workflow = recipeFor(row, WORKFLOW)

  describe(`the workflow for ${row.manager}`, () => {
    test('mentions nothing of pnpm', () => assert.doesNotMatch(workflow.replace('pnpm-plugin', ''), /pnpm/))

    test('installs what is proven', async () => {
      await made.change('good', { good: '1.0.0' }, {}, locker)
      assert.ok(existsSync(join(made.dir, row.lockfile)))
      const ran = await job('good', workflow)
      assert.equal(ran.status, 0, ran.log)
      assert.match(ran.log, /^1 package: 1 proven/m)
      assert.ok(existsSync(join(ran.modules, 'good')))
      assert.deepEqual(ran.machine.scriptsRun(), ['good@1.0.0'])
    })

    test('ends at a package that is refused, before anything is installed or run', async () => {
      await made.change('stolen', { good: '1.0.0', stolen: '1.0.0' }, {}, locker)
      const ran = await job('stolen', workflow)
      assert.equal(ran.status, 1, ran.log)
      assert.match(ran.log, /stolen@1\.0\.0/)
      assert.match(ran.log, /^2 packages: 1 proven, .* 1 refused/m)
      assert.equal(existsSync(ran.modules), false)
      assert.deepEqual(ran.machine.scriptsRun(), [])
    })

    test('installs nothing that the lockfile does not have', async () => {
      await made.change('stale', { good: '1.0.0' }, {}, locker)
      const manifest = JSON.parse(made.read('package.json'))
      made.write({ 'package.json': JSON.stringify({ ...manifest, dependencies: { good: '1.0.0', stolen: '1.0.0' } }) })
      await made.git('commit', '--quiet', '--all', '--amend', '--no-edit')
      const ran = await job('stale', workflow)
      assert.notEqual(ran.status, 0, ran.log)
      assert.equal(existsSync(join(ran.modules, 'stolen')), false)
      assert.deepEqual(
        ran.machine.scriptsRun().filter((name) => name !== 'good@1.0.0'),
        [],
      )
    })
  })
}

const RUN = recipe('`verify` and install, or `run`', 'yaml')

/** The workflow with these steps in the place of those from the action on. */
function withRun(steps: string): string {
  const at = WORKFLOW.indexOf('      - uses: OWNER/')
  assert.ok(at > 0)
  return WORKFLOW.slice(0, at) + steps
}

const [, NPM = assert.fail()] = /^With npm that is `([^`]+)`/m.exec(PAGE) ?? []
const npmSteps = RUN.split('\n')
  .filter((line) => !line.includes('npm install --global'))
  .map((line) => line.replace(/provenance-gate run .*/, NPM))
  .join('\n')

for (const [name, steps, locker] of [
  ['yarn 4', RUN, 'yarn4'],
  ['npm', npmSteps, 'npm11'],
] as const) {
  describe(`the workflow with run, for ${name}`, () => {
    test('installs what is proven', async () => {
      await made.change('good', { good: '1.0.0' }, {}, locker)
      const ran = await job('good', withRun(steps))
      assert.equal(ran.status, 0, ran.log)
      assert.match(ran.log, /^1 package: 1 proven/m)
      assert.ok(existsSync(join(ran.modules, 'good')))
      assert.deepEqual(ran.machine.scriptsRun(), ['good@1.0.0'])
    })

    test('ends at a package that is refused, by the policy of the protected branch, and nothing of it is run', async () => {
      const loose = { '.sigstorerc': 'rules: [{ packages: "**", require: nothing }]\n' }
      await made.change('stolen', { good: '1.0.0', stolen: '1.0.0' }, loose, locker)
      const ran = await job('stolen', withRun(steps))
      assert.equal(ran.status, 1, ran.log)
      assert.match(ran.log, /stolen@1\.0\.0/)
      assert.match(ran.log, /1 refused/)
      assert.equal(existsSync(join(ran.modules, 'stolen')), false)
      assert.deepEqual(
        ran.machine.scriptsRun().filter((each) => each !== 'good@1.0.0'),
        [],
      )
    })
  })
}

test('what the page says of yarn 4: verify refuses what it locks', async () => {
  await made.change('berry', { good: '1.0.0' }, {}, 'yarn4')
  const ran = await job('berry', WORKFLOW)
  assert.equal(ran.status, 1, ran.log)
  assert.match(ran.log, /UNBOUND/)
})
