import { hash } from 'node:crypto'
import type { LockChange, Verdict } from '../policy/types.ts'
import { isSameList } from '../util/lists.ts'
import { cut, escapeJson, MOST_TEXT } from '../util/text.ts'
import type { Claims } from '../verify/types.ts'
import type { LockFiles } from './lock-changes.ts'
import { type Summary, summarize } from './summary.ts'

/** What `verify --json` prints. Fields are added, never changed, within a major version. Absent values are null. */
export interface JsonReport {
  readonly summary: Summary
  /** Sets of workspace projects, each written once. Packages name them by their place in this list, from 0 on. */
  readonly projectSets: readonly (readonly string[])[]
  readonly packages: readonly JsonPackage[]
  /** With `--base-lock` alone: for what the identity lock asks less than that of the protected branch. */
  readonly lockChanges?: readonly JsonLockChange[]
}

export interface JsonLockChange {
  readonly code: 'LOCK_LOOSENED'
  readonly kind: LockChange['kind']
  readonly package: string
  readonly found: string
  readonly expected: string
  /** In the lock of the change; null where nothing is left there. */
  readonly place: JsonPlace | null
  /** In the lock of the protected branch. */
  readonly base: JsonPlace
  /** What the policy allows, whether or not it holds today. */
  readonly allowance: ({ readonly reason: string; readonly expires: string } & JsonPlace) | null
  readonly refused: boolean
}

interface JsonPlace {
  readonly file: string
  readonly line: number
}

export interface JsonPackage {
  readonly name: string
  readonly version: string
  readonly integrity: string | null
  readonly status: Verdict['status']
  /** Why it is refused, or warned of, or what an exception excuses; the texts are for people, and of bounded length. */
  readonly code: string | null
  readonly found: string | null
  readonly expected: string | null
  readonly rule: { readonly file: string; readonly line: number } | null
  /** What lets it pass where its status is `excepted`. */
  readonly exception: {
    readonly reason: string
    readonly expires: string
    readonly file: string
    readonly line: number
  } | null
  readonly claims: { readonly [claim in keyof Claims]: string | null } | null
  /** The projects that need it, as their number in `projectSets`. */
  readonly importers: number
  /** The package in whose tarball it is, as `name@version`, where its source is that. */
  readonly bundledIn: string | null
  /** The projects whose own policies decide, as their number in `projectSets`; null where the root's does. */
  readonly projects: number | null
}

export function jsonReport(
  verdicts: readonly Verdict[],
  lock?: { readonly changes: readonly LockChange[]; readonly files: LockFiles },
): JsonReport {
  const sets = openSets()
  return {
    ...(lock && { lockChanges: lock.changes.map((change) => lockChange(change, lock.files)) }),
    summary: summarize(verdicts),
    projectSets: sets.all,
    packages: verdicts.map(({ package: pkg, status, refusal, rule, claims, exception, projects }) => ({
      name: pkg.name,
      version: pkg.version,
      integrity: pkg.integrity ?? null,
      status,
      code: refusal?.code ?? null,
      found: phrase(refusal?.found),
      expected: phrase(refusal?.expected),
      rule: rule === undefined ? null : { file: rule.place.file, line: rule.place.line },
      exception:
        exception === undefined
          ? null
          : {
              reason: exception.reason,
              expires: exception.expires,
              file: exception.place.file,
              line: exception.place.line,
            },
      claims: claims === undefined ? null : withNulls(claims),
      importers: sets.ofShared(pkg.importers),
      bundledIn: phrase(pkg.bundledIn?.key),
      projects: projects === undefined ? null : sets.ofEqual(projects),
    })),
  }
}

function lockChange(change: LockChange, files: LockFiles): JsonLockChange {
  const { kind, package: name, found, expected, line, baseLine, allowance, isAllowed } = change
  return {
    code: 'LOCK_LOOSENED',
    kind,
    package: name,
    found,
    expected,
    place: line === undefined ? null : { file: files.lock, line },
    base: { file: files.base, line: baseLine },
    allowance:
      allowance === undefined
        ? null
        : {
            reason: allowance.reason,
            expires: allowance.expires,
            file: allowance.place.file,
            line: allowance.place.line,
          },
    refused: !isAllowed,
  }
}

/**
 * The report as text, piece by piece: as a whole it may be longer than a text can be. Beyond what JSON must escape it escapes
 * what a terminal or a CI runner obeys.
 */
export function* jsonPieces({ projectSets, packages, ...rest }: JsonReport): Generator<string> {
  let piece = escapeJson(JSON.stringify(rest, null, 2)).slice(0, -'\n}'.length)
  for (const [name, items] of [
    ['projectSets', projectSets],
    ['packages', packages],
  ] as const) {
    piece += `,\n  "${name}": [`
    for (const [index, item] of items.entries()) {
      piece += `${index === 0 ? '' : ','}\n    ${indented(escapeJson(JSON.stringify(item, null, 2)), 4)}`
      if (piece.length < PIECE) continue
      yield piece
      piece = ''
    }
    piece += items.length === 0 ? ']' : '\n  ]'
  }
  yield `${piece}\n}`
}

/** In characters: so many that few of them have to be written, and so few that none takes much memory. */
const PIECE = 1 << 16

function indented(json: string, by: number): string {
  return json.replaceAll('\n', `\n${' '.repeat(by)}`)
}

/** Sets of projects, and their numbers, in the order in which they are asked for. */
function openSets(): {
  readonly all: readonly (readonly string[])[]
  /** Packages share their lists, which are long where there are many projects: so they are not compared by what is in them. */
  ofShared(list: readonly string[]): number
  ofEqual(list: readonly string[]): number
} {
  const all: (readonly string[])[] = []
  let last = -1
  const numbers = new Map<unknown, number>()
  const numberOf = (key: unknown, list: readonly string[]) => {
    const number = numbers.get(key) ?? all.push(list) - 1
    numbers.set(key, number)
    return number
  }
  return {
    all,
    ofShared: (list) => numberOf(list, list),
    ofEqual: (list) => {
      // Most often one is as the one before.
      if (!isSameList(all[last] ?? [], list)) last = numberOf(hash('sha256', JSON.stringify(list)), list)
      return last
    },
  }
}

/** For people; it may name what is as long as a lockfile, in each of thousands of packages. */
function phrase(text: string | undefined): string | null {
  return text === undefined ? null : cut(text, MOST_TEXT)
}

/** JSON has no undefined: a claim that is absent would vanish, and with it the difference to one that is unknown. */
function withNulls(claims: Claims): NonNullable<JsonPackage['claims']> {
  const entries = Object.entries(claims).map(([claim, value]) => [claim, value ?? null])
  return Object.fromEntries(entries) as NonNullable<JsonPackage['claims']>
}
