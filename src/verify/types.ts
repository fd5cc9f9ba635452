import type { KeyObject } from 'node:crypto'
import type { TrustMaterial } from '@sigstore/verify'
import type { Refusal } from '../codes.ts'

/** What a signature has to have at least, beyond one verified time. */
export interface Thresholds {
  /** Entries of different transparency logs. */
  readonly logEntries: number
  /** Promises of different certificate logs (SCTs, RFC 6962) in the certificate. */
  readonly certificateTimestamps: number
  /** Signed timestamps (RFC 3161) of different authorities. */
  readonly signedTimestamps: number
}

/**
 * Authorities that vouch together: Sigstore's public good, GitHub's own, an organisation's. What one of them vouches for
 * never counts as another's: a certificate of an internal Fulcio may claim any repository of the world.
 */
export interface TrustDomain {
  readonly name: string
  readonly material: TrustMaterial
  readonly thresholds: Thresholds
  /** Of keys that are of another registry than the default one: which, by their ids. */
  readonly registries?: ReadonlyMap<string, string>
  /** Of all registries' keys in the trust root, whatever each may sign. */
  readonly keyIds?: ReadonlySet<string>
}

/** Those of a run, the default one first. */
export type TrustDomains = readonly [TrustDomain, ...TrustDomain[]]

/** What a Fulcio certificate claims (OID 1.3.6.1.4.1.57264.1.N), as strings. A claim that is absent is undefined. */
export interface CertificateClaims {
  /** Subject alternative name: for workflows a URI, for people an e-mail address. */
  readonly subjectAlternativeName: string | undefined
  /** OID 8, or 1: URL of the OIDC issuer. */
  readonly issuer: string | undefined
  /** OID 9: URI of the called (reusable) workflow, with its ref. */
  readonly buildSignerUri: string | undefined
  /** OID 10: commit of the called workflow. */
  readonly buildSignerDigest: string | undefined
  /** OID 11: `github-hosted` or `self-hosted`. */
  readonly runnerEnvironment: string | undefined
  /** OID 12, or 5: URI of the source repository, `https://github.com/owner/name`. */
  readonly repository: string | undefined
  /** OID 13, or 3: commit that was built, hex. */
  readonly commit: string | undefined
  /** OID 14, or 6: git ref that was built, `refs/…`. */
  readonly ref: string | undefined
  /** OID 15: the repository's id at its host. */
  readonly repositoryId: string | undefined
  /** OID 16: URI of the repository's owner. */
  readonly owner: string | undefined
  /** OID 17: the owner's id at the host. */
  readonly ownerId: string | undefined
  /** OID 18: URI of the calling, top-level workflow, with its ref. */
  readonly buildConfigUri: string | undefined
  /** OID 19: commit of the calling workflow. */
  readonly buildConfigDigest: string | undefined
  /** OID 20, or 2: the event that started the build. */
  readonly trigger: string | undefined
  /** OID 21: URI of the run. */
  readonly runUri: string | undefined
  /** OID 22: visibility of the repository at the time. */
  readonly visibility: string | undefined
  /** OID 23: deployment environment. */
  readonly environment: string | undefined
  /** OID 24: subject of the OIDC token. */
  readonly tokenSubject: string | undefined
  /**
   * Path of the calling workflow inside the repository (`.github/workflows/release.yml`), taken from `buildConfigUri`;
   * in certificates older than that claim, from the subject alternative name.
   */
  readonly workflow: string | undefined
}

/** The same, and in which trust domain the certificate holds: what it claims is worth as much as who vouches for it. */
export interface Claims extends CertificateClaims {
  /** Name of the domain: `sigstore`, `github`, or one of the policy's. */
  readonly domain: string
  /**
   * The workflow that does the build, with its ref, where `buildSignerUri` is a delegator that vouches for it in the
   * provenance. Absent everywhere else.
   */
  readonly delegatedBuilder?: string
}

/** What verification proves about one package: facts only, no judgement. At least one of them is there. */
export interface Proof {
  /** One per verified provenance attestation. */
  readonly provenance: readonly ProvenProvenance[]
  /** Publish attestations, each signed by a registry's key: the latest of each registry, and the latest of all first. */
  readonly publish: readonly ProvenPublish[]
  /** The registry's signature; undefined also where nobody asked for it. When it was made nobody has signed. */
  readonly signature?: ProvenSignature | undefined
  /** Attestations that neither prove nor contradict, and why. Absent where there are none. */
  readonly leftOut?: readonly Refusal[]
}

export interface ProvenProvenance {
  /** Predicate type of the signed statement: `https://slsa.dev/provenance/v0.2` or `/v1`. */
  readonly predicateType: string
  readonly claims: Claims
  /** The earliest verified time of signing, from the log or a timestamp authority. ISO 8601, UTC. */
  readonly signedAt: string
}

export interface ProvenPublish {
  /** As of a provenance: when the registry vouched for the package. */
  readonly signedAt: string
  /** Whose key it was, by the name of the policy; absent for the default registry. */
  readonly registry?: string
}

/** `registry` as of a publish attestation. */
export interface ProvenSignature {
  readonly keyId: string
  readonly registry?: string
}

/** A key of the registry for `dist.signatures`, and when it is good; both ends belong to it. */
export interface SignatureKey {
  readonly key: KeyObject
  readonly start: Date
  /** Undefined where no end is set. */
  readonly end: Date | undefined
  /** Absent for the default registry. */
  readonly registry?: string
}

/** By their ids. */
export type SignatureKeys = ReadonlyMap<string, SignatureKey>
