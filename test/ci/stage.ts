import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { recipe } from '../support/ci/markdown.ts'
import { createManagerProject, managerCommand } from '../support/managers/index.ts'
import { pnpmScript } from '../support/pnpm/versions.ts'
import { type ProcessRun, runProcess } from '../support/process.ts'
import { createTarball, type PackedPackage, readTarball } from '../support/registry/index.ts'
import { POLICY, startWorld, type World } from '../support/world.ts'

export const GATE = 'pnpm-plugin-provenance-gate'
const ROOT = join(import.meta.dirname, '../..')
const AUTHOR = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.invalid', '-c', 'commit.gpgsign=false']

/** What the recipes install by name: packages of the local registry that start the real one. */
const STUBS: readonly (readonly [name: string, version: string, program: string, command: readonly string[]])[] = [
  ['pnpm', '11.28.11', 'pnpm', [process.execPath, pnpmScript(11)]],
  ['yarn', '1.22.22', 'yarn', managerCommand('yarn1')],
  ['@yarnpkg/cli-dist', '4.18.1', 'yarn', managerCommand('yarn4')],
  ['bun', '1.4.5', 'bun', managerCommand('bun')],
]

export type Locker = 'pnpm' | 'npm11' | 'yarn1' | 'yarn4' | 'bun'

/** Who locks for the rows of the page's table. */
export const LOCKERS: Readonly<Record<string, Locker>> = { pnpm: 'pnpm', npm: 'npm11', 'yarn 1': 'yarn1', bun: 'bun' }

const LOCK: Readonly<Record<Locker, readonly [string, ...string[]]>> = {
  pnpm: [process.execPath, pnpmScript(11), 'install', '--lockfile-only'],
  npm11: [...managerCommand('npm11'), 'install', '--package-lock-only'],
  yarn1: [...managerCommand('yarn1'), 'install', '--ignore-scripts'],
  yarn4: [...managerCommand('yarn4'), 'install', '--mode=update-lockfile'],
  bun: [...managerCommand('bun'), 'install', '--lockfile-only'],
}

/** What the protected branch knows of `good`. */
const IDENTITY_LOCK = `version: 2
packages:
  good:
    published:
      - from:
          - 1.0.0
        issuer: github
        repository: acme/widgets
        repositoryId: "520031842"
        runner: hosted
        ref: branch
`

/** A repository whose main branch has a project, its policy and the pin of the gate, and a machine that clones it. */
export interface Stage {
  readonly world: World
  readonly root: string
  /** The work tree of somebody who makes a change. */
  readonly dir: string
  readonly env: Readonly<Record<string, string>>
  /** The tarball of the gate that the registry has. */
  readonly gate: PackedPackage
  git(...args: readonly string[]): Promise<ProcessRun>
  run(
    command: readonly [string, ...string[]],
    cwd?: string,
    env?: Readonly<Record<string, string>>,
  ): Promise<ProcessRun>
  write(files: Readonly<Record<string, string>>): void
  read(file: string): string
  /** Lets a package manager lock these dependencies, which runs nothing, and commits all that there is on a branch of its own. */
  change(
    branch: string,
    dependencies: Readonly<Record<string, string>>,
    files?: Readonly<Record<string, string>>,
    manager?: Locker,
  ): Promise<void>
  /** A machine on which nothing was run yet: an empty folder, with an environment of its own. */
  machine(): Machine
  dispose(): Promise<void>
}

export interface Machine {
  readonly root: string
  readonly env: Readonly<Record<string, string>>
  /** Of which packages a script was run. */
  scriptsRun(): readonly string[]
}

