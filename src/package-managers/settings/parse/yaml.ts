import { isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml'
import type { ParsedSettings, SettingEntry, UnclearPart } from '../types.ts'

/** As many as a catalog may have, and too few to multiply. */
const MAX_ALIASES = 1000

/**
 * The top level of a YAML file. Managers have parsers of their own, of YAML 1.1 and of 1.2. So keys and values that those
 * read differently are unclear: a second document, keys that come twice or are no text, merge keys, tags.
 */
export function parseYamlSettings(text: string): ParsedSettings {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    version: '1.2',
    merge: false,
    stringKeys: true,
    uniqueKeys: true,
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
  const entries: SettingEntry[] = []
  const parts: UnclearPart[] = []
  for (const pair of contents.items) {
    const line = lineAt(pair.key.range?.[0])
    const key = isScalar(pair.key) ? String(pair.key.value) : ''
    if (key === '<<') parts.push({ line, what: 'a merge key' })
    else if ([pair.key, pair.value].some((node) => node?.tag !== undefined)) parts.push({ line, what: 'a tag' })
    else if (isOldBoolean(pair.value)) parts.push({ line, what: 'a word that YAML 1.1 takes for true or false' })
    else entries.push({ line, key, value: readValue(pair.value, document) })
  }
  return { entries, unclear: parts }
}

function isOldBoolean(node: Node | null): boolean {
  return isScalar(node) && node.type === 'PLAIN' && /^(?:y|n|yes|no|on|off)$/i.test(node.source ?? '')
}

/** A scalar that YAML 1.1 reads otherwise keeps its text, which no form but a list of values allows. */
function readValue(node: Node | null, document: ReturnType<typeof parseDocument>): unknown {
  if (node === null) return null
  if (isScalar(node) && typeof node.value === 'boolean')
    return node.source === String(node.value) ? node.value : node.source
  if (isScalar(node) && typeof node.value === 'number')
    return node.source === String(node.value) ? node.value : node.source
  return node.toJS(document, { maxAliasCount: MAX_ALIASES })
}

function unclear(line: number, what: string): ParsedSettings {
  return { entries: [], unclear: [{ line, what }] }
}
