import { clean } from './clean.ts'

const said = new Set<string>()

/** What does not stop anything, on standard error, once in a process. */
export function warning(text: string): void {
  if (said.has(text)) return
  said.add(text)
  process.stderr.write(`provenance-gate warns: ${clean(text)}\n`)
}
