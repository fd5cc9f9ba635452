import { existsSync } from 'node:fs'
import path from 'node:path'
import { CODE } from '../src/code.ts'
import { derivedIn } from '../src/evidence/derived.ts'
import { lazyEvidence } from '../src/evidence/lazy.ts'
import { userPlaces } from '../src/evidence/places.ts'
import type { RegistrySettings } from '../src/evidence/settings.ts'
import { type Gate, gateBy } from '../src/gate.ts'
import type { InstallingPnpm } from '../src/lockfile/identities.ts'
import { importersFrom, mapImporters, projectName, projectsIn } from '../src/lockfile/importers.ts'
import { linksOf } from '../src/lockfile/links.ts'
import { packPackages, unpackPackages } from '../src/lockfile/packed.ts'
import { lockedPackages } from '../src/lockfile/pnpm.ts'
import { withProjects } from '../src/lockfile/projects.ts'
import { compareAddresses, type Registries } from '../src/lockfile/registries.ts'
import type { LockedPackage } from '../src/lockfile/types.ts'
import { hasSeveralLockfiles } from '../src/lockfile/workspace.ts'
import type { UnsafeSetting } from '../src/package-managers/settings/types.ts'
import { decide, evidenceFrom } from '../src/policy/decide.ts'
import { noteTexts } from '../src/policy/digest.ts'
import { findPolicy } from '../src/policy/find.ts'
import { loadPolicy, type PolicyPlace, refuseUnlisted } from '../src/policy/load.ts'
import type { Policy, Verdict } from '../src/policy/types.ts'
import { projectRoot } from '../src/project.ts'
import { openProver, type Prover } from '../src/proving/prover.ts'
import { readGivenSync } from '../src/read.ts'
import { say, warning } from '../src/report/output.ts'
import { type Origin, refusalText, warningText } from '../src/report/text.ts'
import { checkSettings } from '../src/settings.ts'
import type { TrustFiles } from '../src/trust/inputs.ts'
import { pnpmError } from './pnpm.ts'
import { openRecorder, type RecorderOptions } from './receipt.ts'

/** The gates of one process, one for each lockfile, and what they say together. What is refused is thrown. */
export interface Judge {
  /** Loads what a lockfile in that folder is judged by. */
  open(lockfileDir: string, registries?: Readonly<Record<string, unknown>>): Promise<void>
  isOpen(): boolean
  /** Entries of the lockfile in a folder, as pnpm hands it over. */
  listed(lockfile: unknown, lockfileDir: string): Promise<readonly LockedPackage[]>
  /** Entries of the lockfile in a folder, their projects called as its policy calls them. */
  placed(packages: readonly LockedPackage[], lockfileDir: string): Promise<readonly LockedPackage[]>
  /** Judges entries of the lockfile in a folder, that are `placed`. */
  locked(packages: readonly LockedPackage[], lockfileDir: string): Promise<void>
  /**
   * Judges what is new. For which lockfile it is pnpm does not say: the policies of all of them have to allow it. Nor does
   * it say for which project: unless it is judged again, those of all projects have to allow it too.
   */
  added(packages: readonly LockedPackage[], isJudgedAgain: boolean): Promise<void>
  /** The same for what may also be locked: then it is known who needs it, or was asked `forAnyone`. */
  fetched(pkg: LockedPackage, isJudgedAgain: boolean): Promise<void>
  /**
   * The same at once, for a repository under a name that is not known yet.
   *
   * @param repository the same without a name: what can be proven of it does not depend on it
   */
  addedStranger(repository: LockedPackage): Promise<(pkg: LockedPackage) => void>
  /** Judges what is locked as if each project that has a policy needed it. */
  forAnyone(packages: readonly LockedPackage[]): Promise<void>
  /** Judges the lockfile that comes of it. `isLate`: after what it says has been done. */
  result(packages: readonly LockedPackage[], isJudgedAgain: boolean, isLate: boolean): Promise<void>
  /** Throws again what was refused, or could not be judged, on the way: pnpm drops a failing optional dependency silently. */
  stopIfAnyWasRefused(): void
  /** Something was thrown: no receipt says that this install is whole. */
  giveUp(): void
}

interface Opened {
  /** Of the policy, from where its projects are called. */
  readonly folder: string
  readonly policy: Policy
  readonly gate: Gate
  readonly prove: Prover
  /** By the root's policy alone. */
  readonly rootGate: Gate
  /** Of the policy. */
  readonly digest: string
  /** What is allowed of the lockfile, for the receipt. */
  allowed: readonly LockedPackage[]
  /** Where pnpm looks for packages, by its settings. */
  readonly registries: () => Promise<Registries>
}

/**
 * @param project the workspace's root, or else the folder that the command is about
 * @param isDeployed whether `pnpm deploy` has made the folder of a lockfile
 * @param installing which pnpm this is
 */
