/** What every copy of this class has in common: the gate is built as several files, each with its own. */
const MARK = Symbol.for('provenance-gate.GateError')

/** What kind of trouble it is, for machines. Codes are added, never renamed, within a major version. */
export type GateErrorCode = 'SETTINGS_UNSAFE'

/**
 * The gate could not do its job: bad policy, unreadable lockfile, unusable trust root, wrong arguments.
 * At the command line this is exit status 2, in a hook it stops the install. Its message is complete for a person:
 * what was found, where, what was expected, what to do next.
 */
export class GateError extends Error {
  override readonly name = 'GateError'
  readonly [MARK] = true
  /** What the message begins with. Undefined where the message alone says what is wrong. */
  readonly code: GateErrorCode | undefined

  constructor(message: string, { code, ...options }: ErrorOptions & { readonly code?: GateErrorCode } = {}) {
    super(code === undefined ? message : `${code}: ${message}`, options)
    this.code = code
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && MARK in value
  }
}
