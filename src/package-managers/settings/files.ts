import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { GateError } from '../../errors.ts'
import { upwards } from '../../folders.ts'
import { FileError, readBoundedFileSync } from '../../util/files.ts'
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
  // https://bun.com/docs/runtime/environment-variables
  '.env': [
    '',
    '.local',
    ...['development', 'production', 'test'].flatMap((mode) => [`.${mode}`, `.${mode}.local`]),
  ].map((end) => `.env${end}`),
  'deno.json': ['deno.json', 'deno.jsonc'],
}

/** Which of them each manager reads. A test compares this with the lists. */
export const FILES_OF: Readonly<Record<SettingsManager, readonly SettingsFile[]>> = {
  pnpm: ['pnpm-workspace.yaml', 'package.json', '.npmrc'],
  npm: ['package.json', '.npmrc'],
  // Of .yarnrc.yml yarn 1 reads which program to start in its place.
  yarn: ['package.json', '.npmrc', '.yarnrc', '.yarnrc.yml'],
  berry: ['package.json', '.yarnrc.yml'],
  bun: ['package.json', '.npmrc', 'bunfig.toml', '.env'],
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
    kinds
      // Of manifests the root's alone has settings.
      .filter((kind) => kind !== 'package.json' || folder === root)
      .flatMap((kind) =>
        NAMES[kind].flatMap((name) => {
          const place = path.join(folder, name)
          const text = textOf(place, kind === 'package.json' ? MAX_MANIFEST : MAX_BYTES)
          const file = path.relative(root, place).split(path.sep).join('/')
          return text === undefined ? [] : [{ kind, file, text }]
        }),
      ),
  )
}

function settingsFolders(root: string, projects: readonly string[]): readonly string[] {
  const folders = new Set([root])
  for (const project of projects) {
    let folder = path.resolve(root, project)
    // A project of the workspace may be outside of the root's folder. Then there is nothing between.
    if (path.relative(root, folder).startsWith('..')) folders.add(folder)
    else for (; folder !== root && !folders.has(folder); folder = path.dirname(folder)) folders.add(folder)
  }
  for (const folder of foldersAbove(root)) folders.add(folder)
  return [...folders]
}

/**
 * Up to the outermost folder that is a checkout of git: one inside may be a submodule, which a pull request can add. Where
 * there is no such folder (in a container, say), all of them. The user's own folder holds settings of the user.
 */
function foldersAbove(root: string): readonly string[] {
  const above = upwards(root).slice(1)
  const outermost = above.findLastIndex((folder) => existsSync(path.join(folder, '.git')))
  const isCheckout = outermost >= 0 || existsSync(path.join(root, '.git'))
  return (isCheckout ? above.slice(0, outermost + 1) : above).filter((folder) => folder !== homedir())
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
