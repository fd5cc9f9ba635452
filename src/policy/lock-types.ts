import type { Place } from './types.ts'

/** Who published a version, as far as it stays the same from one version to the next. */
export interface Identity {
  /** The trust domain whose authority vouches for it. */
  readonly domain: string
  readonly issuer: string
  readonly repository: string
  /** Absent where the certificate is older than this claim. So are the next ones, down to `trigger`. */
  readonly repositoryId?: string | undefined
  readonly ownerId?: string | undefined
  readonly workflow?: string | undefined
  /** `own`, or the URI without a ref of the called workflow that another repository has. */
  readonly builder?: string | undefined
  readonly runner?: 'hosted' | 'self-hosted' | undefined
  /** The event that started the build. */
  readonly trigger?: string | undefined
  /** Absent where the build had none. */
  readonly environment?: string | undefined
  readonly ref: RefKind
  /** Where `ref` is `branch`: of a certificate its one branch; in the lock the branches, or patterns of them, that may publish. */
  readonly branch?: readonly string[] | undefined
}

export type RefKind = 'branch' | 'tag' | 'other'

/** From `from` on that identity publishes a package. */
export interface LockedIdentity {
  readonly from: string
  readonly identity: Identity
  /** Line of its entry in the file; 0 where no file has it yet. */
  readonly line: number
}

/** A version that has no provenance, although others of its package have. These bytes of it are let in. */
export interface UnprovenVersion {
  readonly version: string
  /** As in the lockfile, `sha512-…`. */
  readonly integrity: string
  /** As of `LockedIdentity`. */
  readonly line: number
}

/** What the identity lock knows of a package that has ever been proven. */
export interface LockEntry {
  /** Never empty, in no order. */
  readonly published: readonly LockedIdentity[]
  readonly unproven: readonly UnprovenVersion[]
}

/** The identity lock: what was accepted, by the names of packages. */
export type IdentityLock = ReadonlyMap<string, LockEntry>

/** What the identity lock asks of one package. */
export interface Demand {
  /** Who has to have published it. */
  readonly since: LockedIdentity
  /** What the lock records of this version as unproven, be it for these bytes or others. */
  readonly recorded: UnprovenVersion | undefined
  /** Whether it may lack provenance: it is recorded, with these bytes. */
  readonly mayLack: boolean
}

/** What is different, in the words of a refusal. */
export interface Difference {
  readonly found: string
  readonly expected: string
}

/** A field in which two identities differ. */
export interface FieldDifference extends Difference {
  readonly field: keyof Identity
}

/** Something that the identity lock did not say before, or said otherwise. */
export interface Change {
  /**
   * `added`: proven, and the lock asked for nothing, or for less than a newer certificate says. `renamed`: the same by its
   * ids. `changed`: another identity. `lost`: not proven, and not recorded as such. `recorded`: the same of a package that
   * is new to the lock.
   */
  readonly kind: 'added' | 'renamed' | 'changed' | 'lost' | 'recorded'
  readonly name: string
  readonly version: string
  /** Who the lock says publishes it. */
  readonly before: LockedIdentity | undefined
  /** Who has published it; undefined where nothing proves it. */
  readonly after: Identity | undefined
  /** Of what is not proven: the bytes of the lockfile; undefined where it has no sha512, and nothing can be recorded. */
  readonly integrity?: string | undefined
  /** Of what is not proven: other bytes, which the lock records under the same version. */
  readonly recorded?: UnprovenVersion | undefined
  /** Where another identity was found: in what it differs. */
  readonly difference?: Difference | undefined
  /** Whether it is in the new lock. What takes something away is taken over only where its package was named. */
  readonly accepted: boolean
}

/** What the policy of the protected branch lets a change do to the identity lock, for a time. */
export interface LockAllowance {
  readonly package: string
  readonly reason: string
  /** The last day, in UTC, on which it holds. */
  readonly expires: string
  readonly place: Place
}

/** Something for which the identity lock of a change asks less than that of the protected branch. */
export interface LockChange {
  /**
   * `removed`: an entry, or all of a package. `renamed`: all of a package, which has another name now. `loosened`: an entry
   * asks for less, or for another identity. `unproven`: a version that the protected branch wants proven.
   */
  readonly kind: 'removed' | 'renamed' | 'loosened' | 'unproven'
  readonly package: string
  readonly found: string
  readonly expected: string
  /** Line in the lock of the change; undefined where nothing is left there. */
  readonly line: number | undefined
  /** Line in the lock of the protected branch. */
  readonly baseLine: number
  /** What the policy says of it, where it says something. */
  readonly allowance: LockAllowance | undefined
  /** Whether that holds today. */
  readonly isAllowed: boolean
}
