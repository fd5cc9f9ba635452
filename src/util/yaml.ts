import { type Document, isAlias, isCollection, isMap, isPair, isScalar, parseDocument, YAMLParseError } from 'yaml'

type ParseOptions = NonNullable<Parameters<typeof parseDocument>[1]>
type Options = ParseOptions & { readonly maxAliases: number }

/** More than any file of settings has; the library needs seconds for the megabytes that a package.json may have. */
const MAX_CHARACTERS = 512 * 1024

/**
 * Reads a file of settings in time that grows with its length alone. The library itself compares each key with all others
 * of its mapping, and looks for the anchor of each alias in the whole document: a file of 1 MiB took it minutes.
 *
 * Errors are in `errors`, as the library's own: also keys that come twice or are no text, and too many aliases.
 */
export function openYaml(text: string, { maxAliases, ...options }: Options): Document.Parsed {
  if (text.length > MAX_CHARACTERS) {
    const document = parseDocument('', options)
    document.errors.push(problem([0, 1], 'RESOURCE_EXHAUSTION', `More than ${MAX_CHARACTERS} characters`))
    return document
  }
  const document = parseQuickly(text, options)
  // The library's message is that of the stack.
  for (const error of document.errors) if (error.code === 'RESOURCE_EXHAUSTION') error.message = TOO_DEEP
  if (document.errors.length === 0) document.errors.push(...problemsOf(document, maxAliases))
  return document
}

const TOO_DEEP = 'it is nested too deeply'

/** The same as data. @throws an Error where it is no YAML */
export function readYaml(text: string, options: Options): unknown {
  // Not 'silent': that would hide the error about a second document.
  const document = openYaml(text, { logLevel: 'error', prettyErrors: false, ...options })
  const [error] = document.errors
  if (error !== undefined) throw error
  try {
    return document.toJS()
  } catch (cause) {
    throw cause instanceof RangeError ? new Error(TOO_DEEP, { cause }) : cause
  }
}

/** Without the check of keys, which the caller has to do, and without a stack for each of many thousand errors. */
export function parseQuickly(text: string, options: ParseOptions): Document.Parsed {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return parseDocument(text, { ...options, uniqueKeys: false })
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** The first one. A stack of its own: the library's `visit` copies the way to each node. */
function problemsOf(document: Document.Parsed, maxAliases: number): readonly YAMLParseError[] {
  let aliases = 0
  const open: unknown[] = [document.contents]
  while (open.length > 0) {
    const node = open.pop()
    if (isPair(node)) open.push(node.value)
    if (isAlias(node)) {
      aliases += 1
      if (aliases > maxAliases) return [problem(node.range, 'BAD_ALIAS', `More than ${maxAliases} aliases`)]
    }
    if (!isCollection(node)) continue
    const seen = new Set<string>()
    for (const item of node.items) {
      if (isMap(node) && isPair(item)) {
        const { key } = item
        if (!isScalar(key)) return [problem(node.range, 'NON_STRING_KEY', 'A key that is no text')]
        if (seen.size === seen.add(String(key.value)).size)
          return [problem(key.range, 'DUPLICATE_KEY', 'Map keys must be unique')]
      }
      open.push(item)
    }
  }
  return []
}

function problem(
  range: readonly number[] | null | undefined,
  code: YAMLParseError['code'],
  message: string,
): YAMLParseError {
  const start = range?.[0] ?? 0
  return new YAMLParseError([start, range?.[1] ?? start + 1], code, message)
}
