import type { Verdict } from '../policy/types.ts'
import { MOST_LINES } from './bounds.ts'
import { type RefusalLines, refusals } from './refusal.ts'
import type { RefusedWord } from './summary.ts'
import { wrapText } from './wrap.ts'

/** In columns. */
const LEAST_WIDTH = 60
/** Borders, and a blank on either side of each of three cells. */
const FRAME = 10

type Row = readonly [name: string, reason: string, rule: string]

/** A table of refusals (or warnings) for a terminal of the given width in columns, or '' where there are none. */
export function refusalTable(
  verdicts: readonly Verdict[],
  folder: string,
  width: number,
  which: 'refused' | 'warned' = 'refused',
  word: RefusedWord | 'warned' = which,
): string {
  const found = refusals(verdicts, folder, which)
  if (found.length === 0) return ''
  const more: readonly Row[] =
    found.length > MOST_LINES ? [['…', `and ${found.length - MOST_LINES} more: --json lists them all`, '']] : []
  return drawn(['package', `${word} because`, 'rule'], [...found.slice(0, MOST_LINES).map(rowOf), ...more], width)
}

function rowOf({ package: name, code, found, expected, rule, neededBy, policyOf }: RefusalLines): Row {
  const lines = [code, `found: ${found}`, `expected: ${expected}`]
  if (neededBy !== undefined) lines.push(`needed by: ${neededBy}`)
  if (policyOf !== undefined) lines.push(`policy of: ${policyOf}`)
  return [name, lines.join('\n'), rule]
}

function drawn(head: Row, rows: readonly Row[], width: number): string {
  const usable = Math.max(width, LEAST_WIDTH) - FRAME
  const narrow = Math.floor(usable / 5)
  // Names are copied and searched for, so they are not cut in two where there is room.
  const longest = Math.max(...rows.map(([name]) => wrapText(name, Number.POSITIVE_INFINITY)[0]?.columns ?? 0))
  const first = Math.min(Math.max(narrow, longest), 2 * narrow)
  const widths = [first, usable - first - narrow, narrow]
  const border = (left: string, middle: string, right: string) =>
    `${left}${widths.map((columns) => '─'.repeat(columns + 2)).join(middle)}${right}`
  const lined = (row: Row): readonly string[] => {
    const cells = row.map((text, index) => wrapText(text, widths[index] ?? 0))
    const height = Math.max(...cells.map(({ length }) => length))
    return Array.from({ length: height }, (_, line) => {
      const texts = cells.map((cell, index) => {
        const { text, columns } = cell[line] ?? { text: '', columns: 0 }
        return ` ${text}${' '.repeat((widths[index] ?? 0) - columns)} `
      })
      return `│${texts.join('│')}│`
    })
  }
  return [
    border('┌', '┬', '┐'),
    ...[head, ...rows].flatMap((row, index) => [...(index === 0 ? [] : [border('├', '┼', '┤')]), ...lined(row)]),
    border('└', '┴', '┘'),
  ].join('\n')
}
