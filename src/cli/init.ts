import { existsSync } from 'node:fs'
import path from 'node:path'
import { GateError } from '../errors.ts'
import { acceptIdentities, type Examined } from '../policy/accept.ts'
import { draftPolicy } from '../policy/draft.ts'
import { findPolicy } from '../policy/find.ts'
import { LOCK_NAME } from '../policy/lock-file.ts'
import { clean } from '../report/clean.ts'
import { count } from '../report/summary.ts'
import { examine, writeIdentityLock, writeWhole } from './accept.ts'
import type { ExitStatus } from './exit.ts'
import { type SourceOptions, trustFiles } from './sources.ts'

const POLICY_NAME = '.sigstorerc'

/**
 * `provenance-gate init`: looks at everything that a lockfile has, and writes a policy and an identity lock under which it
 * passes. 1 where attestations were found that do not hold.
 *
 * @throws GateError where there is a policy or a lock already
 */
export async function init(options: SourceOptions, now: Date): Promise<ExitStatus> {
  const lockfile = path.resolve(options.lockfile)
  const folder = path.dirname(lockfile)
  await refuseToOverwrite(folder)
  const examined = await examine(options, trustFiles(options), lockfile, now)
  const { lock } = acceptIdentities(new Map(), examined, new Set())
  const relative = (file: string) => path.relative(folder, path.resolve(file)).split(path.sep).join('/')
  const policy = draftPolicy(examined, {
    ...(options.trustedRoot !== undefined && { trustedRoot: relative(options.trustedRoot) }),
    ...(options.npmKeys !== undefined && { npmKeys: relative(options.npmKeys) }),
  })
  // The lock first: a policy without it would stop every install.
  await writeIdentityLock(folder, lock)
  await writeWhole(path.join(folder, POLICY_NAME), policy)
  return tell(examined, lock.size)
}

async function refuseToOverwrite(folder: string): Promise<void> {
  const policy = await findPolicy(folder)
  const lock = path.join(folder, LOCK_NAME)
  const what = policy ?? (existsSync(lock) ? lock : undefined)
  if (what === undefined) return
  throw new GateError(
    `${what} is there already, and \`init\` overwrites nothing. Change it by hand, run \`provenance-gate accept\`, or remove it first.`,
  )
}

function tell(examined: readonly Examined[], proven: number): ExitStatus {
  const broken = examined.flatMap(({ pkg, proof }) =>
    proof.ok || proof.refusal.code === 'EVIDENCE_MISSING' || proof.refusal.code === 'INTEGRITY_MISSING'
      ? []
      : [`${pkg.key}  ${proof.refusal.code}: ${proof.refusal.found}`],
  )
  for (const line of broken) process.stderr.write(`! ${clean(line)}\n`)
  if (broken.length > 0) {
    process.stderr.write(
      `${count(broken.length)} with attestations that do not hold. Nothing good explains that: look at each.\n`,
    )
  }
  process.stderr.write(
    `${POLICY_NAME} and ${LOCK_NAME} are written: ${count(examined.length)}, ${proven} names with provenance. Read them, and commit both.\n`,
  )
  return broken.length > 0 ? 1 : 0
}
