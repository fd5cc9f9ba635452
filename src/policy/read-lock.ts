import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { GateError } from '../errors.ts'
import { withoutQuotes } from '../read.ts'
import type { Examined } from './accept.ts'
import { readPolicyText } from './file.ts'
import { LOCK_NAME } from './names.ts'
import { always, type Once } from './once.ts'
import { fromPlainLock, type PlainLock } from './plain.ts'
import type { IdentityLock } from './types.ts'

/** @throws GateError where there is none: a rule that asks for it would ask for nothing */
export async function loadLock(folder: string, once: Once): Promise<IdentityLock> {
  const lock = await readLock(folder, once)
  if (lock !== undefined) return lock
  throw new GateError(
    `${join(folder, LOCK_NAME)}: there is no such file, and a rule with "unchanged" needs it to know who has published what. Run \`provenance-gate accept\`, look at what it writes, and commit it`,
  )
}

/** The identity lock of a folder; undefined where it has none. */
export async function readLock(folder: string, once: Once = always): Promise<IdentityLock | undefined> {
  const file = join(folder, LOCK_NAME)
  const text = await lockText(file)
  if (text === undefined) return undefined
  const lock = await once(['identity lock, form 2', file], text, async (): Promise<PlainLock> => {
    const { parseLock } = await import('./lock-file.ts')
    return [...(await withoutQuotes(file, () => parseLock(text, file)))]
  })
  return fromPlainLock(lock)
}

/** What `accept` reads: also the form of earlier versions. */
export interface AnyLock {
  readonly isOld: boolean
  /** Undefined where there is none. The earlier form says what it means together with what a lockfile has. */
  lock(examined: readonly Examined[]): IdentityLock | undefined
}

export async function readAnyLock(folder: string): Promise<AnyLock> {
  const file = join(folder, LOCK_NAME)
  const text = await lockText(file)
  if (text === undefined) return { isOld: false, lock: () => undefined }
  return withoutQuotes(file, async () => {
    const { lockOf, openLock } = await import('./lock-file.ts')
    const { document, isOld } = openLock(text, file)
    if (!isOld) {
      const lock = lockOf(document)
      return { isOld, lock: () => lock }
    }
    const { fromOldLock, parseOldLock } = await import('./lock-v1.ts')
    const old = parseOldLock(document)
    return { isOld, lock: (examined) => fromOldLock(old, examined) }
  })
}

/** The identity lock of the protected branch. @throws GateError */
export async function readBaseLock(file: string): Promise<IdentityLock> {
  const text = await lockText(file)
  if (text === undefined)
    throw new GateError(
      `--base-lock ${file}: there is no such file, so nothing says what the change may not take away. Correct the path; where the protected branch has no identity lock yet, leave the option out, or commit one there that says "version: 2" and "packages: {}"`,
    )
  const { parseLock } = await import('./lock-file.ts')
  return withoutQuotes(file, () => parseLock(text, file))
}

/** Undefined where there is no such file. */
async function lockText(file: string): Promise<string | undefined> {
  const isThere = await lstat(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  )
  return isThere ? readPolicyText(file, MAX_LOCK, 'the identity lock') : undefined
}

/** Some hundred bytes a package: thousands of proven ones, and still read in seconds. */
const MAX_LOCK = 4 * 1024 * 1024
