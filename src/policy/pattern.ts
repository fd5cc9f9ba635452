import { quote } from './text.ts'

/**
 * Patterns over claims and package names. The whole language:
 *
 * - A pattern without `*` matches exactly itself: every character counts, case included. Nothing is decoded, nothing
 *   normalised, there are no escapes, and a match is always of the whole value, never of a part of it.
 * - `*` stands for any characters inside one path segment (between two `/`), none included: `v*` matches `v` and `v1`,
 *   not `v1/x`. A segment that is only `*` needs a segment there: `owner/*` does not match `owner/`.
 * - `**` stands for one or more whole segments: `refs/heads/**` matches `refs/heads/a/b`, not `refs/heads`.
 *
 * What answers which attack: no prefix or substring match, so `https://github.com/acme/app` does not accept
 * `https://github.com/acme/app-evil`; `*` stops at `/`, so `https://github.com/acme/*` does not reach into another
 * owner; wildcards never stand for an empty, `.` or `..` segment, so `acme/x/../../evil/y` matches nothing; no regular
 * expression is ever made of text from a policy or a certificate, so neither can make the matching explode.
 */

const SCHEME = 'https://'

/** Anything that other languages of patterns give a meaning: better an error than a pattern that means something else. */
const FOREIGN = /[?[\]{}()!|\\^$]/

/** Whether the pattern matches the whole value. */
export function matchesPattern(pattern: string, value: string): boolean {
  if (!pattern.includes('*')) return pattern === value
  // The two slashes of a URL's scheme are not an empty segment. Wildcards begin after them.
  if (!pattern.startsWith(SCHEME)) return matchesPath(pattern, value)
  return value.startsWith(SCHEME) && matchesPath(pattern.slice(SCHEME.length), value.slice(SCHEME.length))
}

function matchesPath(pattern: string, value: string): boolean {
  const segments = value.split('/')
  if (!segments.every(isPlain)) return false
  if (pattern === '**') return true
  // `**` needs one segment at least: any one, then any number.
  const wanted = pattern.split('/').flatMap<string | symbol>((segment) => (segment === '**' ? [ANY, MORE] : segment))
  return walk(wanted.length, segments.length, {
    isStar: (p) => wanted[p] === MORE,
    isSame: (p, v) => wanted[p] === ANY || matchesSegment(String(wanted[p]), String(segments[v])),
  })
}

const ANY = Symbol('any segment')
const MORE = Symbol('any number of segments')

function isPlain(segment: string): boolean {
  return segment !== '' && segment !== '.' && segment !== '..'
}

function matchesSegment(pattern: string, value: string): boolean {
  if (!pattern.includes('*')) return pattern === value
  return walk(pattern.length, value.length, {
    isStar: (p) => pattern[p] === '*',
    isSame: (p, v) => pattern.charCodeAt(p) === value.charCodeAt(v),
  })
}

export interface Tokens {
  /** Whether the pattern's token stands for any number of the value's. */
  readonly isStar: (pattern: number) => boolean
  readonly isSame: (pattern: number, value: number) => boolean
}

/**
 * Matches two sequences from left to right. At a mismatch it goes back to the last star only, and lets it take one more:
 * giving more to an earlier star can never help, because the last one can take whatever the earlier one would have. So
 * `isSame` is asked at most once for each pair of places: quadratic at worst, however hostile the value is.
 */
export function walk(patternLength: number, valueLength: number, { isStar, isSame }: Tokens): boolean {
  let p = 0
  let v = 0
  let star = -1
  let taken = 0
  while (v < valueLength) {
    if (p < patternLength && isStar(p)) {
      star = p
      taken = v
      p += 1
    } else if (p < patternLength && isSame(p, v)) {
      p += 1
      v += 1
    } else if (star >= 0) {
      taken += 1
      v = taken
      p = star + 1
    } else {
      return false
    }
  }
  while (p < patternLength && isStar(p)) p += 1
  return p === patternLength
}

/**
 * What is wrong with a pattern; undefined where nothing is. `+`, `@`, `~` and the like are ordinary characters: tags are
 * called `v1.0.0+build` and `@scope/name@1.0.0`.
 */
export function patternProblem(pattern: string): string | undefined {
  const shown = quote(pattern)
  const foreign = FOREIGN.exec(pattern)?.[0]
  if (foreign !== undefined) {
    return `${shown} contains "${foreign}", which means nothing here: patterns know "*" (inside a path segment) and "**" (whole segments) only. Write several patterns in a list instead`
  }
  const segments = (pattern.startsWith(SCHEME) ? pattern.slice(SCHEME.length) : pattern).split('/')
  for (const segment of segments) {
    if (segment === '**') continue
    if (segment.includes('**'))
      return `${shown} has "**" beside other characters: it stands for whole segments, between slashes. Write "*" inside a segment`
    if (!isPlain(segment))
      return `${shown} has ${segment === '' ? 'an empty segment' : `the segment "${segment}"`}, which no claim has, so it would never match: remove the slash or the dots`
  }
  return undefined
}
