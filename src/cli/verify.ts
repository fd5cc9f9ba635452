import { stat } from 'node:fs/promises'
import path from 'node:path'
import { SingleBar } from 'cli-progress'
import { GateError } from '../errors.ts'
import { directoryEvidence } from '../evidence/directory.ts'
import { registryEvidence } from '../evidence/registry.ts'
import { currentEnvironment, readRegistrySettings } from '../evidence/settings.ts'
import type { EvidenceSource } from '../evidence/types.ts'
import { openGate } from '../gate.ts'
import { mergePackages } from '../lockfile/merge.ts'
import { readLockfile } from '../lockfile/read.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import { lockfilesOf, pinnedConfigDependencies } from '../lockfile/workspace.ts'
import { loadPolicy } from '../policy/load.ts'
import type { Verdict } from '../policy/types.ts'
import { unusedExceptions } from '../report/exceptions.ts'
import { jsonReport, jsonText } from '../report/json.ts'
import { summarize, summaryLine } from '../report/summary.ts'
import { refusalTable } from '../report/table.ts'
import { type ExitStatus, exitStatus } from './exit.ts'

export interface VerifyOptions {
  readonly lockfile: string
  readonly policy?: string
  readonly attestations?: string
  readonly trustedRoot?: string
  readonly npmKeys?: string
  readonly offline?: boolean
  readonly json?: boolean
}

/** `provenance-gate verify`: judges every entry of a lockfile. @throws GateError */
export async function verify(options: VerifyOptions, now: Date): Promise<ExitStatus> {
  const lockfile = path.resolve(options.lockfile)
  const folder = path.dirname(lockfile)
  const policy = await loadPolicy(options.policy === undefined ? { folder } : { file: path.resolve(options.policy) })
  const evidence = await evidenceSource(options, folder)
  const packages = await packagesOf(lockfile)
  const gate = openGate({
    policy,
    evidence,
    trust: {
      ...(options.trustedRoot === undefined ? {} : { trustedRoot: path.resolve(options.trustedRoot) }),
      ...(options.npmKeys === undefined ? {} : { npmKeys: path.resolve(options.npmKeys) }),
    },
    now,
  })

  const bar = progressBar(packages.length)
  const verdicts: readonly Verdict[] = await Promise.all(
    packages.map(async (pkg) => {
      const verdict = await gate(pkg)
      bar?.increment()
      return verdict
    }),
  ).finally(() => bar?.stop())

  if (options.json) process.stdout.write(`${jsonText(jsonReport(verdicts))}\n`)
  for (const which of ['warned', 'refused'] as const) {
    const table = refusalTable(verdicts, process.cwd(), process.stderr.columns ?? 120, which)
    if (table !== '') process.stderr.write(`${table}\n`)
  }
  for (const line of unusedExceptions(policy.exceptions, verdicts, process.cwd())) process.stderr.write(`${line}\n`)
  process.stderr.write(`${summaryLine(summarize(verdicts))}\n`)
  return exitStatus(verdicts)
}

/** Everything that pnpm could install from a lockfile and what stands beside it. */
async function packagesOf(lockfile: string): Promise<readonly LockedPackage[]> {
  const read = await Promise.all((await lockfilesOf(lockfile)).map(readLockfile))
  const locked = read.flatMap(({ packages }) => packages)
  return mergePackages([...locked, ...(await pinnedConfigDependencies(path.dirname(lockfile), locked))])
}

async function evidenceSource(options: VerifyOptions, folder: string): Promise<EvidenceSource> {
  if (options.attestations !== undefined) {
    const found = await stat(options.attestations).catch(() => undefined)
    if (!found?.isDirectory()) throw new GateError(`--attestations ${options.attestations}: there is no such folder.`)
    return directoryEvidence(options.attestations)
  }
  if (options.offline) {
    throw new GateError(
      '--offline leaves no source of evidence: name a folder of attestation documents with --attestations DIR.',
    )
  }
  return registryEvidence(readRegistrySettings(folder, currentEnvironment()))
}

/** On a terminal only, and on standard error: standard output is for machines. */
function progressBar(total: number): SingleBar | undefined {
  if (!process.stderr.isTTY || total === 0) return undefined
  const bar = new SingleBar({
    format: 'verifying {bar} {value}/{total}',
    stream: process.stderr,
    clearOnComplete: true,
    // Nothing that Ctrl-C would leave switched off in the terminal.
    linewrap: true,
  })
  bar.start(total, 0)
  return bar
}
