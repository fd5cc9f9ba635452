import type { Result } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'

/**
 * What a source of evidence answers for one package: the parsed attestation document
 * (`{attestations: [{predicateType, bundle}]}`, unjudged), or EVIDENCE_MISSING or EVIDENCE_UNAVAILABLE.
 */
export type Evidence = Result<unknown>

/** Fetches the attestation document of one package. Never judges it, and never throws. */
export type EvidenceSource = (pkg: LockedPackage) => Promise<Evidence>
