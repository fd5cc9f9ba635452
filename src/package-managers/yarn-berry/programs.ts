import { openWords } from '../settings/parse/lines.ts'
import { parseSettings, type SettingsText } from '../settings/unsafe.ts'
import type { NamedProgram } from './program-files.ts'

/** The programs that files of settings name. What has another form is refused already. */
export function programsIn(texts: readonly SettingsText[]): readonly NamedProgram[] {
  return texts.flatMap(({ kind, file, text }) => {
    if (kind !== '.yarnrc.yml') return []
    const lineWith = openWords(text)
    return parseSettings(kind, text).entries.flatMap(({ line, key, value }) =>
      itemsOf(key, value).flatMap((item) => {
        const { path: place, spec } = item as Readonly<Record<string, unknown>>
        if (typeof place !== 'string') return []
        const program = { file, line: lineWith(place, line), key, value: place }
        return [typeof spec === 'string' ? { ...program, spec } : program]
      }),
    )
  })
}

function itemsOf(key: string, value: unknown): readonly object[] {
  const items = key === 'yarnPath' ? [value] : key === 'plugins' && Array.isArray(value) ? value : []
  return items.map((item) => (typeof item === 'object' && item !== null ? item : { path: item }))
}
