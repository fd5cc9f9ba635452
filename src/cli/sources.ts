import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { CODE } from '../code.ts'
import { GateError } from '../errors.ts'
import { type Derived, derivedIn } from '../evidence/derived.ts'
import { directoryEvidence, directoryReleases } from '../evidence/directory.ts'
import { lazyEvidence } from '../evidence/lazy.ts'
import type { Mirror } from '../evidence/mirror.ts'
import { OFFLINE } from '../evidence/offline.ts'
import { type Places, userPlaces } from '../evidence/places.ts'
import type { SettingsOf } from '../evidence/settings-for.ts'
import type { EvidenceSource, ReleaseSource } from '../evidence/types.ts'
import { readLockfileBytes } from '../lockfile/bytes.ts'
import { lockfilesIn } from '../lockfile/find.ts'
import { markReplacedGate } from '../lockfile/gate-entry.ts'
import type { InstallingPnpm } from '../lockfile/identities.ts'
import { importersFrom, projectName, projectsIn } from '../lockfile/importers.ts'
import { installingPnpm } from '../lockfile/installing-pnpm.ts'
import { formatOf, lockfileFolder } from '../lockfile/kinds.ts'
import { acrossLockfiles } from '../lockfile/links.ts'
import { refuseUnloadedGate } from '../lockfile/loading.ts'
import { mergePackages } from '../lockfile/merge.ts'
import { packPackages, unpackPackages } from '../lockfile/packed.ts'
import type { ReadLockfile } from '../lockfile/read.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import {
  hasSeveralLockfiles,
  lockfilesOf,
  pinnedConfigDependencies,
  refuseUnclearLockfiles,
} from '../lockfile/workspace.ts'
import { evidenceFrom } from '../policy/decide.ts'
import { findPolicy } from '../policy/find.ts'
import { type PolicyPlace, projectsFolder, refuseUnlisted } from '../policy/load.ts'
import type { Policy } from '../policy/types.ts'
import { projectRoot, refuseLinkedProject } from '../project.ts'
import type { ProverOptions } from '../proving/prover.ts'
import { warning } from '../report/output.ts'
import { checkSettings } from '../settings.ts'
import type { TrustFiles } from '../trust/inputs.ts'
import { makeFolder } from '../util/folders.ts'
import { GATE_NAME } from '../util/gate-name.ts'
import { fromPlaces } from './from-places.ts'
import { refuseReplacedGate } from './installed-gate.ts'
import { warnOfMemory } from './memory.ts'
import { refuseOtherRoot } from './other-root.ts'
import { refuseUnlockedProjects } from './project-lockfiles.ts'

/** What every command that looks at a lockfile is told: which one, and where evidence and trust come from. */
export interface SourceOptions {
  /** Where none is named: those that the folder has. */
  readonly lockfile?: string
  /** Whose settings say where evidence is, where it is not the one that writes the lockfile. */
  readonly manager?: SettingsOf
  readonly attestations?: string
  readonly trustedRoot?: string
  readonly npmKeys?: string
  readonly offline?: boolean
  /** Where evidence and proofs are kept, in place of the user's cache. */
  readonly cache?: string
}

/**
 * Everything that a package manager could install from a lockfile and what stands beside it.
 *
 * @param base the folder from which projects are called; the lockfile's own where none is given
 */
export async function packagesOf(
  lockfile: string,
  once: Derived,
  base: string = lockfileFolder(lockfile),
): Promise<readonly LockedPackage[]> {
  return (await readChosen(lockfile, once, base)).packages
}