export async function stage(): Promise<Stage> {
  const world = await startWorld()
  const gate = await packGate()
  world.registry.publish(gate)
  for (const [name, version, program, command] of STUBS) world.registry.publish(stub(name, version, program, command))
  await world.publish({ name: 'good', version: '1.0.0' })
  world.publishUnproven({ name: 'stolen', version: '1.0.0' })

  const project = createManagerProject({
    registry: world.registry.url,
    manifest: { trustedDependencies: ['good', 'stolen'], allowScripts: { good: true, stolen: true } },
    files: {
      ...world.policyFiles(POLICY),
      'provenance-lock.yaml': IDENTITY_LOCK,
      '.gitignore': 'node_modules/\n',
      'pnpm-workspace.yaml':
        'dangerouslyAllowAllBuilds: true\nupdateNotifier: false\npmOnFail: ignore\nfetchRetries: 0\n',
    },
  })
  const toolbox = join(project.root, 'toolbox')
  mkdirSync(toolbox)
  program(join(toolbox, 'npm'), managerCommand('npm11'))
  const { root, dir } = project
  const env = environment(project.env, root, toolbox, world.registry.url)
  const machines: string[] = []

  const run: Stage['run'] = (command, cwd = dir, more = {}) =>
    runProcess(
      command,
      { cwd, env: { ...env, ...more } },
      (why, output) => new Error(`${command[0]} ${why}:\n${output}`),
    )
  const git: Stage['git'] = (...args) => run(['git', ...AUTHOR, ...args])
  const must = async (running: Promise<ProcessRun>) => {
    const done = await running
    assert.equal(done.status, 0, done.output)
  }
  const change: Stage['change'] = async (branch, dependencies, files = {}, manager = 'pnpm') => {
    if (branch !== 'main') await must(git('checkout', '--quiet', '--force', '-B', branch, 'main'))
    for (const lockfile of ['pnpm-lock.yaml', 'node_modules'])
      rmSync(join(dir, lockfile), { recursive: true, force: true })
    const manifest = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as object
    project.write({ 'package.json': JSON.stringify({ ...manifest, dependencies }, null, 2) })
    await must(run(LOCK[manager]))
    rmSync(join(dir, 'node_modules'), { recursive: true, force: true })
    project.write(files)
    await must(git('add', '--all'))
    await must(git('commit', '--quiet', '--allow-empty', '--message', branch))
  }

  await must(git('init', '--quiet', '--initial-branch', 'main'))
  await must(run(['bash', '-euo', 'pipefail', '-c', recipe('Pin the gate', 'sh')]))
  await change('main', { good: '1.0.0' })

  return {
    ...{ world, root, dir, env, gate, git, run, change },
    write: project.write,
    read: (file) => readFileSync(join(dir, file), 'utf8'),
    machine: () => {
      const machine = mkdtempSync(join(tmpdir(), 'ci-machine-'))
      machines.push(machine)
      const markers = join(machine, 'markers')
      mkdirSync(markers)
      const own = environment(fresh(project.env, root, machine), machine, toolbox, world.registry.url)
      return {
        root: machine,
        env: { ...own, POSTINSTALL_MARKERS: markers },
        scriptsRun: () => readdirSync(markers).map(decodeURIComponent).sort(),
      }
    },
    dispose: async () => {
      for (const machine of machines) rmSync(machine, { recursive: true, force: true, maxRetries: 5 })
      project.dispose()
      await world.close()
    },
  }
}

/** The same environment with every folder of the other machine replaced by one of this. */
function fresh(env: Readonly<Record<string, string>>, from: string, to: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => {
      if (!value.startsWith(from)) return [name, value]
      const folder = join(to, value.slice(from.length))
      if (!folder.endsWith('npmrc')) mkdirSync(folder, { recursive: true })
      return [name, folder]
    }),
  )
}

/** The user's registry is that of the test, as a company's would be: by the user's settings, not by the repository's. */
function environment(env: Readonly<Record<string, string>>, root: string, toolbox: string, registry: string) {
  const prefix = join(root, 'prefix')
  writeFileSync(join(env.HOME ?? assert.fail(), '.npmrc'), `registry=${registry}\nprefix=${prefix}\n`)
  return { ...env, PATH: [toolbox, join(prefix, 'bin'), env.PATH ?? ''].join(delimiter), GIT_CONFIG_NOSYSTEM: '1' }
}

/** This repository as `npm pack` would publish it. It is built: `npm test` does so first. */
async function packGate(): Promise<PackedPackage> {
  assert.ok(existsSync(join(ROOT, 'dist/cli.cjs')), 'run `npm run build` first')
  const folder = mkdtempSync(join(tmpdir(), 'ci-gate-'))
  try {
    const args = [
      ...managerCommand('npm11').slice(1),
      'pack',
      '--ignore-scripts',
      '--silent',
      '--pack-destination',
      folder,
    ]
    await promisify(execFile)(process.execPath, args, { cwd: ROOT })
    const [file = assert.fail()] = readdirSync(folder)
    return await readTarball(join(folder, file))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function stub(name: string, version: string, bin: string, [command, ...args]: readonly string[]): PackedPackage {
  const source = `#!/usr/bin/env node
const { status } = require('node:child_process').spawnSync(${JSON.stringify(command)}, [...${JSON.stringify(args)}, ...process.argv.slice(2)], { stdio: 'inherit' })
process.exitCode = status ?? 1
`
  return createTarball({ name, version, bin: { [bin]: 'start.cjs' }, files: { 'start.cjs': source } })
}

function program(file: string, command: readonly string[]): void {
  writeFileSync(file, `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(' ')} "$@"\n`)
  chmodSync(file, 0o755)
}
