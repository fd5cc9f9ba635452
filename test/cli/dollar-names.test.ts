/** Projects of a workspace with `$` in front of their name (babel has `$repo-utils`), locked by the managers that take them. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { createManagerProject, type Manager, runManager } from '../support/managers/index.ts'
import { startWorld, type World } from '../support/world.ts'
import { runCli } from './support.ts'

let world: World
before(async () => {
  world = await startWorld()
})
after(() => world.close())

const rules = (...names: readonly string[]) =>
  `rules:\n${names.map((name) => `  - packages: '${name}'\n    source: workspace\n    require: nothing\n`).join('')}`
const FILES = { 'scripts/utils/package.json': '{"name":"$repo-utils","version":"1.0.0"}' }

async function locked(t: TestContext, manager: Manager) {
  const manifest = { workspaces: ['scripts/*'], dependencies: { '$repo-utils': 'workspace:*' } }
  const project = createManagerProject({ registry: world.registry.url, manifest, files: FILES })
  t.after(() => project.dispose())
  const { status, output } = await runManager(manager, ['install'], { cwd: project.dir, env: project.env })
  assert.equal(status, 0, output)
  return project
}

for (const manager of ['yarn4', 'bun'] as const) {
  test(`${manager}: a rule names such a project, and others are not about it`, async (t) => {
    const { dir, env } = await locked(t, manager)
    for (const [names, status] of [
      [['$repo-utils', 'project'], 0],
      [['$*', 'project'], 0],
      [['**'], 0],
      [['repo-utils', 'project'], 1],
      [['$repo', 'project'], 1],
    ] as const) {
      writeFileSync(path.join(dir, '.sigstorerc'), rules(...names))
      const run = await runCli(['verify'], { cwd: dir, env })
      assert.equal(run.status, status, `${names.join()}: ${run.stderr}`)
      assert.doesNotMatch(run.stderr, /ALIAS_INVALID/)
    }
  })
}
