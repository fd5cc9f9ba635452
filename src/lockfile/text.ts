import { GateError } from '../errors.ts'

/**
 * The text of a lockfile of another manager than pnpm, or of a manifest beside it. Refused is what two readers could read
 * differently, and what a manager would change before it installs from it.
 *
 * @param anew how such a file is written anew: "`npm install`"
 * @throws GateError
 */
export function lockfileText(bytes: Uint8Array, file: string, anew: string): string {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replaceAll('\r\n', '\n')
  } catch {
    throw new GateError(`${file} is not text in UTF-8. Restore the file, or write it anew with ${anew}.`)
  }
  if (text.trim() === '') {
    throw new GateError(`${file} is empty. Run ${anew} to write it, or name another file.`)
  }
  if (CONFLICT_MARKER.test(text) || CONFLICT_MARKS.every((mark) => mark.test(text))) {
    throw new GateError(
      `${file} has merge conflict markers. Package managers resolve them by themselves, each in its way, so nobody can ` +
        `say what will be installed. Resolve the conflict (${anew} does it), then verify the result.`,
    )
  }
  const control = controlIn(text)
  if (control === undefined) return text
  throw new GateError(
    `${file} has the character ${control}, which no package manager writes there and which readers take differently. ` +
      `Write it anew with ${anew}.`,
  )
}

/** Package managers resolve conflicts by themselves while they read: a lockfile in conflict is not what will be installed. */
export const CONFLICT_MARKER = /^(?:<{7}|\|{7}|={7}|>{7})/m

/**
 * Of a file that has all of these npm takes apart by lines, wherever in a line they stand (tried, 11 and 12): in texts of keys
 * that nobody reads they hide the digests that everybody else sees.
 */
const CONFLICT_MARKS = [/<{7}/, /={7}/, />{7}/]

/** The first character that readers take differently, as `U+000d`. A lone carriage return ends a line for some of them. */
export function controlIn(text: string): string | undefined {
  const control = CONTROL.exec(text)
  return control === null ? undefined : `U+${control[0].charCodeAt(0).toString(16).padStart(4, '0')}`
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff]/
