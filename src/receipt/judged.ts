import path from 'node:path'
import type { Judged } from './receipt.ts'
import type { InstalledEntry, Problem } from './types.ts'

/**
 * What is in node_modules and was not judged. A package has to be one that was judged, by the name and version in its
 * package.json, under a name that the lockfile gives it. A folder of the repository takes the place of no such package.
 *
 * @param folder the project's real path, from which the lockfile names folders
 * @param isProject whether a folder can be a project of the workspace
 */
export function judgeInstalled(
  entries: readonly InstalledEntry[],
  judged: Judged,
  folder: string,
  isProject: (folder: string) => boolean,
): readonly Problem[] {
  return entries.flatMap((entry) => {
    const isLocal = entry.kind === 'local'
    const problem = isLocal ? localProblem(entry, judged, folder, isProject) : packageProblem(entry, judged)
    return problem === undefined ? [] : [{ where: entry.at, ...problem }]
  })
}

type Reason = Omit<Problem, 'where'>

function packageProblem({ kind, what = '', alias, name, version }: InstalledEntry, judged: Judged): Reason | undefined {
  if (kind === 'strange') return { found: `what lies there ${what}`, expected: 'packages, and nothing else' }
  // A folder that was copied from the repository (`file:`) has no version in a lockfile, and may have no name.
  if (judged.hasInstalled(alias, name ?? alias, version ?? '')) return undefined
  return {
    found: `${name ?? 'a package without a name'}@${version ?? 'no version'}${name === alias ? '' : `, installed as ${alias}`}`,
    expected: judged.isTaken(alias) ? `what was judged under the name ${alias}` : 'a package that was judged',
  }
}

/** A link to a folder that belongs to nobody's node_modules, such as a project of the workspace. */
function localProblem(
  { alias, name, folder: target }: InstalledEntry,
  judged: Judged,
  folder: string,
  isProject: (folder: string) => boolean,
): Reason | undefined {
  const origins = judged.foldersFor(alias)
  const linked = origins.flatMap((origin) => /^(?:workspace|link):(.*)$/s.exec(origin)?.[1] ?? [])
  if (linked.some((each) => path.resolve(folder, each) === target)) return undefined
  // npm, yarn and bun say it in words of their own.
  if (origins.length > linked.length) return undefined
  // Package managers link all projects of a workspace, also those that nothing depends on.
  const isInside = isProject(target) && target.startsWith(`${folder}${path.sep}`)
  if (isInside && name === alias && !judged.isTaken(alias) && origins.length === 0) return undefined
  return { found: `a link to ${target}`, expected: 'a package that was judged, or a folder that the lockfile names' }
}
