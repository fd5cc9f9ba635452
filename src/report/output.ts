import { escapeLine, escapeLines } from '../util/text.ts'

/** Says one line to people, on standard error, whoever wrote parts of it. */
export function sayLine(line: string): void {
  process.stderr.write(`${escapeLine(line)}\n`)
}

/** The same of several lines. No line is a command to a CI runner. */
export function say(text: string): void {
  process.stderr.write(`${escapeLines(text)}\n`)
}

/** The answer of a command, on standard output. */
export function answer(lines: readonly string[]): void {
  process.stdout.write(`${lines.map(escapeLine).join('\n')}\n`)
}

/** The same for machines. @param json which `escapeJson` has escaped, of whatever length */
export function answerJson(json: string): void {
  process.stdout.write(`${json}\n`)
}

/** The same piece by piece, each when the one before is written. `bin.ts` says what it means that one cannot be. */
export async function answerPieces(pieces: Iterable<string>): Promise<void> {
  for (const piece of pieces) {
    const error = await new Promise<Error | null | undefined>((resolve) => process.stdout.write(piece, resolve))
    if (error) return
  }
  process.stdout.write('\n')
}

const warned = new Set<string>()

/** What does not stop anything, on standard error, once in a process. */
export function warning(text: string): void {
  if (warned.has(text)) return
  warned.add(text)
  sayLine(`provenance-gate warns: ${text}`)
}