export function openJudge(
  project: string,
  receipt: Omit<RecorderOptions, 'places'>,
  isDeployed: (lockfileDir: string) => boolean,
  installing: InstallingPnpm = 'any',
): Judge {
  /** By the folder of the lockfile. There are several with `sharedWorkspaceLockfile: false`, and pnpm mixes their calls. */
  const gates = new Map<string, Promise<Opened>>()
  /** Who needs what is locked. */
  const needed = new Map<string, readonly string[]>()
  const refused: Verdict[] = []
  /** What was thrown instead of a verdict. */
  const failures: unknown[] = []
  const warned = new Set<string>()
  /** Where trust comes from. Most often one policy is that of all lockfiles. */
  let trust: TrustFiles = {}
  const now = new Date()
  const places = userPlaces({ project, warn: warning })
  const once = derivedIn(places, CODE)
  const recorder = openRecorder({ ...receipt, places })

  function gateOf(lockfileDir: string, registries: Readonly<Record<string, unknown>> = {}): Promise<Opened> {
    const opened = gates.get(lockfileDir) ?? open(lockfileDir, registries)
    gates.set(lockfileDir, opened)
    return opened
  }

  async function open(lockfileDir: string, registries: Readonly<Record<string, unknown>>): Promise<Opened> {
    const place = await policyPlace(lockfileDir, project)
    const texts = noteTexts(once)
    const policy = await loadPolicy(place, {}, texts.once)
    trust = policy.trust
    const here = path.relative(lockfileDir, process.cwd())
    // pnpm 11 and 12 write it into the folder for later installs; of this one the gate is asked.
    const isOwn = ({ file, key, value }: UnsafeSetting) =>
      file === 'pnpm-workspace.yaml' && key === 'ignorePnpmfile' && value === true && isDeployed(lockfileDir)
    await checkSettings({ manager: 'pnpm', root: lockfileDir, projects: [here], policy, once, now, isOwn })
    const settings = onlyOnce(() => settingsOf(lockfileDir, project, registries))
    const evidence = lazyEvidence(async () => {
      const { openNetwork } = await import('../src/evidence/network.ts')
      return openNetwork(await settings(), policy.attestations, places)
    })
    const remember = { ...places, project: lockfileDir, version: CODE }
    const prove = openProver({
      evidence,
      evidenceFrom: (pkg) => evidenceFrom(pkg, policy),
      trust: policy.trust,
      remember,
      now,
      warn: warning,
    })
    const rootGate = gateBy({ ...policy, projects: new Map() }, prove, now)
    const digest = texts.digest(policy.file)
    return {
      ...{ folder: place.folder, policy, gate: gateBy(policy, prove, now), prove, rootGate, digest, allowed: [] },
      registries: async () => {
        const { registriesFor } = await import('../src/evidence/settings-for.ts')
        return registriesFor('pnpm', await settings())
      },
    }
  }

  function all(): Promise<readonly Opened[]> {
    const folders = gates.size === 0 ? [project] : [...gates.keys()]
    return Promise.all(folders.map((each) => gateOf(each)))
  }

  /** Once for each package: several hooks judge it. */
  function warn(verdicts: readonly Verdict[]): void {
    const fresh = verdicts.filter(({ status, package: pkg }) => status === 'warned' && !warned.has(pkg.key))
    for (const { package: pkg } of fresh) warned.add(pkg.key)
    const text = warningText(fresh)
    if (text !== undefined) say(text)
  }

  function stop(verdicts: readonly Verdict[], origin: Origin = 'resolved'): void {
    refused.push(...verdicts)
    stopIfRefused(verdicts, origin, trust)
  }

  async function judge(
    opened: readonly Opened[],
    packages: readonly LockedPackage[],
    isJudgedAgain: boolean,
    origin?: Origin,
  ): Promise<void> {
    const verdicts = await Promise.all(
      opened.map(async ({ gate, rootGate, registries }) =>
        Promise.all(
          (await compareAddresses(packages, registries)).map((pkg) =>
            (isJudgedAgain && pkg.forAnyone ? rootGate : gate)(pkg),
          ),
        ),
      ),
    ).catch((error: unknown) => {
      failures.push(error)
      throw error
    })
    warn(verdicts.flat())
    stop(
      packages.flatMap((_, index) => firstRefusal(verdicts.flatMap((each) => each[index] ?? []))),
      origin,
    )
  }

  /** What a lockfile says of where packages come from, compared with the folders and the settings that are there. */
  async function fromPlaces(
    packages: readonly LockedPackage[],
    lockfileDir: string,
  ): Promise<readonly LockedPackage[]> {
    const { registries } = await gateOf(lockfileDir)
    const root = projectRoot(lockfileDir)
    const several = gates.size > 1 || (await hasSeveralLockfiles(root))
    return compareAddresses(withProjects(packages, lockfileDir, { root, hasSeveralLockfiles: several }), registries)
  }

  /** The lockfile of a project of its own is about that project, under whatever name its policy knows it. */
  async function placed(packages: readonly LockedPackage[], lockfileDir: string): Promise<readonly LockedPackage[]> {
    const { folder, policy } = await gateOf(lockfileDir)
    const here = importersFrom(await fromPlaces(packages, lockfileDir), lockfileDir, folder)
    if (policy.projects.size === 0 || lockfileDir === folder) return here
    const name = projectName(folder, lockfileDir)
    const listed = [...policy.projects.keys()]
    const copied = policy.projects.has(name)
      ? []
      : listed.filter((each) => isCopyOf(lockfileDir, path.join(folder, each)))
    const linkers = await linkersOf(lockfileDir, folder, listed, installing)
    return mapImporters(here, (importers) =>
      importers.includes(name)
        ? [...importers.filter((each) => each !== name || copied.length === 0), ...copied, ...linkers]
        : importers,
    )
  }

  async function judgeResult(
    opened: readonly Opened[],
    packages: readonly LockedPackage[],
    isJudgedAgain: boolean,
    origin: Origin,
  ): Promise<void> {
    const [lockfileDir, ...others] = gates.keys()
    const [only] = opened
    // Of several lockfiles nobody says which this is.
    if (only === undefined || lockfileDir === undefined || others.length > 0) {
      await Promise.all([...gates.keys()].map(refuseUnlistedIn))
      const located = await Promise.all([...gates.keys()].map((each) => fromPlaces(packages, each)))
      // A link is relative to a lockfile that nobody names: it leads to a project if it does from one of them.
      const anywhere = packages.map(
        (pkg, index) => located.map((each) => each[index]).find((each) => each?.source === 'workspace') ?? pkg,
      )
      return judge(opened, anywhere.map(forAnyone), isJudgedAgain, origin)
    }
    const here = await placed(packages, lockfileDir)
    await refuseUnlisted(only.policy, only.folder, projectsIn(here))
    await judge(opened, here, isJudgedAgain, origin)
  }

  function allow(lockfileDir: string, opened: Opened, packages: readonly LockedPackage[]): void {
    opened.allowed = packages
    const projects = [...projectsIn(packages)].map((each) => path.resolve(opened.folder, each))
    recorder.allow(lockfileDir, packages, projects, opened.digest)
  }

  /** Of several lockfiles nobody says which one pnpm has resolved: each may have it from now on. */
  async function allowResult(packages: readonly LockedPackage[]): Promise<void> {
    const isOnly = gates.size === 1
    for (const [lockfileDir, gate] of gates) {
      const opened = await gate
      allow(lockfileDir, opened, isOnly ? packages : [...opened.allowed, ...packages])
    }
  }

  async function refuseUnlistedIn(lockfileDir: string): Promise<void> {
    const { policy, folder } = await gateOf(lockfileDir)
    await refuseUnlisted(policy, folder, [projectName(folder, lockfileDir)])
  }

  return {
    open: async (lockfileDir, registries) => {
      await gateOf(lockfileDir, registries)
      await recorder.begin(lockfileDir)
    },
    isOpen: () => gates.size > 0,

    // They follow from its text, which is here what pnpm has made of it.
    listed: async (lockfile, lockfileDir) => {
      const text = JSON.stringify(lockfile) ?? ''
      const derive = () => packPackages(lockedPackages(lockfile, installing))
      return unpackPackages(await once(['wanted lockfile, by source', lockfileDir, installing], text, derive))
    },

    placed,

    locked: async (packages, lockfileDir) => {
      const opened = await gateOf(lockfileDir)
      const { gate, policy, folder } = opened
      await refuseUnlisted(policy, folder, projectsIn(packages))
      await gate.load(packages.length > MANY)
      const verdicts = await Promise.all(packages.map(gate))
      await gate.save()
      warn(verdicts)
      stopIfRefused(verdicts, 'locked', policy.trust)
      for (const pkg of packages) {
        const before = needed.get(identityOf(pkg))
        needed.set(identityOf(pkg), before === undefined ? pkg.importers : [...before, ...pkg.importers])
      }
      // A folder may have a lockfile for each branch.
      allow(lockfileDir, opened, [...opened.allowed, ...packages])
    },

    added: async (packages, isJudgedAgain) => judge(await all(), packages, isJudgedAgain),

    fetched: async (pkg, isJudgedAgain) =>
      judge(await all(), [neededBy(pkg, needed.get(identityOf(pkg)))], isJudgedAgain),

    addedStranger: async (repository) => {
      const opened = await all()
      const proven = await Promise.all(opened.map(async (each) => ({ ...each, proof: await each.prove(repository) })))
      return (pkg) => stop(firstRefusal(proven.map(({ policy, proof }) => decide(pkg, policy, proof, now))))
    },

    forAnyone: async (packages) => {
      const opened = (await all()).filter(({ policy }) => policy.projects.size > 0)
      const verdicts = await Promise.all(
        packages.map(forAnyone).map((pkg) => Promise.all(opened.map(({ gate }) => gate(pkg)))),
      )
      stop(verdicts.flatMap(firstRefusal))
    },

    result: async (packages, isJudgedAgain, isLate) => {
      const origin = isLate ? 'late' : 'resolved'
      const opened = await all()
      try {
        await judgeResult(opened, packages, isJudgedAgain, origin)
        await allowResult(packages)
      } finally {
        await Promise.all(opened.map(({ gate }) => gate.save()))
      }
    },

    stopIfAnyWasRefused: () => {
      stopIfRefused(refused, 'resolved', trust)
      if (failures.length > 0) throw failures[0]
    },

    giveUp: () => recorder.refuse(),
  }
}

