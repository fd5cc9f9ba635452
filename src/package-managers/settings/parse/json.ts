import { type Node, type ParseError, parseTree } from 'jsonc-parser'
import type { ParsedSettings, UnclearPart } from '../types.ts'
import { openLines } from './lines.ts'

/**
 * The top level of a JSON file, with comments and trailing commas where `isLax`. A key that comes twice in one object is
 * unclear: parsers take the first one, the last one, or none.
 *
 * @param isNamed whether a key at the top concerns settings; others are left out, with all that they hold
 */
export function parseJsonSettings(text: string, isLax: boolean, isNamed: (key: string) => boolean): ParsedSettings {
  const lineAt = openLines(text)
  const errors: ParseError[] = []
  const root = parseTree(text, errors, { disallowComments: !isLax, allowTrailingComma: isLax })
  const [error] = errors
  if (error !== undefined || root?.type !== 'object')
    return { entries: [], unclear: [{ line: lineAt(error?.offset ?? 0), what: 'no JSON object' }] }
  const named = (root.children ?? []).filter(({ children: [key] = [] }) => isNamed(String(key?.value)))
  const entries = named.map(({ offset, children: [key, value] = [] }) => ({
    line: lineAt(offset),
    key: String(key?.value),
    value: value === undefined ? undefined : dataOf(value),
  }))
  return { entries, unclear: repeatedKeys({ ...root, children: named }, lineAt) }
}

/** Without a prototype that a key could replace. */
function dataOf(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(dataOf)
  if (node.type !== 'object') return node.value
  const data: Record<string, unknown> = Object.create(null)
  for (const { children: [key, value] = [] } of node.children ?? [])
    if (value !== undefined) data[String(key?.value)] = dataOf(value)
  return data
}

function repeatedKeys(root: Node, lineAt: (offset: number) => number): readonly UnclearPart[] {
  const unclear: UnclearPart[] = []
  const open = [root]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const seen = new Set<string>()
    for (const child of node.children ?? []) {
      const name = node.type === 'object' ? String(child.children?.[0]?.value) : undefined
      if (name !== undefined && seen.has(name))
        unclear.push({ line: lineAt(child.offset), what: `the key ${JSON.stringify(name.slice(0, 80))} a second time` })
      if (name !== undefined) seen.add(name)
      open.push(child)
    }
  }
  return unclear
}
