import type { Refusal, Result } from '../codes.ts'
import type { LockedPackage, PackageSource } from '../lockfile/types.ts'
import type { Claims, Proof } from '../verify/types.ts'
import type { Demand, Difference, Identity, IdentityLock, LockAllowance } from './lock-types.ts'

export type {
  Change,
  Demand,
  Difference,
  FieldDifference,
  Identity,
  IdentityLock,
  LockAllowance,
  LockChange,
  LockEntry,
  LockedIdentity,
  RefKind,
  UnprovenVersion,
} from './lock-types.ts'

/** One value, or several of which one must match. */
export type Alternatives = string | readonly string[]

/**
 * Whose provenance satisfies a rule. Every field that is given must match a claim of the certificate; a claim that the
 * certificate lacks matches nothing. Patterns as in `pattern.ts`, all else exactly.
 */
export interface Publisher {
  /** Whose authority has to vouch for it: the name of a trust domain. Always there: each vouches for itself alone. */
  readonly domain: string
  /** Issuer URL. Always there: without it any issuer would do. */
  readonly issuer: string
  /** URI of the repository's owner; `name` in the file has become `https://github.com/name` here. */
  readonly owner?: string | undefined
  /** The owner's number at its host, which a rename does not change. */
  readonly ownerId?: string | undefined
  /** Repository URI pattern; `owner/name` in the file has become `https://github.com/owner/name` here. */
  readonly repository?: string | undefined
  /** The repository's number at its host, which a rename or a move does not change. */
  readonly repositoryId?: string | undefined
  /** Path patterns of the calling, top-level workflow inside the repository. */
  readonly workflow?: Alternatives | undefined
  /** Of the called workflow, which does the build: URI pattern, `@`, ref pattern or commit. */
  readonly builder?: Alternatives | undefined
  /** Ref patterns, `refs/…`. */
  readonly ref?: Alternatives | undefined
  readonly commit?: Alternatives | undefined
  /** Events that started the build. */
  readonly trigger?: Alternatives | undefined
  readonly runner?: 'hosted' | 'self-hosted' | undefined
  /** Deployment environments. */
  readonly environment?: Alternatives | undefined
  readonly visibility?: 'public' | 'private' | 'internal' | undefined
}

/** A place in the policy file, for messages. Lines and columns count from 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Where packages come from, as `source` of a rule says it. */
export type RuleSource = Exclude<PackageSource, 'unknown' | 'bundled'>

export interface Rule {
  /** Patterns as written: `name`, `@scope/*`, `!name`, `name@^1.0.0`. */
  readonly packages: readonly string[]
  /** Only about what comes from there, where it is given. */
  readonly source?: readonly RuleSource[]
  /** Only about these bytes, from wherever, where it is given. Then `packages` is one exact version of one package. */
  readonly integrity?: string
  readonly require: 'provenance' | 'signature' | 'nothing'
  /** Whose signature it has to be: a name of `trust.registries`; absent for the default registry. */
  readonly registry?: string
  /**
   * Alternatives; one must match. Always empty where `require` is not `provenance`, and never where it is, unless the
   * identity lock says who it is.
   */
  readonly publishers: readonly Publisher[]
  /** Whether it must be published by whom the identity lock says, and stay proven where it was. */
  readonly unchanged: boolean
  /** How long ago it must have been signed, as `12h`, `3d`, `2w`. */
  readonly minimumAge?: string | undefined
  /** Registry that is asked for the evidence, in place of the one that the settings give. Ends in a slash. */
  readonly evidenceFrom?: string | undefined
  /** The rule's own, else the file's. */
  readonly enforcement: Enforcement
  /** Why the rule is as it is, in the words of whoever wrote it. */
  readonly reason?: string | undefined
  readonly place: Place
}

/** Whether what is not as it should be is refused, or only told. */
export interface Enforcement {
  readonly mode: 'enforce' | 'warn'
  /** Day, `2027-01-31`, from whose beginning (UTC) a warning is a refusal. */
  readonly enforceFrom?: string | undefined
}

/** Lets one version of one package pass, whatever was found about it. */
export interface Exception {
  readonly name: string
  readonly version: string
  /** Only for these bytes, where it is given. */
  readonly integrity?: string | undefined
  readonly reason: string
  /** The last day, in UTC, on which it holds. */
  readonly expires: string
  readonly place: Place
}

