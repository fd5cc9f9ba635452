import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { recipe, recipeFor, rows } from '../support/ci/markdown.ts'
import type { ProcessRun } from '../support/process.ts'
import { LOCKERS, type Machine, stage } from './stage.ts'

const made = await stage()
after(() => made.dispose())

const PIPELINE = recipe('GitLab CI', 'yaml')
const RUNNER = fileURLToPath(new URL('../../node_modules/gitlab-ci-local/dist/index.js', import.meta.url))

interface Ran extends ProcessRun {
  readonly machine: Machine
  readonly dir: string
}

/** All jobs of the pipeline on a clone, by gitlab-ci-local. There are no containers here: its shell executor runs them, which takes no notice of `image`. */
async function pipeline(ref: string, text = PIPELINE): Promise<Ran> {
  const machine = made.machine()
  const dir = join(machine.root, 'clone')
  const cloned = await made.run(['git', 'clone', '--quiet', '--branch', ref, made.dir, dir])
  assert.equal(cloned.status, 0, cloned.output)
  writeFileSync(join(dir, '.gitlab-ci.yml'), text)
  // It copies the tree for containers that are to come, by a program that not every machine has. None come.
  const tools = join(machine.root, 'tools')
  mkdirSync(tools)
  writeFileSync(join(tools, 'rsync'), '#!/bin/sh\n', { mode: 0o755 })
  const PATH = [tools, machine.env.PATH].join(delimiter)
  const branch = ['--variable', 'CI_DEFAULT_BRANCH=main', '--ignore-predefined-vars', 'CI_DEFAULT_BRANCH']
  const options = ['--force-shell-executor', '--no-color', ...branch]
  const run = await made.run([process.execPath, RUNNER, ...options], dir, { ...machine.env, PATH })
  return { ...run, machine, dir }
}

function assertNothingInstalled({ dir, machine }: Ran): void {
  assert.equal(existsSync(join(dir, 'node_modules')), false)
  assert.deepEqual(machine.scriptsRun(), [])
}

describe('the pipeline', () => {
  test('installs what is proven, and keeps evidence without the key', async () => {
    const ran = await pipeline('main')
    assert.equal(ran.status, 0, ran.output)
    assert.match(ran.output, /1 package: 1 proven/)
    assert.ok(existsSync(join(ran.dir, 'node_modules/good')))
    assert.deepEqual(ran.machine.scriptsRun(), ['good@1.0.0'])
    const { judge } = parse(PIPELINE)
    assert.deepEqual(judge.cache.paths, ['.cache/provenance-gate/'])
    const kept = readdirSync(join(ran.dir, '.cache/provenance-gate'), { recursive: true, encoding: 'utf8' })
    assert.ok(
      kept.some((file) => file.startsWith('evidence')),
      kept.join(),
    )
    assert.deepEqual(
      kept.filter((file) => /key|compiled/.test(file)),
      [],
    )
  })

  test('ends at a package that is refused, whatever policy and pin the change brings along', async () => {
    await made.change(
      'stolen',
      { good: '1.0.0', stolen: '1.0.0' },
      {
        '.sigstorerc': 'rules: [{ packages: "**", require: nothing }]\n',
        'tools/gate/package-lock.json': '{"lockfileVersion":3,"packages":{}}',
      },
    )
    const ran = await pipeline('stolen')
    assert.equal(ran.status, 1, ran.output)
    assert.match(ran.output, /stolen@1\.0\.0/)
    assert.match(ran.output, /2 packages: 1 proven, 0 permitted, 0 warned, 0 excepted, 1 refused/)
    assert.doesNotMatch(ran.output, /pnpm v11/)
    assertNothingInstalled(ran)
  })

  test('ends at settings that a change brings along, and does not install the gate by them', async () => {
    const settings = `${made.read('.npmrc')}offline=true\nglobal=true\n`
    await made.change('settings', { good: '1.0.0' }, { '.npmrc': settings })
    const ran = await pipeline('settings')
    assert.equal(ran.status, 1, ran.output)
    assert.match(ran.output, /SETTINGS_UNSAFE: .*\n.*\.npmrc:\d+ "offline" = true/)
    assertNothingInstalled(ran)
  })

  test('ends at a change that takes something out of the identity lock', async () => {
    await made.change('loosened', { good: '1.0.0' }, { 'provenance-lock.yaml': 'version: 2\npackages: {}\n' })
    const ran = await pipeline('loosened')
    assert.equal(ran.status, 1, ran.output)
    assert.match(ran.output, /good {2}LOCK_LOOSENED: found nothing of it/)
    assertNothingInstalled(ran)
  })

  test('ends where there is no policy to judge by', async () => {
    const ran = await pipeline('main', PIPELINE.replaceAll('$protected/.sigstorerc', '$protected/none'))
    assert.equal(ran.status, 1, ran.output)
    assert.match(ran.output, /provenance-gate: .*none/)
    assertNothingInstalled(ran)
  })

  test('ends where the protected branch cannot be had', async () => {
    const ran = await pipeline('main', PIPELINE.replaceAll('"$CI_DEFAULT_BRANCH"', 'gone'))
    assert.equal(ran.status, 1, ran.output)
    assert.match(ran.output, /couldn't find remote ref gone/)
    assert.doesNotMatch(ran.output, /\d+ packages?: /)
    assertNothingInstalled(ran)
  })

  test('installs in a later stage, which waits for the verdict', () => {
    const { stages, judge, install } = parse(PIPELINE)
    assert.ok(stages.indexOf(judge.stage) < stages.indexOf(install.stage))
    for (const job of [judge, install])
      assert.deepEqual([job.needs, job.allow_failure, job.when], [undefined, undefined, undefined])
  })
})

for (const row of rows().slice(1)) {
  test(`the pipeline for ${row.manager}`, async () => {
    const locker = LOCKERS[row.manager] ?? assert.fail()
    const text = recipeFor(row, PIPELINE)
    assert.doesNotMatch(text.replace('pnpm-plugin', ''), /pnpm/)
    await made.change('good', { good: '1.0.0' }, {}, locker)
    const passed = await pipeline('good', text)
    assert.equal(passed.status, 0, passed.output)
    assert.match(passed.output, /1 package: 1 proven/)
    assert.deepEqual(passed.machine.scriptsRun(), ['good@1.0.0'])

    await made.change('stolen', { good: '1.0.0', stolen: '1.0.0' }, {}, locker)
    const stopped = await pipeline('stolen', text)
    assert.equal(stopped.status, 1, stopped.output)
    assert.match(stopped.output, /1 refused/)
    assertNothingInstalled(stopped)
  })
}
