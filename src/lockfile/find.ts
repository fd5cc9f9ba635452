import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { OTHER_NAMES } from './kinds.ts'
import { lockfilesOf } from './workspace.ts'

/**
 * The lockfiles from which somebody could install in a folder: one of each kind, and for pnpm the name of the one that stands
 * for all that it has (`lockfilesOf`). An installer may use any of them.
 */
export async function lockfilesIn(folder: string): Promise<readonly string[]> {
  const names = new Set(await readdir(folder).catch(() => []))
  const pnpm = path.join(folder, 'pnpm-lock.yaml')
  const isPnpm = names.has('pnpm-lock.yaml') || (await lockfilesOf(pnpm)).some((file) => file !== pnpm)
  const others = OTHER_NAMES.filter((name) => names.has(name)).map((name) => path.join(folder, name))
  const all = [...(isPnpm ? [pnpm] : []), ...others]
  // Alone it is named, and refused for what it is.
  return all.length === 0 && names.has('deno.lock') ? [path.join(folder, 'deno.lock')] : all
}

/** So many folders are looked at, from the outside in: a repository may hold whatever somebody checked in. */
const MAX_FOLDERS = 20_000

/** What a folder's lockfile is called, of whichever manager. */
const NAMES: ReadonlySet<string> = new Set(['pnpm-lock.yaml', 'deno.lock', ...OTHER_NAMES])

/**
 * The lockfiles in folders below one, without those of installed packages.
 *
 * @returns `isWhole`: whether all folders were looked at
 */
export async function lockfilesBelow(
  folder: string,
): Promise<{ readonly files: readonly string[]; readonly isWhole: boolean }> {
  const files: string[] = []
  const queue = [folder]
  for (const [index, each] of queue.entries()) {
    if (index >= MAX_FOLDERS) return { files, isWhole: false }
    const entries = await readdir(each, { withFileTypes: true }).catch(() => [])
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const isSkipped = entry.name === 'node_modules' || entry.name === '.git'
      // A link is neither, so nothing is walked in a circle.
      if (entry.isDirectory() && !isSkipped) queue.push(path.join(each, entry.name))
      if (index > 0 && entry.isFile() && NAMES.has(entry.name)) files.push(path.join(each, entry.name))
    }
  }
  return { files, isWhole: true }
}
