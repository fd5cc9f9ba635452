import type { Verdict } from '../policy/types.ts'
import { say, sayLine } from '../report/output.ts'
import { summarize, summaryLine } from '../report/summary.ts'
import { exitStatus } from './exit.ts'

/** What a command says of verdicts, on standard error: what is warned of and refused, and one line that accounts for all. */
export async function showVerdicts(verdicts: readonly Verdict[], notes: readonly string[] = []): Promise<void> {
  const word = exitStatus(verdicts) === 2 ? 'not verified' : 'refused'
  for (const which of ['warned', 'refused'] as const) {
    if (!verdicts.some(({ status }) => status === which)) continue
    const { refusalTable } = await import('../report/table.ts')
    const table = refusalTable(
      verdicts,
      process.cwd(),
      process.stderr.columns ?? 120,
      which,
      which === 'refused' ? word : which,
    )
    if (table !== '') say(table)
  }
  for (const line of notes) sayLine(line)
  sayLine(summaryLine(summarize(verdicts), word))
}
