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

/** The same for machines. @param json of `jsonText`, which is escaped already, and of whatever length */
export function answerJson(json: string): void {
  process.stdout.write(`${json}\n`)
}

const warned = new Set<string>()

/** What does not stop anything, on standard error, once in a process. */
export function warning(text: string): void {
  if (warned.has(text)) return
  warned.add(text)
  sayLine(`provenance-gate warns: ${text}`)
}
