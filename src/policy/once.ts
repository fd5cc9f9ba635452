/**
 * Finds out what follows from a text, or knows it from an earlier time: plain data. What it is follows from `what` and the
 * text alone.
 */
export interface Once {
  <T>(what: readonly string[], text: string, derive: () => Promise<T>): Promise<T>
  /** Told of each trust file that the policy names, and what for. */
  readonly noteTrust?: (role: readonly string[], file: string) => void
}

export const always: Once = (_what, _text, derive) => derive()
