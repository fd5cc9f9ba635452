/** The gate's own entry, in lockfiles that each manager has just written: no rule permits something else in its place. */
import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { GATE_NAME } from '../../src/util/gate-name.ts'
import { createManagerProject, type Manager, runManager } from '../support/managers/index.ts'
import { createProject, runPnpm } from '../support/pnpm/index.ts'
import { createTarball } from '../support/registry/index.ts'
import { startWorld, type World } from '../support/world.ts'
import { cliProject, lockfileOf, type Report, reportOf, runCli } from './support.ts'

const POLICY = 'rules: [{ packages: "**", require: nothing }]\n'
const gate = createTarball({ name: GATE_NAME, version: '1.0.0' })
const evil = createTarball({ name: 'evil', version: '1.0.0' })

let world: World
before(async () => {
  world = await startWorld()
  world.registry.publish(gate)
  world.registry.publish(evil)
})
after(() => world.close())

const codesOf = ({ packages }: Report) => packages.map(({ name, status, code }) => `${name}: ${code ?? status}`)

async function judge(t: TestContext, manager: Manager | 'pnpm', specifier: string): Promise<Report> {
  const options = {
    registry: world.registry.url,
    manifest: { dependencies: { [GATE_NAME]: specifier } },
    files: { ...world.policyFiles(POLICY), 'folder/package.json': `{"name": "${GATE_NAME}", "version": "1.0.0"}` },
  }
  const project = manager === 'pnpm' ? createProject(options) : createManagerProject(options)
  t.after(() => project.dispose())
  const made =
    manager === 'pnpm'
      ? await runPnpm(12, ['install', '--lockfile-only'], project as ReturnType<typeof createProject>)
      : await runManager(manager, manager === 'yarn4' ? ['install', '--mode=skip-build'] : ['install'], {
          cwd: project.dir,
          env: project.env,
        })
  assert.equal(made.status, 0, made.output)
  return reportOf(await runCli(['verify', '--json'], { cwd: project.dir, env: project.env }))
}

for (const manager of ['pnpm', 'npm11', 'npm12', 'yarn1', 'yarn4', 'bun'] as const) {
  describe(`locked by ${manager}`, () => {
    test('the gate from the registry is permitted', async (t) => {
      assert.deepEqual(codesOf(await judge(t, manager, '1.0.0')), [`${GATE_NAME}: permitted`])
    })

    test('another package under its name is refused', async (t) => {
      const report = await judge(t, manager, 'npm:evil@1.0.0')
      assert.deepEqual(codesOf(report), ['evil: GATE_REPLACED'])
      assert.match(report.packages[0]?.found ?? '', /installed as "pnpm-plugin-provenance-gate"/)
    })

    test('a folder is refused', async (t) => {
      const report = await judge(t, manager, 'file:./folder')
      assert.deepEqual(codesOf(report), [`${GATE_NAME}: GATE_REPLACED`])
    })
  })
}

describe('where pnpm-workspace.yaml pins the gate', () => {
  const other = createTarball({ name: GATE_NAME, version: '1.0.0', files: { 'pnpmfile.cjs': 'module.exports = {}' } })
  for (const [what, locked, expected] of [
    ['the same digest in the lockfile is permitted', gate, ['permitted']],
    ['another one is refused', other, ['GATE_REPLACED', 'permitted']],
    [
      'another version is refused',
      createTarball({ name: GATE_NAME, version: '1.0.1' }),
      ['GATE_REPLACED', 'permitted'],
    ],
  ] as const) {
    test(what, async (t) => {
      const project = cliProject(world, { policy: POLICY, files: { 'pnpm-lock.yaml': lockfileOf([locked]) } })
      t.after(() => project.dispose())
      const pin = `configDependencies: { ${GATE_NAME}: 1.0.0+${gate.integrity} }\n`
      appendFileSync(join(project.dir, 'pnpm-workspace.yaml'), pin)
      const run = await runCli(['verify', '--json'], { cwd: project.dir, env: project.env })
      const { packages } = reportOf(run)
      assert.deepEqual(packages.map(({ code, status }) => code ?? status).sort(), [...expected])
      if (expected.length > 1) assert.match(run.stdout, /not 1\.0\.0 \(sha512-[^)]*\), which is pinned/)
    })
  }

  test('the first document of the lockfile cannot say otherwise', async (t) => {
    const document = `---
lockfileVersion: '9.0'
importers:
  .:
    configDependencies:
      ${GATE_NAME}: { specifier: 1.0.0, version: 1.0.0 }
packages:
  ${GATE_NAME}@1.0.0:
    resolution: { integrity: ${other.integrity} }
snapshots:
  ${GATE_NAME}@1.0.0: {}
---
`
    const files = { 'pnpm-lock.yaml': `${document}${lockfileOf([evil])}` }
    const project = cliProject(world, { policy: POLICY, files })
    t.after(() => project.dispose())
    const verify = async () =>
      codesOf(reportOf(await runCli(['verify', '--json'], { cwd: project.dir, env: project.env }))).sort()
    assert.deepEqual(await verify(), ['evil: permitted', `${GATE_NAME}: permitted`])
    const pin = `configDependencies: { ${GATE_NAME}: 1.0.0+${gate.integrity} }\n`
    appendFileSync(join(project.dir, 'pnpm-workspace.yaml'), pin)
    const both = [`${GATE_NAME}: GATE_REPLACED`, `${GATE_NAME}: permitted`]
    assert.deepEqual(await verify(), ['evil: permitted', ...both])
  })
})