function forAnyone(pkg: LockedPackage): LockedPackage {
  return { ...pkg, forAnyone: true }
}

/** The same package, of which it is known who needs it. */
export function neededBy(pkg: LockedPackage, importers: readonly string[] | undefined): LockedPackage {
  if (importers === undefined) return pkg
  const { forAnyone: _, ...known } = pkg
  return { ...known, importers }
}

/** `pnpm deploy` copies a project, its package.json too, and installs the copy. Without a name it may be one of any. */
function isCopyOf(folder: string, project: string): boolean {
  const [copy, original] = [folder, project].map(nameOf)
  return copy === undefined || copy === original
}

/** In bytes. */
const MAX_MANIFEST = 4 * 1024 * 1024

function nameOf(folder: string): unknown {
  const text = readGivenSync(path.join(folder, 'package.json'), MAX_MANIFEST)?.toString('utf8') ?? ''
  try {
    const { name } = JSON.parse(text.replace(/^\uFEFF/, ''))
    return name
  } catch {
    return undefined
  }
}

/** Which of the listed projects link the project of that lockfile, through others too. */
async function linkersOf(
  lockfileDir: string,
  folder: string,
  listed: readonly string[],
  installing: InstallingPnpm,
): Promise<readonly string[]> {
  const { readLockfile } = await import('../src/lockfile/read.ts')
  const linked = async (project: string): Promise<readonly string[]> => {
    const file = path.join(project, 'pnpm-lock.yaml')
    if (!existsSync(file)) return []
    const { packages } = await readLockfile(file, installing)
    return linksOf(packages, project).map(({ target }) => target)
  }
  const linkers = await Promise.all(
    listed.map(async (name) => {
      const reached = new Set(await linked(path.join(folder, name)))
      for (const each of reached) for (const next of await linked(each)) reached.add(next)
      return reached.has(lockfileDir) ? [name] : []
    }),
  )
  return linkers.flat()
}

