/** Far more characters than a pattern for folders needs. */
const MOST_CHARACTERS = 1024
/** Of one pattern: each is looked for by itself. */
const MOST_ALTERNATIVES = 64
const MOST_GROUPS = 2
const MOST_WILDCARDS = 2
const MOST_WILDCARDS_WITH_BRACES = 3
/** Of all patterns together. */
const MOST_FOLDERS = 10_000
const MOST_SEARCHES = 256

/** A pattern that is too costly to look for, and why, as a clause that follows it. */
export interface Costly {
  readonly pattern: string
  readonly why: string
}

/**
 * The first of a repository's patterns for folders that would take long to look for: Node expands every brace, and makes
 * regular expressions of the rest, some of which need exponential time.
 */
export function costlyPattern(patterns: readonly string[]): Costly | undefined {
  let folders = 0
  let searches = 0
  for (const pattern of patterns) {
    const why = whyCostly(pattern)
    if (why !== undefined) return { pattern, why }
    folders += alternatives(pattern)
    if (/[*?[(]/.test(pattern)) searches += alternatives(pattern)
    if (folders > MOST_FOLDERS)
      return { pattern, why: `is one of more than ${MOST_FOLDERS}, with what braces stand for` }
    if (searches > MOST_SEARCHES)
      return { pattern, why: `is one of more than ${MOST_SEARCHES} with wildcards, with what braces stand for` }
  }
  return undefined
}

function whyCostly(pattern: string): string | undefined {
  if (pattern.length > MOST_CHARACTERS) return `is longer than ${MOST_CHARACTERS} characters`
  const hasBraces = pattern.includes('{')
  if (hasBraces && !hasPlainBraces(pattern)) return 'has braces other than `{a,b}`'
  if (hasBraces && alternatives(pattern) > MOST_ALTERNATIVES)
    return `has braces that stand for more than ${MOST_ALTERNATIVES} folders`
  if (/[*+]\(/.test(pattern)) return 'has a group that repeats, `*(a)` or `+(a)`'
  if (wildcards(pattern, /[@?!]\(/g) > MOST_GROUPS) return `has more than ${MOST_GROUPS} groups, \`@(a|b)\``
  // What stands in braces can be empty, or have a `/`: which wildcards share a name is not known.
  if (hasBraces) {
    if (wildcards(pattern) <= MOST_WILDCARDS_WITH_BRACES) return undefined
    return `has braces, and more than ${MOST_WILDCARDS_WITH_BRACES} wildcards`
  }
  if (pattern.split('/').every((name) => wildcards(name) <= MOST_WILDCARDS)) return undefined
  return `has more than ${MOST_WILDCARDS} wildcards in the name of one folder`
}

function wildcards(text: string, kind = /\*+|[@?!]\(/g): number {
  return [...text.matchAll(kind)].length
}

/** Braces that all readers understand alike: each closed, each comma in one; no ranges, `{1..9}`, no escapes, no variables. */
function hasPlainBraces(pattern: string): boolean {
  if (/[\\$]/.test(pattern)) return false
  let depth = 0
  for (let at = 0; at < pattern.length; at += 1) {
    if (pattern[at] === '{') depth += 1
    if (pattern[at] === '}') depth -= 1
    if (depth < 0 || (depth === 0 && pattern[at] === ',') || (depth > 0 && isRange(pattern, at))) return false
  }
  return depth === 0
}

/** Two dots that are not a folder's name. */
function isRange(pattern: string, at: number): boolean {
  if (!pattern.startsWith('..', at)) return false
  return !'{,/'.includes(pattern[at - 1] ?? '/') || !'},/'.includes(pattern[at + 2] ?? '/')
}

/** At least as many as there are: those of braces in braces are multiplied as well. */
function alternatives(pattern: string): number {
  let total = 1
  const open: number[] = []
  for (const character of pattern) {
    if (character === '{') open.push(1)
    if (character === ',' && open.length > 0) open.push((open.pop() ?? 0) + 1)
    if (character === '}') total *= open.pop() ?? 1
  }
  return total
}
