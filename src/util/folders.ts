import { mkdirSync, statSync } from 'node:fs'
import path from 'node:path'

/**
 * Makes a folder, and those above it that are not there, one by one. Node's own `recursive` never ends below /proc, which says of
 * a folder that cannot be made there that the one above is missing.
 *
 * @throws an Error where one of them cannot be made
 */
export function makeFolder(folder: string, mode = 0o777): void {
  for (const each of missingIn(path.resolve(folder))) {
    try {
      mkdirSync(each, { mode })
    } catch (error) {
      // Another process may have made it.
      if (!isFolder(each)) throw error
    }
  }
}

/** The outermost one first. */
function missingIn(folder: string): readonly string[] {
  const missing: string[] = []
  for (let at = folder; !isFolder(at); at = path.dirname(at)) {
    missing.unshift(at)
    // Of another drive not even the root may be there.
    if (at === path.dirname(at)) break
  }
  return missing
}

/** @throws an Error where nobody could make one: of a path through a file, and of a circle of links */
function isFolder(place: string): boolean {
  return statSync(place, { throwIfNoEntry: false })?.isDirectory() === true
}
