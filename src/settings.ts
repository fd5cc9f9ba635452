import { readSettingsFiles } from './package-managers/settings/files.ts'
import type { SettingsManager, UnsafeSetting } from './package-managers/settings/types.ts'
import { type NamedProgram, unsafePrograms } from './package-managers/yarn-berry/program-files.ts'
import { refuseUnsafeSettings } from './policy/settings.ts'
import type { Policy } from './policy/types.ts'

/** Finds out what follows from a text, or knows it from an earlier run. */
type Once = <T>(what: readonly string[], text: string, derive: () => T | Promise<T>) => Promise<T>

/**
 * Refuses to go on where settings of the repository can make the package manager install something else than what is
 * judged: whatever its list of settings does not know as safe, and the policy does not allow.
 *
 * @param root the lockfile's folder
 * @param projects folders of the workspace's projects, relative to `root`
 * @throws GateError with the code SETTINGS_UNSAFE
 */
export async function checkSettings({
  manager,
  root,
  projects,
  policy,
  once,
  now,
  isOwn = () => false,
}: {
  readonly manager: SettingsManager
  readonly root: string
  readonly projects: readonly string[]
  readonly policy: Policy
  readonly once: Once
  readonly now: Date
  /** Whether the package manager has written a setting itself, for an install that the gate sees. */
  readonly isOwn?: (setting: UnsafeSetting) => boolean
}): Promise<void> {
  const texts = readSettingsFiles(manager, root, projects)
  // It follows from the texts alone. The parsers and lists need not be loaded for texts that are known.
  const unsafe = await once(
    ['settings', manager, root],
    JSON.stringify(texts),
    async (): Promise<readonly UnsafeSetting[]> => {
      const { findUnsafeSettings } = await import('./package-managers/settings/find.ts')
      return findUnsafeSettings(manager, texts)
    },
  )
  const programs =
    manager === 'yarn' || manager === 'berry'
      ? await once(['programs', manager, root], JSON.stringify(texts), async (): Promise<readonly NamedProgram[]> => {
          const { programsIn } = await import('./package-managers/yarn-berry/programs.ts')
          return programsIn(texts)
        })
      : []
  refuseUnsafeSettings(
    [...unsafe.filter((setting) => !isOwn(setting)), ...unsafePrograms(root, programs)],
    policy.allowSettings,
    root,
    now,
  )
}
