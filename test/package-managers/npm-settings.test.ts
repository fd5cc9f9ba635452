import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { NPM_11 } from '../../src/package-managers/npm/settings-11.ts'
import { NPM_12 } from '../../src/package-managers/npm/settings-12.ts'
import type { SettingsList } from '../../src/package-managers/settings/types.ts'
import { createManagerProject, runManager } from '../support/managers/index.ts'
import { createTarball, type Registry, startRegistry } from '../support/registry/index.ts'
import { settingsIn, testList, unlisted } from './lists.ts'

type Npm = 'npm11' | 'npm12'
const LISTS: Readonly<Record<Npm, SettingsList>> = { npm11: NPM_11, npm12: NPM_12 }
const NPM = ['npm11', 'npm12'] as const

interface Definitions {
  readonly definitions: Readonly<Record<string, unknown>>
  /** Keys that npm reads below a registry's address, and refuses without one. */
  readonly nerfDarts: readonly string[]
}

/** npm's own list of its settings. */
function definitionsOf(npm: Npm): Definitions {
  const require = createRequire(import.meta.url)
  const module: unknown = require(`../../node_modules/${npm}/node_modules/@npmcli/config/lib/definitions/index.js`)
  return module as Definitions
}

for (const npm of NPM) {
  const list = LISTS[npm]
  testList(list)

  test(`${npm} knows no setting that is on neither list`, () => {
    const { definitions, nerfDarts } = definitionsOf(npm)
    const names = Object.keys(definitions)
    assert.ok(names.length > 150)
    assert.deepEqual(unlisted(settingsIn(list, '.npmrc'), [...names, ...nerfDarts]), [])
  })
}

const good = createTarball({ name: 'pkg', version: '1.0.0', files: { 'good.js': '' } })
const evil = createTarball({ name: 'pkg', version: '1.0.0', files: { 'evil.js': '' } })

let registry: Registry
before(async () => {
  registry = await startRegistry()
  registry.publish(good)
})
after(() => registry.close())

const lockfile = () => {
  const resolved = `${registry.url}pkg/-/pkg-1.0.0.tgz`
  const packages = {
    '': { dependencies: { pkg: '1.0.0' }, workspaces: ['app'] },
    app: { version: '1.0.0' },
    'node_modules/app': { resolved: 'app', link: true },
    'node_modules/pkg': { version: '1.0.0', resolved, integrity: good.integrity },
  }
  return JSON.stringify({ name: 'project', lockfileVersion: 3, requires: true, packages })
}

interface Outcome {
  readonly status: number | null
  readonly output: string
  /** Whether what the lockfile does not name was installed. */
  readonly isEvil: boolean
  /** Paths in node_modules that are there, of those that the lockfile has. */
  readonly installed: readonly string[]
}

/** What `npm ci` makes of an .npmrc, from a registry with other bytes than the lockfile's where `bytes` are the evil ones. */
async function ci(
  npm: Npm,
  rc: string,
  files: Readonly<Record<string, string>> = {},
  bytes = good.bytes,
): Promise<Outcome> {
  registry.setTarball('pkg', '1.0.0', bytes)
  const manifest = { dependencies: { pkg: '1.0.0' }, workspaces: ['app'] }
  const project = createManagerProject({
    registry: registry.url,
    manifest,
    files: {
      'package-lock.json': lockfile(),
      'app/package.json': JSON.stringify({ name: 'app', version: '1.0.0' }),
      '.npmrc': `registry=${registry.url}\nallow-remote=all\n${rc}\n`,
      ...files,
    },
  })
  try {
    // Variables come before the files of the project; a machine that has never seen npm has none of these.
    const { npm_config_userconfig: _, npm_config_globalconfig: __, npm_config_cache: ___, ...env } = project.env
    const { status, output } = await runManager(npm, ['ci', '--ignore-scripts'], { cwd: project.dir, env })
    const has = (file: string) => existsSync(join(project.dir, 'node_modules', file))
    return { status, output, isEvil: has('pkg/evil.js'), installed: ['app', 'pkg'].filter(has) }
  } finally {
    project.dispose()
  }
}

for (const npm of NPM) {
  const { accepted, refused } = settingsIn(LISTS[npm], '.npmrc')

  test(`${npm} without a setting installs all of the lockfile, and refuses other bytes`, async () => {
    const { status, output, installed } = await ci(npm, '')
    assert.equal(status, 0, output)
    assert.deepEqual(installed, ['app', 'pkg'])
    assert.notEqual((await ci(npm, '', {}, evil.bytes)).status, 0)
  })

  for (const key of ['userconfig', 'globalconfig']) {
    test(`${npm} takes settings that the gate does not read from the file that ${key} names`, async () => {
      assert.ok(Object.hasOwn(refused, key))
      const { status, output, isEvil } = await ci(npm, `${key}=./x`, { x: 'install-strategy=linked\n' }, evil.bytes)
      assert.equal(status, 0, output)
      assert.equal(isEvil, true)
    })
  }

  for (const key of ['usage', 'dry-run', 'package-lock-only']) {
    test(`${npm} installs nothing with ${key}, and ends without an error`, async () => {
      assert.ok(Object.hasOwn(refused, key))
      const { status, output, installed } = await ci(npm, `${key}=true`)
      assert.equal(status, 0, output)
      assert.deepEqual(installed, [])
    })
  }

  test(`${npm} leaves out the projects of the workspace with workspaces=false`, async () => {
    assert.ok(Object.hasOwn(refused, 'workspaces'))
    const { status, output, installed } = await ci(npm, 'workspaces=false')
    assert.equal(status, 0, output)
    assert.deepEqual(installed, ['pkg'])
  })

  test(`${npm} compares digests with every setting at once that is accepted as true or false`, async () => {
    // npm stops where two of the first are set, and with the last where another manager's setting is.
    const alone = ['save-dev', 'save-optional', 'save-peer', 'save-prod', 'strict-npmrc']
    const names = Object.entries(accepted).flatMap(([name, form]) => (form === 'boolean' ? [name] : []))
    assert.ok(names.length > 50)
    const together = names.filter((name) => !alone.includes(name))
    for (const value of ['true', 'false']) {
      const rc = together.map((name) => `${name}=${value}`).join('\n')
      const { status, output, installed } = await ci(npm, rc)
      assert.equal(status, 0, output)
      assert.deepEqual(installed, ['app', 'pkg'])
      assert.notEqual((await ci(npm, rc, {}, evil.bytes)).status, 0)
    }
  })

  for (const rc of [
    'legacy-peer-deps=true',
    'install-strategy=nested',
    'install-strategy=shallow',
    'min-release-age=7',
  ])
    test(`${npm} installs the lockfile's bytes with ${rc}, and no other ones`, async () => {
      const [key = ''] = rc.split('=')
      assert.ok(Object.hasOwn(accepted, key))
      const { status, output, installed } = await ci(npm, rc)
      assert.equal(status, 0, output)
      assert.deepEqual(installed, ['app', 'pkg'])
      assert.notEqual((await ci(npm, rc, {}, evil.bytes)).status, 0)
    })
}
