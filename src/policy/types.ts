import type { Refusal } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Claims } from '../verify/types.ts'

/** Whose provenance satisfies a rule. Every field that is given must match; patterns as in `pattern.ts`. */
export interface Publisher {
  /** Issuer URL, compared exactly. Always there: without it any issuer would do. */
  readonly issuer: string
  /** Repository URI pattern; `owner/name` in the file has become `https://github.com/owner/name` here. */
  readonly repository?: string | undefined
  /** Path pattern of the calling workflow inside the repository. */
  readonly workflow?: string | undefined
  /** Ref pattern, `refs/…`. */
  readonly ref?: string | undefined
}

/** A place in the policy file, for messages. Lines and columns count from 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

export interface Rule {
  /** Patterns as written: `name`, `@scope/*`, `!name`, `name@^1.0.0`. */
  readonly packages: readonly string[]
  readonly require: 'provenance' | 'nothing'
  /** Alternatives; one must match. Never empty where `require` is `provenance`. */
  readonly publishers: readonly Publisher[]
  /** Why the rule is as it is, in the words of whoever wrote it. */
  readonly reason?: string | undefined
  readonly place: Place
}

export interface Policy {
  readonly file: string
  readonly rules: readonly Rule[]
  /** Absolute paths of pinned trust material, where the policy names them. */
  readonly trust: { readonly trustedRoot: string | undefined; readonly npmKeys: string | undefined }
}

export type Status = 'proven' | 'permitted' | 'warned' | 'excepted' | 'refused'

/** The decision on one package. */
export interface Verdict {
  readonly package: LockedPackage
  readonly status: Status
  /** Set where the status is `refused`. */
  readonly refusal: Refusal | undefined
  /** The rule that decided, and where it stands; undefined where no rule is about the package. */
  readonly rule: Rule | undefined
  /** The proven claims that satisfied the rule, or failed to; undefined where nothing was proven. */
  readonly claims: Claims | undefined
}
