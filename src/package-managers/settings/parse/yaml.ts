import { isMap, isScalar, LineCounter, type Node } from 'yaml'
import { openYaml } from '../../../util/yaml.ts'
import type { ParsedSettings, SettingEntry, UnclearPart } from '../types.ts'

/** As many as a catalog may have, and too few to multiply. */
const MAX_ALIASES = 1000

/**
 * The top level of a YAML file. Managers have parsers of their own, of YAML 1.1 and of 1.2. So keys and values that those
 * read differently are unclear: a second document, keys that come twice or are no text, merge keys, tags.
 */
export function parseYamlSettings(text: string): ParsedSettings {
  const lines = new LineCounter()
  const document = openYaml(text, {
    version: '1.2',
    merge: false,
    stringKeys: true,
    maxAliases: MAX_ALIASES,
    prettyErrors: false,
    lineCounter: lines,
    logLevel: 'error',
  })
  const lineAt = (offset: number | undefined) => Math.max(lines.linePos(offset ?? 0).line, 1)
  const [error] = [...document.errors, ...document.warnings]
  if (error !== undefined) return unclear(lineAt(error.pos[0]), `no plain YAML (${error.message})`)
  if (document.directives?.docStart === true && /^%/m.test(text)) return unclear(1, 'a directive of YAML')
  const { contents } = document
  if (contents === null || (isScalar(contents) && contents.value === null)) return { entries: [], unclear: [] }
  if (!isMap<Node, Node | null>(contents)) return unclear(1, 'no mapping')
  // At once: for each value alone the library would look for anchors in the whole document.
  const values = contents.toJS(document, { maxAliasCount: MAX_ALIASES }) as Readonly<Record<string, unknown>>
  const entries: SettingEntry[] = []
  const parts: UnclearPart[] = []
  for (const pair of contents.items) {
    const line = lineAt(pair.key.range?.[0])
    const key = isScalar(pair.key) ? String(pair.key.value) : ''
    if (key === '<<') parts.push({ line, what: 'a merge key' })
    else if ([pair.key, pair.value].some((node) => node?.tag !== undefined)) parts.push({ line, what: 'a tag' })
    else if (isOldBoolean(pair.value)) parts.push({ line, what: 'a word that YAML 1.1 takes for true or false' })
    else entries.push({ line, key, value: readValue(pair.value, values[key]) })
  }
  return { entries, unclear: parts }
}

function isOldBoolean(node: Node | null): boolean {
  return isScalar(node) && node.type === 'PLAIN' && /^(?:y|n|yes|no|on|off)$/i.test(node.source ?? '')
}

/** A scalar that YAML 1.1 reads otherwise keeps its text, which no form but a list of values allows. */
function readValue(node: Node | null, value: unknown): unknown {
  const isOther =
    isScalar(node) && ['boolean', 'number'].includes(typeof node.value) && node.source !== String(node.value)
  return isOther ? node.source : value
}

function unclear(line: number, what: string): ParsedSettings {
  return { entries: [], unclear: [{ line, what }] }
}
