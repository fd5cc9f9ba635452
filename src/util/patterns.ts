/**
 * Why a pattern of files may take forever to be compared with a few names, as a clause for people; undefined where it does
 * not. `{a,b}` ten times are a thousand patterns; `+(a|aa)` and `*a*a*a*` try each way to divide a name.
 */
export function endlessPattern(pattern: string): string | undefined {
  if (pattern.length > MAX_LENGTH) return `has more than ${MAX_LENGTH} characters`
  if (/[+*]\(/.test(pattern)) return 'repeats a group, as in `+(a|b)`'
  if (pattern.split('(').length > 2) return 'has more than one group'
  if (pattern.split('{').length > MAX_BRACES + 1 || /\{[^{},]*\.\.[^{},]*\}/.test(pattern))
    return `has a range, or more than ${MAX_BRACES} pairs of braces`
  if (pattern.split('/').some((piece) => piece.split('*').length > MAX_STARS + 1))
    return `has more than ${MAX_STARS} stars in a name`
  return undefined
}

const MAX_LENGTH = 1024
const MAX_BRACES = 3
const MAX_STARS = 4
