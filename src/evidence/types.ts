import type { Result } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'

/** A parsed document, unjudged; or EVIDENCE_MISSING or EVIDENCE_UNAVAILABLE. */
export type Evidence = Result<unknown>

/** Fetches what may prove one package. Never judges it, and never throws. */
export interface EvidenceSource {
  /** The attestation document: `{attestations: [{predicateType, bundle}]}`. */
  attestations(pkg: LockedPackage): Promise<Evidence>
  /**
   * What the registry signed when the package was published: `SignatureDocument`.
   *
   * @param withTime whether to find out when that was, at a greater cost
   */
  signatures(pkg: LockedPackage, withTime: boolean): Promise<Evidence>
}

/** Of a package's metadata, what is about signatures: https://docs.npmjs.com/about-registry-signatures */
export interface SignatureDocument {
  /** Subresource Integrity string that the registry says it signed. */
  readonly integrity?: unknown
  readonly signatures: unknown
  /** When it was published, as the registry says. ISO 8601. */
  readonly published?: unknown
}
