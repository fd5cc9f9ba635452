/** Results as markdown on standard output, to be pasted into docs/performance.md; what is going on as lines on standard error. */

export interface Table {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly notes?: readonly string[]
}

export function print({ title, columns, rows, notes = [] }: Table): void {
  const widths = columns.map((column, index) => Math.max(column.length, ...rows.map((row) => row[index]?.length ?? 0)))
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  const text = [`### ${title}`, '', line(columns), rule, ...rows.map(line), '', ...notes.map((note) => `- ${note}`)]
  process.stdout.write(`${text.join('\n').trimEnd()}\n\n`)
}

export function progress(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`)
}

export function ms(milliseconds: number): string {
  const size = Math.abs(milliseconds)
  if (size >= 10_000) return `${(milliseconds / 1000).toFixed(1)} s`
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2
  return `${milliseconds.toFixed(digits)} ms`
}

export function ratio(value: number, of: number): string {
  return `${(value / of).toFixed(2)} ×`
}

/** The last two cells of a row: what was aimed at, and whether that was met. */
export function target(text: string, isMet: boolean): readonly [string, string] {
  return [text, isMet ? 'yes' : '**no**']
}

export const NO_TARGET = ['', ''] as const
