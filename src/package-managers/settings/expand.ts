import type { SettingEntry } from './types.ts'

/** What the lists of a file say of a path. A section may be a setting, too: `install.cache = false`. */
export interface PathKind {
  readonly isSetting: boolean
  /** Whether it is the beginning of others. */
  readonly isSection: boolean
}

/** Deeper than any setting. */
const MAX_DEPTH = 10
/** Of all keys together: a long one is repeated in each key below it. */
const MAX_CHARACTERS = 4 * 1024 * 1024

/**
 * Takes mappings apart until each entry is a setting of its own: `install: {cache: {dir: x}}` becomes `install.cache.dir`.
 * Undefined where there are more than any file of settings has: an alias of YAML can make many out of few.
 *
 * @param lineWith finds the line of a word, from a line on
 */
export function expandEntries(
  entries: readonly SettingEntry[],
  lineWith: (word: string, from: number) => number,
  kindOf: (path: string) => PathKind,
  most: number,
): readonly SettingEntry[] | undefined {
  const found: SettingEntry[] = []
  let [count, characters] = [0, 0]
  const expand = (entry: SettingEntry, depth: number): boolean => {
    count += 1
    characters += entry.key.length
    if (count > most || characters > MAX_CHARACTERS) return false
    if (!isMapping(entry.value) || depth > MAX_DEPTH || !kindOf(entry.key).isSection) {
      found.push(entry)
      return true
    }
    return Object.entries(entry.value).every(([name, value]) =>
      expand({ line: lineWith(name, entry.line), key: `${entry.key}.${name}`, value }, depth + 1),
    )
  }
  return entries.every((entry) => expand(entry, 0)) ? found : undefined
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
