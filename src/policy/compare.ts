import type { Refusal, RefusalCode } from '../codes.ts'
import type { Claims } from '../verify/types.ts'
import { splitBuilder } from './fields.ts'
import { matchesPattern } from './pattern.ts'
import { either, quote } from './text.ts'
import type { Publisher } from './types.ts'

export interface Comparison {
  readonly claims: Claims
  /** How many fields were in order before the first that was not. */
  readonly matched: number
  readonly mismatch: Refusal | undefined
}

interface Field {
  readonly key: keyof Publisher
  readonly claim: keyof Claims
  /** What messages call it. */
  readonly name: string
  readonly code: RefusalCode
  readonly accepts: (wanted: string, found: string) => boolean
}

const exactly = (wanted: string, found: string) => wanted === found

/**
 * Who vouches for all the others goes first. From there on from the field that says most about who it was to the one that says least, so that a refusal names the gravest
 * difference: another issuer (another world of identities), another owner or repository, another workflow of the right
 * one (a pull request's, a dispatchable one), another ref (a branch that was never reviewed, commits that belong to none).
 */
const FIELDS: readonly Field[] = [
  { key: 'domain', claim: 'domain', name: 'trust domain', code: 'DOMAIN_MISMATCH', accepts: exactly },
  { key: 'issuer', claim: 'issuer', name: 'issuer', code: 'ISSUER_MISMATCH', accepts: exactly },
  { key: 'ownerId', claim: 'ownerId', name: 'owner id', code: 'OWNER_MISMATCH', accepts: exactly },
  { key: 'owner', claim: 'owner', name: 'owner', code: 'OWNER_MISMATCH', accepts: exactly },
  { key: 'repositoryId', claim: 'repositoryId', name: 'repository id', code: 'REPOSITORY_MISMATCH', accepts: exactly },
  { key: 'repository', claim: 'repository', name: 'repository', code: 'REPOSITORY_MISMATCH', accepts: matchesPattern },
  { key: 'workflow', claim: 'workflow', name: 'workflow', code: 'WORKFLOW_MISMATCH', accepts: matchesPattern },
  { key: 'builder', claim: 'buildSignerUri', name: 'builder', code: 'BUILDER_MISMATCH', accepts: matchesBuilder },
  { key: 'trigger', claim: 'trigger', name: 'trigger', code: 'TRIGGER_MISMATCH', accepts: exactly },
  { key: 'runner', claim: 'runnerEnvironment', name: 'runner', code: 'RUNNER_MISMATCH', accepts: matchesRunner },
  { key: 'environment', claim: 'environment', name: 'environment', code: 'ENVIRONMENT_MISMATCH', accepts: exactly },
  { key: 'ref', claim: 'ref', name: 'ref', code: 'REF_MISMATCH', accepts: matchesPattern },
  { key: 'commit', claim: 'commit', name: 'commit', code: 'COMMIT_MISMATCH', accepts: exactly },
  { key: 'visibility', claim: 'visibility', name: 'visibility', code: 'VISIBILITY_MISMATCH', accepts: exactly },
]

/** Compares proven claims with one publisher. The first field that differs is the one that is told. */
export function compare(claims: Claims, publisher: Publisher): Comparison {
  for (const { matched, alternatives, field } of wantedBy(publisher)) {
    const { claim, name, code, accepts } = field
    const found = foundIn(claims, claim)
    if (found !== undefined && alternatives.some((each) => accepts(each, found))) continue
    const expected = `${name} ${either(alternatives.map(quote))}`
    // A claim that the certificate lacks proves nothing: it is never taken for one that matches.
    const mismatch =
      found === undefined
        ? { code: 'CLAIM_MISSING' as const, found: `the certificate has no ${name} claim`, expected }
        : { code, found: `${name} ${quote(found)}`, expected }
    return { claims, matched, mismatch }
  }
  return { claims, matched: FIELDS.length, mismatch: undefined }
}

/** A delegator signs for whatever it is called by: the builder is the workflow that it vouches for. */
function foundIn(claims: Claims, claim: keyof Claims): string | undefined {
  return (claim === 'buildSignerUri' ? claims.delegatedBuilder : undefined) ?? claims[claim]
}

/** A field that a publisher asks for, and which one it is. */
interface Wanted {
  readonly field: Field
  readonly matched: number
  readonly alternatives: readonly string[]
}

const WANTED = new WeakMap<Publisher, readonly Wanted[]>()

/** Found once for each: thousands of packages are compared with it. */
function wantedBy(publisher: Publisher): readonly Wanted[] {
  const wanted =
    WANTED.get(publisher) ??
    FIELDS.flatMap((field, matched) => {
      const value = publisher[field.key]
      // Never left out, whatever a publisher lacks.
      if (value === undefined && field.key !== 'issuer' && field.key !== 'domain') return []
      return [{ field, matched, alternatives: [value ?? []].flat() }]
    })
  WANTED.set(publisher, wanted)
  return wanted
}

/** Two patterns, of which none reaches over the `@`: otherwise a branch called `x.yml@refs/tags/v1` could pass for a tag. */
function matchesBuilder(wanted: string, found: string): boolean {
  const [pattern, uri] = [splitBuilder(wanted), splitBuilder(found)]
  return matchesPattern(pattern.path, uri.path) && matchesPattern(pattern.ref, uri.ref)
}

/** GitHub and GitLab call their own runners by their own names. */
function matchesRunner(wanted: string, found: string): boolean {
  return wanted === 'hosted' ? found === 'github-hosted' || found === 'gitlab-hosted' : wanted === found
}
