import { type Refusal, type Result, refuse } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Claims, Proof } from '../verify/types.ts'
import { folderProblem } from './folders.ts'
import { replacedGate } from './gate-entry.ts'
import { comparableVersion } from './identity.ts'
import { matchesPackage } from './packages.ts'
import { meets, needsProofFor } from './require.ts'
import { soften } from './soften.ts'
import { covers, isFrom, pinnedBy, refuseSource } from './source.ts'
import { quote } from './text.ts'
import type { Policy, Rule, Status, Verdict } from './types.ts'

/** The first rule that is about the package decides, alone. */
export function ruleFor(pkg: LockedPackage, policy: Policy): Rule | undefined {
  return policy.rules.find((rule) => isNamedBy(rule, pkg) && isFrom(rule, pkg))
}

/** Whether a rule is about a package of that name and version, wherever it comes from. */
export function isNamedBy(rule: Rule, pkg: LockedPackage): boolean {
  if (rule.integrity !== undefined) {
    const { name, version } = pinnedBy(rule)
    return pkg.name === name && (pkg.version === version || comparableVersion(pkg) === '')
  }
  // The version of what a lockfile has at an address of its own is what the lockfile says, where nothing is proven.
  const isClaimed = pkg.outside !== undefined && rule.require === 'nothing'
  return matchesPackage(rule, { name: pkg.name, version: isClaimed ? '' : comparableVersion(pkg) })
}

/** A rule that a package must satisfy, and the other name under which the rule is about it, if it is one. */
interface Applied {
  /** Undefined where rules name the package, and none of them covers where it comes from. */
  readonly rule: Rule | undefined
  /** Those. */
  readonly passed: readonly Rule[]
  readonly alias: string | undefined
}

/**
 * The rule for the package's own name, and those for the names under which it is installed. A lockfile alone can put
 * `evil` into the folder of `left-pad` (`left-pad: evil@1.0.0` in the dependencies of another package), and whoever
 * imports `left-pad` gets what the rule for `left-pad` would never have let in. An alias that no rule names adds none. One
 * that rules name, each for other sources or bytes, is refused: otherwise `source` would let more in than its absence.
 * A name that differs by case alone counts as an alias: file systems that fold case have one folder for both.
 */
function appliedRules(pkg: LockedPackage, policy: Policy): readonly Applied[] {
  const byRules = remembered.applied.get(pkg) ?? new Map<readonly Rule[], readonly Applied[]>()
  const known = byRules.get(policy.rules)
  if (known !== undefined) return known
  const applied = findRules(pkg, policy)
  byRules.set(policy.rules, applied)
  remembered.applied.set(pkg, byRules)
  remembered.count += 1
  if (remembered.count > MOST_REMEMBERED) remembered = nothingRemembered()
  return applied
}

/**
 * Found once for each, for it is asked several times what they require: at once for as many packages as are judged at once. Of
 * thousands of packages and as many policies of projects not all of it has room.
 */
let remembered = nothingRemembered()
const MOST_REMEMBERED = 2 ** 18

function nothingRemembered() {
  return { applied: new WeakMap<LockedPackage, Map<readonly Rule[], readonly Applied[]>>(), count: 0 }
}

function findRules(pkg: LockedPackage, policy: Policy): readonly Applied[] {
  return [undefined, ...(pkg.aliases ?? []), ...(pkg.caseTwins ?? [])].flatMap((alias): readonly Applied[] => {
    const named = under(alias, pkg)
    const rule = ruleFor(named, policy)
    if (rule !== undefined) return [{ rule, passed: [], alias }]
    const passed = policy.rules.filter((each) => isNamedBy(each, named))
    return passed.length === 0 ? [] : [{ rule, passed, alias }]
  })
}

function isAboutItself(applied: readonly Applied[]): boolean {
  return applied.some(({ alias }) => alias === undefined)
}

/** All rules of one policy that are asked about a package: the one for its own name, and those for its others. */
export function rulesOf(pkg: LockedPackage, policy: Policy): readonly Rule[] {
  return appliedRules(pkg, policy).flatMap(({ rule }) => rule ?? [])
}

