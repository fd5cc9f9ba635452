import type { Problem, Receipt } from '../receipt/types.ts'
import { clean } from './clean.ts'
import { count } from './summary.ts'

/** How many problems are shown; the rest is counted. */
const MOST = 20

/** What `check` says where everything was installed under the gate. */
export function installedText(receipts: readonly Receipt[], installed: number): string {
  const judged = receipts.map(
    ({ judgedAt, manager, gate }) =>
      `judged at ${new Date(judgedAt).toISOString()} by ${gate} for ${manager.name} ${manager.version}`,
  )
  return `${clean(`${count(installed)} in node_modules, installed under the gate: ${judged.join('; ')}.`)}\n`
}

/** What `check` says where it was not, and what to do. */
export function checkText(root: string, problems: readonly Problem[]): string {
  const shown = problems
    .slice(0, MOST)
    .map(
      ({ where, found, expected }) => `  ${clean(where)}\n    found: ${clean(found)}\n    expected: ${clean(expected)}`,
    )
  const more = problems.length > MOST ? [`  and ${problems.length - MOST} more`] : []
  return [
    `The node_modules of ${clean(root)} was not installed under the gate, or not all of it:`,
    ...shown,
    ...more,
    'Remove node_modules and install again, with the hook or with `provenance-gate run`. Run nothing of it before that.',
    '',
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
  return `${JSON.stringify(report, null, 2).replace(HIDDEN, escaped)}\n`
}

/** As in the report of `verify`: what a terminal obeys is escaped beyond what JSON asks for. */
const HIDDEN = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
}
