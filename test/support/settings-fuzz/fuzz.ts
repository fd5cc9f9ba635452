import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { readSettingsFiles } from '../../../src/package-managers/settings/files.ts'
import { findUnsafeSettings } from '../../../src/package-managers/settings/find.ts'
import type { SettingsManager } from '../../../src/package-managers/settings/types.ts'
import { managerCommand, managerEnvironment } from '../managers/index.ts'
import { pnpmScript } from '../pnpm/versions.ts'
import { runProcess } from '../process.ts'
import { createTarball, type Registry, startRegistry } from '../registry/index.ts'
import { installedPackages } from './installed.ts'
import { merge, type Trial } from './trials.ts'

export type Program = 'pnpm10' | 'pnpm11' | 'pnpm12' | 'npm11' | 'npm12' | 'yarn1' | 'bun'

export const PROGRAMS: readonly Program[] = ['pnpm10', 'pnpm11', 'pnpm12', 'npm11', 'npm12', 'yarn1', 'bun']

export function managerOf(program: Program): SettingsManager {
  return program.replace(/\d+$/, '') as SettingsManager
}

/**
 * `refused`: the gate refuses the setting. Of the others: `same`: the frozen install brings what it brings without the
 * setting; `failed`: it brings nothing. `differs` and `unchecked` are holes: other packages, or bytes that are not the
 * lockfile's.
 */
export type Outcome = 'refused' | 'same' | 'failed' | 'differs' | 'unchecked'

export interface Fuzzer {
  readonly registry: string
  try(trial: Trial): Promise<Outcome>
  close(): Promise<void>
}

const MANIFEST = {
  name: 'app',
  version: '1.0.0',
  private: true,
  dependencies: { lib: '^1.0.0' },
  devDependencies: { dev: '^1.0.0' },
}

/** Newer versions are there, so that an install that resolves again differs from one that keeps to the lockfile. */
function publish(registry: Registry, isLater: boolean): void {
  const packages = isLater
    ? [
        { name: 'dep', version: '1.1.0' },
        { name: 'lib', version: '1.1.0' },
        { name: 'dev', version: '1.1.0' },
      ]
    : [
        { name: 'dep', version: '1.0.0' },
        { name: 'lib', version: '1.0.0', dependencies: { dep: '^1.0.0' } },
        { name: 'dev', version: '1.0.0' },
        { name: 'extra', version: '1.0.0' },
      ]
  for (const each of packages) registry.publish(createTarball({ ...each, files: { 'index.js': '' } }))
}

/** Locks a small project with a real package manager, and then tries settings on it. */
export async function openFuzzer(program: Program): Promise<Fuzzer> {
  const [honest, lying] = [await startRegistry(), await startRegistry()]
  for (const registry of [honest, lying]) publish(registry, false)
  const files = { honest: await locked(program, honest), lying: await locked(program, lying) }
  for (const registry of [honest, lying]) publish(registry, true)
  const evil = createTarball({ name: 'dep', version: '1.0.0', files: { 'evil.js': '' } })
  lying.setTarball('dep', '1.0.0', evil.bytes)
  lying.setDist('dep', '1.0.0', { integrity: evil.integrity, shasum: evil.shasum })
  const expected = await install(program, files.honest, honest, undefined)
  if (expected.status !== 0) throw new Error(`${program} does not install from its own lockfile:\n${expected.output}`)
  const refused = await install(program, files.lying, lying, undefined)
  if (refused.installed.some((each) => each.includes('evil')) || refused.status === 0)
    throw new Error(`${program} takes other bytes than the lockfile's without any setting`)
  if (!(await isVerified(files.honest, honest))) throw new Error(`verify refuses the lockfile of ${program}`)
  return {
    registry: honest.url,
    try: async (trial) => {
      const first = await install(program, files.honest, honest, trial)
      if (first.isRefused) return 'refused'
      if (first.installed.length > 0 && first.installed.join() !== expected.installed.join())
        return (await isVerified(files.honest, honest, trial)) ? 'differs' : 'refused'
      const second = await install(program, files.lying, lying, trial)
      if (second.installed.some((each) => each.startsWith('dep@')))
        return (await isVerified(files.lying, lying, trial)) ? 'unchecked' : 'refused'
      return first.installed.length > 0 ? 'same' : 'failed'
    },
    close: async () => {
      await honest.close()
      await lying.close()
    },
  }
}