/** The rules of one policy that name a package, ask for no proof of it, and do not cover where it comes from. */
export function uncovered(
  pkg: LockedPackage,
  policy: Policy,
): readonly { readonly rule: Rule; readonly name: string }[] {
  return appliedRules(pkg, policy).flatMap(({ rule, alias }) => {
    const named = under(alias, pkg)
    const isRefused = rule !== undefined && !needsProofFor(rule, named, policy) && !covers(rule, named)
    return isRefused ? [{ rule, name: named.name }] : []
  })
}

/** The package as a rule for that other name sees it: its version is one of another package. */
function under(alias: string | undefined, pkg: LockedPackage): LockedPackage {
  return alias === undefined ? pkg : { ...pkg, name: alias, version: '' }
}

/**
 * The root's policy, and those of the projects that need the package. Where nobody knows who needs it, all of them: one
 * may be among those who do.
 */
export function policiesFor(pkg: LockedPackage, policy: Policy): readonly ProjectPolicy[] {
  const root = { project: undefined, policy }
  if (policy.projects.size === 0) return [root]
  if (pkg.forAnyone === true) return [root, ...ownPolicies(policy.projects)]
  const byList = NEEDING.get(policy.projects) ?? new WeakMap<readonly string[], readonly ProjectPolicy[]>()
  NEEDING.set(policy.projects, byList)
  const needing = byList.get(pkg.importers) ?? ownPolicies(policy.projects, new Set(pkg.importers))
  byList.set(pkg.importers, needing)
  return [root, ...needing]
}

interface ProjectPolicy {
  readonly project: string | undefined
  readonly policy: Policy
}

/** Found once for each list of projects: thousands of packages share one of thousands. */
const NEEDING = new WeakMap<Policy['projects'], WeakMap<readonly string[], readonly ProjectPolicy[]>>()

function ownPolicies(projects: Policy['projects'], needing?: ReadonlySet<string>): readonly ProjectPolicy[] {
  return [...projects].flatMap(([project, policy]) => (needing?.has(project) === false ? [] : [{ project, policy }]))
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
    return applied.some(({ rule, alias }) => rule !== undefined && needsProofFor(rule, under(alias, pkg), each))
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
  return appliedRules(pkg, policy).find(({ alias }) => alias === undefined)?.rule?.evidenceFrom
}

/**
 * Judges one package: pure, no I/O, no clock. `proof` is what verification found; it may be left out only where no rule
 * requires any (`needsProof`). What one rule refuses no other allows, and what the root's policy refuses no project's. A
 * package whose folder could be the folder of another one is refused before any rule is asked.
 */
export function decide(pkg: LockedPackage, policy: Policy, proof: Result<Proof> | undefined, now: Date): Verdict {
  const refusal = folderProblem(pkg) ?? replacedGate(pkg)
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
  { rule, passed: [first, ...others], alias }: Applied,
  policy: Policy,
  proof: Result<Proof> | undefined,
  now: Date,
): Verdict {
  const named = under(alias, pkg)
  const refused = (refusal: Refusal, claims?: Claims) => {
    const found = alias === undefined ? refusal.found : `${refusal.found}; it is installed as ${quote(alias)}`
    return soften({ package: pkg, refusal: { ...refusal, found }, rule, claims }, policy, now)
  }
  if (rule === undefined) {
    if (first === undefined) throw new TypeError('neither a rule nor one that was passed over')
    return refused(refuseSource(named, [first, ...others]))
  }
  if (!needsProofFor(rule, named, policy)) {
    return covers(rule, named) ? passes('permitted', pkg, rule, undefined) : refused(refuseSource(named, [rule]))
  }
  const outcome = meets(rule, named, policy, proof, now)
  if (outcome.met) return passes('proven', pkg, rule, outcome.claims)
  return refused(outcome.refusal, outcome.claims)
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

function passes(status: 'permitted' | 'proven', pkg: LockedPackage, rule: Rule, claims: Claims | undefined): Verdict {
  return { package: pkg, status, refusal: undefined, rule, claims }
}
