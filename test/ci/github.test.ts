import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { parse } from 'yaml'
import { ACTION, commandsIn, type Job, runJob, stepsOf } from '../support/ci/github.ts'
import { recipe } from '../support/ci/markdown.ts'
import { digests } from '../support/registry/index.ts'
import { GATE, type Machine, stage } from './stage.ts'

const made = await stage()
after(() => made.dispose())

const WORKFLOW = recipe('GitHub Actions', 'yaml')
const STEPS = stepsOf(WORKFLOW)
const CHECKOUTS = STEPS.slice(0, 2)

await made.change('stolen', { good: '1.0.0', stolen: '1.0.0' })

interface Ran extends Job {
  readonly machine: Machine
  readonly workspace: string
}

async function job(ref: string, steps = STEPS): Promise<Ran> {
  const machine = made.machine()
  const done = await runJob(steps, { ...machine, repository: made.dir, ref })
  return { ...done, machine, workspace: join(machine.root, 'workspace') }
}

/** The action alone, on a checkout of the change and of the protected branch. */
function action(ref: string, inputs: Readonly<Record<string, string>>): Promise<Ran> {
  const given = { 'working-directory': 'change', gate: '../protected/tools/gate', ...inputs }
  return job(ref, [...CHECKOUTS, { uses: 'OWNER/provenance-gate@COMMIT', with: given }])
}

function assertNothingInstalled({ workspace, machine }: Ran): void {
  assert.equal(existsSync(join(workspace, 'change/node_modules')), false)
  assert.deepEqual(machine.scriptsRun(), [])
}

const JUDGED = /^\d+ packages?: /m

