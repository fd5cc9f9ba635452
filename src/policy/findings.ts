import type { LockedPackage } from '../lockfile/types.ts'
import { cut, firstOf, listText } from '../util/text.ts'
import { rulesOf, uncovered } from './decide.ts'
import { LOCK_NAME } from './names.ts'
import { describeSource, ruleThatPermits, sourceFor } from './source.ts'
import { didYouMean, quote } from './text.ts'
import { endOf } from './time.ts'
import type { Place, Policy } from './types.ts'
import { holdsNothing } from './unbindable.ts'
import { deadPatterns } from './unreachable.ts'

/** Something about a policy that is no error, and that whoever keeps it wants to know. */
export interface Finding {
  readonly place: Place
  readonly message: string
}

/** Of a list in a message, and of names for which others are looked for that are alike. */
const MOST_LISTED = 20
const MOST_MEMBER = 300

/** How long before its last day an exception is told. */
const NOTICE = 30 * 86_400_000

/** @param packages of the lockfile; undefined where there is none to look at */
export function findingsOf(
  policy: Policy,
  packages: readonly LockedPackage[] | undefined,
  now: Date,
): readonly Finding[] {
  // Packages share their lists.
  const lists = new Map<readonly string[], ReadonlySet<string>>()
  const listed = (importers: readonly string[]) => {
    const known = lists.get(importers) ?? new Set(importers)
    lists.set(importers, known)
    return known
  }
  const projects = [...policy.projects].flatMap(([project, own]) => {
    const needed = packages?.filter(({ importers, forAnyone }) => forAnyone === true || listed(importers).has(project))
    if (needed?.length !== 0) return findingsOf(own, needed, now)
    const place = { file: own.file, line: 1, column: 1 }
    return [{ place, message: `nothing in the lockfile is needed by ${project}, so this policy decides nothing` }]
  })
  return [...findingsIn(policy, packages, now), ...lockFindings(policy, packages), ...projects]
}

/** That a policy, with those of its projects, lets in whatever is published. It may be meant, for a first day. */
export function vainFindings(policy: Policy, packages: readonly LockedPackage[]): readonly Finding[] {
  if (!holdsNothing(policy, packages)) return []
  const message =
    'no rule requires anything of what the lockfile has from registries, so that this policy holds nothing of it: every version that anybody publishes passes. Require "signature" or "provenance", or record who publishes what with `provenance-gate accept` and "unchanged: true"'
  return [{ place: { file: policy.file, line: policy.rules[0]?.place.line ?? 1, column: 1 }, message }]
}

/** Entries of the identity lock that hold nothing: a package or a version that is gone, or a mistyped name. */
function lockFindings({ identities }: Policy, packages: readonly LockedPackage[] | undefined): readonly Finding[] {
  if (identities === undefined || packages === undefined) return []
  const names = new Set(packages.flatMap(({ name, aliases = [] }) => [name, ...aliases]))
  const versions = new Set(packages.map(({ name, version }) => `${name}@${version}`))
  const placeAt = (line: number | undefined) => ({ file: LOCK_NAME, line: line ?? 1, column: 1 })
  const unlocked = [...names].filter((each) => !identities.has(each))
  let left = MOST_LISTED
  return [...identities].flatMap(([name, { published, unproven }]): readonly Finding[] => {
    if (!names.has(name)) {
      left -= 1
      // Many at once are no mistyped names, and each would be compared with each.
      const meant = left < 0 ? '' : didYouMean(name, unlocked)
      return [{ place: placeAt(published[0]?.line), message: `${quote(name)} is not in the lockfile${meant}` }]
    }
    return unproven
      .filter(({ version }) => !versions.has(`${name}@${version}`))
      .map(({ version, line }) => ({
        place: placeAt(line),
        message: `${name}@${version}, recorded as unproven, is not in the lockfile: remove the line, or the version could come back unseen`,
      }))
  })
}

