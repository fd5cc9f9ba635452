import { Lexer } from 'yaml'
import { GateError } from '../errors.ts'
import { CONFLICT_MARKER, controlIn } from './text.ts'

/** A lockfile has one document, or two: the first is pnpm's own (config dependencies, pnpm itself), since pnpm 11. */
export interface Documents {
  readonly environment: string | undefined
  readonly main: string | undefined
  /** Lines of the file before each document, so that errors can name the line of the file. */
  readonly linesBefore: { readonly environment: number; readonly main: number }
}

/**
 * Splits a lockfile's text into its documents, and refuses every text that two versions of pnpm could read differently.
 * pnpm 10, 11 and 12 search for `---` as text, each in its own way, and use two YAML parsers; what the one takes for
 * the lockfile may be a comment or another document for the other.
 *
 * @throws GateError
 */
export function splitDocuments(bytes: Uint8Array, file: string): Documents {
  const text = decode(bytes, file)
  if (text.trim() === '') {
    throw new GateError(`${file} is empty. Run \`pnpm install --lockfile-only\` to write it, or name another file.`)
  }
  if (CONFLICT_MARKER.test(text)) {
    throw new GateError(
      `${file} has merge conflict markers, so nobody can say what will be installed. ` +
        'Resolve the conflict (`pnpm install --lockfile-only` does it), then verify the result.',
    )
  }
  const documents = split(text, file)
  refuseSharing(text, file)
  return documents
}

function decode(bytes: Uint8Array, file: string): string {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes).replaceAll('\r\n', '\n')
  } catch {
    throw new GateError(
      `${file} is not text in UTF-8, which pnpm writes. Restore the file, or regenerate it with pnpm.`,
    )
  }
  // A lone carriage return ends a line in YAML, but not where pnpm searches for its `---` lines.
  const control = controlIn(text)
  if (control === undefined) return text
  throw new GateError(`${file} has the control character ${control}, which pnpm never writes. Regenerate it with pnpm.`)
}

function split(text: string, file: string): Documents {
  const markers = [...text.matchAll(/^(?:---|\.\.\.|%)[^\n]*/gm)]
  const [first, second] = markers
  if (first === undefined) return { environment: undefined, main: text, linesBefore: { environment: 0, main: 0 } }
  const strange = markers.find(([line]) => line !== '---')
  if (first.index !== 0 || strange !== undefined || markers.length > 2) {
    throw new GateError(
      `${file} is not made of one or two YAML documents as pnpm writes them, with \`---\` before each of two. ` +
        'Restore the file, or regenerate it with pnpm.',
    )
  }
  const end = second?.index ?? text.length
  const environment = text.slice('---\n'.length, end)
  // pnpm 11 and 12 take a lone document after `---` for their own if it has this, and else for none at all, while
  // pnpm 10 takes it for the lockfile.
  if (second === undefined && !environment.includes('\n  .:\n    configDependencies:')) {
    throw new GateError(
      `${file} begins with \`---\` but has no second document: pnpm 10 reads such a file, pnpm 11 and 12 ignore it. ` +
        'Remove that line, or regenerate the file with pnpm.',
    )
  }
  const main = second === undefined ? '' : text.slice(end + '---\n'.length)
  const linesBefore = { environment: 1, main: text.slice(0, end).split('\n').length }
  return { environment, main: main.trim() === '' ? undefined : main, linesBefore }
}

/**
 * Refuses anchors, aliases, tags and merge keys. pnpm never writes them, and an alias makes two entries one object: pnpm
 * copies the record of each package *into* its snapshot, so that of two packages with one snapshot both get the digest
 * of the second. Tried: pnpm 10.34.9 installs `evil@1.0.0` as `good@1.0.0`, whose own line has the right digest.
 */
function refuseSharing(text: string, file: string): void {
  if (!MAY_SHARE.test(text)) return
  let isText = false
  for (const token of new Lexer().lex(text)) {
    const isSharing = isText ? token === '<<' : /^[&*!]/.test(token)
    // The lexer announces each unquoted or block text with this character, which `decode` lets nobody else write.
    isText = token === '\u001f'
    if (!isSharing) continue
    throw new GateError(
      `${file} uses an anchor, alias, tag or merge key of YAML (${JSON.stringify(token.slice(0, 40))}), which pnpm ` +
        'never writes and its versions read differently. Regenerate the file with pnpm.',
    )
  }
}

/** Without any of these there is nothing to look for, and most lockfiles need no lexer. */
const MAY_SHARE = /(?:^|[\s,:[{])[&*!]|<</m
