import { lstatSync, readlinkSync } from 'node:fs'
import path from 'node:path'

/** How many links a path may lead through, as on Linux. */
const MOST_LINKS = 40

/**
 * The entries that decide where a path leads, with every link on the way; the last one is where it ends. What is not there
 * yet counts as it is written. Undefined where that cannot be found out: a loop of links, or a folder without permission.
 */
export function wayTo(file: string): readonly [string, ...string[]] | undefined {
  const start = path.resolve(file)
  const { root } = path.parse(start)
  const entries: [string, ...string[]] = [root]
  const rest = namesOf(start.slice(root.length))
  let links = 0
  let at = root
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    at = path.join(at, name)
    entries.push(at)
    const target = linkTarget(at)
    if (target === null) return undefined
    if (target === undefined) continue
    links += 1
    if (links > MOST_LINKS) return undefined
    const to = path.parse(target)
    // Names are taken one by one: `..` leads out of where a link leads, and not out of the link.
    rest.unshift(...namesOf(target.slice(to.root.length)))
    at = to.root === '' ? path.dirname(at) : path.resolve(to.root)
  }
  // A link may end with `..`, which has no entry of its own.
  return [...entries, at]
}

/** Whether a file or folder lies in a folder, or is it. As on systems that fold case: for these `Cache` is `cache`. */
export function isInside(folder: string, file: string): boolean {
  const way = path.relative(folded(folder), folded(file))
  return way !== '..' && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way)
}

/** Whether somebody who fills a folder can decide what is read at a path. True where that cannot be found out. */
export function isReachedFrom(folder: string, file: string): boolean {
  const [entries, end] = [wayTo(file), wayTo(folder)?.at(-1)]
  return entries === undefined || end === undefined || entries.some((entry) => isInside(end, entry))
}

function folded(file: string): string {
  return file.normalize('NFC').toLowerCase()
}

function namesOf(text: string): string[] {
  return text.split(path.sep === '\\' ? /[\\/]/ : '/').filter((name) => name !== '' && name !== '.')
}

/** Undefined of what is no link, or is not there; null where nobody can say. */
function linkTarget(entry: string): string | null | undefined {
  try {
    return lstatSync(entry).isSymbolicLink() ? readlinkSync(entry) : undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' || code === 'ENOTDIR' ? undefined : null
  }
}
