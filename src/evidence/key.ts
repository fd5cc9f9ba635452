import { randomBytes, randomUUID } from 'node:crypto'
import type { Stats } from 'node:fs'
import { link, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { readBoundedFile } from '../util/files.ts'
import { makeFolder } from '../util/folders.ts'
import { isReachedFrom } from '../util/places.ts'
import type { Places } from './places.ts'

const KEY_BYTES = 32

/**
 * The user's key; made at the first use, by one of several processes. Undefined where others can read it, or can bring it
 * along with the cache.
 */
async function openKey({ cache, keyFile: file }: Places): Promise<Buffer | undefined> {
  if (file === undefined || isReachedFrom(cache, file)) return undefined
  const kept = await readKey(file)
  if (kept !== 'absent') return kept
  makeFolder(path.dirname(file), 0o700)
  const temporary = `${file}.${randomUUID()}.tmp`
  try {
    // On the disk before it has its name: half a key would be in the way of every later one.
    await writeFile(temporary, randomBytes(KEY_BYTES), { flag: 'wx', mode: 0o600, flush: true })
    // A link, for unlike a renaming it does not replace the key of another process.
    await link(temporary, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(temporary, { force: true })
  }
  const made = await readKey(file)
  return made === 'absent' ? undefined : made
}

/** The same, asked for once, at the first need; undefined also where it cannot be read or made. Never throws. */
export function keyOnce(places: Places): () => Promise<Buffer | undefined> {
  let opened: Promise<Buffer | undefined> | undefined
  return () => {
    opened ??= openKey(places).catch(() => undefined)
    return opened
  }
}

async function readKey(file: string): Promise<Buffer | 'absent' | undefined> {
  const stats = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (stats === undefined) return 'absent'
  if (!stats.isFile() || stats.size !== KEY_BYTES || !isPrivate(stats)) return undefined
  return readBoundedFile(file, KEY_BYTES)
}

/** Whether it is this user's alone. Windows has no such permissions: there the user's folder protects it. */
function isPrivate({ mode, uid }: Pick<Stats, 'mode' | 'uid'>): boolean {
  return process.platform === 'win32' || ((mode & 0o077) === 0 && uid === process.getuid?.())
}
