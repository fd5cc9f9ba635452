import { type Result, refuse } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Claims, Proof } from '../verify/types.ts'
import { folderProblem } from './folders.ts'
import { comparableVersion } from './identity.ts'
import { matchesPackage } from './packages.ts'
import { meets, needsProofFor } from './require.ts'
import { soften } from './soften.ts'
import { quote } from './text.ts'
import type { Policy, Rule, Status, Verdict } from './types.ts'

/** The first rule that is about the package decides, alone. */
export function ruleFor(pkg: LockedPackage, policy: Policy): Rule | undefined {
  const version = comparableVersion(pkg)
  return policy.rules.find((rule) => matchesPackage(rule, { name: pkg.name, version }))
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
 * A name that differs by case alone counts as an alias: file systems that fold case have one folder for both.
 */
function appliedRules(pkg: LockedPackage, policy: Policy): readonly Applied[] {
  const byPackage = APPLIED.get(policy.rules) ?? new WeakMap<LockedPackage, readonly Applied[]>()
  APPLIED.set(policy.rules, byPackage)
  const applied = byPackage.get(pkg) ?? findRules(pkg, policy)
  byPackage.set(pkg, applied)
  return applied
}

/** Found once for each: it is asked several times what they require. */
const APPLIED = new WeakMap<readonly Rule[], WeakMap<LockedPackage, readonly Applied[]>>()

function findRules(pkg: LockedPackage, policy: Policy): readonly Applied[] {
  return [undefined, ...(pkg.aliases ?? []), ...(pkg.caseTwins ?? [])].flatMap((alias) => {
    const rule = ruleFor(under(alias, pkg), policy)
    return rule === undefined ? [] : [{ rule, alias }]
  })
}

function isAboutItself(applied: readonly Applied[]): boolean {
  return applied.some(({ alias }) => alias === undefined)
}

/** All rules of one policy that are asked about a package: the one for its own name, and those for its others. */
export function rulesOf(pkg: LockedPackage, policy: Policy): readonly Rule[] {
  return appliedRules(pkg, policy).map(({ rule }) => rule)
}

/** The package as a rule for that other name sees it: its version is one of another package. */
function under(alias: string | undefined, pkg: LockedPackage): LockedPackage {
  return alias === undefined ? pkg : { ...pkg, name: alias, version: '' }
}

/**
 * The root's policy, and those of the projects that need the package. Where nobody knows who needs it, all of them: one
 * may be among those who do.
 */
export function policiesFor(
  pkg: LockedPackage,
  policy: Policy,
): readonly { readonly project: string | undefined; readonly policy: Policy }[] {
  const projects = [...policy.projects].filter(([project]) => pkg.forAnyone === true || pkg.importers.includes(project))
  return [{ project: undefined, policy }, ...projects.map(([project, own]) => ({ project, policy: own }))]
}

/** Whether `decide` needs a proof for this package; for one that is bundled, of the one that brings it. */
export function needsProof(given: LockedPackage, policy: Policy): boolean {
  const pkg = given.bundledIn ?? given
  // It is refused, whatever could be proven.
  if (folderProblem(given) !== undefined || folderProblem(pkg) !== undefined) return false
  return policiesFor(pkg, policy).some(({ policy: each, project }) => {
    const applied = appliedRules(pkg, each)
    // Without a rule of the root's the package is refused, whatever could be proven.
    if (project === undefined && !isAboutItself(applied)) return false
    return applied.some(({ rule, alias }) => needsProofFor(rule, under(alias, pkg), each))
  })
}

/** With whose signature a rule about this package is content: names of registries, undefined for the default one. */
export function acceptedRegistries(given: LockedPackage, policy: Policy): readonly (string | undefined)[] {
  const pkg = given.bundledIn ?? given
  return policiesFor(pkg, policy).flatMap(({ policy: each }) =>
    rulesOf(pkg, each).flatMap((rule) => (rule.require === 'signature' ? [rule.registry] : [])),
  )
}

/**
 * The registry that has the evidence of a package, where a rule says that it is another than the settings give. The root's
 * rule for its own name alone says so: one for a name that it is installed as would tell that registry of packages that
 * are none of its business.
 */
export function evidenceFrom(pkg: LockedPackage, policy: Policy): string | undefined {
  return appliedRules(pkg, policy).find(({ alias }) => alias === undefined)?.rule.evidenceFrom
}

/**
 * Judges one package: pure, no I/O, no clock. `proof` is what verification found; it may be left out only where no rule
 * requires any (`needsProof`). What one rule refuses no other allows, and what the root's policy refuses no project's. A
 * package whose folder could be the folder of another one is refused before any rule is asked.
 */
export function decide(pkg: LockedPackage, policy: Policy, proof: Result<Proof> | undefined, now: Date): Verdict {
  const refusal = folderProblem(pkg)
  if (refusal !== undefined) return { package: pkg, status: 'refused', refusal, rule: undefined, claims: undefined }
  if (pkg.bundledIn !== undefined) return bundled(pkg, decide(pkg.bundledIn, policy, proof, now))
  const verdicts = policiesFor(pkg, policy).flatMap(({ project, policy: each }) => {
    const applied = appliedRules(pkg, each)
    // The root's must be about the package; a project's adds nothing where it is not.
    if (project === undefined && !isAboutItself(applied)) return [{ project, verdict: noRule(pkg, each, now) }]
    return applied.map((one) => ({ project, verdict: meetsRule(pkg, one, each, proof, now) }))
  })
  const excused = verdicts.flatMap(({ verdict }) => verdict.exception ?? [])
  const strictest = {
    ...strictestOf(verdicts.map(({ verdict }) => verdict)),
    ...(excused.length > 0 && { excused }),
  }
  const same = verdicts.filter(({ verdict }) => verdict.status === strictest.status)
  const projects = [...new Set(same.flatMap(({ project }) => project ?? []))]
  return same.some(({ project }) => project === undefined) ? strictest : { ...strictest, projects }
}

/**
 * What is in another package's tarball is as good as that one: whoever publishes the tarball has put it there. A rule about its
 * own name is not asked, for nobody attests what is in a tarball of somebody else.
 */
function bundled(pkg: LockedPackage, { package: bundler, status, refusal, rule, projects }: Verdict): Verdict {
  const common = { package: pkg, rule, claims: undefined, ...(projects && { projects }) }
  if (status !== 'refused') return { ...common, status: 'bundled', refusal: undefined }
  const because = refusal && { ...refusal, found: `${refusal.found}, of ${bundler.key}, whose tarball it is in` }
  return { ...common, status, refusal: because }
}

function noRule(pkg: LockedPackage, policy: Policy, now: Date): Verdict {
  const { refusal } = refuse(
    'NO_RULE',
    `no rule of ${policy.file} matches ${pkg.key}`,
    'a rule whose "packages" matches it',
  )
  return soften({ package: pkg, refusal, rule: undefined, claims: undefined }, policy, now)
}

function meetsRule(
  pkg: LockedPackage,
  { rule, alias }: Applied,
  policy: Policy,
  proof: Result<Proof> | undefined,
  now: Date,
): Verdict {
  const named = under(alias, pkg)
  if (!needsProofFor(rule, named, policy)) return passed('permitted', pkg, rule, undefined)
  const outcome = meets(rule, named, policy, proof, now)
  if (outcome.met) return passed('proven', pkg, rule, outcome.claims)
  const { refusal, claims } = outcome
  const found = alias === undefined ? refusal.found : `${refusal.found}; it is installed as ${quote(alias)}`
  return soften({ package: pkg, refusal: { ...refusal, found }, rule, claims }, policy, now)
}

const STRICTEST_FIRST = [
  'refused',
  'warned',
  'excepted',
  'proven',
  'permitted',
  'bundled',
] as const satisfies readonly Status[]

/** Of equally strict ones the first: the root's before those of projects, its own name before its others. */
function strictestOf(verdicts: readonly Verdict[]): Verdict {
  for (const status of STRICTEST_FIRST) {
    const found = verdicts.find((verdict) => verdict.status === status)
    if (found !== undefined) return found
  }
  throw new TypeError('no verdict')
}

function passed(status: 'permitted' | 'proven', pkg: LockedPackage, rule: Rule, claims: Claims | undefined): Verdict {
  return { package: pkg, status, refusal: undefined, rule, claims }
}
