import { GateError } from '../src/errors.ts'
import { LIMITS, registryEvidence } from '../src/evidence/registry.ts'
import {
  currentEnvironment,
  type RegistrySettings,
  readRegistrySettings,
  withRegistries,
} from '../src/evidence/settings.ts'
import { type Gate, judgeStranger, openGate } from '../src/gate.ts'
import type { LockedPackage } from '../src/lockfile/types.ts'
import { loadPolicy } from '../src/policy/load.ts'
import type { Policy, Verdict } from '../src/policy/types.ts'
import { type Origin, refusalText, warningText } from '../src/report/text.ts'
import { pnpmError } from './pnpm.ts'

/** The gates of one process, one for each lockfile, and what they say together. What is refused is thrown. */
export interface Judge {
  /** Loads what a lockfile in that folder is judged by. */
  open(lockfileDir: string, registries?: Readonly<Record<string, unknown>>): Promise<void>
  isOpen(): boolean
  /** Judges entries of the lockfile in a folder. */
  locked(packages: readonly LockedPackage[], lockfileDir: string): Promise<void>
  /** Judges what is new. For which lockfile it is pnpm does not say: the policies of all of them have to allow it. */
  added(packages: readonly LockedPackage[]): Promise<void>
  /** The same for what no registry has, at once. */
  addedStranger(): Promise<(pkg: LockedPackage) => void>
  /** Throws again what was refused on the way: pnpm drops a failing optional dependency silently. */
  stopIfAnyWasRefused(): void
}

interface Opened {
  readonly gate: Gate
  readonly policy: Policy
}

/** @param project the workspace's root, or else the folder that the command is about */
export function openJudge(project: string): Judge {
  /** By the folder of the lockfile. There are several with `sharedWorkspaceLockfile: false`, and pnpm mixes their calls. */
  const gates = new Map<string, Promise<Opened>>()
  const refused: Verdict[] = []
  const warned = new Set<string>()
  const now = new Date()

  function gateOf(lockfileDir: string, registries: Readonly<Record<string, unknown>> = {}): Promise<Opened> {
    const opened = gates.get(lockfileDir) ?? open(lockfileDir, registries)
    gates.set(lockfileDir, opened)
    return opened
  }

  async function open(lockfileDir: string, registries: Readonly<Record<string, unknown>>): Promise<Opened> {
    const policy = await policyFor(lockfileDir, project)
    const settings = withRegistries(settingsFor(lockfileDir, project), registries)
    return { policy, gate: openGate({ policy, evidence: registryEvidence(settings, LIMITS), now }) }
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
    if (text !== undefined) process.stderr.write(`${text}\n`)
  }

  function stop(verdicts: readonly Verdict[]): void {
    refused.push(...verdicts)
    stopIfRefused(verdicts, 'resolved')
  }

  return {
    open: async (lockfileDir, registries) => void (await gateOf(lockfileDir, registries)),
    isOpen: () => gates.size > 0,

    locked: async (packages, lockfileDir) => {
      const { gate } = await gateOf(lockfileDir)
      const verdicts = await Promise.all(packages.map(gate))
      warn(verdicts)
      stopIfRefused(verdicts, 'locked')
    },

    added: async (packages) => {
      const opened = await all()
      const verdicts = await Promise.all(packages.map(async (pkg) => Promise.all(opened.map(({ gate }) => gate(pkg)))))
      warn(verdicts.flat())
      stop(verdicts.flatMap(firstRefusal))
    },

    addedStranger: async () => {
      const opened = await all()
      return (pkg) => stop(firstRefusal(opened.map(({ policy }) => judgeStranger(pkg, policy, now))))
    },

    stopIfAnyWasRefused: () => stopIfRefused(refused, 'resolved'),
  }
}

/** One for each package is said, however many policies refuse it. */
function firstRefusal(verdicts: readonly Verdict[]): readonly Verdict[] {
  return verdicts.filter(({ status }) => status === 'refused').slice(0, 1)
}

function stopIfRefused(verdicts: readonly Verdict[], origin: Origin): void {
  const text = refusalText(verdicts, origin)
  if (text !== undefined) throw pnpmError(text)
}

/**
 * The policy is that of the project (of the workspace's root) whose pnpmfile this is. A setting of the repository can move
 * the lockfile into a folder with another policy, which nobody has reviewed as one. Where the project has none, it is the
 * one beside the lockfile.
 */
async function policyFor(lockfileDir: string, project: string): Promise<Policy> {
  try {
    return await loadPolicy({ folder: project })
  } catch (error) {
    if (lockfileDir === project || !(error instanceof GateError) || !error.message.includes(': no policy here'))
      throw error
    return loadPolicy({ folder: lockfileDir })
  }
}

/** Tokens may stand at the root of a workspace, also where each project has a lockfile of its own. */
function settingsFor(lockfileDir: string, project: string): RegistrySettings {
  const own = readRegistrySettings(lockfileDir, currentEnvironment())
  if (lockfileDir === project) return own
  const outer = readRegistrySettings(project, currentEnvironment())
  return { ...own, options: { ...outer.options, ...own.options } }
}
