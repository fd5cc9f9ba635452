/**
 * `node test/support/settings-fuzz/main.ts [program …]`: tries every setting that the lists know, with values of many kinds,
 * on the real package managers. Prints one line for each program, and one for each hole. Takes about an hour for all.
 */
import { managerOf, type Outcome, openFuzzer, PROGRAMS, type Program } from './fuzz.ts'
import { trialsFor } from './trials.ts'

const AT_ONCE = 2
let holes = 0
const wanted = process.argv.slice(2).filter((name): name is Program => PROGRAMS.includes(name as Program))

for (const program of wanted.length > 0 ? wanted : PROGRAMS) {
  const fuzzer = await openFuzzer(program)
  const counts: Record<Outcome | 'hung', number> = { refused: 0, same: 0, failed: 0, differs: 0, unchecked: 0, hung: 0 }
  const trials = trialsFor(managerOf(program), fuzzer.registry).values()
  const work = async () => {
    for (const trial of trials) {
      const outcome = await fuzzer.try(trial).catch((): 'hung' => 'hung')
      counts[outcome] += 1
      if (!['differs', 'unchecked', 'hung'].includes(outcome)) continue
      if (outcome !== 'hung') holes += 1
      process.stdout.write(`  ${program} ${trial.file} ${trial.key} = ${JSON.stringify(trial.value)}: ${outcome}\n`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  await fuzzer.close()
  process.stdout.write(
    `${program}: ${Object.entries(counts)
      .map(([outcome, count]) => `${count} ${outcome}`)
      .join(', ')}\n`,
  )
}
process.exitCode = holes > 0 ? 1 : 0
