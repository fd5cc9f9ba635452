import type { Result } from '../codes.ts'
import type { GithubOrigin, LockedPackage } from '../lockfile/types.ts'

/** A parsed document, unjudged; or EVIDENCE_MISSING or EVIDENCE_UNAVAILABLE. */
export type Evidence = Result<unknown>

/** A document in a folder, by its name there. `expected` is for messages. */
export interface DocumentFile {
  readonly folder: string
  readonly name: string
  readonly expected: string
}

/** Fetches what may prove one package. Never judges it, and never throws. */
export interface EvidenceSource {
  /**
   * The attestation document: `{attestations: [{predicateType, bundle}]}`.
   *
   * @param from the registry to ask, in place of the one that the settings give
   */
  attestations(pkg: LockedPackage, from?: string): Promise<Evidence>
  /** Where that document is a file, the file: then whoever verifies it reads it. */
  attestationsFile?(pkg: LockedPackage): DocumentFile
  /**
   * What the registry signed when the package was published: `SignatureDocument`.
   *
   * @param withTime whether to find out when that was, at a greater cost
   */
  signatures(pkg: LockedPackage, withTime: boolean, from?: string): Promise<Evidence>
  /** For what is on GitHub; absent where nobody is asked about it. */
  readonly releases?: ReleaseSource
}

/** Fetches what may prove what is on GitHub. Never judges it, and never throws. */
export interface ReleaseSource {
  /**
   * The attestations of releases that are about a digest, in the form of an attestation document.
   *
   * @param subject `sha256:` of an asset, or `sha1:` of a commit, and the hexadecimal digits
   */
  release(pkg: LockedPackage, origin: GithubOrigin, subject: string): Promise<Evidence>
  /** The sha256 of the bytes that have this sha512; both are hex. */
  sha256(pkg: LockedPackage, sha512: string): Promise<Result<string>>
}

/** Of a package's metadata, what is about signatures: https://docs.npmjs.com/about-registry-signatures */
export interface SignatureDocument {
  /** Subresource Integrity string that the registry says it signed. */
  readonly integrity?: unknown
  readonly signatures: unknown
  /** When it was published, as the registry says. ISO 8601. */
  readonly published?: unknown
}
