import type { Problem, Receipt } from '../receipt/types.ts'
import { escapeJson, escapeText, listText } from '../util/text.ts'
import { MOST_LISTED } from './bounds.ts'
import { count } from './summary.ts'

/** How many problems are shown; the rest is counted. */
const MOST = 20

/** What `check` says where everything was installed under the gate. */
export function installedText(receipts: readonly Receipt[], installed: number): string {
  const judged = receipts.map(
    ({ judgedAt, manager, gate }) =>
      `judged at ${new Date(judgedAt).toISOString()} by ${gate} for ${manager.name}${manager.version === 'unknown' ? '' : ` ${manager.version}`}`,
  )
  return escapeText(
    `${count(installed)} in node_modules, installed under the gate: ${listText([...new Set(judged)], MOST_LISTED)}.`,
  )
}

/** What `check` says where it was not, and what to do. */
export function checkText(root: string, problems: readonly Problem[]): string {
  const shown = problems
    .slice(0, MOST)
    .map(
      ({ where, found, expected }) =>
        `  ${escapeText(where)}\n    found: ${escapeText(found)}\n    expected: ${escapeText(expected)}`,
    )
  const more = problems.length > MOST ? [`  and ${problems.length - MOST} more`] : []
  return [
    `The node_modules of ${escapeText(root)} was not installed under the gate, or not all of it:`,
    ...shown,
    ...more,
    'Remove node_modules and install again, with the hook or with `provenance-gate run`. Run nothing of it before that.',
  ].join('\n')
}

/** The same for machines. */
export function checkJson(
  folder: string,
  receipts: readonly Receipt[],
  installed: number,
  problems: readonly Problem[],
): string {
  const summary = receipts.map(({ folder, manager, gate, judgedAt, policy, lockfile, judged }) => ({
    folder,
    manager,
    gate,
    judgedAt: new Date(judgedAt).toISOString(),
    policy,
    lockfile,
    judged: judged.length,
  }))
  const report = { underGate: problems.length === 0, folder, installed, receipts: summary, problems }
  return escapeJson(JSON.stringify(report, null, 2))
}
