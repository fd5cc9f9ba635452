import { basename } from 'node:path'
import { GateError } from '../errors.ts'
import { holdsPolicy, readPolicyText, refuseExecutable } from './file.ts'
import { findPolicy, MANIFEST, MANIFEST_KEY } from './find.ts'
import { parsePolicy } from './parse.ts'
import type { Policy } from './types.ts'

/**
 * Loads the policy of a folder (the lockfile's), or the one that was named. Errors are GateErrors; there is no policy
 * that is used in part, and none that is assumed where the file is absent, empty or wrong.
 */
export async function loadPolicy(options: { readonly folder: string } | { readonly file: string }): Promise<Policy> {
  const file = 'file' in options ? options.file : await findPolicy(options.folder)
  refuseExecutable(file)
  const text = await readPolicyText(file)
  if (basename(file) !== MANIFEST) return parsePolicy(text, file)
  if (!holdsPolicy(text, file, MANIFEST_KEY))
    throw new GateError(
      `${file}: no policy in it, for it has no key "${MANIFEST_KEY}". Add the key, or name another file`,
    )
  return parsePolicy(text, file, MANIFEST_KEY)
}
