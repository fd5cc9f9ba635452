import { existsSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import path from 'node:path'
import { UNDECIDED } from '../codes.ts'
import { GateError } from '../errors.ts'
import { acceptIdentities, type Examined, isBroken, isUndecided, withSignature } from '../policy/accept.ts'
import { loadWithoutLock } from '../policy/load.ts'
import { writeLock } from '../policy/lock-file.ts'
import { LOCK_NAME } from '../policy/names.ts'
import { readAnyLock } from '../policy/read-lock.ts'
import type { Change, IdentityLock, Policy } from '../policy/types.ts'
import { unbindableLines } from '../policy/unbindable.ts'
import { openProver } from '../proving/prover.ts'
import { MOST_LINES, MOST_LISTED, MOST_NAME } from '../report/bounds.ts'
import { changeLines } from '../report/changes.ts'
import { sayLine } from '../report/output.ts'
import { reasonLine } from '../report/refusal.ts'
import { renewal } from '../report/renewal.ts'
import { count } from '../report/summary.ts'
import type { TrustFiles } from '../trust/inputs.ts'
import { escapeText, firstOf, listText } from '../util/text.ts'
import { replaceFile } from '../write.ts'
import { type ExitStatus, statusFor } from './exit.ts'
import { chosenLockfiles, type Lockfiles } from './lockfiles.ts'
import {
  forEachPackage,
  onceIn,
  oneList,
  packagesOf,
  policyPlace,
  proverOptions,
  type SourceOptions,
  trustFiles,
} from './sources.ts'

export interface AcceptOptions extends SourceOptions {
  readonly policy?: string
  /** Writes nothing. */
  readonly check?: boolean
}

/**
 * `provenance-gate accept [packages]`: shows what the identity lock does not say yet, and writes it. 1 where something is
 * left that has to be named to be accepted, or (`--check`) to be written, or has attestations that do not hold. 2 where it is
 * only not known what some attestations say.
 *
 * @param names of packages, or `name@version`
 * @throws GateError
 */
export async function accept(names: readonly string[], options: AcceptOptions, now: Date): Promise<ExitStatus> {
  const lockfiles = await chosenLockfiles(options.lockfile)
  const given = trustFiles(options)
  const place = await policyPlace(options, lockfiles.folder)
  const folder = place.folder ?? lockfiles.folder
  // What verify will believe: no other trust root may say who publishes what.
  const policy = await loadWithoutLock(place, given)
  // A file that cannot be read is told before anything is fetched.
  const kept = await readAnyLock(folder)
  const trust = { ...policy.trust, ...given }
  const examined = await examine(options, trust, lockfiles, now, policy)
  refuseUnheardOf(names, examined, lockfiles.shown)
  const { isOld } = kept
  const lock = kept.lock(examined)
  const result = acceptIdentities(lock ?? new Map(), examined, new Set(names))
  tell(result.changes)
  const broken = tellThose(
    examined,
    isBroken,
    (packages) => `${packages} with attestations that do not hold: nothing of it can be accepted.`,
  )
  const undecided = tellUndecided(examined, trust, 'nothing of it can be accepted')
  for (const line of unbindableLines(examined)) sayLine(line)
  const left = result.changes.filter(({ accepted }) => !accepted)
  const acceptable = left.filter(({ after, integrity }) => after !== undefined || integrity !== undefined)
  if (left.length > 0) sayLine(`${count(left.length)} not accepted.${advice(acceptable)}`)
  if (isOld) sayLine(`${LOCK_NAME} has the form of earlier versions of the gate, which asked for less.`)
  const isNew = lock === undefined || isOld || result.changes.length > left.length
  const bad = left.length + broken
  if (!options.check) {
    if (isNew) await writeIdentityLock(folder, result.lock)
    sayLine(isNew ? `${LOCK_NAME} is written: commit it.` : `${LOCK_NAME} is as it was.`)
  } else if (isNew) {
    sayLine(`${LOCK_NAME} is not up to date: run \`provenance-gate accept\`, look at what it writes, and commit it.`)
    return 1
  } else if (bad + undecided === 0) {
    sayLine(`${LOCK_NAME} is up to date.`)
  }
  return statusFor(bad, undecided)
}

function advice(left: readonly Change[]): string {
  if (left.length === 0) return ''
  const names = firstOf(left, MOST_LISTED, ({ name, version }) => escapeText(`${name}@${version}`, MOST_NAME))
  return ` Look at each; to accept: provenance-gate accept ${names.join(' ')}`
}

/** Tells of those with attestations of which nothing is known, and returns how many they are. */
export function tellUndecided(examined: readonly Examined[], trust: TrustFiles, untilThen: string): number {
  return tellThose(
    examined,
    isUndecided,
    (packages) =>
      `${packages} with attestations of which nothing is known: the trust root or this gate is older than they are. To find out, ${renewal(trust, process.cwd())}. Until then ${untilThen}.`,
  )
}

/** @throws GateError where a package, or that version of it, is not in the lockfile */
function refuseUnheardOf(names: readonly string[], examined: readonly Examined[], lockfile: string): void {
  const versions = Map.groupBy(examined, ({ pkg }) => pkg.name)
  for (const wanted of names) {
    const at = wanted.indexOf('@', 1)
    const name = at < 0 ? wanted : wanted.slice(0, at)
    const found = versions.get(name)?.map(({ pkg }) => pkg.version)
    if (found === undefined)
      throw new GateError(`${lockfile} has no package called ${escapeText(name)}. Names are as in the lockfile.`)
    if (at < 0 || found.includes(wanted.slice(at + 1))) continue
    throw new GateError(
      `${lockfile} has ${escapeText(name)} in ${escapeText(listText(found, MOST_LISTED))} and not in ${escapeText(wanted.slice(at + 1))}, and what is not in the lockfile cannot be accepted yet. Bring that version into the lockfile without installing it (docs/policy.md, "A version that is not in the lockfile yet"), look at it, and accept it then.`,
    )
  }
}

/** Tells of each that is so, and then of all of them together. Returns how many they are. */
export function tellThose(
  examined: readonly Examined[],
  isSo: (each: Examined) => boolean,
  summary: (packages: string) => string,
): number {
  const lines = examined.flatMap((each) =>
    isSo(each) && !each.proof.ok ? [`! ${reasonLine(each.pkg, each.proof.refusal)}`] : [],
  )
  for (const line of firstOf(lines, MOST_LINES)) sayLine(line)
  if (lines.length > 0) sayLine(summary(count(lines.length)))
  return lines.length
}

/** What can be proven of every package, whatever a policy says. @throws GateError where something could not be found out */
export async function examine(
  options: SourceOptions,
  trust: TrustFiles,
  { folder, files }: Lockfiles,
  now: Date,
  policy?: Policy,
  asksForSignatures = false,
): Promise<readonly Examined[]> {
  const prove = openProver(await proverOptions(options, folder, trust, now, policy))
  // What is bundled has nobody who publishes it: it ends as what brings it.
  const lists = await Promise.all(files.map((file) => packagesOf(file, onceIn(options, folder))))
  const packages = oneList(lists).filter(({ bundledIn }) => bundledIn === undefined)
  const examined = await forEachPackage(packages, async (pkg): Promise<Examined> => {
    const proof = await prove(pkg)
    if (!asksForSignatures || pkg.source !== 'registry') return { pkg, proof }
    return withSignature({ pkg, proof }, await prove(pkg, [undefined]))
  })
  await prove.save()
  // What is not known under this trust root lasts longer than one run: the commands go on with the rest.
  const unknown = examined.flatMap(({ pkg, proof }) =>
    !proof.ok && UNDECIDED.has(proof.refusal.code) && proof.refusal.code !== 'EVIDENCE_UNKNOWN'
      ? [reasonLine(pkg, proof.refusal)]
      : [],
  )
  const [first] = unknown
  if (first === undefined) return examined
  throw new GateError(
    `${count(unknown.length)} could not be looked at, so what is to be accepted is not known: ${first}${unknown.length > 1 ? ', …' : ''}. ${options.offline ? OFFLINE_ADVICE : 'Try again.'}`,
  )
}

const OFFLINE_ADVICE =
  'Run it without --offline, or name a folder that has the evidence with --attestations: `provenance-gate export` on a machine with a network writes one.'

/** Whole or not at all: a kill half-way leaves the old file. */
export async function writeIdentityLock(folder: string, lock: IdentityLock): Promise<void> {
  await writeWhole(path.join(folder, LOCK_NAME), writeLock(lock))
}

export async function writeWhole(file: string, text: string): Promise<void> {
  try {
    // What a link leads to is replaced, and not the link.
    await replaceFile(existsSync(file) ? await realpath(file) : file, text)
  } catch (error) {
    throw new GateError(`${file} cannot be written (${(error as Error).message}).`, { cause: error })
  }
}

function tell(changes: readonly Change[]): void {
  for (const line of changeLines(changes)) sayLine(line)
}
