import { existsSync } from 'node:fs'
import path from 'node:path'
import { GateError } from '../errors.ts'
import { hasSeveralLockfiles } from '../lockfile/workspace.ts'
import { foldersAbove } from '../package-managers/settings/files.ts'
import type { SettingsManager } from '../package-managers/settings/types.ts'
import { workspaceFolders } from './run/workspace.ts'

/**
 * A package manager that is started in a project of a workspace installs from the workspace's lockfile, not from the one in
 * the project. A pull request can add such a workspace above. Tried with npm 11 and 12, yarn 1, bun 1.4, pnpm 10 and 11.
 *
 * pnpm takes each folder below pnpm-workspace.yaml for a part of it; the others ask their patterns.
 *
 * @param folder of the lockfile that is judged
 * @throws GateError that names the workspace
 */
export async function refuseOtherRoot(manager: SettingsManager, folder: string): Promise<void> {
  // pnpm goes up no further.
  if (manager === 'pnpm' && existsSync(path.join(folder, 'pnpm-workspace.yaml'))) return
  for (const above of foldersAbove(folder)) {
    const isRoot = manager === 'pnpm' ? await isPnpmRoot(above) : await hasProject(above, folder)
    if (!isRoot) continue
    throw new GateError(
      `${folder} is part of the workspace in ${above}, so a package manager that is started there installs from the workspace's lockfile, which was not judged. ` +
        `Judge that one: run \`provenance-gate verify\` in ${above}, or name its lockfile with --lockfile. If it is not meant to be a workspace, remove its \`workspaces\` or pnpm-workspace.yaml.`,
    )
  }
}

/** With a lockfile for each project, the one in the project is the right one. */
async function isPnpmRoot(above: string): Promise<boolean> {
  return existsSync(path.join(above, 'pnpm-workspace.yaml')) && !(await hasSeveralLockfiles(above))
}

async function hasProject(above: string, folder: string): Promise<boolean> {
  return existsSync(path.join(above, 'package.json')) && (await workspaceFolders(above)).includes(folder)
}