type Files = Readonly<Record<string, string>>

const LOCKFILES: Readonly<Record<SettingsManager, string>> = {
  pnpm: 'pnpm-lock.yaml',
  npm: 'package-lock.json',
  yarn: 'yarn.lock',
  berry: 'yarn.lock',
  bun: 'bun.lock',
  deno: 'deno.lock',
}

async function locked(program: Program, registry: Registry): Promise<Files> {
  const folder = project(baseFiles(registry))
  try {
    const run = await start(
      program,
      ['install', ...(managerOf(program) === 'pnpm' ? ['--no-frozen-lockfile'] : [])],
      folder,
    )
    if (run.status !== 0) throw new Error(`${program} does not install:\n${run.output}`)
    const name = LOCKFILES[managerOf(program)]
    return { ...baseFiles(registry), [name]: readFileSync(path.join(folder, 'project', name), 'utf8') }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function baseFiles({ url }: Registry): Files {
  return { 'package.json': JSON.stringify(MANIFEST), '.npmrc': `registry=${url}\n`, 'other.npmrc': `registry=${url}\n` }
}

async function install(program: Program, files: Files, registry: Registry, trial: Trial | undefined) {
  const folder = project({ ...files, ...(trial && withTrial(files, trial, registry.url)) })
  try {
    const root = path.join(folder, 'project')
    const manager = managerOf(program)
    const isRefused = findUnsafeSettings(manager, readSettingsFiles(manager, root, [])).length > 0
    if (isRefused) return { isRefused, status: 2, output: '', installed: [] }
    const { status, output } = await start(program, FROZEN[manager], folder)
    return { isRefused, status, output, installed: installedPackages(root) }
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

const CLI = fileURLToPath(new URL('../../../src/cli/bin.ts', import.meta.url))
const PERMITTING = "rules: [{ packages: '**', require: nothing }]\n"

/** Whether `verify` allows it: of a setting that no list refuses, such as `resolutions`, it also compares the lockfile. */
async function isVerified(files: Files, { url }: Registry, trial?: Trial): Promise<boolean> {
  const folder = project({ ...files, ...(trial && withTrial(files, trial, url)), '.sigstorerc.yaml': PERMITTING })
  try {
    const { status } = await runProcess(
      [process.execPath, CLI, 'verify'],
      { cwd: path.join(folder, 'project'), env: managerEnvironment(folder), timeoutMs: 60_000 },
      (why, output) => new Error(`verify ${why}:\n${output}`),
    )
    return status === 0
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

const FROZEN: Readonly<Record<SettingsManager, readonly string[]>> = {
  pnpm: ['install', '--frozen-lockfile'],
  npm: ['ci'],
  yarn: ['install', '--frozen-lockfile'],
  berry: ['install', '--immutable'],
  bun: ['install', '--frozen-lockfile'],
  deno: ['install'],
}

function withTrial(files: Files, { file, text }: Trial, url: string): Files {
  if (file !== 'package.json')
    return { [file]: text.replace(/(registry[= ]+"?)http:\/\/127\.0\.0\.1:(?!9\/)\d+\//, `$1${url}`) }
  return { [file]: JSON.stringify(merge(JSON.parse(files[file] ?? '{}'), JSON.parse(text))) }
}

function project(files: Files): string {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'settings-fuzz-')))
  mkdirSync(path.join(folder, 'project'))
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, 'project', name), text)
  return folder
}

/** The whole environment is new each time: nothing is cached from one trial to the next. */
function start(program: Program, args: readonly string[], folder: string) {
  const env = {
    ...managerEnvironment(folder),
    npm_config_manage_package_manager_versions: 'false',
    pnpm_config_pm_on_fail: 'ignore',
    // A registry that lies would be asked again a minute later.
    pnpm_config_fetch_retries: '0',
    npm_config_fetch_retries: '0',
    CI: 'true',
  }
  const command: readonly [string, ...string[]] = /^pnpm/.test(program)
    ? [process.execPath, pnpmScript(Number(program.slice(4)) as 10 | 11 | 12)]
    : managerCommand(program as 'npm11')
  return runProcess(
    [...command, ...args],
    { cwd: path.join(folder, 'project'), env, timeoutMs: 60_000 },
    (why, output) => new Error(`${program} ${why}:\n${output}`),
  )
}