/** The packages that a package manager could install from a lockfile, and which manager that is, for which projects. */
async function readChosen(
  lockfile: string,
  once: Derived,
  base: string,
): Promise<Pick<ReadLockfile, 'manager' | 'packages' | 'projects'>> {
  const folder = path.dirname(lockfile)
  const other = await readOther(lockfile)
  if (other !== undefined) {
    const here = await fromPlaces(other.packages, other.lockfileDir, other.manager)
    return { ...other, packages: importersFrom(here, other.lockfileDir, base) }
  }
  refuseLinkedProject(folder)
  await refuseUnclearLockfiles(folder, [])
  const files = await lockfilesOf(lockfile)
  if (await hasSeveralLockfiles(folder)) await refuseUnlockedProjects(folder, files)
  const pnpm = await installingPnpm(projectRoot(folder), [folder])
  const read = await Promise.all(files.map((file) => readOnce(file, once, pnpm))).catch(async (error: unknown) => {
    const whole = path.join(projectRoot(folder), path.basename(lockfile))
    if (existsSync(lockfile) || whole === lockfile || !existsSync(whole)) throw error
    throw new GateError(`There is no lockfile at ${lockfile}. The workspace's is ${whole}: name it with --lockfile.`)
  })
  const projectFolders = read.flatMap(({ projects, lockfileDir }) =>
    projects.map((each) => path.resolve(lockfileDir, each)),
  )
  await refuseUnclearLockfiles(folder, projectFolders)
  // The settings of a project may let an older pnpm install, which takes some lockfiles for others.
  if (pnpm !== 'any' && (await installingPnpm(projectRoot(folder), projectFolders)) === 'any')
    await Promise.all(files.map((file) => readOnce(file, once, 'any')))
  const located = read.map(async ({ packages, lockfileDir }) => ({
    folder: lockfileDir,
    packages: await fromPlaces(packages, lockfileDir, 'pnpm'),
  }))
  const locked = acrossLockfiles(await Promise.all(located), base)
  // No other lockfile vouches for them: pnpm installs them from the root's own, or anew.
  const own = read[files.indexOf(lockfile)]
  const vouched = own?.configDependencies ?? new Map<string, string>()
  const pinned = await pinnedConfigDependencies(folder, vouched)
  const root = projectRoot(folder)
  const isConfigDependency = vouched.has(GATE_NAME) || pinned.some(({ name }) => name === GATE_NAME)
  if (isConfigDependency) await refuseReplacedGate(root)
  await refuseUnloadedGate({
    root,
    isConfigDependency,
    projects: projectFolders,
    pnpm: own?.environment?.pnpm ?? [],
  })
  // The packages of one lockfile are distinct already.
  const all =
    read.length === 1 && pinned.length === 0
      ? locked
      : mergePackages([...locked, ...(await fromPlaces(pinned, folder, 'pnpm'))])
  const pins = [...pinned, ...(vouched.has(GATE_NAME) ? (own?.environment?.packages ?? []) : [])]
  const packages = markReplacedGate(all, pins)
  return { manager: 'pnpm', packages, projects: projectFolders.map((project) => projectName(folder, project)) }
}

/** A lockfile of another manager than pnpm; undefined for pnpm's, or where there is none. @throws GateError */
async function readOther(file: string): Promise<ReadLockfile | undefined> {
  if (/^pnpm-lock\./.test(path.basename(file)) || !existsSync(file)) return undefined
  const bytes = await readLockfileBytes(file)
  const format = formatOf(file, bytes)
  if (format === 'pnpm') return undefined
  warnOfMemory(file, bytes.length)
  // Not remembered: what it has follows from the manifests of its projects, too.
  const { parseAny } = await import('../lockfile/formats.ts')
  return parseAny(format, bytes, file)
}

/** What a lockfile of pnpm has follows from its bytes: they are parsed once. @throws GateError */
async function readOnce(file: string, once: Derived, pnpm: InstallingPnpm): Promise<ReadLockfile> {
  const bytes = await readLockfileBytes(file)
  const found = await once(['whole lockfile, by source', file, pnpm], bytes, async () => {
    warnOfMemory(file, bytes.length)
    const { parseLockfile } = await import('../lockfile/read.ts')
    const { packages, projects, environment, configDependencies } = await parseLockfile(bytes, file, pnpm)
    return {
      packages: packPackages(packages),
      projects,
      environment: environment && { ...environment, packages: packPackages(environment.packages) },
      configDependencies: [...configDependencies],
    }
  })
  return {
    manager: 'pnpm',
    packages: unpackPackages(found.packages),
    projects: found.projects,
    environment: found.environment && { ...found.environment, packages: unpackPackages(found.environment.packages) },
    configDependencies: new Map(found.configDependencies),
    lockfileDir: path.dirname(path.resolve(file)),
  }
}

/** @param mirror the policy's, where there is one */
export async function evidenceSource(
  options: Pick<SourceOptions, 'manager' | 'lockfile' | 'attestations' | 'offline' | 'cache'>,
  folder: string,
  mirror?: Mirror,
): Promise<EvidenceSource> {
  const places = placesOf(options, folder)
  const { attestations, offline } = options
  if (attestations !== undefined) {
    const found = await stat(attestations).catch(() => undefined)
    if (!found?.isDirectory()) throw new GateError(`--attestations ${attestations}: there is no such folder.`)
    const release = directoryReleases(attestations)
    const sha256: ReleaseSource['sha256'] = async (...args) => {
      const { openAssets } = await import('../evidence/network.ts')
      return openAssets(await settingsOf(options, folder), places, offline)(...args)
    }
    return { ...directoryEvidence(attestations), releases: { release, sha256 } }
  }
  if (offline) return OFFLINE
  return lazyEvidence(async () => {
    const { openNetwork } = await import('../evidence/network.ts')
    return openNetwork(await settingsOf(options, folder), mirror, places)
  })
}

/** Those of the package manager that writes such a lockfile; of several in a folder, the first one's. */
export async function settingsOf({ manager, lockfile }: Pick<SourceOptions, 'manager' | 'lockfile'>, folder: string) {
  const [{ currentEnvironment }, { managerOf, readSettingsFor }] = await Promise.all([
    import('../evidence/settings.ts'),
    import('../evidence/settings-for.ts'),
  ])
  const file = lockfile ?? (await lockfilesIn(folder))[0] ?? 'pnpm-lock.yaml'
  return readSettingsFor(manager ?? managerOf(path.resolve(file)), folder, currentEnvironment())
}

