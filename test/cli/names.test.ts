/** Names that lead to the folder of another package, with the package managers that install them there. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { createProject, type PnpmVersion, runPnpm } from '../support/pnpm/index.ts'
import type { PackedPackage } from '../support/registry/index.ts'
import { startWorld, type World } from '../support/world.ts'
import { type RunProject, runProject, STRICT, through, without } from './run/support.ts'
import { endings, reportOf, runCli } from './support.ts'

/** Everything may be installed, in every way that a policy can say it. */
const POLICY = `
trust: { trustedRoot: trust/trusted_root.json, npmKeys: trust/keys.json }
mode: warn
exceptions:
  - { package: good@1.0.0, reason: it is good, expires: '2099-12-31' }
rules:
  - packages: victim
    require: provenance
    publisher: { repository: acme/widgets }
  - packages: "**"
    require: nothing
`

let world: World
let good: PackedPackage
let victim: PackedPackage
let parent: PackedPackage
before(async () => {
  world = await startWorld()
  victim = await world.publish({ name: 'victim', version: '1.0.0', files: { 'index.js': "module.exports = 'victim'" } })
  good = world.publishUnproven({ name: 'good', version: '1.0.0', files: { 'index.js': "module.exports = 'good'" } })
  parent = world.publishUnproven({ name: 'parent', version: '1.0.0' })
})
after(() => world.close())

const ALIASES = ['./victim', 'x/../victim'] as const

/** What is in the folder of `victim`. */
function installedAsVictim(dir: string): unknown {
  const file = path.join(dir, 'node_modules/victim/package.json')
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).name : undefined
}

const ENDINGS = { 'good@1.0.0': 'ALIAS_INVALID', 'victim@1.0.0': 'proven' }

async function assertRefused(dir: string, env: Readonly<Record<string, string>>): Promise<void> {
  const run = await runCli(['verify', '--json'], { cwd: dir, env })
  assert.equal(run.status, 1)
  const { 'parent@1.0.0': _, ...found } = endings(reportOf(run))
  assert.deepEqual(found, ENDINGS)
  assert.match(run.stderr, /good@1\.0\.0 +│ ALIAS_INVALID/)
}

describe('yarn 1 installs what an alias that is a path leads to', () => {
  const address = ({ manifest: { name } }: PackedPackage) => `${world.registry.url}${name}/-/${name}-1.0.0.tgz`
  const entry = (pattern: string, pkg: PackedPackage, more = '') =>
    `"${pattern}":\n  version "1.0.0"\n  resolved "${address(pkg)}#${pkg.shasum}"\n  integrity ${pkg.integrity}\n${more}`

  function aliased(t: TestContext, alias: string, asker: 'project' | 'package'): RunProject {
    const asked = { [alias]: 'npm:good@1.0.0' }
    const needs = asker === 'package' ? `  dependencies:\n    "${alias}" "npm:good@1.0.0"\n` : ''
    const entries = [
      entry(`${alias}@npm:good@1.0.0`, good),
      ...(asker === 'package' ? [entry('parent@1.0.0', parent, needs)] : []),
      entry('victim@1.0.0', victim),
    ]
    return runProject(t, world, {
      policy: POLICY,
      dependencies: { victim: '1.0.0', ...(asker === 'project' ? asked : { parent: '1.0.0' }) },
      files: { 'yarn.lock': `# yarn lockfile v1\n\n\n${entries.join('\n')}` },
    })
  }

  for (const alias of ALIASES) {
    for (const asker of ['project', 'package'] as const) {
      test(`${alias} of a ${asker}: verify and run refuse it, and nothing is installed`, async (t) => {
        const project = aliased(t, alias, asker)
        await assertRefused(project.dir, project.env)
        const run = await through('yarn1', STRICT.yarn1, project)
        assert.deepEqual([run.status, installedAsVictim(project.dir)], [1, undefined], run.output)
        assert.match(run.stderr, /ALIAS_INVALID/)
      })
    }
  }

  test('without the gate, in the place of victim', async (t) => {
    const project = aliased(t, 'x/../victim', 'project')
    const { status, output } = await without('yarn1', STRICT.yarn1, project)
    assert.deepEqual([status, installedAsVictim(project.dir)], [0, 'good'], output)
  })

  test('with package.json alone: run refuses it where it is fetched', async (t) => {
    const project = aliased(t, 'x/../victim', 'project')
    rmSync(path.join(project.dir, 'yarn.lock'))
    const run = await through('yarn1', ['install'], project)
    assert.deepEqual([run.status, installedAsVictim(project.dir)], [1, undefined], run.output)
    assert.match(run.stderr, /ALIAS_INVALID/)
  })
})

