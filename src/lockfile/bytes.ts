import { GateError } from '../errors.ts'
import { readGiven } from '../read.ts'

/** The largest known lockfiles have a few megabytes. */
const MAX_BYTES = 64 * 1024 * 1024

/** What a lockfile says. @throws GateError with a sentence for people, where it cannot be read */
export async function readLockfileBytes(file: string): Promise<Uint8Array> {
  const bytes = await readGiven(file, MAX_BYTES)
  if (bytes !== undefined) return bytes
  throw new GateError(`There is no lockfile at ${file}. Write it with your package manager, or name another file.`)
}
