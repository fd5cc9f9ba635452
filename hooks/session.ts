import { readdirSync } from 'node:fs'
import path from 'node:path'
import { findUpSync } from 'find-up-simple'
import { GateError } from '../src/errors.ts'
import { LIMITS, registryEvidence } from '../src/evidence/registry.ts'
import {
  currentEnvironment,
  type RegistrySettings,
  readRegistrySettings,
  withRegistries,
} from '../src/evidence/settings.ts'
import { type Gate, openGate } from '../src/gate.ts'
import { lockedPackages } from '../src/lockfile/pnpm.ts'
import type { LockedPackage, PackageSource } from '../src/lockfile/types.ts'
import { loadPolicy } from '../src/policy/load.ts'
import type { Policy, Verdict } from '../src/policy/types.ts'
import { type Origin, refusalText } from '../src/report/text.ts'
import { commandOf, mayFetch, pnpmArguments, replacesPackages, writesLockfileOnly } from './command.ts'
import {
  isPnpmError,
  type Manifest,
  type PnpmConfig,
  type PreResolutionContext,
  pnpmError,
  type WantedDependency,
} from './pnpm.ts'
import { sourceOf } from './specifier.ts'

/** One process's view of one install: translates pnpm's calls into questions to the gate. */
export interface Session {
  /** Judges what is on disk, for `pnpm fetch` on pnpm 12. */
  judgeLockfile(config: PnpmConfig): Promise<void>
  preResolution(context: PreResolutionContext): Promise<void>
  canResolve(wanted: WantedDependency): Promise<void>
  readPackage(manifest: Manifest): Promise<void>
  canFetch(id: string, resolution: unknown): Promise<void>
  afterAllResolved(lockfile: unknown): Promise<void>
}

export interface SessionOptions {
  /** The hooks share pnpm's process (10, 11): its command line is known, and `afterAllResolved` comes before linking. */
  readonly insidePnpm: boolean
  /** Only the lockfile is written, nothing is linked or run: what it holds now need not be judged, what is new must. */
  readonly repairing: boolean
  /** The project that the command is about, where pnpm has said it. */
  readonly folder: string | undefined
}

export function openSession({ insidePnpm, repairing, folder }: SessionOptions): Session {
  const argv = pnpmArguments(insidePnpm)
  const fetching = !insidePnpm && mayFetch(argv)
  const linksNothing = repairing && writesLockfileOnly(argv)
  const judgesExisting = !linksNothing && !(insidePnpm && replacesPackages(commandOf(argv)))
  /** By the folder of the lockfile. There are several with `sharedWorkspaceLockfile: false`, and pnpm mixes their calls. */
  const gates = new Map<string, Promise<Gate>>()
  /** Names and versions that need no verdict when they pass `readPackage` again without a digest. */
  const known = new Set<string>()
  /** What was refused on the way. pnpm drops a failing optional dependency silently; the gate does not. */
  const refused: Verdict[] = []
  let resolving = false
  /** `asked`: this pnpm asks resolvers. `strangers`: something that no registry has was let through. */
  const wanted = { asked: false, strangers: false }
  let onDisk: Promise<void> | undefined

  function gateOf(lockfileDir: string, registries: Readonly<Record<string, unknown>> = {}): Promise<Gate> {
    const opened = gates.get(lockfileDir) ?? open(lockfileDir, registries)
    gates.set(lockfileDir, opened)
    return opened
  }

  async function open(lockfileDir: string, registries: Readonly<Record<string, unknown>>): Promise<Gate> {
    const project = folder ?? projectRoot()
    const policy = await policyFor(lockfileDir, project)
    const settings = withRegistries(settingsFor(lockfileDir, project), registries)
    return openGate({ policy, evidence: registryEvidence(settings, LIMITS), now: new Date() })
  }

  /** Judges entries of the lockfile in a folder. */
  async function demandLocked(packages: readonly LockedPackage[], lockfileDir: string): Promise<void> {
    const gate = await gateOf(lockfileDir)
    stopIfRefused(await Promise.all(packages.map(gate)), 'locked')
  }

  /** Judges what is new. For which lockfile it is pnpm does not say: the policies of all of them have to allow it. */
  async function demandNew(packages: readonly LockedPackage[]): Promise<void> {
    const folders = gates.size === 0 ? [folder ?? projectRoot()] : [...gates.keys()]
    const all = await Promise.all(folders.map((each) => gateOf(each)))
    const verdicts = await Promise.all(
      packages.map(async (pkg) => {
        const each = await Promise.all(all.map((gate) => gate(pkg)))
        return each.filter(({ status }) => status === 'refused').slice(0, 1)
      }),
    )
    refused.push(...verdicts.flat())
    stopIfRefused(verdicts.flat(), 'resolved')
  }

  async function judgeFolder(
    lockfileDir: string,
    everyBranch: boolean,
    registries?: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    await gateOf(lockfileDir, registries)
    const files = readdirSync(lockfileDir).filter(
      (name) => name === 'pnpm-lock.yaml' || (everyBranch && /^pnpm-lock\..+\.yaml$/.test(name)),
    )
    const { readLockfile } = await import('../src/lockfile/read.ts')
    for (const file of files) {
      await demandLocked((await readLockfile(path.join(lockfileDir, file))).packages, lockfileDir)
    }
  }

  return {
    judgeLockfile: ({ lockfileDir, dir, useGitBranchLockfile, registriesByScope }) =>
      edge(async () => {
        // With `sharedWorkspaceLockfile: false` it is the lockfile of the current project, which only `dir` names.
        const folders = new Set([lockfileDir, dir].filter((each) => each !== undefined))
        for (const each of folders) await judgeFolder(each, useGitBranchLockfile !== false, registriesByScope)
      }),

    preResolution: ({ lockfileDir, registries, wantedLockfile }) =>
      edge(async () => {
        resolving = true
        const packages = lockedPackages(wantedLockfile)
        // Reused packages of a registry do not pass `readPackage` on pnpm 12, so one of their names without a digest is
        // something else under that name.
        for (const { name, version, source } of packages) if (source !== 'registry') known.add(`${name}@${version}`)
        // Loaded in any case: an install without a usable policy stops here, before it downloads anything.
        await gateOf(lockfileDir, registries)
        if (judgesExisting) await demandLocked(packages, lockfileDir)
      }),

    canResolve: ({ alias, bareSpecifier }) =>
      edge(async () => {
        wanted.asked = true
        const specifier = bareSpecifier ?? ''
        const source = sourceOf(specifier)
        if (source === 'registry') return
        // `pnpm add ./folder`, on pnpm 11: judged by its own name, in time, when it has one. pnpm 12 finds that out first.
        if (insidePnpm && !alias) return
        await demandNew([stranger(alias ?? '', specifier, source)])
        wanted.strangers = true
      }),

    readPackage: (manifest) =>
      edge(async () => {
        const { name = '', version = '', dist } = manifest
        if (dist !== undefined) {
          await demandNew([resolved(name, version, dist.integrity)])
        } else if (insidePnpm) {
          // `afterAllResolved` comes in time, and knows where it is from.
        } else if (!resolving) {
          known.add(`${name}@${version}`)
          // Where the command line cannot be read, this is for `fetch`, which calls no `preResolution` on pnpm 12.
          if (argv.length === 0 && judgesExisting) onDisk ??= judgeFolder(projectRoot(), true)
          await onDisk
        } else if (!known.has(`${name}@${version}`) && (wanted.strangers || !wanted.asked)) {
          // Not a project, not judged before, and not from a registry, so nothing can prove it.
          await demandNew([{ ...resolved(name, version, undefined), source: 'unknown' }])
        }
      }),

    canFetch: (id, resolution) =>
      edge(async () => {
        // On pnpm 12 `updateConfig` has judged the whole lockfile, in another process, which knew where it is.
        if (fetching && gates.size === 0) return
        const [, name, version] = REGISTRY_ID.exec(id) ?? []
        // Git repositories, folders and tarball URLs have no name yet. They are judged where they have one.
        if (name === undefined || version === undefined) return
        const { integrity } = resolution as { integrity?: string }
        await demandNew([resolved(name, version, integrity)])
      }),

    afterAllResolved: (lockfile) =>
      edge(async () => {
        stopIfRefused(refused, 'resolved')
        await demandNew(lockedPackages(lockfile))
      }),
  }
}

