import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  visit,
  type YAMLError,
  type YAMLMap,
} from 'yaml'
import { GateError } from '../errors.ts'
import { DECEPTIVE } from '../util/text.ts'
import { parseQuickly } from '../util/yaml.ts'
import { at, codePoint, quote } from './text.ts'
import type { Place } from './types.ts'

/** What a policy file says, and where it says it. */
export interface PolicyDocument {
  readonly value: unknown
  /** Place of the value at a path, or of its key; of the nearest thing above where there is no such thing. */
  readonly placeOf: (path: readonly PropertyKey[], part: 'key' | 'value') => Place
}

const EMPTY = 'the policy is empty, which says nothing about any package: write "rules" (.sigstorerc.example shows how)'

/**
 * Reads YAML or JSON, keeping where everything stands. Of YAML only what means the same to every reader of the file is
 * taken: one document, YAML 1.2, text keys, each at most once, no anchors and aliases (what a rule says stands in the
 * rule, and no alias can multiply), no merge keys, no tags.
 *
 * `root` is the key whose value is the policy, as in package.json; undefined where the whole file is. `empty` is what is
 * said of a file with nothing in it.
 */
export function readDocument(text: string, file: string, root?: string, empty: string = EMPTY): PolicyDocument {
  const lines = new LineCounter()
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const fail = (offset: number, message: string): never => {
    throw new GateError(at(placeAt(offset), message))
  }

  // Keys are compared below: the parser would compare each one with all others of its mapping.
  const document = parseQuickly(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    stringKeys: true,
    prettyErrors: false,
    lineCounter: lines,
    // Not 'silent': that would hide the error about a second document, and only the first would rule.
    logLevel: 'error',
  })
  // In a package.json, which has no comments, the policy's own values are checked like all values are.
  const deceptive = root === undefined ? DECEPTIVE.exec(text) : null
  if (deceptive !== null) {
    fail(
      deceptive.index,
      `${codePoint(deceptive[0])} makes lines look other than they are read, in comments too: remove it`,
    )
  }
  if (file.endsWith('.json')) checkJson(text, file)
  const [error] = document.errors
  if (error !== undefined) fail(error.pos[0], explain(error, text))
  // A `%YAML 1.1` directive would bring merge keys and `yes` for true back.
  const directive = document.directives?.docStart === true ? text.search(/^%/m) : -1
  if (directive >= 0) fail(directive, 'a directive ("%…") changes how the file is read: remove the line')
  refuseIndirection(document, text, fail)
  refuseDuplicates(document, fail)
  // None is known that gets this far; what the parser only warns of is still not plain.
  const [warning] = document.warnings
  if (warning !== undefined) fail(warning.pos[0], `not plain YAML: ${warning.message}`)

  const rootPath = root === undefined ? [] : [root]
  const start = locate(document.contents, rootPath, 'value')
  if (start === undefined || (isScalar(start) && start.value === null)) {
    fail(start?.range?.[0] ?? 0, empty)
  }
  const whole: unknown = document.toJS({ maxAliasCount: 0 })
  return {
    value: root === undefined ? whole : Object.entries(whole ?? {}).find(([key]) => key === root)?.[1],
    placeOf(path, part) {
      const full = [...rootPath, ...path]
      for (let length = full.length; length > 0; length -= 1) {
        const node = locate(document.contents, full.slice(0, length), length === full.length ? part : 'value')
        if (node?.range) return placeAt(node.range[0])
      }
      return placeAt(document.contents?.range?.[0] ?? 0)
    },
  }
}

