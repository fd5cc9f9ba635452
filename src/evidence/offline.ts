import { type Result, refuse } from '../codes.ts'
import type { EvidenceSource } from './types.ts'

/** Nothing but what is kept from earlier: whoever asks has looked there already. */
export const OFFLINE: EvidenceSource = {
  attestations: async () => unavailable('an attestation document'),
  signatures: async () => unavailable("the registry's signatures"),
  releases: {
    release: async () => unavailable("GitHub's attestation of a release"),
    sha256: async () => unavailable('the bytes of an asset'),
  },
}

function unavailable(expected: string): Result<never> {
  return refuse('EVIDENCE_UNAVAILABLE', 'nothing that is kept on this machine, and no request is made', expected)
}
