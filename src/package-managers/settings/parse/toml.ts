import { parse, TomlError } from 'smol-toml'
import type { ParsedSettings } from '../types.ts'
import { openWords } from './lines.ts'

/** The top level of a TOML file, such as bun's `bunfig.toml`. */
export function parseTomlSettings(text: string): ParsedSettings {
  try {
    const lineWith = openWords(text)
    const entries = Object.entries(parse(text)).map(([key, value]) => ({ line: lineWith(key, 1), key, value }))
    return { entries, unclear: [] }
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    return { entries: [], unclear: [{ line: error.line, what: `no TOML (${error.message.split('\n', 1)[0]})` }] }
  }
}
