import type { BundleVersion } from './bundle.ts'
import type { ClaimOverrides } from './claims.ts'
import type { EntryKind } from './entry.ts'
import type { WorkflowIdentity } from './identity.ts'
import type { SigningKey } from './keys.ts'
import type { PackageVersion, PredicateVersion, StatementOverrides } from './statement.ts'

/** How an attestation is signed, logged and packed. By default as npm does it today, and everything in order. */
export interface SigningOptions extends StatementOverrides, CertificateOptions {
  /** When it is signed: the certificate begins, the CT log promises, and Rekor integrates at this time. */
  readonly now: Date
  /** Default: `certificate` for provenance, `registry-key` for a publish attestation. */
  readonly signWith?: 'certificate' | 'registry-key' | undefined
  /** Which of the registry's keys signs: an index, from the end if negative. Default: the last one. */
  readonly npmKey?: number | undefined
  /** Default: 0.3 for provenance, 0.2 for a publish attestation. */
  readonly bundleVersion?: BundleVersion | undefined
  /** Default: `dsse`. */
  readonly entryKind?: EntryKind | undefined
  /** The envelope's, and signed. Default: `application/vnd.in-toto+json`. */
  readonly payloadType?: string | undefined
  /** When Rekor says it saw the entry. Default: `now`. */
  readonly integratedTime?: Date | undefined
  /** Without the signed entry timestamp. */
  readonly withoutPromise?: boolean | undefined
  /** Without the inclusion proof, as in the 0.1 bundles of early 2023. */
  readonly withoutProof?: boolean | undefined
}

/** What the certificate says; of no effect when a registry key signs. */
export interface CertificateOptions {
  readonly identity?: WorkflowIdentity | undefined
  /** A person's certificate instead: this address, `identity.issuer` or GitHub's login, no claims about a workflow. */
  readonly emailIdentity?: string | undefined
  /** Only claims 1 to 6, as in certificates of early 2023. */
  readonly legacyClaims?: boolean | undefined
  /** Single claims by number, in place of what the identity says; `null` leaves a claim out. */
  readonly claims?: ClaimOverrides | undefined
  /** Without the CT log's promise. */
  readonly withoutSct?: boolean | undefined
  /** Default: 10. */
  readonly certificateLifetimeMinutes?: number | undefined
}

export interface BlobOptions extends CertificateOptions {
  readonly now: Date
  /** Signs in place of a certificate's. */
  readonly key?: SigningKey | undefined
  /** Default: 0.3. */
  readonly bundleVersion?: BundleVersion | undefined
}

export interface ProvenanceOptions extends PackageVersion, SigningOptions {
  /** Default: `v1`. */
  readonly predicate?: PredicateVersion | undefined
}

export interface PublishOptions extends PackageVersion, SigningOptions {
  /** Default: `https://registry.npmjs.org`. */
  readonly registry?: string | undefined
}

export interface DocumentOptions extends ProvenanceOptions {
  /** What is to be different in the publish attestation: all else is the same package, time and kind of entry. */
  readonly publish?: Partial<PublishOptions> | undefined
}
