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

interface Row {
  readonly what: string
  readonly bySize: readonly (readonly Sample[])[]
  readonly memory: boolean
}

try {
  progress(`growth: ${rounds} rounds of ${sizes.join(', ')} packages`)
  const cold = await interleaved(
    rounds,
    Object.fromEntries(
      stages.map(({ size, world, project }) => [size, () => verifyCold(world, project, { usage: true })]),
    ),
  )
  progress('growth: warm')
  for (const { project, verify } of stages) {
    forget(project)
    await cli(project, verify)
  }
  const warm = await interleaved(
    rounds,
    Object.fromEntries(stages.map(({ size, project, verify }) => [size, () => cli(project, verify, { usage: true })])),
  )
  const table: readonly Row[] = [
    { what: 'cold, evidence on disk', bySize: sizes.map((size) => cold[size] ?? []), memory: true },
    { what: 'warm', bySize: sizes.map((size) => warm[size] ?? []), memory: false },
  ]
  print({
    title: 'Growth and memory of `provenance-gate verify`',
    columns: [
      '',
      'packages',
      'time',
      'CPU time',
      'per package',
      `of ${base.toLocaleString('en')}`,
      'peak memory',
      'target',
      'met',
    ],
    rows: table.flatMap(({ what, bySize, memory }) =>
      bySize.flatMap((samples, index) => {
        const size = sizes[index] ?? 0
        const growth = median(samples) / median(bySize[1] ?? [])
        const peak = median(samples, 'memory')
        const cells = [
          ...[
            what,
            size.toLocaleString('en'),
            ms(median(samples)),
            ms(median(samples, 'cpu')),
            ms(median(samples) / size),
          ],
          ...[ratio(growth, 1), `${peak.toFixed(0)} MB`],
        ]
        if (size !== largest) return [[...cells, ...NO_TARGET]]
        const linear = target(`at most ${MOST_GROWTH.toFixed(2)} ×`, growth <= MOST_GROWTH)
        if (!memory) return [[...cells, ...linear]]
        const small = target(`under ${MOST_MEMORY} MB`, peak < MOST_MEMORY)
        return [
          [...cells, ...linear],
          [...cells, ...small],
        ]
      }),
    ),
    notes: [
      `Medians of ${rounds} rounds, interleaved. Memory is what the kernel counted at its most, in millions of bytes, of all processes together.`,
    ],
  })
} finally {
  await registry.close()
  for (const { project } of stages) project.dispose()
}
