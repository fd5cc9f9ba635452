import { GateError } from '../errors.ts'
import { readYaml } from '../util/yaml.ts'

/**
 * What a file of settings says, read as a whole: a pattern would miss a key that is spelled with escapes, or stands behind
 * another one. Two keys of one name, and anchors, are refused: parsers do not agree on them.
 *
 * @throws GateError where nobody could say what it sets
 */
export function settingsIn(file: string, text: string | undefined): unknown {
  if (text === undefined) return undefined
  // By this word yarn takes a file for one in its old syntax, which is no YAML.
  if (/yarn\s+lockfile\s+v1/i.test(text)) throw unreadable(file)
  try {
    return readYaml(text, { maxAliases: 0 })
  } catch (cause) {
    throw unreadable(file, cause)
  }
}

function unreadable(file: string, cause?: unknown): GateError {
  return new GateError(
    `${file} cannot be read as YAML, so nobody can say whether it leads past the gate. Expected settings with each key once, and without anchors. Correct it.`,
    { cause },
  )
}
