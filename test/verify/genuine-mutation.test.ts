import assert from 'node:assert/strict'
import { fileOf, GENUINE, LATER, lockedGenuine, readCorpus, seedVerifier, skip } from './corpus.ts'
import { describeMutations } from './mutation-check.ts'

for (const version of ['0.4.0', '2.1.0', '0.1.1', '1.0.5']) {
  const genuine = GENUINE.find((candidate) => candidate.version === version) ?? assert.fail()
  describeMutations(`the genuine ${genuine.name}@${version}`, { skip, bytes: 300 }, async () => ({
    pkg: lockedGenuine(genuine),
    document: readCorpus(fileOf(genuine)),
    now: LATER,
    verify: await seedVerifier(),
  }))
}
