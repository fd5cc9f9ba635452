/** Bundles about files, and GitHub's about a release, every byte changed. */
import { skip } from './corpus.ts'
import { describeEveryByte } from './every-byte.ts'
import { conformance, release } from './kinds.ts'

for (const name of [
  'happy-path-v0.3',
  'managed-key-and-trusted-root',
  'intoto-with-custom-trust-root',
  // Rekor v2: three signatures below its checkpoint, and a timestamp with the authority's certificate in it.
  'rekor2-checkpoint-multiple-cosigs',
]) {
  describeEveryByte(name, skip, () => conformance(name))
}
describeEveryByte('an immutable release: no log entry, one timestamp', skip, release)
