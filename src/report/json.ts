import type { LockChange, Verdict } from '../policy/types.ts'
import { escapeJson } from '../util/text.ts'
import type { Claims } from '../verify/types.ts'
import type { LockFiles } from './lock-changes.ts'
import { type Summary, summarize } from './summary.ts'

/** What `verify --json` prints. Fields are added, never changed, within a major version. Absent values are null. */
export interface JsonReport {
  readonly summary: Summary
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
  /** Why it is refused, or warned of, or what an exception excuses. */
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
  readonly importers: readonly string[]
  /** The package in whose tarball it is, as `name@version`, where its source is that. */
  readonly bundledIn: string | null
  /** The projects whose own policies decide; null where the root's does. */
  readonly projects: readonly string[] | null
}

export function jsonReport(
  verdicts: readonly Verdict[],
  lock?: { readonly changes: readonly LockChange[]; readonly files: LockFiles },
): JsonReport {
  return {
    ...(lock && { lockChanges: lock.changes.map((change) => lockChange(change, lock.files)) }),
    summary: summarize(verdicts),
    packages: verdicts.map(({ package: pkg, status, refusal, rule, claims, exception, projects }) => ({
      name: pkg.name,
      version: pkg.version,
      integrity: pkg.integrity ?? null,
      status,
      code: refusal?.code ?? null,
      found: refusal?.found ?? null,
      expected: refusal?.expected ?? null,
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
      importers: pkg.importers,
      bundledIn: pkg.bundledIn?.key ?? null,
      projects: projects ?? null,
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
export function* jsonPieces({ packages, ...rest }: JsonReport): Generator<string> {
  const head = escapeJson(JSON.stringify({ ...rest, packages: [] }, null, 2))
  if (packages.length === 0) return yield head
  let piece = head.slice(0, -TAIL.length)
  /** Packages share their lists of projects, which are long where there are many. */
  const lists = new Map<readonly string[], string>()
  for (const [index, pkg] of packages.entries()) {
    const { importers } = pkg
    const list = lists.get(importers) ?? indented(escapeJson(JSON.stringify(importers, null, 2)), 6)
    lists.set(importers, list)
    const one = indented(escapeJson(JSON.stringify({ ...pkg, importers: [] }, null, 2)), 4)
    piece += `${index === 0 ? '' : ','}\n    ${one.replace(NO_IMPORTERS, () => `${NO_IMPORTERS.slice(0, -2)}${list}`)}`
    if (piece.length < PIECE) continue
    yield piece
    piece = ''
  }
  yield `${piece}\n  ${TAIL}`
}

/** In characters: so many that few of them have to be written, and so few that none takes much memory. */
const PIECE = 1 << 16

const TAIL = ']\n}'

/** Of a package, at the depth of its own fields: a line ends in no text of JSON. */
const NO_IMPORTERS = '\n      "importers": []'

function indented(json: string, by: number): string {
  return json.replaceAll('\n', `\n${' '.repeat(by)}`)
}

/** JSON has no undefined: a claim that is absent would vanish, and with it the difference to one that is unknown. */
function withNulls(claims: Claims): NonNullable<JsonPackage['claims']> {
  const entries = Object.entries(claims).map(([claim, value]) => [claim, value ?? null])
  return Object.fromEntries(entries) as NonNullable<JsonPackage['claims']>
}