describe('pnpm', () => {
  const snapshots = (alias: string, asker: 'project' | 'package') => `
packages:

  good@1.0.0:
    resolution: {integrity: ${good.integrity}}

  parent@1.0.0:
    resolution: {integrity: ${parent.integrity}}

  victim@1.0.0:
    resolution: {integrity: ${victim.integrity}}

snapshots:

  good@1.0.0: {}

  parent@1.0.0:${asker === 'package' ? `\n    dependencies:\n      ${alias}: good@1.0.0` : ' {}'}

  victim@1.0.0: {}
`
  const lockfile = (alias: string, asker: 'project' | 'package') => `lockfileVersion: '9.0'

settings:
  autoInstallPeers: true
  excludeLinksFromLockfile: false

importers:

  .:
    dependencies:
${asker === 'project' ? `      ${alias}:\n        specifier: npm:good@1.0.0\n        version: good@1.0.0\n` : ''}\
      parent:
        specifier: 1.0.0
        version: 1.0.0
      victim:
        specifier: 1.0.0
        version: 1.0.0
${snapshots(alias, asker)}`
  const options = (alias: string, asker: 'project' | 'package', isLocked = true) => ({
    dependencies: {
      ...(asker === 'project' ? { [alias]: 'npm:good@1.0.0' } : {}),
      ...{ parent: '1.0.0', victim: '1.0.0' },
    },
    policy: POLICY,
    files: isLocked ? { 'pnpm-lock.yaml': lockfile(alias, asker) } : {},
  })

  for (const alias of [...ALIASES, 'VICTIM']) {
    for (const asker of ['project', 'package'] as const) {
      test(`${alias} of a ${asker}: verify refuses it`, async (t) => {
        const project = world.gatedProject(options(alias, asker))
        t.after(() => project.dispose())
        await assertRefused(project.dir, project.env)
      })
    }
  }

  for (const version of [10, 11, 12, '10.25'] as readonly PnpmVersion[]) {
    for (const alias of ['x/../victim', 'VICTIM']) {
      for (const asker of ['project', 'package'] as const) {
        test(`${version} with ${alias} of a ${asker}, locked: the hook refuses it, and nothing is installed`, async (t) => {
          const project = world.gatedProject(options(alias, asker))
          t.after(() => project.dispose())
          const { status, output } = await runPnpm(version, ['install', '--frozen-lockfile'], project)
          assert.deepEqual([status === 0, installedAsVictim(project.dir)], [false, undefined], output)
          assert.match(output, /ALIAS_INVALID/)
        })
      }

      test(`${version} with ${alias} in package.json: nothing is installed`, async (t) => {
        const project = world.gatedProject(options(alias, 'project', false))
        t.after(() => project.dispose())
        const { status, output } = await runPnpm(version, ['install'], project)
        assert.deepEqual([status === 0, installedAsVictim(project.dir)], [false, undefined], output)
        // Newer versions of pnpm refuse paths by themselves there.
        assert.match(output, alias === 'VICTIM' ? /ALIAS_INVALID/ : /ALIAS_INVALID|INVALID_DEPENDENCY_NAME/)
      })
    }
  }

  test('10.25 without the gate takes a path for the name of a folder', async (t) => {
    const project = createProject({ registry: world.registry.url, ...options('x/../stranger', 'project') })
    t.after(() => project.dispose())
    const { status, output } = await runPnpm('10.25', ['install', '--frozen-lockfile'], project)
    assert.equal(status, 0, output)
    assert.ok(existsSync(path.join(project.dir, 'node_modules/stranger/package.json')))
  })
})
