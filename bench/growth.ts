/** How time and memory grow with the lockfile. */

import path from 'node:path'
import { generatedWorld } from './generated.ts'
import { interleaved, median, runNode, type Sample } from './measure.ts'
import { benchOptions } from './options.ts'
import { startBenchRegistry } from './registry.ts'
import { cli, forget, remembering, stage, verifyCold } from './stage.ts'
import { ms, NO_TARGET, print, progress, ratio, target } from './table.ts'
import { workspaceCommands } from './workspace.ts'

/** Quarters and fourfold of the usual size: the factor between two rows is 4 if what is done is linear. */
const FACTORS = [0.25, 1, 4] as const
const MOST_GROWTH = 4.4
const MOST_MEMORY = 250

const { packages, rounds } = benchOptions({ rounds: 3 })
const sizes = FACTORS.map((factor) => Math.round(packages * factor))
const [, base = 0, largest = 0] = sizes
// The largest first: the others are its beginnings.
const registry = await startBenchRegistry(await generatedWorld(largest))
const stages = await Promise.all(
  sizes.map(async (size) => {
    const world = await generatedWorld(size)
    const project = stage(world, registry.url)
    return { size, world, project, verify: ['verify', ...(await remembering(project))] }
  }),
)

try {
  progress(`growth: ${rounds} rounds of ${sizes.join(', ')} packages, cold`)
  const cold = stages.map(
    ({ size, world, project }) => [size, () => verifyCold(world, project, { usage: true })] as const,
  )
  report('cold, evidence on disk', await interleaved(rounds, Object.fromEntries(cold)), true)
  for (const { size, project, verify } of stages) {
    progress(`growth: the first run of ${size} packages`)
    forget(project)
    await cli(project, verify)
  }
  progress(`growth: ${rounds} rounds, warm`)
  const warm = stages.map(({ size, project, verify }) => [size, () => cli(project, verify, { usage: true })] as const)
  report('warm', await interleaved(rounds, Object.fromEntries(warm)), false)
} finally {
  await registry.close()
  for (const { project } of stages) project.dispose()
}

await workspaces()
await workspaceCommands(rounds)

/** How reading a lockfile grows with projects and packages at once. By CPU time, of processes that do nothing else. */
async function workspaces(): Promise<void> {
  const file = path.join(import.meta.dirname, '../test/support/read-workspace.ts')
  const sizes = FACTORS.map((factor) => [1000 * factor, 3000 * factor] as const)
  const [, usual = sizes[0]] = sizes
  for (const shape of ['shared', 'mixed'] as const) {
    progress(`growth: ${rounds} rounds of workspaces, ${shape}`)
    const runs = sizes.map((size) => {
      const args = [file, 'pnpm', shape, ...size.map(String)]
      return [size.join(), () => runNode({ args, cwd: import.meta.dirname, env: process.env, usage: true })] as const
    })
    const samples = await interleaved(rounds, Object.fromEntries(runs))
    const of = (size: readonly number[] | undefined) => samples[size?.join() ?? ''] ?? []
    print({
      title: `Growth and memory of reading a workspace, ${shape}`,
      columns: ['projects', 'packages', 'CPU time', 'of 1,000', 'peak memory', 'target', 'met'],
      rows: sizes.map((size) => {
        const [cpu, peak] = [median(of(size), 'cpu'), median(of(size), 'memory')]
        const growth = cpu / median(of(usual), 'cpu')
        const cells = size.map((count) => count.toLocaleString('en'))
        return [
          ...[...cells, ms(cpu), ratio(growth, 1), `${peak.toFixed(0)} MB`],
          ...(size === sizes.at(-1) && shape === 'shared'
            ? target(`at most ${MOST_GROWTH.toFixed(2)} ×`, growth <= MOST_GROWTH)
            : NO_TARGET),
        ]
      }),
      notes: [
        shape === 'shared'
          ? 'Each project needs every package.'
          : 'Hardly two packages are needed by the same projects.',
      ],
    })
  }
}

/** Printed as soon as it is known: the next one takes as long again. */
function report(what: string, bySize: Readonly<Record<string, readonly Sample[]>>, isBounded: boolean): void {
  const of = (size: number) => bySize[size] ?? []
  const rows = sizes.flatMap((size) => {
    const samples = of(size)
    const growth = median(samples) / median(of(base))
    const peak = median(samples, 'memory')
    const cells = [
      ...[size.toLocaleString('en'), ms(median(samples)), ms(median(samples, 'cpu')), ms(median(samples) / size)],
      ...[ratio(growth, 1), `${peak.toFixed(0)} MB`],
    ]
    if (size !== largest) return [[...cells, ...NO_TARGET]]
    const linear = target(`at most ${MOST_GROWTH.toFixed(2)} ×`, growth <= MOST_GROWTH)
    const small = target(`under ${MOST_MEMORY} MB`, peak < MOST_MEMORY)
    return [[...cells, ...linear], ...(isBounded ? [[...cells.map(() => ''), ...small]] : [])]
  })
  print({
    title: `Growth and memory of \`provenance-gate verify\`, ${what}`,
    columns: [
      ...['packages', 'time', 'CPU time', 'per package', `of ${base.toLocaleString('en')}`, 'peak memory'],
      ...['target', 'met'],
    ],
    rows,
    notes: [
      `Medians of ${rounds} rounds, interleaved. Memory is what the kernel counted at its most, in millions of bytes, of all processes together.`,
    ],
  })
}
