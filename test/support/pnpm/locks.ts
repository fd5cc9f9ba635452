import { createHash } from 'node:crypto'
import { join } from 'node:path'

const LAYOUT = 'v11'

/**
 * pnpm 12 leaves an empty lock file per store in a folder of /tmp, whatever TMPDIR says. The folder is shared with
 * every other pnpm of this user; the file, named after the store's path, is ours alone.
 */
export function storeLocks(): string {
  return `/tmp/pnpm-store-operation-locks-${process.getuid?.() ?? ''}`
}

export function storeLock(storeDir: string): string {
  return join(storeLocks(), `${createHash('sha256').update(join(storeDir, LAYOUT)).digest('hex')}.lock`)
}
