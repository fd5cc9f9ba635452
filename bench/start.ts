/** Evaluating the pnpmfile, which pnpm does for every command, against one that is empty. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { createProject } from '../test/support/pnpm/index.ts'
import { CLI, PNPMFILE } from '../test/support/world.ts'
import { interleaved, least, median, runNode, type Sample } from './measure.ts'
import { benchOptions } from './options.ts'
import { emptyNode, hook, insideOf } from './stage.ts'
import { ms, NO_TARGET, print, progress, target } from './table.ts'

const { rounds } = benchOptions({ rounds: 21 })
const project = createProject({ registry: 'http://127.0.0.1:9/' })
const nothing = path.join(project.dir, 'empty.cjs')
writeFileSync(nothing, 'module.exports = { hooks: {} }\n')

progress(`start: ${rounds} rounds`)
const samples = await interleaved(rounds, {
  node: () => emptyNode(project),
  empty: () => hook(project, nothing),
  gate: () => hook(project, PNPMFILE),
  version: () => runNode({ args: [CLI, '--version'], cwd: project.dir, env: project.env }),
})
project.dispose()
const empty = median(samples.empty)
const emptyInside = median(insideOf(samples.empty))
const row = (what: string, of: readonly Sample[], from: number, verdict: readonly [string, string] = NO_TARGET) => [
  what,
  ms(median(of)),
  ms(least(of)),
  ms(median(of) - from),
  ...verdict,
]
// Within the process: the whole ones differ by more than that from one run to the next.
const more = median(insideOf(samples.gate)) - emptyInside
print({
  title: 'Evaluating the pnpmfile',
  columns: ['', 'median', 'least', 'more than an empty one', 'target', 'met'],
  rows: [
    row('`node -e 0`', samples.node, empty),
    row('process with an empty pnpmfile', samples.empty, empty),
    row("process with the gate's", samples.gate, empty),
    row('`require` of an empty pnpmfile', insideOf(samples.empty), emptyInside),
    row("`require` of the gate's", insideOf(samples.gate), emptyInside, target('at most 5 ms more', more <= 5)),
    row('`provenance-gate --version`', samples.version, empty),
  ],
  notes: [`${rounds} rounds, interleaved.`],
})
