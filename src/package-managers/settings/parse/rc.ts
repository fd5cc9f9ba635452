import { withoutEnd } from '../../../util/text.ts'
import type { ParsedSettings, SettingEntry, UnclearPart } from '../types.ts'

/**
 * An `.npmrc`, in the one reading that npm, pnpm, yarn 1 and bun share: `key=value` lines and comment lines. Each manager
 * has a parser of its own. So whatever they might read in two ways is unclear: sections, quotes inside of values, escapes,
 * a key without a value. What may be a comment behind a value makes two entries, with it and without.
 */
export function parseRc(text: string): ParsedSettings {
  const entries: SettingEntry[] = []
  const unclear: UnclearPart[] = []
  for (const [index, written] of text.split(/\r?\n/).entries()) {
    const line = index + 1
    if (/^[ \t]*(?:[;#].*)?$/.test(written)) continue
    const [, rawKey = '', raw = ''] = /^([^=]*)=(.*)$/s.exec(written) ?? []
    const key = trimmed(rawKey)
    const values = readings(trimmed(raw))
    if (key === '') unclear.push({ line, what: 'a line that is no `key=value`' })
    else if (/^\[|["'\\;#]/.test(key)) unclear.push({ line, what: 'a key with brackets, quotes, escapes or a comment' })
    else if (values.length === 0) unclear.push({ line, what: 'a value with quotes or escapes in it' })
    else
      for (const value of values)
        entries.push(key.endsWith('[]') ? { line, key: key.slice(0, -2), value: [value] } : { line, key, value })
  }
  return { entries, unclear }
}

/** Of blanks alone: what else is white space is so for some parsers only. */
function trimmed(text: string): string {
  return withoutEnd(text, ' \t').replace(/^[ \t]+/, '')
}

/** What a value may mean; empty where that is up to the parser. */
function readings(raw: string): readonly (string | boolean | null)[] {
  const [, , quoted] = /^(["'])(.*)\1$/s.exec(raw) ?? []
  if (/["'\\]/.test(quoted ?? raw)) return []
  // As ini reads it: quotes do not make a text of `true`.
  if (quoted !== undefined) return [scalarOf(quoted)]
  return [...new Set([raw, trimmed(raw.replace(/[;#].*$/s, ''))])].map(scalarOf)
}

function scalarOf(text: string): string | boolean | null {
  return text === 'true' ? true : text === 'false' ? false : text === 'null' ? null : text
}