/** @throws GateError where somebody has named a folder that is not there, and that cannot be made */
export function makeGivenFolder(option: string, folder: string, mode?: number): void {
  try {
    makeFolder(folder, mode)
  } catch (error) {
    throw new GateError(
      `${option} ${folder} cannot be made a folder (${(error as Error).message}). Name a folder that is there, or one that you can make.`,
      { cause: error },
    )
  }
}

/** @param folder of the lockfile */
function placesOf({ cache }: Pick<SourceOptions, 'cache'>, folder: string): Places {
  if (cache !== undefined) makeGivenFolder('--cache', cache, 0o700)
  return userPlaces({ cache, project: folder, warn: warning })
}

/**
 * What the files of policies and lockfiles say follows from their texts: they are parsed once.
 *
 * @param folder of the lockfile
 */
export function onceIn(options: Pick<SourceOptions, 'cache'>, folder: string): Derived {
  return derivedIn(placesOf(options, folder), CODE)
}

/**
 * With what the packages of a lockfile are proven: where evidence comes from, what is trusted, and what is remembered. Of a
 * folder of documents nothing is: whoever names one wants to know what it proves.
 *
 * @param folder of the lockfile
 * @param policy which says where else evidence is, where there is one
 */
export async function proverOptions(
  options: SourceOptions,
  folder: string,
  trust: TrustFiles,
  now: Date,
  policy?: Policy,
): Promise<ProverOptions> {
  const { attestations, offline = false } = options
  const remember = { ...placesOf(options, folder), project: folder, version: CODE }
  return {
    evidence: await evidenceSource(options, folder, policy?.attestations),
    evidenceFrom: policy && ((pkg) => evidenceFrom(pkg, policy)),
    trust,
    remember: attestations === undefined ? remember : undefined,
    now,
    offline,
    warn: warning,
  }
}

/** Runs something for each package, with a progress bar on a terminal that says what. */
export async function forEachPackage<T>(
  packages: readonly LockedPackage[],
  run: (pkg: LockedPackage) => Promise<T>,
  what = 'verifying',
): Promise<readonly T[]> {
  // On a terminal only, and on standard error: standard output is for machines.
  const isShown = process.stderr.isTTY && packages.length > 0
  const bar = isShown ? (await import('./progress.ts')).progressBar(packages.length, what) : undefined
  const results: T[] = []
  const rest = packages.entries()
  // Each takes the next one: thousands that wait for their turn would need more memory than all else.
  const takeOver = async () => {
    for (const [index, pkg] of rest) {
      results[index] = await run(pkg)
      bar?.increment()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, takeOver)).finally(() => bar?.stop())
  return results
}

const AT_ONCE = 96

/** Files that the command line names, which replace those of a policy. */
export function trustFiles({ trustedRoot, npmKeys }: Pick<SourceOptions, 'trustedRoot' | 'npmKeys'>): TrustFiles {
  for (const file of [trustedRoot, npmKeys]) {
    if (file !== undefined && !existsSync(file))
      throw new GateError(`The trust material ${file} cannot be read: there is no such file.`)
  }
  return {
    ...(trustedRoot === undefined ? {} : { trustedRoot: path.resolve(trustedRoot) }),
    ...(npmKeys === undefined ? {} : { npmKeys: path.resolve(npmKeys) }),
  }
}

/** What several lockfiles of one folder have, as one list. */
export function oneList(lists: readonly (readonly LockedPackage[])[]): readonly LockedPackage[] {
  const [only] = lists
  return lists.length === 1 && only !== undefined ? only : mergePackages(lists.flat())
}

/**
 * The packages of a lockfile, once it is sure that the manager installs these and no others, and that each policy of a
 * project is kept.
 *
 * @param roots `all` where the lockfiles of workspaces above are judged as well
 */
export async function ruledPackages(
  lockfile: string,
  policy: Policy,
  once: Derived,
  now: Date,
  roots: 'this' | 'all' = 'this',
): Promise<readonly LockedPackage[]> {
  const folder = lockfileFolder(lockfile)
  const base = projectsFolder(policy, folder)
  const { manager, packages, projects } = await readChosen(lockfile, once, base)
  // `run` also judges what pnpm notes in node_modules. It has checked the settings of the project by then.
  if (roots === 'this' || !folder.split(path.sep).includes('node_modules'))
    await checkSettings({ manager, root: folder, projects, policy, once, now })
  if (roots === 'this') await refuseOtherRoot(manager, folder)
  await refuseUnlisted(policy, base, projectsIn(packages))
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
  refuseLinkedProject(folder)
  const root = projectRoot(folder)
  const file = root === folder ? undefined : await findPolicy(root)
  return file === undefined ? { folder } : { folder: root, file }
}
