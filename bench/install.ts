/** Real frozen installs by pnpm 12 and 11, with and without the gate: from a warm store, and by a machine that has nothing. */
import { readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { type PnpmVersion, type Project, prepareStore, runPnpm } from '../test/support/pnpm/index.ts'
import { PNPMFILE } from '../test/support/world.ts'
import { generatedWorld } from './generated.ts'
import { interleaved, least, median, type Sample, timed } from './measure.ts'
import { benchOptions } from './options.ts'
import { fetchTarballs, realWorld } from './real.ts'
import { startBenchRegistry } from './registry.ts'
import { forget, type StageOptions, stage } from './stage.ts'
import { ms, NO_TARGET, print, progress, ratio, target } from './table.ts'
import type { BenchWorld } from './world.ts'

const VERSIONS = [12, 11] as const satisfies readonly PnpmVersion[]
/** The same hooks as the gate's, in which nothing happens: what pnpm itself takes for asking. */
const IDLE = `module.exports = {
  hooks: {
    updateConfig: (config) => config,
    preResolution: async () => {},
    readPackage: async (manifest) => manifest,
    afterAllResolved: async (lockfile) => lockfile,
  },
  resolvers: [{ canResolve: async () => false, resolve: () => {} }],
  fetchers: [{ canFetch: async () => false, fetch: async () => {} }],
}
`
const VARIANTS = {
  none: {},
  empty: { pnpmfile: 'module.exports = {}\n' },
  idle: { pnpmfile: IDLE, isHooked: true },
  gate: { pnpmfile: `module.exports = require(${JSON.stringify(PNPMFILE)})\n`, isHooked: true },
} as const satisfies Record<string, StageOptions>
type Variant = keyof typeof VARIANTS

const WHAT: Readonly<Record<Variant, string>> = {
  none: 'no pnpmfile',
  empty: 'an empty pnpmfile',
  idle: 'hooks that do nothing',
  gate: 'the gate',
}

const { packages, rounds: most } = benchOptions({ packages: 1_000, rounds: 6 })

async function install(version: PnpmVersion, project: Project): Promise<void> {
  const { status, output } = await runPnpm(version, ['install', '--frozen-lockfile', '--ignore-scripts'], project)
  if (status !== 0) throw new Error(`pnpm ${version} failed:\n${output}`)
  // A mistake in the stage would make the gate's row look fast.
  if (readdirSync(path.join(project.dir, 'node_modules')).length === 0) throw new Error('nothing was installed')
}

async function warm(version: PnpmVersion, project: Project): Promise<Sample> {
  rmSync(path.join(project.dir, 'node_modules'), { recursive: true, force: true })
  return timed(() => install(version, project))
}

async function cold(version: PnpmVersion, project: Project): Promise<Sample> {
  await prepareStore(version, project, 'cold')
  forget(project)
  return timed(() => install(version, project))
}

async function measure(version: PnpmVersion, world: BenchWorld, registry: string): Promise<void> {
  // The targets are about pnpm 12, and pnpm 11 takes several times as long.
  const rounds = version === 12 ? most : Math.ceil(most / 2)
  const projects = Object.entries(VARIANTS).map(
    ([name, options]) => [name as Variant, stage(world, registry, options)] as const,
  )
  const all = (run: typeof warm) =>
    Object.fromEntries(projects.map(([name, project]) => [name, () => run(version, project)]))
  try {
    progress(`install: pnpm ${version}, ${world.title}, ${rounds} rounds, cold`)
    const coldSamples = await interleaved(rounds, all(cold))
    // Once more each, so that nothing is done for the first time: what the first install leaves, the second may still take over.
    await interleaved(1, all(warm))
    progress(`install: pnpm ${version}, ${world.title}, ${rounds} rounds, warm`)
    const warmSamples = await interleaved(rounds, all(warm))
    const rows = (state: string, samples: Readonly<Record<string, readonly Sample[]>>) => {
      const [none, empty, gate] = (['none', 'empty', 'gate'] as const).map((name) => median(samples[name] ?? [])) as [
        number,
        number,
        number,
      ]
      const verdict =
        version !== 12 ? NO_TARGET : state === 'warm' ? warmVerdict(gate, empty, none) : coldVerdict(gate, none)
      return projects.map(([name]) => {
        const time = median(samples[name] ?? [])
        return [
          ...[state, WHAT[name], ms(time), ms(least(samples[name] ?? [])), ratio(time, none), ratio(time, empty)],
          ...(name === 'gate' ? verdict : NO_TARGET),
        ]
      })
    }
    print({
      title: `\`pnpm install --frozen-lockfile\` with pnpm ${version}, ${world.title}`,
      columns: ['store', 'with', 'median', 'least', 'of none', 'of an empty one', 'target', 'met'],
      rows: [...rows('warm', warmSamples), ...rows('cold', coldSamples)],
      notes: [`${rounds} rounds, interleaved; no node_modules before any, scripts ignored.`],
    })
  } finally {
    for (const [, project] of projects) project.dispose()
  }
}

function warmVerdict(gate: number, empty: number, none: number): readonly [string, string] {
  return target('at most 1.05 × an empty one, 1.25 × none', gate / empty <= 1.05 && gate / none <= 1.25)
}

function coldVerdict(gate: number, none: number): readonly [string, string] {
  return target('at most 1.25 × none', gate / none <= 1.25)
}

async function measureAll(world: BenchWorld): Promise<void> {
  const registry = await startBenchRegistry(world)
  try {
    for (const version of VERSIONS) await measure(version, world, registry.url)
  } finally {
    await registry.close()
  }
}

await measureAll(await generatedWorld(packages))
const reason = await fetchTarballs()
if (reason === undefined) await measureAll(await realWorld())
else
  print({
    title: 'The same with the real lockfile',
    columns: ['skipped'],
    rows: [[`its tarballs are not to be had here: ${reason}`]],
  })
