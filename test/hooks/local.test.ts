import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import {
  markedPackage,
  type PnpmVersion,
  type Project,
  postinstallsRun,
  prepareStore,
  runPnpm,
  writeMarkedFolder,
} from '../support/pnpm/index.ts'
import { POLICY, startWorld, type World } from '../support/world.ts'
import { good, linked, permitting, VERSIONS } from './stage.ts'

/** Folders and tarballs in the place of packages: nothing can prove them, so only a rule for their name lets them in. */
let world: World
/** Any server that is no registry. */
let url: string
const server = createServer((_, response) => response.end(markedPackage(good('tool')).bytes))

before(async () => {
  world = await startWorld()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tool-1.0.0.tgz`
})
after(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await world.close()
})

const KINDS: readonly { readonly name: string; readonly specifier: () => string; readonly runs: boolean }[] = [
  { name: 'a folder', specifier: () => 'file:tool', runs: true },
  { name: 'a linked folder', specifier: () => 'link:tool', runs: false },
  { name: 'a tarball', specifier: () => 'file:tool.tgz', runs: true },
  { name: 'a tarball of some server', specifier: () => url, runs: true },
]

function projectWith(t: TestContext, specifier: string, policy: string): Project {
  const project = world.gatedProject({ dependencies: { tool: specifier }, policy })
  t.after(() => project.dispose())
  writeMarkedFolder(path.join(project.dir, 'tool'), good('tool'))
  writeFileSync(path.join(project.dir, 'tool.tgz'), markedPackage(good('tool')).bytes)
  return project
}

function assertNothing(project: Project): void {
  assert.deepEqual(postinstallsRun(project), [])
  assert.deepEqual(
    linked(project).filter((name) => name.startsWith('tool')),
    [],
  )
}

const refusal = /EVIDENCE_MISSING found: a dependency from (a folder|a tarball URL or file)/

for (const version of VERSIONS) {
  describe(`pnpm ${version}`, () => {
    for (const { name, specifier, runs } of KINDS) {
      test(`${name} that no rule permits is neither linked nor run, fresh or added`, async (t) => {
        const fresh = projectWith(t, specifier(), POLICY)
        const installed = await runPnpm(version, ['install'], fresh)
        assert.notEqual(installed.status, 0, installed.flat)
        assert.match(installed.flat, refusal)
        assertNothing(fresh)
        for (const added of [specifier(), `tool@${specifier()}`]) {
          const project = projectWith(t, specifier(), POLICY)
          writeFileSync(path.join(project.dir, 'package.json'), '{"name":"project","version":"0.0.0"}')
          const { status, flat } = await runPnpm(version, ['add', added], project)
          assert.notEqual(status, 0, flat)
          assert.match(flat, refusal)
          assertNothing(project)
        }
      })

      test(`${name} that no rule permits is neither linked nor run when it is locked, cold or warm`, async (t) => {
        const project = await locked(t, version, specifier())
        for (const store of ['cold', 'warm'] as const) {
          await prepareStore(version, project, store)
          const { status, flat } = await runPnpm(version, ['install', '--frozen-lockfile'], project)
          assert.notEqual(status, 0, flat)
          assert.match(flat, refusal)
          assertNothing(project)
        }
      })

      test(`${name} is installed, fresh and locked, where a rule permits its name`, async (t) => {
        const project = projectWith(t, specifier(), permitting('tool'))
        for (const args of [['install'], ['install', '--frozen-lockfile']]) {
          await prepareStore(version, project, 'cold')
          const { status, output } = await runPnpm(version, args, project)
          assert.equal(status, 0, output)
          assert.ok(linked(project).includes('tool'))
        }
        assert.deepEqual(postinstallsRun(project), runs ? ['tool@1.0.0'] : [])
      })
    }
  })
}

async function locked(t: TestContext, version: PnpmVersion, specifier: string): Promise<Project> {
  const project = projectWith(t, specifier, permitting('tool'))
  const { status, output } = await runPnpm(version, ['install', '--lockfile-only'], project)
  assert.equal(status, 0, output)
  writeFileSync(path.join(project.dir, '.sigstorerc'), POLICY)
  return project
}
