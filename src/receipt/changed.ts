import { lstatSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { GateError } from '../errors.ts'
import type { InstalledEntry, Problem } from './types.ts'

/** So many files are looked at. */
const MAX_FILES = 2_000_000

/** One tick of the clock by which file systems note times, and some. */
const TICK_MS = 20

/**
 * Files of packages that were written after the install had ended. Package managers give files the time at which they unpack
 * or import them, and a checkout gives files the time of the checkout: what a repository puts over an installed package is
 * younger than the install.
 *
 * Of a package that has install scripts only the package.json counts, since `pnpm rebuild` runs those again. Hidden files and
 * folders, where tools keep caches, and nested packages, which are listed by themselves, do not count.
 *
 * @param endedAt of the install, in milliseconds
 * @throws GateError where there are more files than any install makes
 */
export function changedSince(
  entries: readonly InstalledEntry[],
  endedAt: number,
  maxFiles: number = MAX_FILES,
): readonly Problem[] {
  const packages = new Map(entries.filter(({ kind }) => kind === 'package').map((entry) => [entry.folder, entry]))
  const problems: Problem[] = []
  let count = 0
  for (const { folder, at, hasScripts } of packages.values()) {
    const queue = [folder]
    for (const each of queue) {
      for (const entry of readdirSync(each, { withFileTypes: true })) {
        count += 1
        if (count > maxFiles)
          throw new GateError(
            `${folder}: node_modules has more than ${maxFiles} files, which is more than any install makes. Remove node_modules and install again.`,
          )
        const file = path.join(each, entry.name)
        const isHidden = entry.name.startsWith('.') || entry.name === 'node_modules'
        if (entry.isDirectory() && !isHidden && !hasScripts) queue.push(file)
        if (!entry.isFile() || isHidden || (hasScripts && entry.name !== 'package.json')) continue
        const { mtimeMs } = lstatSync(file)
        if (mtimeMs <= endedAt + TICK_MS) continue
        problems.push({
          where: path.join(at, path.relative(folder, file)),
          found: `a file of ${new Date(mtimeMs).toISOString()}`,
          expected: `files from before the install ended, at ${new Date(endedAt).toISOString()}`,
        })
        // One file says it of the package.
        queue.length = 0
        break
      }
    }
  }
  return problems
}
