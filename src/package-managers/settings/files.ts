import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { GateError } from '../../errors.ts'
import { upwards } from '../../folders.ts'
import { FileError, readBoundedFileSync } from '../../util/files.ts'
import { leadsOut, realPath } from '../../util/links.ts'
import { linkStatsAt } from '../../util/stats.ts'
import type { SettingsFile, SettingsManager } from './types.ts'
import type { SettingsText } from './unsafe.ts'

/** What each kind of file is called. */
const NAMES: Readonly<Record<SettingsFile, readonly string[]>> = {
  'pnpm-workspace.yaml': ['pnpm-workspace.yaml'],
  'package.json': ['package.json'],
  '.npmrc': ['.npmrc'],
  '.yarnrc': ['.yarnrc'],
  '.yarnrc.yml': ['.yarnrc.yml'],
  'bunfig.toml': ['bunfig.toml'],
  // Of bun, https://bun.com/docs/runtime/environment-variables, and of yarn 4, which reads `.env.yarn`.
  '.env': [
    '',
    '.local',
    '.yarn',
    ...['development', 'production', 'test'].flatMap((mode) => [`.${mode}`, `.${mode}.local`]),
  ].map((end) => `.env${end}`),
  '.corepack.env': ['.corepack.env'],
  'deno.json': ['deno.json', 'deno.jsonc'],
  'yarn.json': ['yarn.json'],
  '.yarnclean': ['.yarnclean'],
}

/** Which of them each manager reads. A test compares this with the lists. */
export const FILES_OF: Readonly<Record<SettingsManager, readonly SettingsFile[]>> = {
  pnpm: ['pnpm-workspace.yaml', 'package.json', '.npmrc', '.corepack.env'],
  npm: ['package.json', '.npmrc', '.corepack.env'],
  // Which yarn will run is not known: each reads files of the other.
  yarn: ['package.json', '.npmrc', '.yarnrc', '.yarnrc.yml', 'yarn.json', '.yarnclean', '.corepack.env'],
  berry: ['package.json', '.yarnrc', '.yarnrc.yml', 'yarn.json', '.env', '.corepack.env'],
  bun: ['package.json', '.npmrc', 'bunfig.toml', '.env', '.corepack.env'],
  deno: ['package.json', '.npmrc', 'deno.json'],
}

/** More than any file of settings has; package.json holds much else. */
const MAX_BYTES = 1024 * 1024
const MAX_MANIFEST = 4 * 1024 * 1024

/**
 * The settings files that a manager may read when it installs from a lockfile: in the lockfile's folder, in each project,
 * in the folders between, and in those above, as far as the repository reaches.
 *
 * @param projects relative to `root`
 * @throws GateError where one is there and cannot be read
 */
export function readSettingsFiles(
  manager: SettingsManager,
  root: string,
  projects: readonly string[],
): readonly SettingsText[] {
  const kinds = FILES_OF[manager]
  return settingsFolders(root, projects).flatMap((folder) =>
    kinds.flatMap((kind) =>
      namesOf(manager, kind).flatMap((name) => {
        const place = path.join(folder, name)
        const isOutside = liesOutside(place, folder, root)
        const text = textOf(place, kind === 'package.json' ? MAX_MANIFEST : MAX_BYTES)
        refuseOutside(place, isOutside)
        const file = path.relative(root, place).split(path.sep).join('/')
        return text === undefined ? [] : [{ kind, file, text, ...(isOutside && { isHidden: true as const }) }]
      }),
    ),
  )
}

/** Of the `.env` files yarn 4 reads its own alone, which bun does not read. */
function namesOf(manager: SettingsManager, kind: SettingsFile): readonly string[] {
  return kind === '.env' ? NAMES[kind].filter((name) => (name === '.env.yarn') === (manager === 'berry')) : NAMES[kind]
}

/** Where a folder is a link, programs see the folder that it leads to, and what is above that. */
function settingsFolders(root: string, projects: readonly string[]): readonly string[] {
  const folders = new Set([root])
  for (const project of projects) {
    const folder = path.resolve(root, project)
    for (const each of between(root, folder)) folders.add(each)
    const real = realPath(folder)
    if (real !== folder) for (const each of [real, ...foldersAbove(real)]) folders.add(each)
  }
  for (const folder of foldersAbove(root)) folders.add(folder)
  const real = realPath(root)
  if (real !== root) for (const folder of [real, ...foldersAbove(real)]) folders.add(folder)
  return [...folders]
}

/** A folder and those above it up to the root; that folder alone where it is elsewhere. */
function between(root: string, folder: string): readonly string[] {
  const way = path.relative(root, folder)
  if (way === '' || way.startsWith('..') || path.isAbsolute(way)) return [folder]
  const above = upwards(folder)
  return above.slice(0, above.indexOf(root))
}

/**
 * Up to the outermost folder that is a checkout of git: one inside may be a submodule, which a pull request can add. Where
 * there is no such folder (in a container, say), all of them. The user's own folder holds settings of the user.
 */
export function foldersAbove(root: string): readonly string[] {
  const above = upwards(root).slice(1)
  const outermost = above.findLastIndex((folder) => existsSync(path.join(folder, '.git')))
  const isCheckout = outermost >= 0 || existsSync(path.join(root, '.git'))
  return (isCheckout ? above.slice(0, outermost + 1) : above).filter((folder) => folder !== homedir())
}

/** A folder above the root is the repository's or its surroundings'. Any other one is in the repository, or led out of it. */
function liesOutside(file: string, folder: string, root: string): boolean {
  const isAbove = [root, realPath(root)].some((each) => upwards(each).includes(folder))
  return leadsOut(file, isAbove ? folder : root) && leadsOut(file, root)
}

/** Of such a file not even a key is shown: a line of any file may look like one. */
function refuseOutside(file: string, isOutside: boolean): void {
  if (!isOutside || !linkStatsAt(file)?.isSymbolicLink()) return
  throw new GateError(
    `${file} is a link that leads out of the repository, so what its settings are is not for the repository to say. Nothing of it is shown, for it may be a secret. Put a file in its place, or remove it.`,
    { code: 'SETTINGS_UNSAFE' },
  )
}

function textOf(file: string, maxBytes: number): string | undefined {
  try {
    const bytes = readBoundedFileSync(file, maxBytes)
    return bytes === undefined ? undefined : new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    const what = error instanceof FileError ? error.message : 'is no text in UTF-8'
    throw new GateError(
      `${file} ${what}, so its settings are not known. Expected a regular file of at most ${maxBytes} bytes in UTF-8. Correct it, or remove it.`,
      { code: 'SETTINGS_UNSAFE', cause: error },
    )
  }
}
