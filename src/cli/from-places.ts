import type { SettingsOf } from '../evidence/settings-for.ts'
import { withProjects } from '../lockfile/projects.ts'
import { compareAddresses } from '../lockfile/registries.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import { hasSeveralLockfiles } from '../lockfile/workspace.ts'
import { projectRoot } from '../project.ts'

/** What a lockfile says of where packages come from, compared with the folders and the settings that are there. */
export async function fromPlaces(
  packages: readonly LockedPackage[],
  folder: string,
  manager: SettingsOf,
): Promise<readonly LockedPackage[]> {
  const root = manager === 'pnpm' ? projectRoot(folder) : folder
  const workspace = { root, hasSeveralLockfiles: manager === 'pnpm' && (await hasSeveralLockfiles(root)) }
  return compareAddresses(withProjects(packages, folder, workspace), async () => {
    const [{ currentEnvironment }, { readSettingsFor, registriesFor }] = await Promise.all([
      import('../evidence/settings.ts'),
      import('../evidence/settings-for.ts'),
    ])
    return registriesFor(manager, readSettingsFor(manager, folder, currentEnvironment()))
  })
}
