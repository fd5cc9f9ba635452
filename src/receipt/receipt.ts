import { createHash } from 'node:crypto'
import path from 'node:path'
import type { LockedPackage } from '../lockfile/types.ts'
import { isFolder } from '../util/sources.ts'
import { TICK_MS } from './ticks.ts'
import type { FolderIdentity, JudgedPackage, Mark, ModulesState, Problem, Receipt } from './types.ts'

/** A clock that is set right may jump back by so much. */
const CLOCK_MS = 5 * 60_000

/** The packages of a lockfile as a receipt has them, in an order of their own. */
export function judgedFrom(packages: readonly LockedPackage[]): readonly JudgedPackage[] {
  const entries = packages.map(
    ({ name, version, integrity, source, origin, aliases }): JudgedPackage => ({
      name,
      version,
      ...(integrity === undefined ? {} : { integrity }),
      source,
      ...(origin === undefined ? {} : { origin }),
      ...(aliases === undefined || aliases.length === 0 ? {} : { aliases }),
    }),
  )
  return sorted(entries)
}

/** Those of two lists, each once. */
export function union(one: readonly JudgedPackage[], other: readonly JudgedPackage[]): readonly JudgedPackage[] {
  return other.length === 0 ? one : sorted([...one, ...other])
}

function sorted(entries: readonly JudgedPackage[]): readonly JudgedPackage[] {
  const byText = new Map(entries.map((entry) => [JSON.stringify(entry), entry]))
  return [...byText.keys()].sort().flatMap((text) => byText.get(text) ?? [])
}

export function digestOf(judged: readonly JudgedPackage[]): string {
  return createHash('sha256').update(JSON.stringify(judged)).digest('hex')
}

/**
 * Whether a node_modules folder is as a receipt's install has left it, or may have. Where the end of the install is known,
 * nothing may have been linked since. Where it is not, whatever was linked must have been linked after judging began, and
 * pnpm must have noted that it loaded the gate.
 */
export function isLeftBy(receipt: Receipt, now: ModulesState): boolean {
  const { before, after, judgedAt, keepsFolder } = receipt
  if (after !== undefined) return isSameFolder(after.folder, now.folder) && sameMarks(after.marks, now.marks)
  if (now.folder === undefined) return before.folder === undefined
  const isYoung = (time: number) => time >= judgedAt - TICK_MS
  const isOther = !isSameFolder(before.folder, now.folder)
  if (isOther && ((keepsFolder && before.folder !== undefined) || !isYoung(now.folder.bornAt))) return false
  const isExpected = ([name, mark]: readonly [string, Mark]) =>
    isSameMark(before.marks[name], mark) || isYoung(mark.changedAt)
  return Object.entries(now.marks).every(isExpected) && hasLoadedGate(receipt, now)
}

/**
 * pnpm notes which pnpmfiles it has loaded. The gate is one of them, or was loaded by one. A module of the newer kind is not
 * among the files that were loaded, so that the gate may then be the only one.
 */
export function hasLoadedGate({ loadedBy }: Receipt, { pnpmfiles }: ModulesState): boolean {
  if (pnpmfiles === undefined || loadedBy.length === 0) return true
  return pnpmfiles.some(
    (file) => loadedBy.includes(file) || PLUGIN.test(file) || (loadedBy.length === 1 && file.endsWith('.mjs')),
  )
}

/** The gate as a config dependency, of whichever version. */
const PLUGIN = /[\\/]pnpm-plugin-provenance-gate[\\/]pnpmfile\.cjs$/

/**
 * Whether an install may build on what node_modules has: nothing, or what an install under the gate has left there. Package
 * managers keep what they find in place under the right name and version, and nobody has judged that.
 *
 * @param earlier the receipt of the install before
 */
export function isSoundBase(earlier: Receipt | undefined, now: ModulesState): boolean {
  return now.isEmpty || (earlier?.isWhole === true && isLeftBy(earlier, now))
}

/** Whether everything that is noted in node_modules was noted after judging began, and something is. */
export function isAllNew({ marks }: ModulesState, judgedAt: number): boolean {
  const all = Object.values(marks)
  return all.length > 0 && all.every(({ changedAt }) => changedAt >= judgedAt - TICK_MS)
}

/**
 * What a receipt says against a node_modules, before anything in it is looked at.
 *
 * @param policy digest of the one that is there now
 */
