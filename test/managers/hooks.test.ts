/** What bun and yarn 4 tell hooks of theirs, and why the gate stands in none of them: docs/hooks.md. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { createManagerProject, type Manager, type ManagerProject, runManager } from '../support/managers/index.ts'
import { createTarball, type Registry, startRegistry } from '../support/registry/index.ts'

let registry: Registry
before(async () => {
  registry = await startRegistry()
  registry.publish(createTarball({ name: 'widget', version: '1.0.0' }))
})
after(() => registry.close())

const manifest = { dependencies: { widget: '^1.0.0' } }

/** What the hook has noted while a command ran, from an empty node_modules on. */
async function noted(manager: Manager, project: ManagerProject, args: readonly string[]): Promise<readonly string[]> {
  const notes = path.join(project.dir, 'notes.txt')
  rmSync(notes, { force: true })
  rmSync(path.join(project.dir, 'node_modules'), { recursive: true, force: true })
  await runManager(manager, args, { cwd: project.dir, env: project.env })
  return existsSync(notes) ? readFileSync(notes, 'utf8').trim().split('\n') : []
}

function projectWith(t: TestContext, files: Readonly<Record<string, string>>): ManagerProject {
  const project = createManagerProject({ registry: registry.url, manifest, files })
  t.after(() => project.dispose())
  return project
}

test('a scanner of bun is told no digest, and bunx does not ask it', async (t) => {
  const project = projectWith(t, {
    'bunfig.toml': `[install]\nregistry = "${registry.url}"\n[install.security]\nscanner = "./scanner.ts"\n`,
    'scanner.ts': `import { appendFileSync } from 'node:fs'
      export const scanner = {
        version: '1',
        async scan({ packages }) {
          appendFileSync('notes.txt', packages.map((each) => JSON.stringify(Object.keys(each).sort()) + '\\n').join(''))
          return []
        },
      }\n`,
  })
  const told = ['["name","requestedRange","tarball","version"]']
  assert.deepEqual(await noted('bun', project, ['install']), told)
  assert.deepEqual(await noted('bun', project, ['install', '--frozen-lockfile']), told)
  assert.deepEqual(await noted('bun', project, ['x', 'widget']), [])
})

test('a plugin of yarn 4 is not asked about what is in the cache', async (t) => {
  const project = projectWith(t, {
    'plugin.cjs': `const note = (text) => require('fs').appendFileSync('notes.txt', text + '\\n')
      module.exports = { name: 'plugin-notes', factory: () => ({ hooks: {
        wrapNetworkRequest: async (executor, { target }) => { note('fetches ' + new URL(target).pathname); return executor },
        validateProject: () => note('validateProject'),
        afterAllInstalled: () => note('afterAllInstalled'),
      } }) }\n`,
  })
  const settings = readFileSync(path.join(project.dir, '.yarnrc.yml'), 'utf8')
  project.write({ '.yarnrc.yml': `${settings}plugins:\n  - ./plugin.cjs\n` })
  const fetches = ['fetches /widget', 'fetches /widget/-/widget-1.0.0.tgz']
  assert.deepEqual(await noted('yarn4', project, ['install']), ['validateProject', ...fetches, 'afterAllInstalled'])
  assert.deepEqual(await noted('yarn4', project, ['install', '--immutable']), ['validateProject', 'afterAllInstalled'])
})