/**
 * The policy of a lockfile is the one beside it. Where there is none, because pnpm has just made that folder (`deploy`,
 * `dlx`) or the policy stands at the workspace's root, it is that of the project whose pnpmfile this is.
 */
async function policyFor(lockfileDir: string, project: string): Promise<Policy> {
  try {
    return await loadPolicy({ folder: lockfileDir })
  } catch (error) {
    if (lockfileDir === project || !(error instanceof GateError) || !error.message.includes(': no policy here'))
      throw error
    return loadPolicy({ folder: project })
  }
}

/** Tokens may stand at the root of a workspace, also where each project has a lockfile of its own. */
function settingsFor(lockfileDir: string, project: string): RegistrySettings {
  const own = readRegistrySettings(lockfileDir, currentEnvironment())
  if (lockfileDir === project) return own
  const outer = readRegistrySettings(project, currentEnvironment())
  return { ...own, options: { ...outer.options, ...own.options } }
}

/** A dependency that no registry has, by the name under which it is wanted: its own is not known before it is fetched. */
function stranger(alias: string, specifier: string, source: PackageSource): LockedPackage {
  const key = `${alias}@${specifier}`
  return { name: alias, version: '', integrity: undefined, source, origin: specifier, importers: [], key }
}

function resolved(name: string, version: string, integrity: string | undefined): LockedPackage {
  return { name, version, integrity, source: 'registry', origin: undefined, importers: [], key: `${name}@${version}` }
}

/** `name@1.0.0`, `@scope/name@1.0.0-rc.1`: how pnpm names what it has resolved from a registry. */
const REGISTRY_ID = /^((?:@[^/@]+\/)?[^/@]+)@(\d+\.\d+\.\d+[^/:]*)$/

/** Where the lockfile is, for hooks that pnpm does not tell: the workspace's root, else the current folder. */
function projectRoot(): string {
  const manifest = findUpSync('pnpm-workspace.yaml')
  return manifest === undefined ? process.cwd() : path.dirname(manifest)
}

function stopIfRefused(verdicts: readonly Verdict[], origin: Origin): void {
  const text = refusalText(verdicts, origin)
  if (text !== undefined) throw pnpmError(text)
}

/** Everything that leaves a hook is an error that pnpm prints as a message, and stops the install. */
async function edge(run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (isPnpmError(error)) throw error
    const what =
      error instanceof GateError ? error.message : `an error of the gate itself, please report it (${String(error)})`
    throw pnpmError(`provenance-gate: ${what}`)
  }
}
