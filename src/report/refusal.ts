import path from 'node:path'
import type { Verdict } from '../policy/types.ts'
import { escapeText } from '../util/text.ts'

/** A refusal in phrases, as all output for people shows it. */
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
        package: escapeText(pkg.version === '' ? pkg.key : `${pkg.name}@${pkg.version}`),
        code: refusal?.code ?? 'INTERNAL_ERROR',
        found: escapeText(refusal?.found ?? 'a refusal without a reason'),
        expected: escapeText(refusal?.expected ?? 'a reason; please report this'),
        rule: rule === undefined ? 'none' : `${escapeText(shortPath(rule.place.file, folder))}:${rule.place.line}`,
        neededBy: importers.length === 0 ? undefined : escapeText(shownProjects(importers)),
        policyOf: projects === undefined ? undefined : escapeText(shownProjects(projects)),
      },
    ]
  })
}

/** What a person reads of. A package may be needed by thousands, and thousands of packages may be. */
const MOST_PROJECTS = 20

export function shownProjects(projects: readonly string[]): string {
  const shown = projects.slice(0, MOST_PROJECTS).map((project) => (project === '.' ? 'the root project' : project))
  const more = projects.length - shown.length
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ')
}

export function shortPath(file: string, folder: string): string {
  const relative = path.relative(folder, file)
  return relative.startsWith('..') ? file : relative
}
