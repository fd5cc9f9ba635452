/** Cold verify: nothing is remembered, the evidence is on disk. Beside it what the signatures alone cost, and the stock verifier. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { AttestationDocument } from '../test/support/sigstore/index.ts'
import { stockVerifier } from '../test/support/sigstore/stock.ts'
import { computeFloor, openFloorWorkers, PER_PACKAGE, signaturesOf } from './floor.ts'
import { generatedWorld } from './generated.ts'
import { interleaved, median, timed } from './measure.ts'
import { benchOptions } from './options.ts'
import { realWorld } from './real.ts'
import { stage, verifyCold } from './stage.ts'
import { ms, NO_TARGET, print, progress, ratio, target } from './table.ts'
import type { BenchWorld } from './world.ts'

/** What the targets are about, whatever machine this is. */
const CORES = 2

const { packages, rounds } = benchOptions()

for (const world of [await generatedWorld(packages), await realWorld()]) await measure(world)

async function measure(world: BenchWorld): Promise<void> {
  const count = world.packages.length
  progress(`cold: ${world.title}, taking the signatures out of the documents`)
  const checks = signaturesOf(read(world), stockVerifier(world))
  const workers = await openFloorWorkers(checks, CORES)
  const project = stage(world, 'http://127.0.0.1:9/')

  progress(`cold: ${world.title}, ${rounds} rounds`)
  const samples = await interleaved(rounds, {
    floor: () => timed(() => computeFloor(checks)),
    workers: () => timed(() => workers.run()),
    stock: () =>
      timed(() => {
        const stock = stockVerifier(world)
        for (const { attestations } of read(world)) for (const { bundle } of attestations) stock(bundle)
      }),
    gate: () => verifyCold(world, project, { usage: true }),
  })
  await workers.close()
  project.dispose()

  const floor = median(samples.floor)
  const gate = median(samples.gate)
  const floorOfCores = floor / CORES
  const row = (what: string, time: number, verdict: readonly [string, string] = NO_TARGET) => [
    ...[what, ms(time), ms(time / count), ratio(time, floorOfCores)],
    ...verdict,
  ]
  const perPackage = Object.entries(PER_PACKAGE).map(([curve, number]) => `${number} of ${curve}`)
  print({
    title: `Cold verify, ${world.title}, evidence on disk`,
    columns: ['', 'time', 'per package', `of the ${CORES}-core floor`, 'target', 'met'],
    rows: [
      row(`signature floor, one core (${checks.length.toLocaleString('en')} signatures)`, floor),
      row(`signature floor, ${CORES} cores (the same divided by ${CORES})`, floorOfCores),
      row(`signature floor, ${CORES} workers, measured`, median(samples.workers)),
      row('stock `@sigstore/verify`, one process', median(samples.stock)),
      row('`provenance-gate verify --attestations DIR`', gate, target('at most 2.00 ×', gate / floorOfCores <= 2)),
    ],
    notes: [
      `Medians of ${rounds} rounds, interleaved. A package has ${perPackage.join(' and ')}, in two bundles.`,
      `CPU time of the gate: ${ms(median(samples.gate, 'cpu'))}; its peak memory: ${median(samples.gate, 'memory').toFixed(0)} MB.`,
      'The stock verifier reads and parses the documents too. It does not look at what is attested, nor at the lockfile.',
    ],
  })
}

function read({ packages, attestations }: BenchWorld): readonly AttestationDocument[] {
  return packages.map(
    ({ name, version }) =>
      JSON.parse(readFileSync(path.join(attestations, `${name}@${version}.json`), 'utf8')) as AttestationDocument,
  )
}
