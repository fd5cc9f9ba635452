import { existsSync, realpathSync, statSync } from 'node:fs'
import path from 'node:path'
import { quoteText } from '../../util/text.ts'
import type { UnsafeSetting } from '../settings/types.ts'

/** A file that yarn 4 runs because a `.yarnrc.yml` names it. */
export interface NamedProgram {
  /** The `.yarnrc.yml`, relative to the lockfile's folder. */
  readonly file: string
  readonly line: number
  readonly key: string
  /** The path, relative to the folder of the `.yarnrc.yml`. */
  readonly value: string
  readonly spec?: string
}

/**
 * The programs that are not a file of the repository. Tried with yarn 4.18.1: where the file of a plugin is there, yarn runs it, and
 * looks at neither `spec` nor `checksum`. Where it is not there, yarn downloads it from `spec` and runs that. A plugin that it
 * has built in it leaves out; for any other `spec`, and for a `yarnPath` that is not there, it stops.
 *
 * @param root the lockfile's folder
 */
export function unsafePrograms(root: string, programs: readonly NamedProgram[]): readonly UnsafeSetting[] {
  return programs.flatMap(({ spec, ...setting }) => {
    const folder = path.dirname(path.resolve(root, setting.file))
    const file = path.resolve(folder, setting.value)
    const why = existsSync(file) ? whyForeign(folder, file) : whyAbsent(setting.key, spec)
    return why === undefined ? [] : [{ ...setting, isValueShown: true as const, why: `${why} (yarn 4)` }]
  })
}

function whyForeign(folder: string, file: string): string | undefined {
  if (!statSync(file).isFile()) return 'is no regular file'
  const way = path.relative(realpathSync(folder), realpathSync(file))
  return way.split(path.sep)[0] === '..' || path.isAbsolute(way) ? 'is a link that leaves its folder' : undefined
}

function whyAbsent(key: string, spec: string | undefined): string | undefined {
  if (key === 'yarnPath' || (spec !== undefined && /^@yarnpkg\/plugin-[a-z-]+$/.test(spec))) return undefined
  const source = spec === undefined ? '' : `, so that yarn runs what it downloads from ${quoteText(spec, MOST_TEXT)}`
  return `is a file that is not there${source}; add it to the repository`
}

const MOST_TEXT = 200
