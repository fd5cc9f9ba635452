import type { SettingEntry } from './types.ts'

/** What the lists of a file say of a path. A section may be a setting, too: `install.cache = false`. */
export interface PathKind {
  readonly isSetting: boolean
  /** Whether it is the beginning of others. */
  readonly isSection: boolean
}

/** Deeper than any setting. */
const MAX_DEPTH = 10

/**
 * Takes mappings apart until each entry is a setting of its own: `install: {cache: {dir: x}}` becomes `install.cache.dir`.
 *
 * @param lineWith finds the line of a word, from a line on
 */
export function expandEntries(
  entries: readonly SettingEntry[],
  lineWith: (word: string, from: number) => number,
  kindOf: (path: string) => PathKind,
  depth = 0,
): readonly SettingEntry[] {
  return entries.flatMap((entry) => {
    if (!kindOf(entry.key).isSection || !isMapping(entry.value) || depth > MAX_DEPTH) return [entry]
    const inner = Object.entries(entry.value).map(([name, value]) => ({
      line: lineWith(name, entry.line),
      key: `${entry.key}.${name}`,
      value,
    }))
    return expandEntries(inner, lineWith, kindOf, depth + 1)
  })
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
