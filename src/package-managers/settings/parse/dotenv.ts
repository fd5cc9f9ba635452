import type { ParsedSettings } from '../types.ts'
import { lineAt } from './lines.ts'

/**
 * Every name that a `.env` file might set. Values may span lines, and parsers differ in where they end, so a name inside of
 * a value counts as well: a variable too many is a false alarm, one too few a hole.
 */
export function parseDotenv(text: string): ParsedSettings {
  const entries = [...text.matchAll(/(?:^|[\n\r]|\bexport\b)[ \t\f\v]*([A-Za-z_][\w.-]*)[ \t]*[=:]([^\n\r]*)/g)].map(
    ({ 0: whole, 1: key = '', 2: value = '', index }) => ({
      line: lineAt(text, index + whole.length),
      key,
      value: value.trim(),
    }),
  )
  return { entries, unclear: [] }
}
