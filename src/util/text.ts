/*
 * Text of strangers (names and keys of lockfiles, claims of certificates, answers of registries, paths of a repository) on
 * its way to a terminal or to the log of a CI runner.
 */

/**
 * A character that cannot be seen, that hides or reorders others, or that only looks like a space: controls, formatting marks,
 * lone surrogates, line separators, what is drawn as nothing (`DI`), spaces other than U+0020.
 */
export const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}]|(?! )\p{Zs}/u

/**
 * What makes a file look other than it is read: controls, bidirectional marks, and line breaks that parsers and editors
 * see in different places (a lone carriage return, U+2028). With them a rule can look like a comment, and a comment like
 * a rule. Tabs and line ends are none.
 */
export const DECEPTIVE = /(?![\t\n\r])\p{Cc}|[\p{Bidi_Control}\p{Zl}\p{Zp}]|\r(?!\n)/u

const ALL_UNSEEN = new RegExp(UNSEEN, 'gu')
const ALL_UNSEEN_BUT_LINE_ENDS = new RegExp(`(?!\\n)(?:${UNSEEN.source})`, 'gu')

/** Of one text, and of a line that is put together from several. */
export const MOST_TEXT = 4_000
const MOST_LINE = 64_000
/** Of one text of a list: no name of a package or a folder is longer. */
const MOST_ITEM = 300

/**
 * Where in a line a runner looks for commands, and what it takes for one.
 *
 * - Anywhere: `##vso[` (Azure Pipelines), `##teamcity[` (TeamCity), `##[` (GitHub Actions, also in its first form, and Azure).
 * - At the start, behind white space: `::name` (GitHub Actions, and what runs its workflows elsewhere). It is escaped everywhere,
 *   for package managers and terminals wrap lines wherever they like.
 * - At the start: `---`, `+++`, `~~~` and `^^^`, by which Buildkite folds lines away.
 *
 * GitLab, Travis and Jenkins look for control characters, which are escaped in any case.
 */
const ANYWHERE = /(##\w*)\[/g
const NAMED = /:(?=:[A-Za-z])/g
const AT_START = /^( *)(?::(?=:)|-(?=--)|\+(?=\+\+)|~(?=~~)|\^(?=\^\^))/

/**
 * A text of strangers as (part of) one line. A name could otherwise paint a passing verdict over a refusal, look like
 * another, or be a command to the CI runner that reads the log. Escapes are visible: `\u{202e}`. Escaping twice is escaping once.
 */
export function escapeText(text: string, most: number = MOST_TEXT): string {
  const escaped = text
    // Nothing becomes shorter by escaping.
    .slice(0, most + 1)
    .replace(ALL_UNSEEN, visible)
    .replace(ANYWHERE, (_, mark: string) => mark + visible('['))
    .replace(NAMED, visible)
    .replace(AT_START, (start) => start.slice(0, -1) + visible(start.slice(-1)))
  return cut(escaped, most)
}

/** The same of a whole line, which may be longer. */
export function escapeLine(line: string): string {
  return escapeText(line, MOST_LINE)
}

/** A text of several lines, each of them as one that a stranger may have written. @param indent before all but the first */
export function escapeLines(text: string, indent = ''): string {
  return text.split('\n').map(escapeLine).join(`\n${indent}`)
}

/** JSON of which every string may be a stranger's: the same, with the escapes of JSON, so that it says what it said. */
export function escapeJson(json: string): string {
  return json
    .replace(ALL_UNSEEN_BUT_LINE_ENDS, (character) => character.split('').map(unit).join(''))
    .replace(ANYWHERE, (_, mark: string) => mark + unit('['))
}

/** A text in quotes, for a message: as JSON writes it, of bounded length. */
export function quoteText(text: string, most: number): string {
  return escapeJson(JSON.stringify(cut(text, most)))
}

/** Of bounded length, with `…` where something was left out. No character is cut in two. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text
  const isHalf = /[\ud800-\udbff]/.test(text.charAt(most - 1))
  return `${text.slice(0, isHalf ? most - 1 : most)}…`
}

/** The first of many, as people are shown them, and a text that counts the others. */
export function firstOf<T>(items: readonly T[], most: number, shown: (item: T) => string = String): readonly string[] {
  const first = items.slice(0, most).map(shown)
  return items.length > most ? [...first, `… and ${items.length - most} more`] : first
}

/** A list for people, of bounded length. */
export function listText(texts: readonly string[], most: number): string {
  return firstOf(texts, most, (text) => cut(text, MOST_ITEM)).join(', ')
}

/** Without any of these characters at its end. A pattern such as `x+$` would try each of many as the first. */
export function withoutEnd(text: string, characters: string): string {
  let end = text.length
  while (end > 0 && characters.includes(text.charAt(end - 1))) end -= 1
  return text.slice(0, end)
}

const MOST_VALUE = 200

/**
 * A value of a document, for a message. Short, whatever a hostile registry wrote, and never by way of JSON.stringify,
 * which overflows the stack where a value is nested deeply.
 */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object'
  return cut(String(value), MOST_VALUE)
}

function visible(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}

function unit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
