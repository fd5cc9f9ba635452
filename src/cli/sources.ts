import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { SingleBar } from 'cli-progress'
import { GateError } from '../errors.ts'
import { directoryEvidence, directoryReleases } from '../evidence/directory.ts'
import type { Mirror } from '../evidence/mirror.ts'
import { openAssets, openNetwork } from '../evidence/network.ts'
import { currentEnvironment, readRegistrySettings } from '../evidence/settings.ts'
import type { EvidenceSource } from '../evidence/types.ts'
import { acrossLockfiles } from '../lockfile/links.ts'
import { mergePackages } from '../lockfile/merge.ts'
import { readLockfile } from '../lockfile/read.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import { lockfilesOf, pinnedConfigDependencies } from '../lockfile/workspace.ts'
import { findPolicy } from '../policy/find.ts'
import { type PolicyPlace, projectsFolder, refuseUnlisted } from '../policy/load.ts'
import type { Policy } from '../policy/types.ts'
import { projectRoot } from '../project.ts'
import { warning } from '../report/warning.ts'
import type { TrustFiles } from '../trust/load.ts'

/** What every command that looks at a lockfile is told: which one, and where evidence and trust come from. */
export interface SourceOptions {
  readonly lockfile: string
  readonly attestations?: string
  readonly trustedRoot?: string
  readonly npmKeys?: string
  readonly offline?: boolean
}

/**
 * Everything that pnpm could install from a lockfile and what stands beside it.
 *
 * @param base the folder from which projects are called; the lockfile's own where none is given
 */
export async function packagesOf(
  lockfile: string,
  base: string = path.dirname(lockfile),
): Promise<readonly LockedPackage[]> {
  const folder = path.dirname(lockfile)
  const files = await lockfilesOf(lockfile)
  const read = await Promise.all(files.map(readLockfile)).catch(async (error: unknown) => {
    const whole = path.join(projectRoot(folder), path.basename(lockfile))
    if (existsSync(lockfile) || whole === lockfile || !existsSync(whole)) throw error
    throw new GateError(`There is no lockfile at ${lockfile}. The workspace's is ${whole}: name it with --lockfile.`)
  })
  const locked = acrossLockfiles(
    read.map(({ packages, lockfileDir }) => ({ folder: lockfileDir, packages })),
    base,
  )
  // No other lockfile vouches for them: pnpm installs them from the root's own, or anew.
  const vouched = read[files.indexOf(lockfile)]?.configDependencies ?? new Map<string, string>()
  return mergePackages([...locked, ...(await pinnedConfigDependencies(folder, vouched))])
}

/** @param mirror the policy's, where there is one */
export async function evidenceSource(
  options: Pick<SourceOptions, 'attestations' | 'offline'>,
  folder: string,
  mirror?: Mirror,
): Promise<EvidenceSource> {
  const settings = readRegistrySettings(folder, currentEnvironment())
  if (options.attestations !== undefined) {
    const found = await stat(options.attestations).catch(() => undefined)
    if (!found?.isDirectory()) throw new GateError(`--attestations ${options.attestations}: there is no such folder.`)
    const release = directoryReleases(options.attestations)
    return {
      ...directoryEvidence(options.attestations),
      releases: { release, sha256: openAssets(settings, options.offline) },
    }
  }
  if (options.offline) {
    throw new GateError(
      '--offline leaves no source of evidence: name a folder of attestation documents with --attestations DIR.',
    )
  }
  return openNetwork(settings, mirror)
}

/** Runs something for each package, with a progress bar on a terminal that says what. */
export async function forEachPackage<T>(
  packages: readonly LockedPackage[],
  run: (pkg: LockedPackage) => Promise<T>,
  what = 'verifying',
): Promise<readonly T[]> {
  const bar = progressBar(packages.length, what)
  return Promise.all(
    packages.map(async (pkg) => {
      const result = await run(pkg)
      bar?.increment()
      return result
    }),
  ).finally(() => bar?.stop())
}

/** Files that the command line names, which replace those of a policy. */
export function trustFiles({ trustedRoot, npmKeys }: SourceOptions): TrustFiles {
  for (const file of [trustedRoot, npmKeys]) {
    if (file !== undefined && !existsSync(file))
      throw new GateError(`The trust material ${file} cannot be read: there is no such file.`)
  }
  return {
    ...(trustedRoot === undefined ? {} : { trustedRoot: path.resolve(trustedRoot) }),
    ...(npmKeys === undefined ? {} : { npmKeys: path.resolve(npmKeys) }),
  }
}

/** Whether trust may be asked for over the network, and where warnings about it go. */
export function trustContext({ offline = false }: SourceOptions): { offline: boolean; warn: (text: string) => void } {
  return { offline, warn: warning }
}

/** On a terminal only, and on standard error: standard output is for machines. */
function progressBar(total: number, what: string): SingleBar | undefined {
  if (!process.stderr.isTTY || total === 0) return undefined
  const bar = new SingleBar({
    format: `${what} {bar} {value}/{total}`,
    stream: process.stderr,
    clearOnComplete: true,
    // Nothing that Ctrl-C would leave switched off in the terminal.
    linewrap: true,
  })
  bar.start(total, 0)
  return bar
}

/** What a lockfile has, once it is sure that none of its projects has a policy that is not kept. */
export async function ruledPackages(lockfile: string, policy: Policy): Promise<readonly LockedPackage[]> {
  const base = projectsFolder(policy, path.dirname(lockfile))
  const packages = await packagesOf(lockfile, base)
  await refuseUnlisted(
    policy,
    base,
    packages.flatMap(({ importers }) => importers),
  )
  return packages
}

/**
 * Where the policy is: where the option says, or in the workspace's root, for that of a project can only tighten it; else
 * in the lockfile's folder.
 */
export async function policyPlace(
  { policy }: { readonly policy?: string | undefined },
  folder: string,
): Promise<PolicyPlace> {
  if (policy !== undefined) return { folder, file: path.resolve(policy) }
  const root = projectRoot(folder)
  const file = root === folder ? undefined : await findPolicy(root)
  return file === undefined ? { folder } : { folder: root, file }
}
