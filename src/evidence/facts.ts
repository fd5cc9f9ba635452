import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import envPaths from 'env-paths'
import { replaceFile } from '../write.ts'

/**
 * What was found out once and stays true: `kind` of `id` is a short text. Each is signed (HMAC-SHA256) by a key that lies
 * outside of the cache, with the user's permissions only: a cache that somebody else has filled, as CI restores them from
 * pull requests, is never believed.
 */
export interface Facts {
  /** Undefined where nothing is known, or what is kept was not written with this key. Never throws. */
  get(kind: string, id: string): Promise<string | undefined>
  /** Keeps it, if that is possible. Never throws: what is not remembered is found out again. */
  put(kind: string, id: string, value: string): Promise<void>
}

/** Where facts and their key are, on each platform. */
export function factPlaces(): { readonly folder: string; readonly keyFile: string } {
  const { cache, data } = envPaths('provenance-gate', { suffix: '' })
  return { folder: path.join(cache, 'facts'), keyFile: path.join(data, 'key') }
}

const MAX_BYTES = 4_096

export function openFacts({ folder, keyFile }: ReturnType<typeof factPlaces>): Facts {
  let opened: Promise<Buffer | undefined> | undefined
  const key = () => {
    opened ??= openKey(keyFile).catch(() => undefined)
    return opened
  }
  // The name is hashed: ids come from lockfiles.
  const fileOf = (secret: Buffer, kind: string, id: string) =>
    path.join(folder, `${mac(secret, [kind, id]).toString('hex')}.json`)
  return {
    get: async (kind, id) => {
      const secret = await key()
      if (secret === undefined) return undefined
      try {
        const file = fileOf(secret, kind, id)
        const stats = await stat(file)
        // A pipe would wait for somebody to write into it.
        if (!stats.isFile() || stats.size > MAX_BYTES) return undefined
        const { value, signature } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
        if (typeof value !== 'string' || typeof signature !== 'string') return undefined
        const expected = mac(secret, [kind, id, value])
        const given = Buffer.from(signature, 'hex')
        return given.length === expected.length && timingSafeEqual(given, expected) ? value : undefined
      } catch {
        return undefined
      }
    },
    put: async (kind, id, value) => {
      const secret = await key()
      if (secret === undefined) return
      const entry = { value, signature: mac(secret, [kind, id, value]).toString('hex') }
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        await replaceFile(fileOf(secret, kind, id), `${JSON.stringify(entry)}\n`, 0o600)
      } catch {}
    },
  }
}

/** Over a list, so that no two lists are signed as one text. */
function mac(secret: Buffer, parts: readonly string[]): Buffer {
  return createHmac('sha256', secret).update(JSON.stringify(parts)).digest()
}

const KEY_BYTES = 32

/** The user's key; made at the first use, by one of several processes. Undefined where others can read it. */
async function openKey(file: string): Promise<Buffer | undefined> {
  const kept = await readKey(file)
  if (kept !== 'absent') return kept
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${randomUUID()}.tmp`
  try {
    await writeFile(temporary, randomBytes(KEY_BYTES), { flag: 'wx', mode: 0o600 })
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

async function readKey(file: string): Promise<Buffer | 'absent' | undefined> {
  const stats = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (stats === undefined) return 'absent'
  // Windows has no such permissions: there it is the user's folder that protects it.
  const isPrivate = process.platform === 'win32' || ((stats.mode & 0o077) === 0 && stats.uid === process.getuid?.())
  if (!stats.isFile() || stats.size !== KEY_BYTES || !isPrivate) return undefined
  return readFile(file)
}
