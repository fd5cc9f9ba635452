import path from 'node:path'
import { GateError } from '../errors.ts'
import { askedIn } from '../managers/asked.ts'
import { MOST_PROJECTS_SHOWN } from '../report/bounds.ts'
import { listText } from '../util/text.ts'
import { readText } from './run/places.ts'
import { workspaceFolders } from './run/workspace.ts'

/**
 * With `sharedWorkspaceLockfile: false` each project has a lockfile of its own. One without is resolved from the registry,
 * also in CI: tried with pnpm 11.28. No file says what it then installs, so it cannot be judged.
 *
 * @param root the folder of the workspace
 * @param lockfiles all that the workspace has
 * @throws GateError that names the projects
 */
export async function refuseUnlockedProjects(root: string, lockfiles: readonly string[]): Promise<void> {
  const locked = new Set(lockfiles.map((file) => path.dirname(file)))
  const unlocked = (await workspaceFolders(root)).filter(
    (project) => !locked.has(project) && askedIn(readText(path.join(project, 'package.json')) ?? '', '.').length > 0,
  )
  if (unlocked.length === 0) return
  const names = unlocked.map((project) => path.relative(root, project))
  throw new GateError(
    `${root} has \`sharedWorkspaceLockfile: false\`, and these projects have dependencies and no pnpm-lock.yaml: ${listText(names, MOST_PROJECTS_SHOWN)}. ` +
      'pnpm resolves them from the registry, so nothing says what it installs. Run `pnpm install --lockfile-only` and commit their lockfiles.',
  )
}