describe('the workflow', () => {
  test('installs what is proven', async () => {
    const ran = await job('main')
    assert.equal(ran.status, 0, ran.log)
    assert.match(ran.log, /^1 package: 1 proven/m)
    assert.ok(existsSync(join(ran.workspace, 'change/node_modules/good')))
    assert.deepEqual(ran.machine.scriptsRun(), ['good@1.0.0'])
  })

  test('ends at a package that is refused, with the report, and nothing of it is installed or run', async () => {
    const ran = await job('stolen')
    assert.equal(ran.status, 1, ran.log)
    assert.match(ran.log, /stolen@1\.0\.0/)
    assert.match(ran.log, /sigstorerc:4 /)
    assert.match(ran.log, /^2 packages: 1 proven, 0 permitted, 0 warned, 0 excepted, 1 refused/m)
    assertNothingInstalled(ran)
  })

  test('takes the policy and the pin of the gate from nobody who proposes a change', async () => {
    const anything = 'rules: [{ packages: "**", require: nothing }]\n'
    await made.change(
      'loosened',
      { good: '1.0.0', stolen: '1.0.0' },
      {
        '.sigstorerc': anything,
        'tools/gate/package.json': '{}',
        'tools/gate/package-lock.json': '{"lockfileVersion":3,"packages":{}}',
        // Where an action's shell, or npm, might look.
        '.bashrc': 'touch "$RUNNER_TEMP/pwned"\n',
        'node_modules.cjs': '',
      },
    )
    const ran = await job('loosened')
    assert.equal(ran.status, 1, ran.log)
    assert.match(ran.log, /1 refused/)
    assertNothingInstalled(ran)
  })

  test('ends at settings that a change brings along, and does not install the gate by them', async () => {
    const settings = `${made.read('.npmrc')}offline=true\nglobal=true\n`
    await made.change('settings', { good: '1.0.0' }, { '.npmrc': settings })
    const ran = await job('settings')
    assert.notEqual(ran.status, 0, ran.log)
    assert.match(ran.log, /SETTINGS_UNSAFE: .*\n.*\.npmrc:\d+ "offline" = true/)
    assertNothingInstalled(ran)
  })

  test('ends at a change that takes something out of the identity lock, and nothing is installed', async () => {
    const lock = made.read('provenance-lock.yaml').replace('        runner: hosted\n', '')
    await made.change('loosened-lock', { good: '1.0.0' }, { 'provenance-lock.yaml': lock })
    const ran = await job('loosened-lock')
    assert.equal(ran.status, 1, ran.log)
    assert.match(ran.log, /^provenance-lock\.yaml:\d+ {2}good {2}LOCK_LOOSENED: found from 1\.0\.0 on no runner/m)
    assert.match(ran.log, /^1 package: 1 proven/m)
    assertNothingInstalled(ran)
  })

  test('is not led astray by a link where the protected branch is checked out', async () => {
    await made.change('linked', { good: '1.0.0', stolen: '1.0.0' })
    assert.equal((await made.run(['ln', '-s', '.', 'protected'])).status, 0)
    await made.git('add', 'protected')
    await made.git('commit', '--quiet', '--amend', '--no-edit')
    const ran = await job('linked')
    assert.equal(ran.status, 1, ran.log)
    assertNothingInstalled(ran)
  })

  test('pins what it uses by commit, and gives no step a token', () => {
    const used = [...WORKFLOW.matchAll(/uses: (.*)/g)].map(([, name = '']) => name)
    assert.equal(used.length, 4)
    for (const name of used) {
      assert.match(name, /^(actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|OWNER\/provenance-gate@COMMIT #.*)$/)
    }
    const { permissions, jobs, on } = parse(WORKFLOW)
    assert.deepEqual(permissions, {})
    assert.deepEqual(jobs.install.permissions, { contents: 'read' })
    assert.deepEqual(Object.keys(on), ['pull_request', 'push'])
    assert.doesNotMatch(WORKFLOW, /\$\{\{|secrets|token/i)
    for (const checkout of CHECKOUTS) assert.equal(String(checkout.with?.['persist-credentials']), 'false')
  })
})

describe('the action', () => {
  test('has no script that an expression is part of', () => {
    for (const { run = '' } of [...ACTION.runs.steps, ...STEPS]) assert.doesNotMatch(run, /\$\{\{/)
    assert.equal(ACTION.runs.using, 'composite')
    for (const { shell, uses } of ACTION.runs.steps) assert.deepEqual([shell, uses], ['bash', undefined])
  })

  const EVIL = [
    '$(touch "$RUNNER_TEMP/pwned")',
    '`touch $RUNNER_TEMP/pwned`',
    '"; touch "$RUNNER_TEMP/pwned"; "',
    "' || true #",
  ]
  for (const [name, status] of [
    ['lockfile', 2],
    ['policy', 2],
    ['base-lock', 2],
    ['arguments', 2],
    ['working-directory', 1],
    ['gate', 1],
  ] as const) {
    test(`runs nothing that the input ${name} has, and does not take it for a pass`, async () => {
      const value = `${EVIL.join('')}\n::warning::obey\n\r::error::obey ##[error]obey`
      const ran = await action('main', { [name]: value })
      assert.equal(ran.status, status, ran.log)
      assert.deepEqual(
        readdirSync(join(ran.machine.root, 'runner-temp')).filter((file) => file === 'pwned'),
        [],
      )
      assert.doesNotMatch(ran.log, JUDGED)
      if (status === 2) assert.deepEqual(ran.commands, [])
    })
  }

  test('takes names for what they are', async () => {
    const folder = `--help "quoted" $HOME '$(id)'`
    await made.change('names', { good: '1.0.0' })
    for (const file of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', '.npmrc'])
      made.write({ [`${folder}/${file}`]: made.read(file) })
    made.write({ [`${folder}/-p`]: made.read('.sigstorerc').replaceAll('trust/', '../trust/') })
    await made.git('add', '--all')
    await made.git('commit', '--quiet', '--amend', '--no-edit')
    const inputs = { 'working-directory': `change/${folder}`, gate: '../../protected/tools/gate' }
    const ran = await action('names', {
      ...inputs,
      policy: '-p',
      lockfile: 'pnpm-lock.yaml',
      arguments: '\n--json\n\n',
    })
    assert.equal(ran.status, 0, ran.log)
    assert.match(ran.log, /^1 package: 1 proven/m)
    assert.match(ran.log, /"status": "proven"/)
  })

  test('judges unless it is told not to with the very word', async () => {
    for (const verify of ['False', '']) assert.equal((await action('stolen', { verify })).status, 1, verify)
    const ran = await job('stolen', [
      ...CHECKOUTS,
      { uses: 'OWNER/provenance-gate@COMMIT', with: { gate: 'protected/tools/gate', verify: 'false' } },
      { run: 'provenance-gate verify --lockfile change/pnpm-lock.yaml' },
    ])
    assert.equal(ran.status, 1, ran.log)
    assert.equal(ran.log.match(new RegExp(JUDGED, 'mg'))?.length, 1)
  })

  test('reads no settings beside the pin', async () => {
    await made.change('settings', { good: '1.0.0' }, { 'tools/gate/.npmrc': 'offline=true\nglobal=true\n' })
    const ran = await action('settings', { gate: 'tools/gate' })
    assert.equal(ran.status, 0, ran.log)
    assert.match(ran.log, /^1 package: 1 proven/m)
  })

  describe('installs no gate', () => {
    test('that has other bytes than the pin says, whatever the registry says of them', async (t) => {
      const { version } = made.gate.manifest
      const other = Buffer.concat([made.gate.bytes, Buffer.alloc(512)])
      const publish = (bytes: Buffer) => {
        made.world.registry.setTarball(GATE, version, bytes)
        made.world.registry.setIntegrity(GATE, version, digests(bytes).integrity)
      }
      t.after(() => publish(made.gate.bytes))
      publish(other)
      const ran = await job('main')
      assert.notEqual(ran.status, 0)
      assert.match(ran.log, /EINTEGRITY/)
      assert.doesNotMatch(ran.log, JUDGED)
      assertNothingInstalled(ran)
    })

    const pin = JSON.parse(made.read('tools/gate/package-lock.json'))
    const gate = pin.packages[`node_modules/${GATE}`]
    const { integrity, ...unpinned } = gate
    const cases: Readonly<Record<string, object>> = {
      'that is pinned by its version alone': { [`node_modules/${GATE}`]: unpinned },
      'that is pinned by a digest that anybody can meet': {
        [`node_modules/${GATE}`]: { ...gate, integrity: 'sha1-3q2+7w==' },
      },
      'that is a link': { [`node_modules/${GATE}`]: { ...gate, link: true, resolved: '../../evil' } },
      'beside something else': { [`node_modules/${GATE}`]: gate, 'node_modules/good': gate },
      'of another name': { 'node_modules/provenance-gate': gate },
    }
    for (const [title, packages] of Object.entries(cases)) {
      test(title, async () => {
        assert.ok(integrity)
        const lock = { ...pin, packages: { '': pin.packages[''], ...packages } }
        await made.change('pins', { good: '1.0.0' }, { 'tools/gate/package-lock.json': JSON.stringify(lock) })
        const ran = await action('pins', { gate: 'tools/gate' })
        assert.equal(ran.status, 2, ran.log)
        assert.match(ran.log, /by a sha512 digest: docs\/ci\.md/)
        assert.doesNotMatch(ran.log, JUDGED)
      })
    }

    test('without a pin', async () => {
      const ran = await action('main', { gate: 'trust' })
      assert.equal(ran.status, 1)
      assert.doesNotMatch(ran.log, JUDGED)
    })
  })
})

describe("the runner's part in these tests", () => {
  test('knows a command when it sees one', () => {
    assert.deepEqual(commandsIn('::error::a\n b ::error::\n  ::warning::c\nx ##[error]d\rz'), [
      '::error::a',
      '::warning::c',
      'x ##[error]d',
    ])
    assert.deepEqual(commandsIn('::stop-commands::t\n::error::a\n::other::\n::t::\n::error::b'), ['::error::b'])
  })

  test('runs no step that it does not understand', async () => {
    for (const step of [
      { uses: 'somebody/else@v1' },
      { run: 'true', if: 'always()' },
      { run: `echo $\{{ github.actor }}` },
    ]) {
      await assert.rejects(job('main', [step]), /not known here/)
    }
    await assert.rejects(action('main', { typo: '' }), /inputs that the action does not have/)
  })
})
