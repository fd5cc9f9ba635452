const MAX_LENGTH = 200

/**
 * A value of a document, for a message. Short, whatever a hostile registry wrote, and never by way of JSON.stringify,
 * which overflows the stack where a value is nested deeply.
 */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object'
  const text = String(value)
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text
}
