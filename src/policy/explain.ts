import type { Result } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Proof } from '../verify/types.ts'
import { compare } from './compare.ts'
import { decide, needsProof, ruleFor } from './decide.ts'
import { comparableVersion, lockedFor } from './identity.ts'
import { whyNotAbout } from './packages.ts'
import type { Explanation, Policy, Rule } from './types.ts'

/** Pure. `proof` is always there, whether or not the verdict needed it: people want to see what could be required. */
export function explain(pkg: LockedPackage, policy: Policy, proof: Result<Proof>, now: Date): Explanation {
  const verdict = decide(pkg, policy, needsProof(pkg, policy) ? proof : undefined, now)
  const own = ruleFor(pkg, policy)
  const decider = verdict.rule
  const at = own === undefined ? policy.rules.length : policy.rules.indexOf(own)
  const provenance = proof.ok ? proof.value.provenance : []
  return {
    verdict,
    rules: policy.rules.map((rule, index) => ({ rule, why: whyOf(rule, index, at, pkg, decider) })),
    publishers: (decider?.publishers ?? []).flatMap((publisher, index) =>
      provenance.map(({ claims }, attestation) => {
        const { mismatch } = compare(claims, publisher)
        const differs = mismatch && `${mismatch.found}, expected ${mismatch.expected}`
        return { publisher: index, attestation, differs }
      }),
    ),
    locked: policy.identities && lockedFor(policy.identities.get(pkg.name) ?? [], comparableVersion(pkg)),
    proof,
  }
}

function whyOf(rule: Rule, index: number, deciding: number, pkg: LockedPackage, decider: Rule | undefined): string {
  if (index === deciding)
    return rule === decider ? 'decides' : 'is about it, but a rule for another of its names is stricter'
  if (rule === decider) return `decides, as the rule for ${(pkg.aliases ?? []).join(', ')}, which it is installed as`
  return index < deciding
    ? whyNotAbout(rule, { name: pkg.name, version: comparableVersion(pkg) })
    : 'not asked: an earlier rule is about it'
}