/** Rules of a shared policy that rules of others take everything from. In one file that is an error already. */
function unreachable({ file, rules }: Policy): readonly Finding[] {
  const dead = deadPatterns(rules)
  return rules.flatMap(({ packages, place }, index) => {
    const shadowed = dead.filter(({ rule, negated }) => rule === index && !negated)
    if (place.file === file || shadowed.length < packages.filter((each) => !each.startsWith('!')).length) return []
    const by = [...new Set(shadowed.map((each) => rules[each.by]?.place))]
    const where = listText(
      by.map((each) => `${each?.file}:${each?.line}`),
      MOST_LISTED,
    )
    return [{ place, message: `this rule can never decide: ${where} decides everything that it names` }]
  })
}

function describeMember({ pkg }: { readonly pkg: LockedPackage }): string {
  return cut(`${pkg.key}, ${describeSource(pkg)}`, MOST_MEMBER)
}

/**
 * What rules without `source` named, that require nothing, and do not cover. Each finding has the rule to write, for all
 * packages of one source.
 */
function elsewhereFindings(policy: Policy, packages: readonly LockedPackage[]): readonly Finding[] {
  const refused = packages.flatMap((given) => {
    const pkg = given.bundledIn ?? given
    return uncovered(pkg, policy).map(({ rule, name }) => ({ rule, name, pkg }))
  })
  return [...Map.groupBy(refused, ({ rule }) => rule)].flatMap(([rule, ofRule]) =>
    [...Map.groupBy(ofRule, ({ pkg }) => sourceFor(rule, pkg))].map(([source, members]): Finding => {
      const named = firstOf([...new Set(members.map(describeMember))], MOST_LISTED).join('; ')
      const line = ruleThatPermits([...new Set(members.map(({ name }) => name))].sort(), source)
      const advice =
        line === undefined
          ? 'No rule permits what is of unknown source. Correct the lockfile'
          : `If this is meant, write before this rule: - ${line}`
      return {
        place: rule.place,
        message: `this rule covers registry and workspace, and so not: ${named}. ${advice}`,
      }
    }),
  )
}

function findingsIn(policy: Policy, packages: readonly LockedPackage[] | undefined, now: Date): readonly Finding[] {
  // By any of its names: the first rule that is about it.
  const used = new Set(packages?.flatMap((pkg) => (pkg.bundledIn === undefined ? rulesOf(pkg, policy) : [])))
  const rules = policy.rules.flatMap((rule): readonly Finding[] =>
    // The last one for everything is for what comes.
    packages === undefined || used.has(rule) || (rule.packages.join() === '**' && rule.source === undefined)
      ? []
      : [
          {
            place: rule.place,
            message: `this rule decides nothing in the lockfile: ${listText(rule.packages, MOST_LISTED)}`,
          },
        ],
  )
  const exceptions = policy.exceptions.flatMap(({ name, version, expires, place }): readonly Finding[] => {
    const left = endOf(expires).getTime() - now.getTime()
    if (left <= 0)
      return [{ place, message: `the exception for ${name}@${version} held until ${expires}, and excuses nothing now` }]
    return left <= NOTICE
      ? [{ place, message: `the exception for ${name}@${version} holds until ${expires} only` }]
      : []
  })
  const settings = policy.allowSettings.flatMap(({ file, key, expires, place }): readonly Finding[] => {
    const left = endOf(expires).getTime() - now.getTime()
    const what = `the setting ${quote(key)} of ${quote(file)}`
    if (left <= 0) return [{ place, message: `${what} was allowed until ${expires}, and is refused now` }]
    return left <= NOTICE ? [{ place, message: `${what} is allowed until ${expires} only` }] : []
  })
  const allowances = (policy.allowLockChanges ?? []).flatMap(({ package: name, expires, place }): readonly Finding[] =>
    endOf(expires) > now ? [] : [{ place, message: `"allowLockChanges" for ${name} held until ${expires}: remove it` }],
  )
  const elsewhere = elsewhereFindings(policy, packages ?? [])
  return [...rules, ...elsewhere, ...unreachable(policy), ...exceptions, ...settings, ...allowances].toSorted(
    (a, b) => a.place.line - b.place.line,
  )
}
