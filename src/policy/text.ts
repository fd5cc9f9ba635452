import { quoteText, UNSEEN } from '../util/text.ts'
import type { Place } from './types.ts'

/** What is wrong with a string of the policy, whatever it is for; undefined where nothing is. */
export function textProblem(text: string): string | undefined {
  if (text === '') return 'an empty string says nothing: write a value, or leave the key out'
  // With one of them a pattern is not the pattern that the reviewer approved ("Trojan Source", CVE-2021-42574).
  const invisible = UNSEEN.exec(text)?.[0]
  if (invisible !== undefined) {
    return `${quote(text)} contains ${codePoint(invisible)}, which cannot be seen when reading: remove it`
  }
  if (text !== text.trim()) return `${quote(text)} begins or ends with a space: remove it`
  return undefined
}

/** `U+202E` for the character that the text begins with. */
export function codePoint(text: string): string {
  return `U+${(text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}

/** Text from outside, made safe to print: in quotes, everything invisible escaped, of bounded length. */
export function quote(text: string): string {
  return quoteText(text, 300)
}

/** Any value of a policy file, named for a person. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number' || typeof value === 'bigint') return `the number ${value}`
  if (typeof value === 'boolean') return `the truth value ${value}`
  return Array.isArray(value) ? 'a list' : 'a mapping'
}

/** `a`, `a or b`, `a, b or c`. */
export function either(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

/** The candidate that was probably meant, as a sentence to append (`. Did you mean …?`); empty where none is near. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const lower = word.toLowerCase().slice(0, 100)
  const most = Math.max(1, Math.floor(lower.length / 3))
  const ranked = candidates
    // What differs more in length is no candidate, and may be as long as somebody likes.
    .filter((candidate) => Math.abs(candidate.length - lower.length) <= most)
    .map((candidate) => ({ candidate, far: distance(lower, candidate.toLowerCase()) }))
    .sort((a, b) => a.far - b.far)
  const prefixed =
    lower.length >= 3 ? candidates.find((candidate) => candidate.toLowerCase().startsWith(lower)) : undefined
  const near = ranked[0] !== undefined && ranked[0].far <= most ? ranked[0] : undefined
  const meant = near?.candidate ?? prefixed
  return meant === undefined ? '' : `. Did you mean ${quote(meant)}?`
}

/** Edit distance in which swapping two neighbours is one edit (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let best = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, substitution)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (before[j - 2] ?? 0) + 1)
      row.push(best)
    }
    before = previous
    previous = row
  }
  return previous[b.length] ?? 0
}

/** `file:line:column: message`, the form that editors and terminals make a link of. */
export function at({ file, line, column }: Place, message: string): string {
  return `${file}:${line}:${column}: ${message}`
}
