/** A sample of `node test/support/settings-fuzz/main.ts`, which tries every setting with values of many kinds. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Fuzzer, managerOf, openFuzzer, type Program } from '../support/settings-fuzz/fuzz.ts'
import { trialsFor } from '../support/settings-fuzz/trials.ts'

/** The fastest of each kind. */
const SAMPLED: readonly Program[] = ['bun', 'pnpm12']
const EVERY = 97

for (const program of SAMPLED) {
  describe(`settings of ${program}`, () => {
    let fuzzer: Fuzzer
    before(async () => {
      fuzzer = await openFuzzer(program)
    })
    after(() => fuzzer.close())

    it('are refused, or install what the lockfile has', async () => {
      const trials = trialsFor(managerOf(program), fuzzer.registry)
      assert.ok(trials.length > 300, String(trials.length))
      for (const trial of trials.filter((_, index) => index % EVERY === 0)) {
        const outcome = await fuzzer.try(trial)
        assert.ok(['refused', 'same', 'failed'].includes(outcome), `${trial.file} ${trial.key}: ${outcome}`)
      }
    })
  })
}
