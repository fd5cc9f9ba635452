import { randomUUID } from 'node:crypto'
import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { readBoundedFileSync } from '../util/files.ts'
import { makeFolder } from '../util/folders.ts'
import { keyOnce } from './key.ts'
import type { Places } from './places.ts'
import { sealed, sealedName, unsealed } from './sealed.ts'

/*
 * Receipts of installs, one for each project folder, beside the key and signed with it. Synchronous, for the last one of an
 * install is written while the process ends.
 */

/** The receipts of this user on this machine. */
export interface Receipts {
  /** What was written of a folder; undefined where nothing was, or where it was not written here, with this key, about it. */
  read(folder: string): unknown
  /** @throws an Error where it cannot be written */
  write(folder: string, receipt: unknown): void
}

/** As a lockfile with all of its packages. */
const MAX_BYTES = 64 << 20

/** Undefined where this user has no key that others could not have read or made. Never throws. */
export async function openReceipts(places: Places): Promise<Receipts | undefined> {
  const { keyFile } = places
  const key = await keyOnce(places)()
  if (key === undefined || keyFile === undefined) return undefined
  const instance = fileInstance(keyFile)
  // Also about this copy of the key: a backup or a cache that brings key and receipts along brings other files.
  const aboutOf = (folder: string) => ['receipt', folder, instance]
  const fileOf = (folder: string) =>
    path.join(path.dirname(keyFile), 'receipts', `${sealedName(key, ['receipt', folder])}.json`)
  return {
    read: (folder) => {
      try {
        const bytes = readBoundedFileSync(fileOf(folder), MAX_BYTES)
        const text = bytes && unsealed(bytes, key, aboutOf(folder))
        return text === undefined ? undefined : (JSON.parse(text) as unknown)
      } catch {
        return undefined
      }
    },
    write: (folder, receipt) => {
      const file = fileOf(folder)
      const temporary = `${file}.${randomUUID()}.tmp`
      makeFolder(path.dirname(file), 0o700)
      try {
        writeFileSync(temporary, sealed(key, aboutOf(folder), JSON.stringify(receipt)), { flag: 'wx', mode: 0o600 })
        renameSync(temporary, file)
      } catch (error) {
        rmSync(temporary, { force: true })
        throw error
      }
    },
  }
}

function fileInstance(file: string): string {
  const { ino, birthtimeNs } = statSync(file, { bigint: true })
  return `${ino}:${birthtimeNs}`
}
