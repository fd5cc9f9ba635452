/** Warm verify: a run before has left what it had from the registry and what it had proven. CLI and hook, against a Node that does nothing. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { PNPMFILE } from '../test/support/world.ts'
import { generatedWorld } from './generated.ts'
import { interleaved, least, median, type Sample } from './measure.ts'
import { benchOptions } from './options.ts'
import { startBenchRegistry } from './registry.ts'
import { cli, emptyNode, forget, hook, stage } from './stage.ts'
import { ms, NO_TARGET, print, progress, ratio, target } from './table.ts'

const { packages, rounds } = benchOptions({ rounds: 7 })
const world = await generatedWorld(packages)
const registry = await startBenchRegistry(world)
const project = stage(world, registry.url)
const context = path.join(project.root, 'context.json')
writeFileSync(
  context,
  JSON.stringify({
    lockfileDir: project.dir,
    registries: { default: registry.url },
    wantedLockfile: parse(world.lockfile) as unknown,
  }),
)

try {
  progress(`warm: the first run of ${packages} packages`)
  forget(project)
  const first = await cli(project, ['verify'])
  progress(`warm: ${rounds} rounds`)
  const samples = await interleaved(rounds, {
    empty: () => emptyNode(project),
    cli: () => cli(project, ['verify']),
    hook: () => hook(project, PNPMFILE, context),
  })
  const inside = samples.hook.map(({ output, ...sample }) => ({ ...sample, output, wall: Number(output) }))
  const empty = median(samples.empty)
  const row = (what: string, of: readonly Sample[], verdict: readonly [string, string] = NO_TARGET) => [
    what,
    ms(median(of)),
    ms(least(of)),
    ratio(median(of), empty),
    ms(median(of) - empty),
    ...verdict,
  ]
  print({
    title: `Warm verify, ${packages.toLocaleString('en')} packages`,
    columns: ['', 'median', 'least', 'of `node -e 0`', 'more than it', 'target', 'met'],
    rows: [
      row('`node -e 0`', samples.empty),
      row('`provenance-gate verify`, first run, evidence over loopback', [first]),
      row('`provenance-gate verify`, warm', samples.cli, target('at most 3.00 ×', median(samples.cli) / empty <= 3)),
      row('hook, warm: a process that calls `preResolution`', samples.hook),
      [
        'hook, warm: from before its `require` to its answer',
        ms(median(inside)),
        ms(least(inside)),
        '',
        ms(median(inside)),
        ...target('under 25 ms', median(inside) < 25),
      ],
    ],
    notes: [
      `${rounds} rounds, interleaved. The hook's process also reads the lockfile as JSON, which pnpm hands over; that is not in the last row.`,
    ],
  })
} finally {
  await registry.close()
  project.dispose()
}
