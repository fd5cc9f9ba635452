import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createManagerProject, MANAGERS, ManagerKilled, runManager } from '../support/managers/index.ts'
import { createTarball, type Registry, startRegistry } from '../support/registry/index.ts'

let registry: Registry
before(async () => {
  registry = await startRegistry()
  registry.publish(createTarball({ name: 'widget', version: '1.0.0' }))
})
after(() => registry.close())

const LOCKFILES = {
  npm11: 'package-lock.json',
  npm12: 'package-lock.json',
  yarn1: 'yarn.lock',
  yarn4: 'yarn.lock',
  bun: 'bun.lock',
}

for (const manager of MANAGERS) {
  describe(manager, () => {
    it('installs from the local registry, and writes its lockfile', async (t) => {
      const project = createManagerProject({ registry: registry.url, manifest: { dependencies: { widget: '^1.0.0' } } })
      t.after(() => project.dispose())
      registry.forgetRequests()
      const { status, output } = await runManager(manager, ['install'], { cwd: project.dir, env: project.env })
      assert.equal(status, 0, output)
      assert.ok(existsSync(join(project.dir, LOCKFILES[manager])), output)
      assert.ok(existsSync(join(project.dir, 'node_modules/widget/package.json')), output)
      assert.ok(registry.requests.some(({ path }) => path.endsWith('widget-1.0.0.tgz')))
    })

    it('is killed when its time is over, which is no answer', async (t) => {
      const project = createManagerProject({ registry: registry.url })
      t.after(() => project.dispose())
      const where = { cwd: project.dir, env: project.env, timeoutMs: 1 }
      await assert.rejects(runManager(manager, ['install'], where), ManagerKilled)
    })
  })
}
