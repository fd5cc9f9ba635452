/**
 * Where pnpm is to install: the workspace's root, found from the working directory and the command line. Settings of the
 * repository can move pnpm's own idea of it: `workspaceDir` (10) and `lockfileDir` lead to another lockfile and policy.
 */
import { existsSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { upwards } from '../src/folders.ts'
import { pnpmArguments } from './command.ts'
import type { PnpmConfig } from './pnpm.ts'

export interface CommandPlace {
  readonly argv: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Of the command that this process runs hooks for. */
export function commandPlace(insidePnpm: boolean): CommandPlace {
  return { argv: pnpmArguments(insidePnpm), cwd: process.cwd(), env: process.env }
}

/** The root of what this command installs, if it installs anything. */
export function installRoot(place: CommandPlace): string {
  return rootOf(lastOf(foldersOf(place)), place.env)
}

/** Says what is wrong where pnpm's settings name another place than the command does. */
export function movedBySettings({ workspaceDir, lockfileDir }: PnpmConfig, place: CommandPlace): string | undefined {
  const folders = foldersOf(place)
  const isExpected = (folder: string) =>
    folders.some((each) => {
      const root = rootOf(each, place.env)
      return isSame(folder, root) || (contains(root, folder) && upwards(each).some((above) => isSame(above, folder)))
    })
  const isNamed = (folder: string) => named(place, LOCKFILE_DIR).some((each) => isSame(each, folder))
  if (workspaceDir !== undefined && !folders.some((each) => isSame(workspaceDir, rootOf(each, place.env))))
    return moved('takes for the workspace', workspaceDir, place)
  if (lockfileDir !== undefined && !isExpected(lockfileDir) && !isNamed(lockfileDir))
    return moved('takes the lockfile from', lockfileDir, place)
  return undefined
}

/**
 * The same of the folder whose lockfile pnpm is about to install: below the root each project can have one, `pnpm deploy`
 * writes one in the folder that it is told. pnpm 11 also asks the project's hooks about what it installs for itself.
 */
export function movedLockfile(lockfileDir: string, place: CommandPlace): string | undefined {
  const isElsewhere = place.argv.some((word) => ELSEWHERE.has(word))
  if (contains(installRoot(place), lockfileDir) || isElsewhere || isGiven(lockfileDir, place)) return undefined
  return moved('is about to install from the lockfile in', lockfileDir, place)
}

/** Whether this is the folder that `pnpm deploy` was told to make. */
export function isDeployed(lockfileDir: string, place: CommandPlace): boolean {
  return place.argv.includes('deploy') && isGiven(lockfileDir, place)
}

function isGiven(folder: string, place: CommandPlace): boolean {
  return words(place).some((word) => isSame(path.resolve(place.cwd, word), folder))
}

/** Commands and options with which pnpm installs into folders of its own. */
const ELSEWHERE = new Set(['-g', '--global', 'dlx', 'create'])

function moved(what: string, folder: string, place: CommandPlace): string {
  return [
    `provenance-gate refuses this command: pnpm ${what} ${folder}, but the workspace's root is ${installRoot(place)},`,
    'and neither the working directory nor the command line leads elsewhere. A setting of the repository has moved it.',
    'Remove `workspaceDir` and `lockfileDir` from pnpm-workspace.yaml, package.json and .npmrc, or start pnpm in that folder.',
  ].join('\n')
}

const LOCKFILE_DIR = /^-+(?:config\.)?lockfile-?dir(?:ectory)?$/i
const DIR = /^(?:-C|--dir|--prefix)$/

/** The working directory, and what options name in its place: of commands that install, the last one. */
function foldersOf(place: CommandPlace): readonly [string, ...string[]] {
  return [real(place.cwd), ...named(place, DIR).map(real)]
}

function lastOf(folders: readonly [string, ...string[]]): string {
  return folders.at(-1) ?? folders[0]
}

/** Values of an option, and of the variable of the environment that is the same setting: the user's own. */
function named(place: CommandPlace, option: RegExp): readonly string[] {
  const { argv, cwd, env } = place
  const values = argv.flatMap((word, index) => {
    const at = word.indexOf('=')
    const [name, value] = at === -1 ? [word, argv[index + 1]] : [word.slice(0, at), word.slice(at + 1)]
    return option.test(name) && value ? [value] : []
  })
  const variable = option === LOCKFILE_DIR ? valueIn(env, LOCKFILE_VARIABLES) : undefined
  return [...values, ...(variable === undefined ? [] : [variable])].map((value) => path.resolve(cwd, value))
}

function words({ argv }: CommandPlace): readonly string[] {
  return argv.flatMap((word) => [word, word.slice(word.indexOf('=') + 1)])
}

/** The nearest folder with a pnpm-workspace.yaml, or else with what makes pnpm take it for a project, or else the folder itself. */
function rootOf(folder: string, env: CommandPlace['env']): string {
  const set = valueIn(env, WORKSPACE_VARIABLES)
  if (set !== undefined) return real(path.resolve(set))
  const above = upwards(folder)
  const having = (folders: readonly string[], names: readonly string[]) =>
    folders.find((each) => names.some((name) => existsSync(path.join(each, name))))
  // Of the root of the file system pnpm takes a workspace, but no project.
  return having(above, ['pnpm-workspace.yaml']) ?? having(above.slice(0, -1), PROJECT) ?? folder
}

const PROJECT = ['package.json', 'package.json5', 'package.yaml', 'node_modules']

/** The user's own: pnpm reads all of them (10 those of npm). */
const WORKSPACE_VARIABLES = variables('WORKSPACE_DIR')
const LOCKFILE_VARIABLES = variables('LOCKFILE_DIR')

function variables(name: string): readonly string[] {
  return ['PNPM', 'NPM'].flatMap((manager) => {
    const variable = `${manager}_CONFIG_${name}`
    return [variable, variable.toLowerCase()]
  })
}

function valueIn(env: CommandPlace['env'], names: readonly string[]): string | undefined {
  return names.map((name) => env[name]).find((value) => value)
}

function contains(folder: string, inner: string): boolean {
  const relative = path.relative(real(folder), real(inner))
  return !(relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative))
}

function isSame(a: string, b: string): boolean {
  return real(a) === real(b)
}

/** Links followed, as far as the folder is there: `pnpm deploy` names one that is not. */
export function real(folder: string): string {
  const resolved = path.resolve(folder)
  const parent = path.dirname(resolved)
  try {
    return realpathSync.native(resolved)
  } catch {
    return parent === resolved ? resolved : path.join(real(parent), path.basename(resolved))
  }
}
