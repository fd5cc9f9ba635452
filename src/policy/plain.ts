import type { IdentityLock, LockEntry, Policy, PolicyDomain, Publisher } from './types.ts'

/*
 * What a file says, as plain data: lists in the place of maps. So it can be written down, and need not be found out again as
 * long as the file's text is the same.
 */

export interface PlainPolicy extends Omit<Policy, 'publishers' | 'trust' | 'projects' | 'identities'> {
  readonly publishers: readonly (readonly [string, readonly Publisher[]])[]
  readonly trust: Omit<Policy['trust'], 'domains' | 'registries'> & {
    readonly domains?: readonly (readonly [string, PolicyDomain])[]
    readonly registries?: readonly (readonly [string, string])[]
  }
}

/** Of one file, which has neither projects nor an identity lock yet. */
export function toPlain({ publishers, trust, projects: _, identities: __, ...policy }: Policy): PlainPolicy {
  const { domains, registries, ...files } = trust
  return {
    ...policy,
    publishers: [...publishers],
    trust: {
      ...files,
      ...(domains !== undefined && { domains: [...domains] }),
      ...(registries !== undefined && { registries: [...registries] }),
    },
  }
}

export function fromPlain({ publishers, trust, ...policy }: PlainPolicy): Policy {
  const { domains, registries, trustedRoot, npmKeys, ...files } = trust
  return {
    ...policy,
    identities: undefined,
    publishers: new Map(publishers),
    trust: {
      trustedRoot,
      npmKeys,
      ...files,
      ...(domains !== undefined && { domains: new Map(domains) }),
      ...(registries !== undefined && { registries: new Map(registries) }),
    },
    projects: new Map(),
  }
}

export type PlainLock = readonly (readonly [string, LockEntry])[]

export function fromPlainLock(lock: PlainLock): IdentityLock {
  return new Map(lock)
}
