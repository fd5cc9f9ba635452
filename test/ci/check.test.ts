/** docs/ci.md: the lines for a job whose install has the hook. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { VERSIONS } from '../hooks/stage.ts'
import { recipe } from '../support/ci/markdown.ts'
import { type PnpmVersion, type Project, postinstallsRun, runPnpm } from '../support/pnpm/index.ts'
import { pnpmScript } from '../support/pnpm/versions.ts'
import { type ProcessRun, runProcess } from '../support/process.ts'
import { CLI, startWorld, type World } from '../support/world.ts'

let world: World
before(async () => {
  world = await startWorld()
  await world.publish({ name: 'widget', version: '1.0.0' })
})
after(() => world.close())

const LINES = recipe('After the install', 'sh')

/** In a shell that ends at the first line that fails, as CI runs them, with that pnpm and the gate on PATH. */
function job(version: PnpmVersion, project: Project): Promise<ProcessRun> {
  const bin = path.join(project.root, 'bin')
  mkdirSync(bin, { recursive: true })
  for (const [name, script] of [
    ['pnpm', pnpmScript(version)],
    ['provenance-gate', CLI],
  ] as const)
    writeFileSync(path.join(bin, name), `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`, { mode: 0o755 })
  const env = { ...project.env, PATH: `${bin}${path.delimiter}${project.env.PATH}` }
  return runProcess(['sh', '-ec', LINES], { cwd: project.dir, env }, (why, output) => new Error(`${why}:\n${output}`))
}

for (const version of VERSIONS) {
  describe(`pnpm ${version}`, { skip: process.platform === 'win32' && 'a shell runs them' }, () => {
    test('the lines after the install pass where the gate was there, and run what was judged', async (t) => {
      const project = world.gatedProject({ dependencies: { widget: '1.0.0' } })
      t.after(() => project.dispose())
      assert.equal((await runPnpm(version, ['install', '--lockfile-only'], project)).status, 0)
      const { status, output } = await job(version, project)
      assert.equal(status, 0, output)
      assert.match(output, /1 package in node_modules, installed under the gate/)
      assert.deepEqual(postinstallsRun(project), ['widget@1.0.0'])
    })

    test('the lines after the install end where a setting has kept the gate away, and run nothing', async (t) => {
      const project = world.gatedProject({ dependencies: { widget: '1.0.0' }, workspace: { ignorePnpmfile: true } })
      t.after(() => project.dispose())
      assert.equal((await runPnpm(version, ['install', '--lockfile-only'], project)).status, 0)
      const lockfile = path.join(project.dir, 'pnpm-lock.yaml')
      writeFileSync(lockfile, readFileSync(lockfile, 'utf8').replace(/^pnpmfileChecksum: .*\n\n/m, ''))
      const { status, output } = await job(version, project)
      assert.equal(status, 1, output)
      assert.match(output, /was not installed under the gate/)
      assert.deepEqual(postinstallsRun(project), [])
    })
  })
}
