import { type ParseErrorCode, printParseErrorCode, visit } from 'jsonc-parser'
import { GateError } from '../errors.ts'

/** Deeper than any lockfile of version 2 or later, and far from where a parser's stack ends. */
const MAX_DEPTH = 200

/**
 * JSON of which every reader sees the same. Of two values under one key most readers take the second, and some the first;
 * `__proto__` is a key for some and a prototype for others. No manager writes either.
 *
 * @param what may be different: bun writes commas behind last elements
 * @throws GateError
 */
export function strictJson(text: string, file: string, { trailingCommas = false, anew }: JsonStyle): unknown {
  const holders: (unknown[] | Map<string, unknown>)[] = []
  let key = ''
  let root: unknown
  const put = (value: unknown, line: number) => {
    const holder = holders.at(-1)
    if (holder === undefined) root = value
    else if (Array.isArray(holder)) holder.push(value)
    else if (holder.has(key)) fail(`has the key ${JSON.stringify(key.slice(0, 80))} twice in one place`, line)
    else holder.set(key, value)
  }
  const fail = (what: string, line: number): never => {
    throw new GateError(`${file}, line ${line + 1}: it ${what}. Restore the file, or write it anew with ${anew}.`)
  }
  const begin = (holder: unknown[] | Map<string, unknown>, line: number) => {
    if (holders.length >= MAX_DEPTH) fail('is nested too deeply for a lockfile', line)
    // In its holder before it is filled: of two under one key, the first is found as well.
    put(holder, line)
    holders.push(holder)
  }
  visit(
    text,
    {
      onObjectBegin: (_offset, _length, line) => begin(new Map(), line),
      onArrayBegin: (_offset, _length, line) => begin([], line),
      onObjectEnd: () => void holders.pop(),
      onArrayEnd: () => void holders.pop(),
      onObjectProperty: (name, _offset, _length, line) => {
        if (name === '__proto__') fail('has a key `__proto__`, which no package manager writes', line)
        key = name
      },
      onLiteralValue: (value: unknown, _offset, _length, line) => put(value, line),
      onComment: (_offset, _length, line) => fail('has a comment', line),
      onError: (code: ParseErrorCode, _offset, _length, line) =>
        fail(`is not JSON (${printParseErrorCode(code)})`, line),
    },
    { allowTrailingComma: trailingCommas, disallowComments: false, allowEmptyContent: false },
  )
  return toPlain(root)
}

export interface JsonStyle {
  readonly trailingCommas?: boolean
  /** How such a file is written anew: "`npm install`" */
  readonly anew: string
}

function toPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toPlain)
  if (!(value instanceof Map)) return value
  return Object.fromEntries([...value].map(([key, each]) => [key, toPlain(each)]))
}
