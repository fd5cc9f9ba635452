import { posix } from 'node:path'
import validRange from 'semver/ranges/valid.js'

/**
 * What a dependency is asked for as, in the words of package.json: a version, range or tag of a registry; the same under
 * another name (`npm:other@^1`); or something that no registry has (an address, a repository, a file, a folder).
 */
export type Specifier =
  | { readonly kind: 'registry' }
  | { readonly kind: 'alias'; readonly name: string }
  | { readonly kind: 'other' }

export function specifierOf(text: string): Specifier {
  const [, alias] = /^npm:((?:@[^/@]+\/)?[A-Za-z_][^/@]*)(?:@[^:/]*)?$/s.exec(text) ?? []
  if (alias !== undefined) return { kind: 'alias', name: alias }
  // `npm:^1.0.0` is yarn's way to say that it is of a registry.
  const rest = text.startsWith('npm:') ? text.slice('npm:'.length) : text
  // Whatever begins with a dot is a folder for npm, `.5` too (tried).
  const isElsewhere = /[:/\\]|^~$|^\.|\.(?:tgz|tar\.gz|tar)$/i.test(rest)
  return isElsewhere ? { kind: 'other' } : { kind: 'registry' }
}

/** `./lib`, `../lib`, `/lib`, `C:\\lib`. */
const LOCAL = /^(?:\.{1,2}(?:[/\\]|$)|[/\\]|[a-z]:[/\\])/i

/** The folder, or the file, that a dependency asks for, as it is written: `./lib` of `file:./lib`. */
export function folderAskedFor(text: string): string | undefined {
  return /^file:(.+)$/s.exec(text)?.[1] ?? (LOCAL.test(text) ? text : undefined)
}

/**
 * Whether yarn 1 takes a folder of that name for what is asked for, where there is one with a package.json: what is no range,
 * and no address or repository either. So a tag does it: `latest` is then the folder `latest` (tried).
 */
export function mayBeFolder(text: string): boolean {
  if (posix.normalize(text).length > MAX_PATH || /[:@]|\.(?:tgz|tar\.gz)$/.test(text) || SHORTHAND.test(text))
    return false
  // Other ranges are no names of folders either, as far as yarn's semver and this one are of one mind.
  return !(/^[\d\sxX*.^~<>=|v-]*$/.test(text) && validRange(text) !== null)
}

/** No system has longer ones, without the `./` that a text may have thousands of. */
const MAX_PATH = 4096

/** `owner/name` of GitHub, as yarn 1 has it. */
const SHORTHAND = /^[^:@%/\s.-][^:@%/\s]*[/][^:@\s/%]+(?:#.*)?$/

/** Whether yarn 1 takes it for a tarball of the project's: `./lib.tgz`. It then goes by the lockfile, and for folders it does not. */
export function isLocalArchive(text: string): boolean {
  return !text.includes('@') && /\.(?:tgz|tar\.gz)$/.test(text) && folderAskedFor(text) !== undefined
}

/**
 * A path as yarn 1 writes it into its lockfile, from where that is: `file:../lib/` of a project in `x` as `file:lib`.
 *
 * @param folder of whoever asks, relative to the lockfile
 */
export function asLocked(text: string, folder: string): string {
  const [, prefix, given = ''] = /^(file:|link:)(.+)$/s.exec(text) ?? []
  if (prefix === undefined || posix.isAbsolute(given)) return text
  const target = posix.join(folder, given).replace(/(?<=.)\/$/, '')
  const isDotted = /^\.(?:\/|$)/.test(given) && target !== '.' && !target.startsWith('../')
  return `${prefix}${isDotted ? './' : ''}${target}`
}
