/** As long as the registry has ever allowed, scope and slash included. */
const MAX_LENGTH = 214

/**
 * Why a text is no name of a package; undefined where it is one. A package manager makes a path below `node_modules` of the
 * name, so a text that leads to another folder than its own takes the place of another package, whatever was judged.
 *
 * All names that the registry allows today pass, and its older ones: those with capitals, or with `_`, `-` or `~` in front.
 * Older names with one of `!'()*` do not.
 */
export function packageNameProblem(name: string): string | undefined {
  if (name === '') return 'it is empty'
  if (name.length > MAX_LENGTH) return `it has ${name.length} characters, and a name has ${MAX_LENGTH} at most`
  if (!NAME.test(name)) {
    return 'it is not `name` or `@scope/name`, of ASCII letters, digits and `-`, `_`, `~`, with `.` inside'
  }
  const segments = name.replace(/^@/, '').split('/')
  if (segments.some((segment) => segment.endsWith('.'))) return 'it ends in a dot, which Windows leaves out'
  if (segments.some((segment) => SHORT_NAME.test(segment))) {
    return 'it has `~` and a digit, by which Windows finds folders with longer names'
  }
  const reserved = segments.find((segment) => RESERVED.has(segment.toLowerCase()))
  return reserved === undefined ? undefined : `\`${reserved}\` is never the name of a package`
}

/**
 * The same of a project of the workspace. yarn 2 and later and bun also take names with `$` in front (`$repo-utils`): such a folder is that
 * of no package of a registry, which has none of them.
 */
export function projectNameProblem(name: string): string | undefined {
  return packageNameProblem(name.replace(/^((?:@[^/]*\/)?)\$(?!@)/, '$1'))
}

/** No path (`..`), no URL syntax, and no characters that are drawn as nothing or as others. */
const NAME = /^(?:@[\w~-][\w.~-]*\/)?[\w~-][\w.~-]*$/

/** `victim~1` may be `victim-with-a-long-name`. */
const SHORT_NAME = /~\d/

/** `@scope/node_modules` too: packages of that scope find others in it. */
const RESERVED: ReadonlySet<string> = new Set(['node_modules', 'favicon.ico', '__proto__'])

export function isPackageName(name: string): boolean {
  return packageNameProblem(name) === undefined
}

export function isProjectName(name: string): boolean {
  return projectNameProblem(name) === undefined
}
