import path from 'node:path'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Verdict } from '../policy/types.ts'
import { cut, escapeText, firstOf } from '../util/text.ts'
import { MOST_NAME, MOST_PHRASE, MOST_PROJECTS_SHOWN } from './bounds.ts'

/** A refusal in phrases of bounded length, as all output for people shows it. */
export interface RefusalLines {
  readonly package: string
  readonly code: string
  readonly found: string
  readonly expected: string
  /** `file:line` of the rule, or that there is none. */
  readonly rule: string
  /** Which workspace projects bring the package in; undefined where that is not known. */
  readonly neededBy: string | undefined
  /** Which projects' own policies it is not good enough for; undefined where it is the root's. */
  readonly policyOf: string | undefined
}

/** Those verdicts that are refusals, or those that would be if their rule did more than warn. */
export function refusals(
  verdicts: readonly Verdict[],
  folder: string,
  which: 'refused' | 'warned' = 'refused',
): readonly RefusalLines[] {
  return verdicts.flatMap(({ package: pkg, status, refusal, rule, projects }) => {
    if (status !== which) return []
    const { importers } = pkg
    return [
      {
        package: packageText(pkg),
        code: refusal?.code ?? 'INTERNAL_ERROR',
        found: escapeText(refusal?.found ?? 'a refusal without a reason', MOST_PHRASE),
        expected: escapeText(refusal?.expected ?? 'a reason; please report this', MOST_PHRASE),
        rule: rule === undefined ? 'none' : `${escapeText(shortPath(rule.place.file, folder))}:${rule.place.line}`,
        neededBy: importers.length === 0 ? undefined : projectsText(importers),
        policyOf: projects === undefined ? undefined : projectsText(projects),
      },
    ]
  })
}

/** The name and the version of an entry, or what its lockfile calls it. */
export function packageText({ name, version, key }: Pick<LockedPackage, 'name' | 'version' | 'key'>): string {
  return escapeText(version === '' ? key : `${name}@${version}`, MOST_NAME)
}

/** Some projects, for people. A package may be needed by thousands. */
export function projectsText(projects: readonly string[], most: number = MOST_PROJECTS_SHOWN): string {
  const called = (each: string) => (each === '.' ? 'the root project' : cut(each, MOST_NAME))
  return escapeText(firstOf(projects, most, called).join(', '))
}

/** Why the evidence of an entry cannot be used, or why it is refused, in one line. */
export function reasonLine({ key }: Pick<LockedPackage, 'key'>, refusal: Verdict['refusal']): string {
  const found = refusal?.found ?? 'a refusal without a reason'
  return `${escapeText(key, MOST_NAME)}  ${refusal?.code ?? 'INTERNAL_ERROR'}: ${escapeText(found, MOST_PHRASE)}`
}

export function shortPath(file: string, folder: string): string {
  const relative = path.relative(folder, file)
  return relative.startsWith('..') ? file : relative
}
