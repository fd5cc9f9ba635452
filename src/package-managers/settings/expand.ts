import { lineWith } from './parse/lines.ts'
import type { SettingEntry } from './types.ts'

/** What the lists of a file say of a path: a setting, the beginning of one, or neither. */
export type PathKind = 'setting' | 'beginning' | 'unknown'

/** Deeper than any setting. */
const MAX_DEPTH = 10

/**
 * Takes mappings apart until each entry is a setting of its own: `install: {cache: {dir: x}}` becomes `install.cache.dir`.
 *
 * @param text of the file, to find the lines of what is inside
 */
export function expandEntries(
  entries: readonly SettingEntry[],
  text: string,
  kindOf: (path: string) => PathKind,
  depth = 0,
): readonly SettingEntry[] {
  return entries.flatMap((entry) => {
    if (kindOf(entry.key) !== 'beginning' || !isMapping(entry.value) || depth > MAX_DEPTH) return [entry]
    const inner = Object.entries(entry.value).map(([name, value]) => ({
      line: lineWith(text, name, entry.line),
      key: `${entry.key}.${name}`,
      value,
    }))
    return expandEntries(inner, text, kindOf, depth + 1)
  })
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
