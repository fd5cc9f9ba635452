/**
 * Settings by which a pull request leads pnpm past the gate, or the gate to another lockfile or policy. Whatever refuses them
 * before: an install that comes to its end in spite of that is told by `check`.
 */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { runCli } from '../cli/support.ts'
import { type PnpmVersion, type Project, runPnpm } from '../support/pnpm/index.ts'
import { startWorld, type World } from '../support/world.ts'
import { FOREIGN, good, PERMISSIVE, permitting } from './stage.ts'

let world: World

before(async () => {
  world = await startWorld()
  await world.publish(good('widget'))
  await world.publish(good('evil'), FOREIGN)
})
after(() => world.close())

interface Way {
  readonly versions: readonly PnpmVersion[]
  /** Makes a project whose install leads past the gate. */
  readonly make: (version: PnpmVersion) => Promise<Project>
  readonly install?: readonly (readonly string[])[]
}

const FROZEN = [['install', '--frozen-lockfile']]

async function must(version: PnpmVersion, args: readonly string[], project: Project): Promise<void> {
  const { status, output } = await runPnpm(version, args, project)
  assert.equal(status, 0, output)
}

/** A lockfile with `evil`, made in another folder where nothing is refused, and the files that pnpm wrote. */
async function evilLockfile(tried: PnpmVersion): Promise<string> {
  // The gate refuses to guard it.
  const version = tried === '12.15' ? 12 : tried
  const other = world.gatedProject({ dependencies: { evil: '1.0.0' }, policy: PERMISSIVE })
  await must(version, ['install', '--lockfile-only'], other)
  const text = readFileSync(path.join(other.dir, 'pnpm-lock.yaml'), 'utf8')
  other.dispose()
  return text
}

function write(project: Project, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(project.dir, name)), { recursive: true })
    writeFileSync(path.join(project.dir, name), text)
  }
}

function addSetting(project: Project, line: string, file = 'pnpm-workspace.yaml'): void {
  const place = path.join(project.dir, file)
  writeFileSync(place, `${readFileSync(place, 'utf8')}${line}\n`)
}

const APP = JSON.stringify({ name: 'app', version: '1.0.0', dependencies: { evil: '1.0.0' } })

