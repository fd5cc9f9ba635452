import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { RunningProxy } from '../../src/proxy/proxy.ts'
import { createManagerProject, type ManagerProject, runManager } from '../support/managers/index.ts'
import { type Stage, startStage, statuses } from './support.ts'

const PACKAGES = Array.from({ length: 8 }, (_, index) => `strict-${index}`)

describe('fifty installs at once through one proxy', () => {
  let stage: Stage
  let proxy: RunningProxy
  before(async () => {
    stage = await startStage()
    for (const name of PACKAGES) await stage.world.publish({ name, version: '1.0.0' })
    stage.world.publishUnproven({ name: 'unproven', version: '1.0.0' })
    proxy = await stage.open()
  })
  after(() => stage.close())

  /** In all but the last one everything is as it should be. */
  async function installs(count: number, run: (project: ManagerProject) => Promise<number | null>): Promise<void> {
    const projects = Array.from({ length: count }, (_, index) => {
      const names = index % 2 === 0 ? PACKAGES : [...PACKAGES, 'unproven']
      const dependencies = Object.fromEntries(names.map((name) => [name, '1.0.0']))
      return {
        project: createManagerProject({ registry: stage.world.registry.url, manifest: { dependencies } }),
        names,
      }
    })
    try {
      const ended = await Promise.all(projects.map(({ project }) => run(project)))
      for (const [index, { project }] of projects.entries()) {
        const modules = join(project.dir, 'node_modules')
        if (index % 2 === 0) {
          assert.equal(ended[index], 0)
          assert.deepEqual(
            readdirSync(modules)
              .filter((name) => !name.startsWith('.'))
              .sort(),
            PACKAGES,
          )
        } else {
          assert.notEqual(ended[index], 0)
          assert.ok(!existsSync(join(modules, 'unproven')))
        }
      }
    } finally {
      for (const { project } of projects) project.dispose()
    }
  }

  it('each ends as if it were alone', async () => {
    await installs(50, async (project) => {
      const env = { ...project.env, HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url }
      return (await runManager('bun', ['install'], { cwd: project.dir, env })).status
    })
    assert.deepEqual([...statuses(proxy.verdicts())].sort(), [
      ...PACKAGES.map((name) => `${name}@1.0.0 proven`),
      'unproven@1.0.0 refused EVIDENCE_MISSING',
    ])
  })

  it('also where half of them are killed in the middle', async () => {
    const controller = new AbortController()
    const killed = createManagerProject({
      registry: stage.world.registry.url,
      manifest: { dependencies: Object.fromEntries(PACKAGES.map((name) => [name, '1.0.0'])) },
    })
    const env = (project: ManagerProject) => ({ ...project.env, HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url })
    stage.world.registry.forgetRequests()
    const { signal } = controller
    const dying = Array.from({ length: 10 }, () =>
      runManager('bun', ['install'], { cwd: killed.dir, env: env(killed), signal }).catch(() => undefined),
    )
    const living = installs(
      10,
      async (project) => (await runManager('bun', ['install'], { cwd: project.dir, env: env(project) })).status,
    )
    // As soon as the registry has been asked for a tarball.
    while (!stage.world.registry.requests.some(({ path }) => path.endsWith('.tgz'))) await new Promise(setImmediate)
    controller.abort()
    await Promise.all(dying)
    await living
    killed.dispose()
    assert.equal(proxy.verdicts().filter(({ status }) => status === 'refused').length, 1)
  })
})
