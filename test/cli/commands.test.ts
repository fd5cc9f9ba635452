/** A pull request writes names, versions, paths and policies. No line of any command's output is one that a CI runner obeys. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import { createTarball } from '../support/registry/index.ts'
import { isCommand } from '../support/runners.ts'
import { PNPMFILE, startWorld } from '../support/world.ts'
import { cliProject, runCli } from './support.ts'

const world = await startWorld()
after(() => world.close())
const { integrity } = createTarball({ name: 'widget', version: '1.0.0' })

const COMMANDS = {
  GitHub: '::add-mask::1 package',
  'GitHub, behind white space': ' \u00a0::error file=x::y',
  'GitHub, in its first form': 'x##[add-mask]1 package',
  'Azure Pipelines': '##vso[task.setvariable variable=PATH]/evil',
  TeamCity: "##teamcity[buildStatus status='SUCCESS' text='ok']",
  Buildkite: '--- :white_check_mark: all proven',
  'a line of its own': 'x\n::error::y\r::error::z\u2028##[error]w',
}

const lockfileOf = (evil: string) => {
  const keys = [`${evil}@1.0.0`, `widget@${evil}`, `@x/y@https://evil.example/${evil}`]
  return stringify({
    lockfileVersion: '9.0',
    importers: { '.': {}, [evil]: { dependencies: { [evil]: { specifier: '1.0.0', version: '1.0.0' } } } },
    packages: Object.fromEntries(keys.map((key) => [key, { resolution: { integrity } }])),
    snapshots: Object.fromEntries(keys.map((key) => [key, {}])),
  })
}

function assertNone(text: string): void {
  for (const line of text.split('\n')) assert.ok(!isCommand(line), JSON.stringify(line))
}

function project(t: TestContext, evil: string, policy?: string) {
  const files = { 'pnpm-lock.yaml': lockfileOf(evil) }
  const made = cliProject(world, { files, ...(policy !== undefined && { policy }) })
  t.after(() => made.dispose())
  mkdirSync(path.join(made.root, 'attestations'))
  return made
}

const FOLDER = ['--attestations', '../attestations']
const RUNS: Readonly<Record<string, (evil: string) => readonly string[]>> = {
  verify: () => ['verify', ...FOLDER],
  'verify --json': () => ['verify', '--json', ...FOLDER],
  explain: (evil) => ['explain', evil, ...FOLDER],
  'explain of what is not there': (evil) => ['explain', `${evil}?`, ...FOLDER],
  accept: () => ['accept', ...FOLDER],
  'accept of what is not there': (evil) => ['accept', `${evil}?`, ...FOLDER],
  export: () => ['export', '--out', 'out', ...FOLDER],
  'policy check': () => ['policy', 'check'],
  run: () => ['run', ...FOLDER, '--', 'pnpm', 'install', '--frozen-lockfile'],
  'a file that is not there': (evil) => ['verify', '--lockfile', evil],
  'an unknown option': (evil) => ['verify', `--${evil}`],
}

for (const [runner, evil] of Object.entries(COMMANDS)) {
  describe(`a command to ${runner}`, () => {
    for (const [title, args] of Object.entries(RUNS)) {
      test(`is not in the output of ${title}`, async (t) => {
        const made = project(t, evil)
        const { stdout, stderr } = await runCli(args(evil), { cwd: made.dir, env: made.env })
        assert.notEqual(stdout + stderr, '')
        assertNone(stdout)
        assertNone(stderr)
      })
    }

    test('is not in the output of init', async (t) => {
      const made = cliProject(world, { files: { '.sigstorerc': '', 'pnpm-lock.yaml': lockfileOf(evil) } })
      t.after(() => made.dispose())
      const dir = path.join(made.root, 'other')
      mkdirSync(dir)
      writeFileSync(path.join(dir, 'pnpm-lock.yaml'), lockfileOf(evil))
      mkdirSync(path.join(made.root, 'attestations'))
      const run = await runCli(['init', ...FOLDER], { cwd: dir, env: made.env })
      assertNone(run.stdout)
      assertNone(run.stderr)
    })

    test('is not in what is said of a policy, its cases and its mistakes', async (t) => {
      const key = JSON.stringify(evil)
      const made = project(t, evil, `rules: [{ packages: "**", require: nothing }]\n`)
      const cases = `cases: [{ name: ${key}, package: { name: x, version: 1.0.0 }, expect: refused }]\n`
      writeFileSync(path.join(made.dir, 'cases.yaml'), cases)
      for (const [file, text] of Object.entries({
        'wrong.yaml': `rules: [{ packages: ${key}, require: ${key}, ${key}: 1 }]\n`,
        'broken.yaml': `rules: ${key}\n  ${evil}\n`,
      }))
        writeFileSync(path.join(made.dir, file), text)
      for (const args of [
        ['policy', 'test', 'cases.yaml'],
        ['policy', 'check', '--policy', 'wrong.yaml'],
        ['policy', 'check', '--policy', 'broken.yaml'],
      ]) {
        const { stdout, stderr } = await runCli(args, { cwd: made.dir, env: made.env })
        assertNone(stdout)
        assertNone(stderr)
        assert.notEqual(stderr, '')
      }
    })

    test('is not in what the hook throws', async (t) => {
      const made = project(t, evil)
      const context = {
        lockfileDir: made.dir,
        registries: { default: world.registry.url },
        wantedLockfile: {
          lockfileVersion: '9.0',
          importers: {},
          packages: { [`${evil}@1.0.0`]: { resolution: { integrity } } },
        },
      }
      const hooks = `require(${JSON.stringify(PNPMFILE)}).hooks`
      const code = `(async () => {
        await ${hooks}.preResolution(${JSON.stringify(context)}).catch(({ message }) => console.log(message))
        try { ${hooks}.updateConfig({ userAgent: ${JSON.stringify(`pnpm/12.3.${evil.replaceAll(/\s/g, '')}`)} }) } catch ({ message }) { console.log(message) }
      })()`
      const { stdout, stderr } = await promisify(execFile)(process.execPath, ['-e', code], {
        cwd: made.dir,
        env: made.env,
      })
      assert.match(stdout, /provenance-gate/)
      assertNone(stdout)
      assertNone(stderr)
    })
  })
}
