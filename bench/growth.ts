/** How time and memory grow with the lockfile. */

import { generatedWorld } from './generated.ts'
import { interleaved, median, type Sample } from './measure.ts'
import { benchOptions } from './options.ts'
import { startBenchRegistry } from './registry.ts'
import { cli, forget, remembering, stage, verifyCold } from './stage.ts'
import { ms, NO_TARGET, print, progress, ratio, target } from './table.ts'

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
