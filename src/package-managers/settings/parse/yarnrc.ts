import type { ParsedSettings, SettingEntry, UnclearPart } from '../types.ts'

/**
 * A `.yarnrc` of yarn 1: lines of a key and a value with a blank between them, both plain or in double quotes. It is
 * yarn's lockfile syntax, which knows more: whatever needs that (indented lines, colons, lists, escapes) is unclear.
 */
export function parseYarnrc(text: string): ParsedSettings {
  const entries: SettingEntry[] = []
  const unclear: UnclearPart[] = []
  for (const [index, written] of text.split(/\r?\n/).entries()) {
    const line = index + 1
    if (/^\s*(?:#.*)?$/.test(written)) continue
    const [, quotedKey, plainKey, quoted, plain] =
      /^(?:"([^"\\]*)"|([^\s"\\:,#]+)) +(?:"([^"\\]*)"|([^\s"\\:,#]+))\s*$/.exec(written) ?? []
    const key = quotedKey ?? plainKey
    if (key === undefined || key === '') unclear.push({ line, what: 'a line that is no key and one value' })
    else entries.push({ line, key, value: quoted ?? scalar(plain ?? '') })
  }
  return { entries, unclear }
}

function scalar(text: string): string | boolean {
  return text === 'true' ? true : text === 'false' ? false : text
}
