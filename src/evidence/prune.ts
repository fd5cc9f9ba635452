import { lstat, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { makeFolder } from '../util/folders.ts'
import { replaceFile } from '../write.ts'

/** What a cache may have, in bytes: the evidence of some 20,000 packages, and what was proven of as many. */
export const MAX_BYTES = 512 << 20
const DAY = 86_400_000

/** The folders of a cache that grow. */
const FOLDERS = ['evidence', 'proofs', 'derived', 'facts']

/**
 * Takes away what was written first, until the cache is small enough; looked at once a day. What is gone is fetched or
 * verified again. Never throws: several may do so at once, and a file that is gone is gone.
 */
export async function prune(cache: string, now: Date, maxBytes: number = MAX_BYTES): Promise<void> {
  const marker = path.join(cache, 'pruned')
  try {
    const last = await lstat(marker).catch(() => undefined)
    if (last !== undefined && Math.abs(now.getTime() - last.mtimeMs) < DAY) return
    makeFolder(cache, 0o700)
    // In the place of a link, and not through it: a cache may come from elsewhere.
    await replaceFile(marker, '', 0o600)
    const files = (await Promise.all(FOLDERS.map((folder) => filesIn(path.join(cache, folder))))).flat()
    files.sort((a, b) => a.time - b.time)
    let size = files.reduce((sum, file) => sum + file.size, 0)
    if (size <= maxBytes) return
    for (const file of files) {
      // Some of it, so that the next document does not bring all of this about again.
      if (size <= maxBytes * 0.8) return
      await rm(file.path, { force: true }).catch(() => {})
      size -= file.size
    }
  } catch {}
}

interface File {
  readonly path: string
  readonly size: number
  readonly time: number
}

/** What the gate gives its files as names, also before they are whole. Whatever else lies there is somebody's. */
const OURS = /^[0-9a-f]{64}(?:\.json|\.txt)?(?:\.[0-9a-f-]{36}\.tmp)?$/

/** Follows no link. */
async function filesIn(folder: string): Promise<readonly File[]> {
  const isFolder = await lstat(folder).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
  if (!isFolder) return []
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const found: File[] = []
  for (const entry of entries) {
    const file = path.join(folder, entry.name)
    if (entry.isDirectory()) found.push(...(await filesIn(file)))
    const stats = entry.isFile() && OURS.test(entry.name) ? await lstat(file).catch(() => undefined) : undefined
    // What takes no room but its name, counts as what a file system gives it.
    if (stats !== undefined) found.push({ path: file, size: Math.max(stats.size, 4_096), time: stats.mtimeMs })
  }
  return found
}