/** So many that threads are worth their start. */
const MANY = 100

function identityOf({ name, version, integrity, source, origin }: LockedPackage): string {
  return JSON.stringify([name, version, integrity, source, origin])
}

/** One for each package is said, however many policies refuse it. */
function firstRefusal(verdicts: readonly Verdict[]): readonly Verdict[] {
  return verdicts.filter(({ status }) => status === 'refused').slice(0, 1)
}

function stopIfRefused(verdicts: readonly Verdict[], origin: Origin, trust: TrustFiles): void {
  const text = refusalText(verdicts, origin, process.cwd(), trust)
  if (text !== undefined) throw pnpmError(text)
}

/**
 * The policy is that of the project (of the workspace's root) whose pnpmfile this is. A setting of the repository can move
 * the lockfile into a folder with another policy, which nobody has reviewed as one. Where the project has none, it is the
 * one beside the lockfile.
 */
async function policyPlace(lockfileDir: string, project: string): Promise<PolicyPlace & { readonly folder: string }> {
  const file = await findPolicy(project)
  return file === undefined ? { folder: lockfileDir } : { folder: project, file }
}

/** Tokens may stand at the root of a workspace, also where each project has a lockfile of its own. */
async function settingsOf(
  lockfileDir: string,
  project: string,
  registries: Readonly<Record<string, unknown>>,
): Promise<RegistrySettings> {
  const { currentEnvironment, readRegistrySettings, withRegistries } = await import('../src/evidence/settings.ts')
  const own = readRegistrySettings(lockfileDir, currentEnvironment())
  const outer = lockfileDir === project ? own : readRegistrySettings(project, currentEnvironment())
  return withRegistries({ ...own, options: { ...outer.options, ...own.options } }, registries)
}

function onlyOnce<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}
