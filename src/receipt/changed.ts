import { lstatSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { GateError } from '../errors.ts'
import { TICK_MS } from './ticks.ts'
import type { InstalledEntry, Problem } from './types.ts'

/** So many files are looked at. */
const MAX_FILES = 2_000_000

/**
 * Files of packages that were written after the install had ended. Package managers give files the time at which they unpack
 * or import them, and a checkout gives files the time of the checkout: what a repository puts over an installed package is
 * younger than the install. What an archive brings may have any time, but was born later. Links are told by the time of their making.
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
  for (const { at, linkedAt } of entries) {
    if (linkedAt === undefined || linkedAt <= endedAt + TICK_MS) continue
    problems.push({ where: at, found: `a link of ${instantOf(linkedAt)}`, expected: expected(endedAt, 'links') })
  }
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
        if (isHidden || (hasScripts && entry.name !== 'package.json')) continue
        const where = path.join(at, path.relative(folder, file))
        if (entry.isSymbolicLink()) {
          problems.push({
            where,
            found: 'a link inside of a package',
            expected: 'files: no package of a registry has links',
          })
        } else {
          const time = entry.isFile() ? timeOf(file) : 0
          if (time <= endedAt + TICK_MS) continue
          problems.push({ where, found: `a file of ${instantOf(time)}`, expected: expected(endedAt, 'files') })
        }
        // One file says it of the package.
        queue.length = 0
        break
      }
    }
  }
  return problems
}

/**
 * When a file was written, or put there: an archive can give it any other time. In milliseconds. Where the file system notes no
 * birth, Node says 0.
 */
function timeOf(file: string): number {
  const { mtimeMs, birthtimeMs } = lstatSync(file)
  return Math.max(mtimeMs, birthtimeMs)
}

function expected(endedAt: number, what: string): string {
  return `${what} from before the install ended, at ${instantOf(endedAt)}`
}

function instantOf(time: number): string {
  return new Date(time).toISOString()
}