const WAYS: Readonly<Record<string, Way>> = {
  'sharedWorkspaceLockfile: null, with a lockfile in the folder of a project': {
    versions: [10, 11, 12],
    make: async (version) => {
      const project = world.gatedProject({ dependencies: { widget: '1.0.0' }, workspace: { packages: ['app'] } })
      await must(version, ['install', '--lockfile-only'], project)
      write(project, { 'app/package.json': APP, 'app/pnpm-lock.yaml': await evilLockfile(version) })
      addSetting(project, 'sharedWorkspaceLockfile: null')
      return project
    },
  },
  'lockfileDir elsewhere': {
    versions: [10, 11, 12],
    make: async (version) => {
      const project = world.gatedProject({ dependencies: { evil: '1.0.0' } })
      write(project, { 'below/.sigstorerc': PERMISSIVE, 'below/pnpm-lock.yaml': await evilLockfile(version) })
      addSetting(project, 'lockfileDir: below')
      return project
    },
    install: [['install']],
  },
  'workspaceDir elsewhere, with a policy and a lockfile there': {
    versions: [10],
    make: async (version) => {
      const project = world.gatedProject({ dependencies: { evil: '1.0.0' } })
      write(project, { 'x/.sigstorerc': PERMISSIVE, 'x/pnpm-lock.yaml': await evilLockfile(version) })
      addSetting(project, 'workspaceDir: x')
      return project
    },
    install: [['install']],
  },
  'a userAgent of another version': {
    versions: [12, '12.15'],
    make: async (version) => {
      const project = world.gatedProject({ dependencies: { evil: '1.0.0' } })
      write(project, { 'pnpm-lock.yaml': await evilLockfile(version) })
      addSetting(project, 'userAgent: pnpm/11.28.11 npm/? node/? linux x64')
      return project
    },
    install: [['fetch'], ['install', '--frozen-lockfile', '--offline']],
  },
  'a node_modules that somebody has committed, of packages that the lockfile has': {
    versions: [10, 11, 12],
    make: async (version) => {
      const project = world.gatedProject({ dependencies: { widget: '1.0.0' } })
      const theirs = world.gatedProject({ dependencies: { widget: '1.0.0' } })
      await must(version, ['install'], theirs)
      for (const name of ['node_modules', 'pnpm-lock.yaml'])
        cpSync(path.join(theirs.dir, name), path.join(project.dir, name), { recursive: true, verbatimSymlinks: true })
      // Where the store is, and where the project: a pull request can foretell both.
      for (const name of ['.modules.yaml', '.pnpm-workspace-state-v1.json']) {
        const note = path.join(project.dir, 'node_modules', name)
        writeFileSync(note, readFileSync(note, 'utf8').replaceAll(theirs.root, project.root))
      }
      const file = path.join(project.dir, 'node_modules/.pnpm/widget@1.0.0/node_modules/widget/index.js')
      writeFileSync(file, 'evil')
      theirs.dispose()
      return project
    },
  },
  'a committed node_modules without what pnpm notes in it': {
    versions: [10, 11, 12],
    make: async (version) => {
      const project = world.gatedProject({ dependencies: { widget: '1.0.0' } })
      await must(version, ['install', '--lockfile-only'], project)
      const manifest = JSON.stringify({ name: 'widget', version: '1.0.0' })
      write(project, {
        'node_modules/widget/package.json': manifest,
        'node_modules/.pnpm/widget@1.0.0/node_modules/widget/package.json': manifest,
      })
      return project
    },
  },
  'an alias that is a path': {
    versions: [10, '10.25'],
    make: async () => {
      const project = world.gatedProject({ dependencies: { widget: '1.0.0' }, policy: permitting('evil') })
      await must(10, ['install', '--lockfile-only'], project)
      const place = path.join(project.dir, 'pnpm-lock.yaml')
      const [, evil = ''] = /(evil@1\.0\.0:\n.*\n)/.exec(await evilLockfile(10)) ?? []
      const text = readFileSync(place, 'utf8')
      writeFileSync(
        place,
        text
          .replace(/^packages:\n\n/m, (head) => `${head}  ${evil}\n`)
          .replace(/^snapshots:\n\n/m, (head) => `${head}  evil@1.0.0: {}\n\n`)
          .replace('widget@1.0.0: {}', 'widget@1.0.0:\n    dependencies:\n      x/../victim: evil@1.0.0'),
      )
      return project
    },
  },
}

for (const [what, { versions, make, install = FROZEN }] of Object.entries(WAYS)) {
  describe(what, () => {
    for (const version of versions) {
      test(`is stopped, or told by check: pnpm ${version}`, async (t: TestContext) => {
        const project = await make(version)
        t.after(() => project.dispose())
        let isInstalled = true
        for (const args of install) isInstalled &&= (await runPnpm(version, args, project)).status === 0
        const { status, stderr } = await runCli(['check'], { cwd: project.dir, env: project.env })
        t.diagnostic(
          `${isInstalled ? 'installed' : 'stopped'}, check ${status}: ${stderr.split('\n').slice(0, 3).join(' ')}`,
        )
        if (isInstalled) assert.notEqual(status, 0, stderr)
        // It says so, too, where the same is installed once more.
        if (isInstalled) await runPnpm(version, install.at(-1) ?? [], project)
        const again = await runCli(['check'], { cwd: project.dir, env: project.env })
        if (isInstalled) assert.notEqual(again.status, 0, again.stderr)
        rmSync(path.join(project.dir, 'node_modules'), { recursive: true, force: true })
      })
    }
  })
}
