/** Bundles that npm serves, every byte changed: signed by certificates and by the registry's key. */
import { skip } from './corpus.ts'
import { describeEveryByte } from './every-byte.ts'
import { attestation, foreign } from './kinds.ts'

describeEveryByte('a provenance of 2023: bundle 0.1, chain, intoto, promise', skip, () =>
  attestation('0.4.0', 'certificate'),
)
describeEveryByte('a provenance that a delegator has signed: bundle 0.1, chain, intoto, promise', skip, () =>
  attestation('1.0.5', 'certificate'),
)
describeEveryByte('a provenance of today: bundle 0.3, certificate, dsse, promise and proof', skip, () =>
  attestation('0.1.1', 'certificate'),
)
describeEveryByte('a publish attestation of 2023: key, intoto, promise', skip, () => attestation('0.4.0', 'key'))
describeEveryByte('a publish attestation of today: key, dsse, promise and proof', skip, () =>
  attestation('0.1.1', 'key'),
)
describeEveryByte('signed by a person: bundle 0.1, chain, dsse, promise', skip, () =>
  foreign('sigstore@1.0.0.bundleV01-dsse-no-proof.json'),
)
describeEveryByte('signed by a person: bundle 0.2, chain, intoto, promise and proof', skip, () =>
  foreign('sigstore@1.0.0.bundleV02-intoto.json'),
)
