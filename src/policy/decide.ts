import { type Refusal, type Result, refuse } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Claims, Proof } from '../verify/types.ts'
import { type Comparison, compare } from './compare.ts'
import { matchesPackage } from './packages.ts'
import { quote } from './text.ts'
import type { Policy, Rule, Verdict } from './types.ts'

/** The first rule that is about the package decides, alone. */
export function ruleFor(pkg: LockedPackage, policy: Policy): Rule | undefined {
  return policy.rules.find((rule) => matchesPackage(rule, pkg))
}

/** A rule that a package must satisfy, and the other name under which the rule is about it, if it is one. */
interface Applied {
  readonly rule: Rule
  readonly alias: string | undefined
}

/**
 * The rule for the package's own name, and those for the names under which it is installed. A lockfile alone can put
 * `evil` into the folder of `left-pad` (`left-pad: evil@1.0.0` in the dependencies of another package), and whoever
 * imports `left-pad` gets what the rule for `left-pad` would never have let in. An alias that no rule is about adds none.
 */
function appliedRules(pkg: LockedPackage, policy: Policy): readonly [Rule | undefined, ...Applied[]] {
  const others = (pkg.aliases ?? []).flatMap((alias) => {
    const rule = ruleFor({ ...pkg, name: alias }, policy)
    return rule === undefined ? [] : [{ rule, alias }]
  })
  return [ruleFor(pkg, policy), ...others]
}

/** Whether `decide` needs a proof for this package. */
export function needsProof(pkg: LockedPackage, policy: Policy): boolean {
  const [own, ...others] = appliedRules(pkg, policy)
  return own !== undefined && [own, ...others.map(({ rule }) => rule)].some((rule) => rule.require !== 'nothing')
}

/**
 * Judges one package: pure, no I/O, no clock. `proof` is what verification found; it may be left out only where no rule
 * requires any (`needsProof`). What one rule refuses no other allows.
 */
export function decide(pkg: LockedPackage, policy: Policy, proof: Result<Proof> | undefined): Verdict {
  const [own, ...others] = appliedRules(pkg, policy)
  if (own === undefined) {
    const { refusal } = refuse(
      'NO_RULE',
      `no rule of ${policy.file} matches ${pkg.key}`,
      'a rule whose "packages" matches it',
    )
    return { package: pkg, status: 'refused', refusal, rule: undefined, claims: undefined }
  }
  const verdict = decideBy({ rule: own, alias: undefined }, pkg, proof)
  return (
    [verdict, ...others.map((other) => decideBy(other, pkg, proof))].find(({ status }) => status === 'refused') ??
    verdict
  )
}

/** There are two ways to pass, and both are written out: everything else falls to a refusal. */
function decideBy({ rule, alias }: Applied, pkg: LockedPackage, proof: Result<Proof> | undefined): Verdict {
  const refused = (refusal: Refusal, claims?: Claims): Verdict => {
    const found = alias === undefined ? refusal.found : `${refusal.found}; it is installed as ${quote(alias)}`
    return { package: pkg, status: 'refused', refusal: { ...refusal, found }, rule, claims }
  }

  if (rule.require === 'nothing')
    return { package: pkg, status: 'permitted', refusal: undefined, rule, claims: undefined }
  if (rule.require !== 'provenance' || proof === undefined) {
    const { refusal } = refuse(
      'INTERNAL_ERROR',
      'the package was not verified before it was judged',
      'a proof, as its rule requires',
    )
    return refused(refusal)
  }
  if (!proof.ok) return refused(proof.refusal)

  let closest: Comparison | undefined
  for (const { claims } of proof.value.provenance) {
    for (const publisher of rule.publishers) {
      const comparison = compare(claims, publisher)
      if (comparison.mismatch === undefined) {
        return { package: pkg, status: 'proven', refusal: undefined, rule, claims }
      }
      if (closest === undefined || comparison.matched > closest.matched) closest = comparison
    }
  }
  if (closest?.mismatch === undefined) {
    const { refusal } = refuse(
      'INTERNAL_ERROR',
      'no claims, or no publisher to compare them with',
      'at least one of each',
    )
    return refused(refusal)
  }
  const { code, found, expected } = closest.mismatch
  const count = rule.publishers.length
  const others = count > 1 ? ` (the closest of the rule's ${count} publishers)` : ''
  return refused({ code, found, expected: expected + others }, closest.claims)
}
