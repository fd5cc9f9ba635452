import type { ParsedSettings } from '../types.ts'
import { openLines } from './lines.ts'

/**
 * Every name that a `.env` file might set: each word before `=` or `:`. Tried with bun 1.4: it takes names behind a byte
 * order mark, behind an unclosed quote, and before a line end. So a name inside of a value counts as well: a variable too
 * many is a false alarm, one too few a hole. Values are left out, for they may be secrets.
 */
export function parseDotenv(text: string): ParsedSettings {
  const lineAt = openLines(text)
  const entries = [...text.matchAll(/(?<![\w.-])([A-Za-z_][\w.-]*)(?=\s*[=:])/g)].map(({ 1: key = '', index }) => ({
    line: lineAt(index),
    key,
    value: '',
  }))
  return { entries, unclear: [] }
}
