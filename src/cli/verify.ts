import { stat } from 'node:fs/promises'
import path from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { openGate } from '../gate.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import { loadPolicy } from '../policy/load.ts'
import { loosenedSince } from '../policy/lock-changes.ts'
import { LOCK_NAME } from '../policy/names.ts'
import { readBaseLock, readLock } from '../policy/read-lock.ts'
import type { IdentityLock, LockChange, Policy } from '../policy/types.ts'
import { unusedExceptions } from '../report/exceptions.ts'
import { jsonPieces, jsonReport } from '../report/json.ts'
import { type LockFiles, lockChangeLines } from '../report/lock-changes.ts'
import { nextSteps } from '../report/next-step.ts'
import { answerPieces, sayLine } from '../report/output.ts'
import { type ExitStatus, exitStatus } from './exit.ts'
import { chosenLockfiles, lockfileNotes } from './lockfiles.ts'
import { showVerdicts } from './outcome.ts'
import {
  forEachPackage,
  onceIn,
  oneList,
  policyPlace,
  proverOptions,
  ruledPackages,
  type SourceOptions,
  trustFiles,
} from './sources.ts'

export interface VerifyOptions extends SourceOptions {
  readonly policy?: string
  /** The identity lock of the protected branch. */
  readonly baseLock?: string
  readonly json?: boolean
}

/** `provenance-gate verify`: judges every entry of a lockfile. @throws GateError */
export async function verify(options: VerifyOptions, now: Date): Promise<ExitStatus> {
  const lockfiles = await chosenLockfiles(options.lockfile)
  const { folder, files } = lockfiles
  const trust = trustFiles(options)
  const once = onceIn(options, folder)
  const place = await policyPlace(options, folder)
  const policy = await loadPolicy(place, trust, once)
  const lockFolder = place.folder ?? folder
  const base = options.baseLock === undefined ? undefined : await readBaseLock(path.resolve(options.baseLock))
  const gate = openGate({ policy, ...(await proverOptions(options, folder, trust, now, policy)) })
  // While the lockfile is read. Ten kilobytes have some thirty packages.
  const sizes = files.map((file) =>
    stat(file).then(
      (stats) => stats.size,
      () => 0,
    ),
  )
  const size = (await Promise.all(sizes)).reduce((sum, each) => sum + each, 0)
  // A third less memory for 8,000 packages, and a twentieth more time: what lives shortly is not given more and more room.
  if (size > VERY_LONG) setFlagsFromString('--semi-space-growth-factor=1')
  await gate.load(size > LONG)
  const lists = await Promise.all(files.map((file) => ruledPackages(file, policy, once, now)))
  const packages = oneList(lists)
  // The folders are looked through while packages are verified.
  const [notes, verdicts] = await Promise.all([lockfileNotes(lockfiles, lists), forEachPackage(packages, gate)])
  await gate.save()

  for (const note of notes) sayLine(note)
  const changes = base && (await lockChanges(base, policy, lockFolder, packages, now))
  const locks = { lock: path.join(lockFolder, LOCK_NAME), base: path.resolve(options.baseLock ?? '') }
  if (options.json) await answerPieces(jsonPieces(jsonReport(verdicts, changes && { changes, files: locks })))
  const exceptions = [policy, ...policy.projects.values()].flatMap((each) => each.exceptions)
  await showVerdicts(verdicts, unusedExceptions(exceptions, verdicts, process.cwd()))
  tellLockChanges(changes ?? [], locks)
  const steps = nextSteps(verdicts, { ...policy.trust, ...trust }, process.cwd(), optionWords(options))
  for (const line of steps) sayLine(line)
  return changes?.some(({ isAllowed }) => !isAllowed) ? 1 : exitStatus(verdicts)
}

/** What `explain` has to be told as well, to look at the same. */
function optionWords({ lockfile, policy, attestations, trustedRoot, npmKeys, cache, offline }: VerifyOptions) {
  const named = { lockfile, policy, attestations, 'trusted-root': trustedRoot, 'npm-keys': npmKeys, cache }
  const words = Object.entries(named).flatMap(([name, file]) => (file === undefined ? [] : [`--${name}`, file]))
  return offline ? [...words, '--offline'] : words
}

/** For what the identity lock of the change asks less than the given one. */
async function lockChanges(
  base: IdentityLock,
  policy: Policy,
  folder: string,
  packages: readonly LockedPackage[],
  now: Date,
): Promise<readonly LockChange[]> {
  // It is looked at also where no rule asks for it today.
  const lock = policy.identities ?? (await readLock(folder)) ?? new Map()
  const installed = new Set(packages.flatMap(({ name, aliases = [] }) => [name, ...aliases]))
  return loosenedSince(base, lock, installed, policy.allowLockChanges ?? [], now)
}

function tellLockChanges(changes: readonly LockChange[], files: LockFiles): void {
  for (const line of lockChangeLines(changes, files, process.cwd())) sayLine(line)
}

/** Of a lockfile, in bytes. */
const LONG = 32_768
const VERY_LONG = 1 << 20
