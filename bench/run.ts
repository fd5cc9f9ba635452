/** `provenance-gate run`: real installs by npm 12, yarn 1 and bun from their lockfiles, with and without the gate in between. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import {
  createManagerProject,
  type Manager,
  type ManagerProject,
  managerCommand,
} from '../test/support/managers/index.ts'
import { runProcess } from '../test/support/process.ts'
import { CLI } from '../test/support/world.ts'
import { generatedWorld } from './generated.ts'
import { interleaved, least, median, type Sample, timed } from './measure.ts'
import { benchOptions } from './options.ts'
import { startBenchRegistry } from './registry.ts'
import { ms, print, progress, ratio } from './table.ts'
import { policyFiles } from './world.ts'

const STRICT: Readonly<Partial<Record<Manager, readonly string[]>>> = {
  npm12: ['ci', '--ignore-scripts'],
  yarn1: ['install', '--frozen-lockfile', '--ignore-scripts'],
  bun: ['install', '--frozen-lockfile', '--ignore-scripts'],
}

const { packages, rounds } = benchOptions({ packages: 400, rounds: 4 })
const world = await generatedWorld(packages)
const registry = await startBenchRegistry(world)

type Words = readonly [string, ...string[]]

async function start(command: Words, { dir, env }: ManagerProject): Promise<void> {
  const { status, output } = await runProcess(command, { cwd: dir, env }, (why) => new Error(why))
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}:\n${output.slice(-2_000)}`)
  // What installs nothing would look fast.
  const installed = existsSync(path.join(dir, 'node_modules')) ? readdirSync(path.join(dir, 'node_modules')) : []
  if (installed.length < packages / 4) throw new Error(`${command.join(' ')} has installed ${installed.length} folders`)
}

/** Caches of the manager, and what the gate remembers. */
function forget({ root, dir }: ManagerProject, all: boolean): void {
  rmSync(path.join(dir, 'node_modules'), { recursive: true, force: true })
  if (!all) return
  for (const name of readdirSync(root))
    if (!['project', 'home', 'tmp'].includes(name)) rmSync(path.join(root, name), { recursive: true })
}

async function measure(manager: Manager, args: readonly string[]): Promise<void> {
  const projects = Object.fromEntries(
    ['plain', 'gated'].map((name) => [
      name,
      createManagerProject({ registry: registry.url, manifest: world.manifest, files: policyFiles(world) }),
    ]),
  )
  const commands: Readonly<Record<'plain' | 'gated', Words>> = {
    plain: [...managerCommand(manager), ...args],
    gated: [process.execPath, CLI, 'run', '--', ...managerCommand(manager), ...args],
  }
  const all = (isCold: boolean) =>
    Object.fromEntries(
      Object.entries(projects).map(([name, project]) => [
        name,
        () => {
          forget(project, isCold)
          return timed(() => start(commands[name as 'plain' | 'gated'], project))
        },
      ]),
    )
  try {
    // With which lockfile, is what is installed first.
    for (const project of Object.values(projects))
      await start([...managerCommand(manager), 'install', '--ignore-scripts'], project)
    progress(`run: ${manager}, ${world.title}, ${rounds} rounds, cold and warm`)
    const cold = await interleaved(rounds, all(true))
    const warm = await interleaved(rounds, all(false))
    const rows = (state: string, samples: Readonly<Record<string, readonly Sample[]>>) =>
      ['plain', 'gated'].map((name) => [
        ...[state, name === 'plain' ? 'itself' : 'the gate in between', ms(median(samples[name] ?? []))],
        ...[ms(least(samples[name] ?? [])), ratio(median(samples[name] ?? []), median(samples.plain ?? []))],
      ])
    print({
      title: `\`${manager} ${args.join(' ')}\`, ${world.title}`,
      columns: ['caches', 'with', 'median', 'least', 'of itself'],
      rows: [...rows('cold', cold), ...rows('warm', warm)],
      notes: [
        `${rounds} rounds, interleaved; no node_modules before any. Cold: neither has the manager's cache anything, nor the gate.`,
      ],
    })
  } finally {
    for (const project of Object.values(projects)) project.dispose()
  }
}

try {
  for (const [manager, args] of Object.entries(STRICT)) await measure(manager as Manager, args)
} finally {
  await registry.close()
}
