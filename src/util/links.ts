import { existsSync, realpathSync } from 'node:fs'
import path from 'node:path'

/** Where a file or a folder leads by links; itself where nothing is there. */
export function realPath(place: string): string {
  try {
    return realpathSync(place)
  } catch {
    return place
  }
}

/**
 * Whether a file that a repository brings or names is one outside of it: by a link, its own or a folder's, or by its path. A
 * pull request could so have a message quote a secret of the machine, such as a login in somebody's home folder.
 *
 * @param folder in the repository. Its outermost checkout of git is the repository, or the folder where there is none.
 */
export function leadsOut(file: string, folder: string = path.dirname(path.resolve(file))): boolean {
  try {
    return !contains(realpathSync(outermostCheckout(path.resolve(folder))), realpathSync(file))
  } catch {
    return false
  }
}

/** The outermost checkout of git that a folder lies in, or the folder where there is none. */
export function outermostCheckout(folder: string): string {
  let [found, at] = [folder, folder]
  while (true) {
    if (existsSync(path.join(at, '.git'))) found = at
    const above = path.dirname(at)
    if (above === at) return found
    at = above
  }
}

function contains(outer: string, inner: string): boolean {
  const way = path.relative(outer, inner)
  return way !== '..' && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way)
}
