import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { allowSettings } from '../../support/allow-settings.ts'
import {
  createManagerProject,
  MANAGERS,
  type Manager,
  type ManagerProject,
  managerCommand,
} from '../../support/managers/index.ts'
import { snapshotTree } from '../../support/pnpm/index.ts'
import { type PnpmVersion, pnpmScript } from '../../support/pnpm/versions.ts'
import { type ProcessRun, runProcess } from '../../support/process.ts'
import { CLI, type World } from '../../support/world.ts'
import { assertNoStack } from '../support.ts'

/** Every package manager that `run` is tried with. */
export type Runner = Manager | 'pnpm10' | 'pnpm11' | 'pnpm12'

/** Versions that differ from those in what they write. */
type OldPnpm = 'pnpm10.12' | 'pnpm10.25'

export const RUNNERS: readonly Runner[] = [...MANAGERS, 'pnpm10', 'pnpm11', 'pnpm12']

export const isPnpm = (runner: Runner | OldPnpm) => runner.startsWith('pnpm')

export function commandOf(runner: Runner | OldPnpm): readonly [string, ...string[]] {
  return isPnpm(runner)
    ? [process.execPath, pnpmScript(runner.slice(4) as `${PnpmVersion}`)]
    : managerCommand(runner as Manager)
}

export const LOCKFILES: Readonly<Record<Runner, string>> = {
  ...{
    npm11: 'package-lock.json',
    npm12: 'package-lock.json',
    yarn1: 'yarn.lock',
    yarn4: 'yarn.lock',
    bun: 'bun.lock',
  },
  ...{ pnpm10: 'pnpm-lock.yaml', pnpm11: 'pnpm-lock.yaml', pnpm12: 'pnpm-lock.yaml' },
}

/** An install that keeps strictly to the lockfile. */
export const STRICT: Readonly<Record<Runner, readonly string[]>> = {
  ...{ npm11: ['ci'], npm12: ['ci'], yarn1: ['install', '--frozen-lockfile'], yarn4: ['install', '--immutable'] },
  bun: ['install', '--frozen-lockfile'],
  ...{ pnpm10: ['install', '--frozen-lockfile'], pnpm11: ['install', '--frozen-lockfile'] },
  pnpm12: ['install', '--frozen-lockfile'],
}

export interface RunProject extends ManagerProject {
  readonly markersDir: string
}

interface Wanted {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly policy?: string
  readonly files?: Readonly<Record<string, string>>
  readonly manifest?: Readonly<Record<string, unknown>>
  readonly registry?: string
}

/** A project with a policy, in which every manager runs the scripts of dependencies: else that none ran would prove nothing. */
export function runProject(t: TestContext, world: World, wanted: Wanted = {}): RunProject {
  const { dependencies = {}, policy, files, manifest, registry = world.registry.url } = wanted
  const names = ['widget', 'gizmo', '@acme/gadget', 'evil', 'bare', 'tool']
  const made = createManagerProject({
    registry,
    manifest: {
      dependencies,
      allowScripts: Object.fromEntries(names.map((name) => [name, true])),
      trustedDependencies: names,
      ...manifest,
    },
    files: {
      ...world.policyFiles(policy),
      'pnpm-workspace.yaml':
        'dangerouslyAllowAllBuilds: true\nsideEffectsCache: false\npmOnFail: ignore\nupdateNotifier: false\nfetchRetries: 0\n',
      ...files,
    },
  })
  t.after(() => made.dispose())
  const markersDir = path.join(made.root, 'markers')
  mkdirSync(markersDir)
  return { ...made, markersDir, env: { ...made.env, POSTINSTALL_MARKERS: markersDir } }
}

interface Extra {
  readonly env?: Readonly<Record<string, string>>
  readonly options?: readonly string[]
  readonly cwd?: string
  /** Whether settings that are not known to be safe are refused. Else the policy allows them, as an operator may. */
  readonly refusesSettings?: boolean
}

/** `provenance-gate run -- MANAGER args`. */
export async function through(
  runner: Runner | OldPnpm,
  args: readonly string[],
  project: RunProject,
  { env, options = [], cwd = project.dir, refusesSettings = false }: Extra = {},
): Promise<ProcessRun> {
  if (!refusesSettings) allowSettings(project.dir, [path.relative(project.dir, cwd)])
  const command = [process.execPath, CLI, 'run', ...options, '--', ...commandOf(runner), ...args] as const
  const run = await runProcess([...command], { cwd, env: { ...project.env, ...env } }, killed)
  assertNoStack(run.stderr.replace(/^error Error: .*(?:\n {4}at .*)*/gm, ''))
  return run
}

/** The same without the gate. */
export function without(runner: Runner | OldPnpm, args: readonly string[], project: RunProject): Promise<ProcessRun> {
  return runProcess([...commandOf(runner), ...args], { cwd: project.dir, env: project.env }, killed)
}

function killed(why: string, output: string): Error {
  return new Error(`it ${why}:\n${output}`)
}

/** `run` with a program of its own in place of a manager, on PATH. */
export function start(
  args: readonly string[],
  project: RunProject,
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  return spawn(process.execPath, [CLI, 'run', '--', ...args], {
    cwd: project.dir,
    env: { ...project.env, ...env },
    stdio: 'pipe',
  })
}

/** `name@version` of every package whose code has run. */
export function marks({ markersDir }: RunProject): readonly string[] {
  return readdirSync(markersDir).map(decodeURIComponent).sort()
}

/** Every folder below node_modules that is called so, wherever a manager puts it. */
export function installed({ dir }: RunProject, name: string): readonly string[] {
  const modules = path.join(dir, 'node_modules')
  if (!existsSync(modules)) return []
  return readdirSync(modules, { recursive: true, encoding: 'utf8' }).filter((file) =>
    new RegExp(`(?:^|[/\\\\])${name}(?:@[^/\\\\]*)?[/\\\\]package\\.json$`).test(file),
  )
}

/** What is installed, byte for byte, and the lockfile. What managers write for themselves of times and paths is left out. */
export function result(runner: Runner, project: RunProject) {
  const tree = snapshotTree(path.join(project.dir, 'node_modules'), project.dir).filter(
    ([name]) => !/^\.(?:modules\.yaml|pnpm-workspace-state.*|yarn-integrity|yarn-state\.yml)$/.test(name),
  )
  return { tree, lockfile: readFileSync(path.join(project.dir, LOCKFILES[runner]), 'utf8'), marks: marks(project) }
}

/** What a run must leave behind: nothing in the folder for temporary files that is the gate's. */
export function assertNothingLeft({ env }: RunProject): void {
  assert.deepEqual(
    readdirSync(env.TMPDIR ?? '').filter((name) => name.startsWith('provenance-gate')),
    [],
  )
}