/** In a file that calls itself JSON everything else that reads it must see the same: comments and the like are errors. */
function checkJson(text: string, file: string): void {
  try {
    JSON.parse(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    // V8 says where in most cases only; in the others it quotes what it found.
    const position = /at position (\d+)/.exec(reason)?.[1] ?? (/end of JSON/.test(reason) ? text.length : 0)
    const before = text.slice(0, Number(position)).split('\n')
    const place = { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
    throw new GateError(
      at(
        place,
        `not JSON: ${reason.replace(/ (in JSON )?at position .*$/s, '')}. Correct it, or write YAML in .sigstorerc`,
      ),
      { cause },
    )
  }
}

const QUOTE_IT = 'In YAML a value that begins with "@", "*", "!", "&" or "%" must be in quotes'

function explain(error: YAMLError, text: string): string {
  switch (error.code) {
    case 'MULTIPLE_DOCS':
      return 'a second document begins here, and its rules would be ignored: keep one, without "---" between'
    case 'TAB_AS_INDENT':
      return 'YAML is not indented with tabs: use spaces'
    case 'NON_STRING_KEY':
      return 'keys are plain text: lists and mappings cannot be keys'
    case 'BAD_ALIAS':
    case 'BAD_SCALAR_START':
      return `${quote(text.slice(error.pos[0]).split(/[\r\n]/, 1)[0] ?? '')} is not YAML. ${QUOTE_IT}`
    case 'RESOURCE_EXHAUSTION':
      return 'nested too deeply to be a policy'
    default:
      return `not YAML: ${error.message}`
  }
}

function refuseDuplicates(document: Document.Parsed, fail: (offset: number, message: string) => never): void {
  visit(document, {
    Map(_, map) {
      const seen = new Set<unknown>()
      for (const { key } of map.items) {
        const name = isScalar(key) ? key.value : key
        if (seen.size !== seen.add(name).size) continue
        const start = isScalar(key) ? (key.range?.[0] ?? 0) : 0
        fail(start, 'this key stands twice in one mapping, and only one of the two would count: remove one')
      }
    },
  })
}

/** Aliases, anchors and tags. Each also is what a pattern becomes when its quotes are forgotten: `*`, `!name`. */
function refuseIndirection(
  document: Document.Parsed,
  text: string,
  fail: (offset: number, message: string) => never,
): void {
  visit(document, {
    Node(_, node: Node) {
      const start = node.range?.[0] ?? 0
      // Tags and anchors stand before the node that they belong to.
      const before = (sign: string) => Math.max(0, text.lastIndexOf(sign, start))
      if (isAlias(node)) {
        fail(
          start,
          `${quote(`*${node.source}`)} is an alias, which a policy does not have: write the value itself. ${QUOTE_IT}`,
        )
      }
      if (node.tag !== undefined) {
        const tag = node.tag.replace('tag:yaml.org,2002:', '!!')
        fail(before(tag), `${quote(tag)} is a tag, which a policy does not have: remove it. ${QUOTE_IT}`)
      }
      if ('anchor' in node && typeof node.anchor === 'string') {
        const anchor = `&${node.anchor}`
        fail(before(anchor), `${quote(anchor)} is an anchor, which a policy does not have: remove it. ${QUOTE_IT}`)
      }
    },
  })
}

/** The pairs of a mapping by their keys: it may have thousands, and each be asked for. */
function pairsOf(map: YAMLMap): ReadonlyMap<PropertyKey, Pair> {
  const found =
    PAIRS.get(map) ??
    new Map(map.items.flatMap((pair) => (isScalar(pair.key) ? [[pair.key.value as PropertyKey, pair] as const] : [])))
  PAIRS.set(map, found)
  return found
}

const PAIRS = new WeakMap<YAMLMap, ReadonlyMap<PropertyKey, Pair>>()

function locate(from: unknown, path: readonly PropertyKey[], part: 'key' | 'value'): Node | undefined {
  let node = from
  for (const [index, step] of path.entries()) {
    if (isMap(node)) {
      const pair = pairsOf(node).get(step)
      node = index === path.length - 1 && part === 'key' ? pair?.key : pair?.value
    } else {
      node = isSeq(node) ? node.items[Number(step)] : undefined
    }
  }
  return isMap(node) || isSeq(node) || isScalar(node) ? node : undefined
}
