import { existsSync } from 'node:fs'
import path from 'node:path'
import { GateError } from '../errors.ts'
import { hasSeveralLockfiles } from '../lockfile/workspace.ts'
import { foldersAbove } from '../package-managers/settings/files.ts'
import type { SettingsManager } from '../package-managers/settings/types.ts'
import { realPath } from '../util/links.ts'
import { statsAt } from '../util/stats.ts'
import { couldName } from './could-name.ts'
import { workspacePatterns } from './run/workspace.ts'

/**
 * A package manager that is started in a project of a workspace installs from the workspace's lockfile, not from the one in
 * the project. A pull request can add such a workspace above. Tried with npm 11 and 12, yarn 1, bun 1.4, pnpm 10, 11 and 12.
 *
 * pnpm takes each folder below pnpm-workspace.yaml for a part of it; the others ask their patterns. Where the folder is a
 * link, package managers see the folder that it leads to, and what is above that.
 *
 * @param folder of the lockfile that is judged
 * @throws GateError that names the workspace
 */
export async function refuseOtherRoot(manager: SettingsManager, folder: string): Promise<void> {
  for (const each of new Set([folder, realPath(folder)])) {
    const root = await otherRoot(manager, each)
    if (root === undefined) continue
    const link = each === folder ? '' : `, which is ${each},`
    throw new GateError(
      `${folder}${link} is part of the workspace in ${root}, so a package manager that is started there installs from the workspace's lockfile, which was not judged. ` +
        `Judge that one: run \`provenance-gate verify\` in ${root}, or name its lockfile with --lockfile. If it is not meant to be a workspace, remove its \`workspaces\` or pnpm-workspace.yaml.`,
    )
  }
}

async function otherRoot(manager: SettingsManager, folder: string): Promise<string | undefined> {
  // pnpm goes up no further.
  if (manager === 'pnpm' && isPnpmWorkspace(folder)) return undefined
  for (const above of foldersAbove(folder)) {
    if (manager === 'pnpm' ? await isPnpmRoot(above) : hasProject(above, folder)) return above
  }
  return undefined
}

/** The nearest folder above whose workspace has this one as a project, for some package manager. */
export function workspaceAbove(folder: string): string | undefined {
  return foldersAbove(folder).find((above) => hasProject(above, folder))
}

/** With a lockfile for each project, the one in the project is the right one. */
async function isPnpmRoot(above: string): Promise<boolean> {
  return isPnpmWorkspace(above) && !(await hasSeveralLockfiles(above))
}

/** pnpm steps over what is no file. */
function isPnpmWorkspace(folder: string): boolean {
  return statsAt(path.join(folder, 'pnpm-workspace.yaml'))?.isFile() === true
}

/** By the patterns alone: what they could mean to some package manager, and not what is there. */
function hasProject(above: string, folder: string): boolean {
  if (!existsSync(path.join(above, 'package.json'))) return false
  return workspacePatterns(above).some(({ patterns }) => patterns.some((each) => couldName(each, above, folder)))
}
