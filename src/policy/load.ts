import { lstat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { GateError } from '../errors.ts'
import { holdsPolicy, readPolicyText, refuseExecutable } from './file.ts'
import { findPolicy, MANIFEST, MANIFEST_KEY } from './find.ts'
import { LOCK_NAME, parseLock } from './lock-file.ts'
import { parsePolicy } from './parse.ts'
import type { IdentityLock, Policy } from './types.ts'

/**
 * Loads the policy of a folder (the lockfile's), or the file that was named for it, and the identity lock beside the
 * lockfile where a rule asks for it. Errors are GateErrors; there is no policy that is used in part, and none that is
 * assumed where the file is absent, empty or wrong.
 */
export async function loadPolicy(place: PolicyPlace): Promise<Policy> {
  const policy = await loadFile('file' in place ? place.file : await findPolicy(place.folder))
  if (!policy.rules.some(({ unchanged }) => unchanged)) return policy
  return { ...policy, identities: await loadLock(place.folder ?? dirname(policy.file)) }
}

/** The folder of the lockfile, and the policy's file where it does not lie there. */
export type PolicyPlace = { readonly folder: string } | { readonly file: string; readonly folder?: string }

async function loadFile(file: string): Promise<Policy> {
  refuseExecutable(file)
  const text = await readPolicyText(file)
  if (basename(file) !== MANIFEST) return parsePolicy(text, file)
  if (!holdsPolicy(text, file, MANIFEST_KEY))
    throw new GateError(
      `${file}: no policy in it, for it has no key "${MANIFEST_KEY}". Add the key, or name another file`,
    )
  return parsePolicy(text, file, MANIFEST_KEY)
}

/** @throws GateError where there is none: a rule that asks for it would ask for nothing */
async function loadLock(folder: string): Promise<IdentityLock> {
  const lock = await readLock(folder)
  if (lock !== undefined) return lock
  throw new GateError(
    `${join(folder, LOCK_NAME)}: there is no such file, and a rule with "unchanged" needs it to know who has published what. Run \`provenance-gate accept\`, look at what it writes, and commit it`,
  )
}

/** The identity lock of a folder; undefined where it has none. */
export async function readLock(folder: string): Promise<IdentityLock | undefined> {
  const file = join(folder, LOCK_NAME)
  const isThere = await lstat(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  )
  return isThere ? parseLock(await readPolicyText(file, MAX_LOCK), file) : undefined
}

/** Some hundred bytes a package. */
const MAX_LOCK = 16 * 1024 * 1024
