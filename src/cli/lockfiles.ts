import { existsSync } from 'node:fs'
import path from 'node:path'
import { GateError } from '../errors.ts'
import { lockfilesBelow, lockfilesIn } from '../lockfile/find.ts'
import { projectsIn } from '../lockfile/importers.ts'
import { lockfileFolder, OTHER_NAMES } from '../lockfile/kinds.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import { lockfilesOf } from '../lockfile/workspace.ts'
import { projectRoot } from '../project.ts'
import { MOST_LISTED } from '../report/bounds.ts'
import { count } from '../report/summary.ts'
import { listText } from '../util/text.ts'
import { workspaceAbove } from './other-root.ts'

/** The lockfiles that a command is about, all of one folder. */
export interface Lockfiles {
  readonly folder: string
  readonly files: readonly [string, ...string[]]
  /** Whether they were found, and not named. */
  readonly isFound: boolean
  /** For messages. */
  readonly shown: string
}

/** The one that is named, or those that this folder has. @throws GateError where there is none */
export async function chosenLockfiles(named: string | undefined, folder = process.cwd()): Promise<Lockfiles> {
  if (named !== undefined) {
    const file = path.resolve(named)
    return { folder: lockfileFolder(file), files: [file], isFound: false, shown: file }
  }
  const [first, ...rest] = await lockfilesIn(folder)
  if (first !== undefined) {
    const shown = [first, ...rest].join(', ')
    return { folder, files: [first, ...rest], isFound: true, shown }
  }
  const whole = path.join(projectRoot(folder), 'pnpm-lock.yaml')
  if (path.dirname(whole) !== folder && existsSync(whole)) {
    throw new GateError(
      `There is no lockfile at ${path.join(folder, 'pnpm-lock.yaml')}. The workspace's is ${whole}: name it with --lockfile.`,
    )
  }
  const root = workspaceAbove(folder)
  const wholes = root === undefined ? [] : await lockfilesIn(root)
  if (wholes.length > 0) {
    throw new GateError(
      `There is no lockfile in ${folder}. The workspace in ${root} has it as a project, and ${wholes.join(', ')}: run this there, or name ${wholes.length > 1 ? 'one' : 'it'} with --lockfile.`,
    )
  }
  const where = root === undefined ? '' : ` in ${root}, whose workspace has this folder as a project`
  throw new GateError(
    `There is no lockfile in ${folder}; looked for pnpm-lock.yaml, ${OTHER_NAMES.join(', ')} and deno.lock. ` +
      `Write one with your package manager${where}, or name one with --lockfile.`,
  )
}

/** What is said where it could be another one than people think: several in one folder, or more of them below. */
export async function lockfileNotes(
  { folder, files, isFound }: Lockfiles,
  packages: readonly (readonly LockedPackage[])[],
): Promise<readonly string[]> {
  if (!isFound) return []
  const judged = files.map((file, index) => `${path.basename(file)}: ${count(packages[index]?.length ?? 0)}`)
  const deno = existsSync(path.join(folder, 'deno.lock')) ? ['deno.lock: not judged'] : []
  // A lockfile in a project of the workspace is one that nobody installs from.
  const projects = new Set([...projectsIn(packages.flat())].map((each) => path.resolve(folder, each)))
  const judgedFiles = new Set((await Promise.all(files.map(lockfilesOf))).flat())
  const { files: below, isWhole } = await lockfilesBelow(folder)
  const strange = below.filter((file) => !judgedFiles.has(file) && !projects.has(path.dirname(file)))
  const names = strange.map((file) => path.relative(folder, file))
  return [
    ...(files.length > 1 ? [`several lockfiles, of which an installer may use any: ${judged.join('; ')}`] : []),
    ...deno,
    ...(names.length > 0
      ? [`not judged, name it with --lockfile where it is yours: ${listText(names, MOST_LISTED)}`]
      : []),
    ...(isWhole ? [] : ['more folders than were looked at: there may be further lockfiles in them']),
  ]
}
