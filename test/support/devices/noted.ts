import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import path from 'node:path'

/** What asks the system about a path, or opens it. */
const ASKING = [
  'statSync',
  'lstatSync',
  'openSync',
  'existsSync',
  'readdirSync',
  'readFileSync',
  'readlinkSync',
] as const
const ASKING_LATER = ['stat', 'lstat', 'open', 'readdir', 'readFile', 'readlink'] as const

/**
 * Notes every path that this process asks about from now on. To be called before anything else is loaded.
 *
 * @returns what was asked about below a folder since the last time
 */
export function notePaths(): (folder: string) => readonly string[] {
  const seen = new Set<string>()
  const note = (file: unknown) => {
    if (typeof file === 'string') seen.add(path.resolve(file))
  }
  const wrap = (owner: Record<string, unknown>, names: readonly string[]) => {
    for (const name of names) {
      const real = owner[name]
      if (typeof real !== 'function') continue
      const noting = function (this: unknown, ...args: readonly unknown[]) {
        note(args[0])
        return Reflect.apply(real, this, args)
      }
      owner[name] = Object.assign(noting, real)
    }
  }
  wrap(fs as unknown as Record<string, unknown>, ASKING)
  wrap(fs.promises as unknown as Record<string, unknown>, ASKING_LATER)
  syncBuiltinESMExports()
  return (folder) => {
    const below = [...seen].filter((file) => file.startsWith(`${folder}/`)).map((file) => file.slice(folder.length + 1))
    seen.clear()
    return below.sort()
  }
}
