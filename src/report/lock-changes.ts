import type { LockChange } from '../policy/types.ts'
import { escapeText, firstOf, listText } from '../util/text.ts'
import { MOST_LINES, MOST_LISTED } from './bounds.ts'
import { shortPath } from './refusal.ts'

/** The two identity locks that are compared. */
export interface LockFiles {
  readonly lock: string
  /** That of the protected branch. */
  readonly base: string
}

/** For what the identity lock asks less than that of the protected branch: one line each, and how it gets in. */
export function lockChangeLines(changes: readonly LockChange[], files: LockFiles, folder: string): readonly string[] {
  if (changes.length === 0) return []
  const refused = changes.filter(({ isAllowed }) => !isAllowed)
  const names = [...new Set(refused.map((change) => change.package))]
  return [
    ...firstOf(changes, MOST_LINES, (change) => escapeText(lineOf(change, files, folder))),
    ...(refused.length === 0
      ? []
      : [
          escapeText(
            `${refused.length} ${refused.length === 1 ? 'change' : 'changes'} of the identity lock refused: ${listText(names, MOST_LISTED)}. An owner of the protected branch has to look at each, and to allow it there ("allowLockChanges" in the policy, docs/ci.md).`,
          ),
        ]),
  ]
}

function lineOf(change: LockChange, files: LockFiles, folder: string): string {
  const { found, expected, line, baseLine, allowance, isAllowed } = change
  const base = `${shortPath(files.base, folder)}:${baseLine}`
  const where = line === undefined ? base : `${shortPath(files.lock, folder)}:${line}`
  const told = `${where}  ${change.package}  LOCK_LOOSENED: found ${found}; expected ${expected}${line === undefined ? '' : ` (${base})`}`
  if (allowance === undefined) return told
  const place = `${shortPath(allowance.place.file, folder)}:${allowance.place.line}`
  return isAllowed
    ? `${told}. Allowed until ${allowance.expires} (${place}): ${allowance.reason}`
    : `${told}. It was allowed until ${allowance.expires} (${place})`
}