/** Lets a setting of the repository be as it is, though the gate does not know it as safe. */
export interface AllowedSetting {
  /** Relative to the lockfile's folder, with `/`. */
  readonly file: string
  /** As it is written there. */
  readonly key: string
  /** Only this value; any where it is absent. */
  readonly value?: string | number | boolean | undefined
  readonly reason: string
  /** The last day, in UTC, on which it holds. */
  readonly expires: string
  readonly place: Place
}

export interface Policy {
  readonly file: string
  /** Undefined where no rule asks for it. */
  readonly identities: IdentityLock | undefined
  readonly rules: readonly Rule[]
  readonly exceptions: readonly Exception[]
  readonly allowSettings: readonly AllowedSetting[]
  /** Absent where there is none. */
  readonly allowLockChanges?: readonly LockAllowance[]
  /** By the names that rules, and policies that extend this one, refer to. */
  readonly publishers: ReadonlyMap<string, readonly Publisher[]>
  /** For packages that no rule is about. */
  readonly enforcement: Enforcement
  /** Pinned trust material, where the policy names it: absolute paths, the URL of a TUF repository, milliseconds. */
  readonly trust: {
    readonly trustedRoot: string | undefined
    readonly npmKeys: string | undefined
    readonly tuf?: { readonly url: string; readonly root: string } | undefined
    readonly maxStaleness?: number | undefined
    /** Files of keys of other registries, by their names. */
    readonly registries?: ReadonlyMap<string, string> | undefined
    /** Beside the default one, by their names. */
    readonly domains?: ReadonlyMap<string, PolicyDomain> | undefined
  }
  /** Where evidence is asked for instead of the registry, or before it; undefined where the registry is. */
  readonly attestations?: { readonly url: string; readonly fallback: 'registry' | 'none' } | undefined
  /**
   * What projects of the workspace ask for beyond that, of what they need: by their folder, as the lockfile calls it. These
   * have no projects, no trust material and no mirror of their own.
   */
  readonly projects: ReadonlyMap<string, Policy>
}

/** A trust domain: where its trust root is from, and what it asks for where that is not the default. */
export interface PolicyDomain {
  readonly trustedRoot?: string | undefined
  readonly tuf?: { readonly url: string; readonly root: string } | undefined
  readonly thresholds?: {
    readonly logEntries?: number
    readonly certificateTimestamps?: number
    readonly signedTimestamps?: number
  }
}

/**
 * How a package ends. `bundled`: its bytes are in the tarball of another package, so nothing is asked of it, and it passes
 * because that one does.
 */
export type Status = 'proven' | 'permitted' | 'bundled' | 'warned' | 'excepted' | 'refused'

/** The decision on one package. */
export interface Verdict {
  readonly package: LockedPackage
  readonly status: Status
  /** What is not as the rule asks; set where the status is `refused`, `warned` or `excepted`. */
  readonly refusal: Refusal | undefined
  /** The rule that decided, and where it stands; undefined where no rule is about the package. */
  readonly rule: Rule | undefined
  /** The proven claims that satisfied the rule, or failed to; undefined where nothing was proven. */
  readonly claims: Claims | undefined
  /** Set where the status is `excepted`. */
  readonly exception?: Exception | undefined
  /** All exceptions that excused something, also where another policy is stricter; undefined where none did. */
  readonly excused?: readonly Exception[] | undefined
  /** The projects whose own policies are stricter than the root's, and say this; undefined where the root's does. */
  readonly projects?: readonly string[] | undefined
}

export interface ExplainedRule {
  readonly rule: Rule
  readonly why: string
}

/** Why a package ends as it does. */
export interface Explanation {
  readonly verdict: Verdict
  /** Each rule in the file's order: why it is not about the package, that it decides, or that it was never asked. */
  readonly rules: readonly ExplainedRule[]
  /** The same of the policies that projects have of their own, where they need the package. */
  readonly projects: readonly { readonly project: string; readonly rules: readonly ExplainedRule[] }[]
  /** For each publisher of the deciding rule and each provenance: the first field that differs; undefined where it is met. */
  readonly publishers: readonly {
    readonly publisher: number
    readonly attestation: number
    readonly differs: string | undefined
  }[]
  /** What the identity lock asks of it; undefined where nothing, or where no rule asks. */
  readonly locked: Demand | undefined
  /** Of each provenance, where the lock asks: who has published it, and in what that differs. */
  readonly publishedBy: readonly {
    readonly identity: Identity | undefined
    readonly difference: Difference | undefined
  }[]
  /** Which registry is asked for its evidence, where a rule says so. */
  readonly evidenceFrom?: string | undefined
  readonly proof: Result<Proof>
}
