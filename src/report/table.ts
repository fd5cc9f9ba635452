import Table from 'cli-table3'
import type { Verdict } from '../policy/types.ts'
import { refusals } from './refusal.ts'

/** What a person reads of. The library takes four milliseconds a row, so thousands would take longer than the verdicts. */
const MOST = 200

/** A table of refusals (or warnings) for a terminal of the given width in columns, or '' where there are none. */
export function refusalTable(
  verdicts: readonly Verdict[],
  folder: string,
  width: number,
  which: 'refused' | 'warned' = 'refused',
): string {
  const rows = refusals(verdicts, folder, which)
  if (rows.length === 0) return ''
  // Two thirds for the reason. Borders and padding take ten columns.
  const usable = Math.max(width, 60) - 10
  const narrow = Math.floor(usable / 5)
  const table = new Table({
    head: ['package', `${which} because`, 'rule'],
    colWidths: [narrow + 2, usable - 2 * narrow + 2, narrow + 2],
    wordWrap: true,
    wrapOnWordBoundary: false,
    style: { head: [], border: [] },
  })
  for (const { package: name, code, found, expected, rule, neededBy, policyOf } of rows.slice(0, MOST)) {
    const lines = [code, `found: ${found}`, `expected: ${expected}`]
    if (neededBy !== undefined) lines.push(`needed by: ${neededBy}`)
    if (policyOf !== undefined) lines.push(`policy of: ${policyOf}`)
    table.push([name, lines.join('\n'), rule])
  }
  if (rows.length > MOST) table.push(['…', `and ${rows.length - MOST} more: --json lists them all`, ''])
  return table.toString()
}
