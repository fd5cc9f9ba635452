import { extension } from './certificate.ts'
import { utf8String } from './der.ts'
import { type ResolvedIdentity, repositorySlug } from './identity.ts'

/** The claims of a Fulcio certificate: N of OID 1.3.6.1.4.1.57264.1.N, and the value as a string. */
export type FulcioClaims = ReadonlyMap<number, string>

/** Claims to set to something else, or with `null` to leave out, whatever the identity says. */
export type ClaimOverrides = Readonly<Record<number, string | null>>

const FULCIO_ARC = '1.3.6.1.4.1.57264.1'

/** The first six, deprecated now, hold the bare string; all later ones hold a DER UTF8String. */
const LAST_RAW_CLAIM = 6

/** What Fulcio certifies of a workflow: in early 2023 the first six claims only, today also 8 to 22 (23 and 24 rarely). */
export function workflowClaims(identity: ResolvedIdentity, legacy: boolean): FulcioClaims {
  const first: [number, string][] = [
    [1, identity.issuer],
    [2, identity.trigger],
    [3, identity.commit],
    [4, identity.workflowName],
    [5, repositorySlug(identity)],
    [6, identity.ref],
  ]
  if (legacy) return new Map(first)
  const today: [number, string | undefined][] = [
    [8, identity.issuer],
    [9, identity.buildSignerUri],
    [10, identity.buildSignerDigest],
    [11, identity.runnerEnvironment],
    [12, identity.repository],
    [13, identity.commit],
    [14, identity.ref],
    [15, identity.repositoryId],
    [16, identity.owner],
    [17, identity.ownerId],
    [18, identity.buildConfigUri],
    [19, identity.buildConfigDigest],
    [20, identity.trigger],
    [21, identity.runUri],
    [22, identity.visibility],
    [23, identity.environment],
    [24, identity.tokenSubject],
  ]
  return new Map([...first, ...today.filter((claim): claim is [number, string] => claim[1] !== undefined)])
}

/** What Fulcio certifies of a person who signed in: nothing but the issuer. */
export function personClaims(issuer: string, legacy: boolean): FulcioClaims {
  return new Map(legacy ? [[1, issuer]] : [1, 8].map((number) => [number, issuer]))
}

export function overrideClaims(claims: FulcioClaims, overrides: ClaimOverrides = {}): FulcioClaims {
  const result = new Map(claims)
  for (const [number, value] of Object.entries(overrides)) {
    if (value === null) result.delete(Number(number))
    else result.set(Number(number), value)
  }
  return new Map([...result].sort(([a], [b]) => a - b))
}

export function claimExtensions(claims: FulcioClaims): readonly Buffer[] {
  return Array.from(claims, ([number, value]) =>
    extension(`${FULCIO_ARC}.${number}`, number <= LAST_RAW_CLAIM ? Buffer.from(value, 'utf8') : utf8String(value)),
  )
}
