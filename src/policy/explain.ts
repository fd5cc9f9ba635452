import type { Result } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import { listText } from '../util/text.ts'
import type { Proof } from '../verify/types.ts'
import { compare } from './compare.ts'
import { decide, evidenceFrom, isNamedBy, needsProof, policiesFor, ruleFor } from './decide.ts'
import { comparableVersion, demandFor, differenceOf, identityOf } from './identity.ts'
import { whyNotAbout } from './packages.ts'
import { describeCovered, describeSource } from './source.ts'
import type { Demand, ExplainedRule, Explanation, Policy, Rule } from './types.ts'

/** Pure. `proof` is always there, whether or not the verdict needed it: people want to see what could be required. */
export function explain(given: LockedPackage, policy: Policy, proof: Result<Proof>, now: Date): Explanation {
  const verdict = decide(given, policy, needsProof(given, policy) ? proof : undefined, now)
  // Of what is bundled nothing is asked but what is asked of the one that brings it.
  const pkg = given.bundledIn ?? given
  const decider = verdict.rule
  const from = evidenceFrom(pkg, policy)
  const provenance = proof.ok ? proof.value.provenance : []
  const locked = lockedOf(pkg, policy)
  return {
    verdict,
    rules: explainRules(pkg, policy, decider),
    projects: policiesFor(pkg, policy).flatMap(({ project, policy: own }) =>
      project === undefined ? [] : [{ project, rules: explainRules(pkg, own, decider) }],
    ),
    publishers: (decider?.publishers ?? []).flatMap((publisher, index) =>
      provenance.map(({ claims }, attestation) => {
        const { mismatch } = compare(claims, publisher)
        const differs = mismatch && `${mismatch.found}, expected ${mismatch.expected}`
        return { publisher: index, attestation, differs }
      }),
    ),
    locked,
    publishedBy:
      locked === undefined
        ? []
        : provenance.map(({ claims }) => {
            const identity = identityOf(claims)
            return { identity, difference: identity && differenceOf(locked.since.identity, identity) }
          }),
    ...(from !== undefined && pkg.source === 'registry' && { evidenceFrom: from }),
    proof,
  }
}

function explainRules(pkg: LockedPackage, policy: Policy, decider: Rule | undefined): readonly ExplainedRule[] {
  const own = ruleFor(pkg, policy)
  const deciding = own === undefined ? policy.rules.length : policy.rules.indexOf(own)
  const aboutIt =
    own === decider
      ? 'decides'
      : decider !== undefined && policy.rules.includes(decider)
        ? 'is about it, but a rule for another of its names is stricter'
        : 'is about it, but another policy is at least as strict'
  return policy.rules.map((rule, index) => {
    if (index === deciding) return { rule, why: aboutIt }
    if (rule === decider) {
      const aliases = listText(pkg.aliases ?? [], MOST_ALIASES)
      return { rule, why: `decides, as the rule for ${aliases}, which it is installed as` }
    }
    const isEarlier = index < deciding
    return { rule, why: isEarlier ? whyNot(rule, pkg) : 'not asked: an earlier rule is about it' }
  })
}

const MOST_ALIASES = 20

function whyNot(rule: Rule, pkg: LockedPackage): string {
  if (isNamedBy(rule, pkg)) return `is about ${describeCovered(rule)}, and this is ${describeSource(pkg)}`
  return whyNotAbout(rule, { name: pkg.name, version: comparableVersion(pkg) })
}

/** By its own name, else by one that it is installed as: that is whose entry a rule compares it with. */
function lockedOf(pkg: LockedPackage, { identities }: Policy): Demand | undefined {
  const under = (name: string, named: LockedPackage) => demandFor(identities?.get(name), named)
  const own = under(pkg.name, pkg)
  return (pkg.aliases ?? []).reduce((found, alias) => found ?? under(alias, { ...pkg, version: '' }), own)
}