export function receiptProblems(
  receipt: Receipt | undefined,
  folder: string,
  state: ModulesState,
  policy: string,
  now: Date,
): readonly Problem[] {
  const where = `${folder}/node_modules`
  if (receipt === undefined)
    return [
      {
        where,
        found: 'no receipt of this user and machine',
        expected: 'one that the gate left when it judged the install',
      },
    ]
  const problem = (found: string, expected: string): Problem => ({ where, found, expected })
  const problems: Problem[] = []
  if (isFromFuture(receipt, now))
    problems.push(
      problem(`a receipt of ${timeOf(receipt)}, which is in the future`, 'one from before now, by the same clock'),
    )
  if (receipt.policy !== policy)
    problems.push(
      problem(
        `a receipt of an install that was judged by another policy, or by another identity lock`,
        'one by the policy that is there now',
      ),
    )
  if (!receipt.isWhole)
    problems.push(
      problem(
        'packages that were in place before the gate judged an install, and that pnpm or npm keeps there',
        'an empty node_modules before the first install under the gate',
      ),
    )
  else if (receipt.after === undefined && !hasLoadedGate(receipt, state))
    problems.push(
      problem(
        `an install in which pnpm has loaded ${state.pnpmfiles?.join(', ') || 'no pnpmfile'}`,
        'one in which pnpm has loaded the gate',
      ),
    )
  else if (!isLeftBy(receipt, state))
    problems.push(
      problem(
        `a node_modules that was changed or replaced after the install of ${timeOf(receipt)}`,
        'the state in which that install left it',
      ),
    )
  return problems
}

export function timeOf({ judgedAt }: Pick<Receipt, 'judgedAt'>): string {
  return new Date(judgedAt).toISOString()
}

/** A receipt from the future is from another clock, which says nothing of what was linked since. */
export function isFromFuture({ judgedAt }: Pick<Receipt, 'judgedAt'>, now: Date): boolean {
  return judgedAt > now.getTime() + CLOCK_MS
}

function isSameFolder(one: FolderIdentity | undefined, other: FolderIdentity | undefined): boolean {
  return one?.inode === other?.inode && one?.bornAt === other?.bornAt
}

function sameMarks(one: ModulesState['marks'], other: ModulesState['marks']): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...names].every((name) => isSameMark(one[name], other[name]))
}

function isSameMark(one: Mark | undefined, other: Mark | undefined): boolean {
  return one?.changedAt === other?.changedAt && one?.size === other?.size
}

/** What was judged, to be asked about single packages. */
export interface Judged {
  /** Whether an entry of a lockfile is one of those. */
  has(entry: LockedPackage): boolean
  /** Whether a package of that name and version was allowed under that name. */
  hasInstalled(alias: string, name: string, version: string): boolean
  /** The folders that were allowed under a name, as the lockfile writes them. */
  foldersFor(alias: string): readonly string[]
  /** Whether a name stands for something else than a folder. */
  isTaken(alias: string): boolean
}

export function openJudged(judged: readonly JudgedPackage[]): Judged {
  const byName = Map.groupBy(judged, ({ name }) => name)
  const byAlias = new Map<string, JudgedPackage[]>()
  for (const each of judged)
    for (const alias of [each.name, ...(each.aliases ?? [])]) byAlias.set(alias, [...(byAlias.get(alias) ?? []), each])
  return {
    has: (entry) => byName.get(entry.name)?.some((one) => isEntry(one, entry)) === true,
    hasInstalled: (alias, name, version) =>
      byAlias
        .get(alias)
        ?.some((one) => one.name === name && (one.version === '' || isSameVersion(one.version, version))) === true,
    foldersFor: (alias) =>
      (byAlias.get(alias) ?? []).filter(({ source }) => isFolder(source)).map(({ origin }) => origin ?? ''),
    isTaken: (alias) => byAlias.get(alias)?.some(({ source }) => !isFolder(source)) === true,
  }
}

/** What a receipt has judged, the folders that its lockfile links by their whole paths. */
export function withRealLinks({ judged, folder }: Receipt): readonly JudgedPackage[] {
  return judged.map((each) => {
    const [, scheme, target] = /^(workspace|link):(.*)$/s.exec(each.origin ?? '') ?? []
    return target === undefined ? each : { ...each, origin: `${scheme}:${path.resolve(folder, target)}` }
  })
}

/** By its digest where both have one; of what has none, by where it comes from. */
function isEntry(judged: JudgedPackage, { version, integrity, source, origin, aliases = [] }: LockedPackage): boolean {
  if (aliases.some((alias) => judged.aliases?.includes(alias) !== true)) return false
  if (isFolder(source) && isFolder(judged.source)) return true
  if (judged.version !== version) return false
  if (integrity !== undefined && judged.integrity !== undefined) return integrity === judged.integrity
  return source === judged.source && (origin === judged.origin || integrity !== undefined)
}

/** A package.json may write what no registry does: `v1.0.0`, build metadata. */
function isSameVersion(judged: string, found: string): boolean {
  const plain = (version: string) =>
    version
      .trim()
      .replace(/^[=v]+/, '')
      .replace(/\+.*$/s, '')
  return plain(judged) === plain(found)
}

/** When the install ended: as its receipt says, or as the package manager has noted it. */
export function endOf({ endedAt }: Receipt, { notedAt }: ModulesState): number {
  return endedAt ?? notedAt
}

/** A receipt that was read; undefined where it is of another form than this version writes. */
export function asReceipt(value: unknown): Receipt | undefined {
  return typeof value === 'object' && value !== null && 'form' in value && value.form === 1
    ? (value as Receipt)
    : undefined
}
