import type { LockedPackage } from '../lockfile/types.ts'
import { rulesOf } from './decide.ts'
import { endOf } from './time.ts'
import type { Place, Policy } from './types.ts'

/** Something about a policy that is no error, and that whoever keeps it wants to know. */
export interface Finding {
  readonly place: Place
  readonly message: string
}

/** How long before its last day an exception is told. */
const NOTICE = 30 * 86_400_000

/** @param packages of the lockfile; undefined where there is none to look at */
export function findingsOf(
  policy: Policy,
  packages: readonly LockedPackage[] | undefined,
  now: Date,
): readonly Finding[] {
  const projects = [...policy.projects].flatMap(([project, own]) => {
    const needed = packages?.filter(({ importers }) => importers.includes(project))
    if (needed?.length !== 0) return findingsOf(own, needed, now)
    const place = { file: own.file, line: 1, column: 1 }
    return [{ place, message: `nothing in the lockfile is needed by ${project}, so this policy decides nothing` }]
  })
  return [...findingsIn(policy, packages, now), ...projects]
}

function findingsIn(policy: Policy, packages: readonly LockedPackage[] | undefined, now: Date): readonly Finding[] {
  const rules = policy.rules.flatMap((rule): readonly Finding[] => {
    // By any of its names: the first rule that is about it.
    const isUsed = packages === undefined || packages.some((pkg) => rulesOf(pkg, policy).includes(rule))
    return isUsed
      ? []
      : [{ place: rule.place, message: `this rule decides nothing in the lockfile: ${rule.packages.join(', ')}` }]
  })
  const exceptions = policy.exceptions.flatMap(({ name, version, expires, place }): readonly Finding[] => {
    const left = endOf(expires).getTime() - now.getTime()
    if (left <= 0)
      return [{ place, message: `the exception for ${name}@${version} held until ${expires}, and refuses now` }]
    return left <= NOTICE
      ? [{ place, message: `the exception for ${name}@${version} holds until ${expires} only` }]
      : []
  })
  return [...rules, ...exceptions].toSorted((a, b) => a.place.line - b.place.line)
}
