import { parseSyml } from '@yarnpkg/parsers'
import { GateError } from '../errors.ts'
import { type Fields, isPlain } from './record.ts'

/** How yarn writes the two kinds of its lockfile, line by line. */
export type Dialect = 'classic' | 'berry'

/**
 * Which yarn wrote it. Each yarn reads what the other wrote, and makes of it what it can: what is of both kinds, or of none,
 * would be one set of packages for the one and another for the other.
 *
 * @throws GateError
 */
export function dialectOf(text: string, file: string): Dialect {
  const isClassic = /^(?:#.*\n)*# yarn lockfile v1\n/.test(text)
  const isBerry = /^__metadata:$/m.test(text)
  if (isClassic !== isBerry) return isClassic ? 'classic' : 'berry'
  throw new GateError(
    `${file} begins with no \`# yarn lockfile v1\` as yarn 1 writes it and has no \`__metadata\` as later ones do, or has both. ` +
      'Restore it, or write it anew with `yarn install`.',
  )
}

/**
 * Parses a lockfile of yarn, with yarn's own parser. Before that each line has to be one that yarn writes: its parser takes
 * YAML with anchors, tags and keys that are there twice, and yarn 1 has a parser of its own, which reads all else than those
 * lines in its own way.
 *
 * @throws GateError
 */
export function readSyml(text: string, file: string, dialect: Dialect): Fields {
  checkLines(text, file, dialect)
  let parsed: unknown
  try {
    parsed = parseSyml(text)
  } catch (error) {
    const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw new GateError(`${file} is not a lockfile: ${line.slice(0, 200)}. Restore it, or write it anew with yarn.`, {
      cause: error,
    })
  }
  if (isPlain(parsed)) return parsed
  throw new GateError(`${file} is not a lockfile: it holds no map. Restore it, or write it anew with yarn.`)
}

const QUOTED = String.raw`"(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"`

/** What each yarn writes without quotes: these characters mean nothing in YAML, nor to the parser of yarn 1. */
const BARE: Readonly<Record<Dialect, string>> = {
  classic: String.raw`[a-zA-Z][^:\s\\",[\]]*`,
  berry: String.raw`(?![-?:,\][{}#&*!|>'"%@${'`'} \t]).(?:[ \t]*(?![,\][{}:# \t]).)*`,
}

interface LineForm {
  /** Keys of a map that follows, one or more of them in front of an entry of yarn 1. */
  readonly head: RegExp
  readonly pair: RegExp
  readonly text: RegExp
  /** How deep a map may lie in others. */
  readonly deepest: number
}

const FORMS: Readonly<Record<Dialect, LineForm>> = {
  classic: formOf('classic', ' ', 2),
  berry: formOf('berry', ': ', 3),
}

function formOf(dialect: Dialect, between: string, deepest: number): LineForm {
  const text = `(?:${QUOTED}|${BARE[dialect]})`
  const several = dialect === 'classic' ? `(?:, ${text})*` : ''
  return {
    head: new RegExp(`^(${text}${several}):$`),
    pair: new RegExp(`^(${text})${between}${text}$`),
    text: new RegExp(text, 'g'),
    deepest,
  }
}

/**
 * Each line is one that this yarn writes, and each key is there once in its map: of two the parsers take the last one, and
 * whoever looks at the file the first.
 */
function checkLines(text: string, file: string, dialect: Dialect): void {
  const { head, pair, text: texts, deepest } = FORMS[dialect]
  /** The keys of the maps that the last line lies in, from the outermost on. */
  const open = [new Set<string>()]
  const lines = text.split('\n')
  for (const [index, line] of lines.entries()) {
    if (line === '' || line.startsWith('#')) continue
    // A key of more than 1024 characters has a line of its own, and another its colon.
    const isLong = dialect === 'berry' && line.startsWith('? ') && lines[index + 1] === ':'
    if (dialect === 'berry' && line === ':' && lines[index - 1]?.startsWith('? ') === true) continue
    const indented = /^ */.exec(line)?.[0].length ?? 0
    const depth = indented / 2
    const content = isLong ? `${line.slice(2)}:` : line.slice(indented)
    const keys = head.exec(content)?.[1]
    const key = keys === undefined ? pair.exec(content)?.[1] : undefined
    const level = open[depth]
    const isKnown = keys === undefined ? key !== undefined && depth > 0 : depth < deepest
    if (level === undefined || !isKnown) throw strange(file, index, JSON.stringify(line.slice(0, 80)))
    for (const each of (keys ?? key ?? '').match(keys !== undefined && depth === 0 ? texts : /^.*$/s) ?? []) {
      const name = each.startsWith('"') ? (JSON.parse(each) as string) : each
      if (level.has(name) || name === '__proto__')
        throw strange(file, index, `the key ${JSON.stringify(name.slice(0, 80))}`)
      level.add(name)
    }
    open.length = depth + 1
    if (keys !== undefined) open.push(new Set())
  }
}

function strange(file: string, index: number, what: string): GateError {
  return new GateError(
    `${file}, line ${index + 1}: ${what} is nothing that yarn writes there, or is there for a second time. ` +
      'Restore the file, or write it anew with `yarn install`.',
  )
}
