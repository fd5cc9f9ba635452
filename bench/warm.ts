/** Warm verify: a run before has left what it had from the registry and what it had proven. CLI and hook, against a Node that does nothing. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { PNPMFILE } from '../test/support/world.ts'
import { generatedWorld } from './generated.ts'
import { interleaved, least, median, type Sample } from './measure.ts'
import { benchOptions } from './options.ts'
import { realWorld } from './real.ts'
import { startBenchRegistry } from './registry.ts'
import { cli, emptyNode, forget, hook, insideOf, remembering, stage } from './stage.ts'
import { ms, NO_TARGET, print, progress, ratio, target } from './table.ts'
import type { BenchWorld } from './world.ts'

const { packages, rounds } = benchOptions({ rounds: 7 })

for (const world of [await generatedWorld(packages), await realWorld()]) await measure(world)

async function measure(world: BenchWorld): Promise<void> {
  const registry = await startBenchRegistry(world)
  const project = stage(world, registry.url)
  const context = path.join(project.root, 'context.json')
  const called = {
    lockfileDir: project.dir,
    registries: { default: registry.url },
    wantedLockfile: parse(world.lockfile) as unknown,
  }
  writeFileSync(context, JSON.stringify(called))
  try {
    progress(`warm: ${world.title}, the first run`)
    forget(project)
    const verify = ['verify', ...(await remembering(project))]
    const first = await cli(project, verify)
    // The hook may keep what it knows in a place of its own.
    await hook(project, PNPMFILE, context)
    progress(`warm: ${world.title}, ${rounds} rounds`)
    const samples = await interleaved(rounds, {
      empty: () => emptyNode(project),
      cli: () => cli(project, verify),
      hook: () => hook(project, PNPMFILE, context),
    })
    report(world, first, samples)
  } finally {
    await registry.close()
    project.dispose()
  }
}

function report(
  world: BenchWorld,
  first: Sample,
  samples: Readonly<Record<'empty' | 'cli' | 'hook', readonly Sample[]>>,
): void {
  const empty = median(samples.empty)
  const inside = insideOf(samples.hook)
  const row = (what: string, of: readonly Sample[], verdict: readonly [string, string] = NO_TARGET) => [
    ...[what, ms(median(of)), ms(least(of)), ratio(median(of), empty), ms(median(of) - empty)],
    ...verdict,
  ]
  print({
    title: `Warm verify, ${world.title}`,
    columns: ['', 'median', 'least', 'of `node -e 0`', 'more than it', 'target', 'met'],
    rows: [
      row('`node -e 0`', samples.empty),
      row('`provenance-gate verify`, first run, evidence over loopback', [first]),
      row('`provenance-gate verify`, warm', samples.cli, target('at most 3.00 ×', median(samples.cli) / empty <= 3)),
      row('hook, warm: a process that calls `preResolution`', samples.hook),
      [
        ...['hook, warm: from before its `require` to its answer', ms(median(inside)), ms(least(inside)), '', ''],
        ...target('under 25 ms', median(inside) < 25),
      ],
    ],
    notes: [
      `${rounds} rounds, interleaved. The hook's process also reads the lockfile as JSON, which pnpm hands over; that is not in the last row.`,
    ],
  })
}
