import type { RefusalCode } from '../codes.ts'
import type { Status, Verdict } from '../policy/types.ts'

/** How many packages ended in each status. Every package is in exactly one, so they add up to `total`. */
export interface Summary extends Readonly<Record<Status, number>> {
  readonly total: number
  /** How many were refused for each reason. */
  readonly codes: Readonly<Partial<Record<RefusalCode, number>>>
}

export function summarize(verdicts: readonly Verdict[]): Summary {
  const counts: Record<Status, number> = { proven: 0, permitted: 0, bundled: 0, warned: 0, excepted: 0, refused: 0 }
  const codes: Partial<Record<RefusalCode, number>> = {}
  for (const { status, refusal } of verdicts) {
    counts[status] += 1
    if (status !== 'refused') continue
    // A refusal without a reason is a mistake of the gate, and counted as one, so that these add up as well.
    const code = refusal?.code ?? 'INTERNAL_ERROR'
    codes[code] = (codes[code] ?? 0) + 1
  }
  return { total: verdicts.length, ...counts, codes }
}

/** What is said of refusals: of what could not be found out, and of nothing else, not that it is bad. */
export type RefusedWord = 'refused' | 'not verified'

/** One line that accounts for every package. */
export function summaryLine(summary: Summary, refused: RefusedWord = 'refused'): string {
  const statuses = (['proven', 'permitted', 'bundled', 'warned', 'excepted', 'refused'] as const).flatMap((status) =>
    // Most managers have none.
    status === 'bundled' && summary.bundled === 0
      ? []
      : [`${summary[status]} ${status === 'refused' ? refused : status}`],
  )
  return `${count(summary.total)}: ${statuses.join(', ')}`
}

export function count(packages: number): string {
  return packages === 1 ? '1 package' : `${packages} packages`
}
