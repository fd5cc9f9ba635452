import { stat } from 'node:fs/promises'
import { setFlagsFromString } from 'node:v8'
import { openGate } from '../gate.ts'
import { loadPolicy } from '../policy/load.ts'
import { unusedExceptions } from '../report/exceptions.ts'
import { jsonReport, jsonText } from '../report/json.ts'
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
  readonly json?: boolean
}

/** `provenance-gate verify`: judges every entry of a lockfile. @throws GateError */
export async function verify(options: VerifyOptions, now: Date): Promise<ExitStatus> {
  const lockfiles = await chosenLockfiles(options.lockfile)
  const { folder, files } = lockfiles
  const trust = trustFiles(options)
  const once = onceIn(options, folder)
  const policy = await loadPolicy(await policyPlace(options, folder), trust, once)
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

  for (const note of notes) process.stderr.write(`${note}\n`)
  if (options.json) process.stdout.write(`${jsonText(jsonReport(verdicts))}\n`)
  const exceptions = [policy, ...policy.projects.values()].flatMap((each) => each.exceptions)
  await showVerdicts(verdicts, unusedExceptions(exceptions, verdicts, process.cwd()))
  return exitStatus(verdicts)
}

/** Of a lockfile, in bytes. */
const LONG = 32_768
const VERY_LONG = 1 << 20
