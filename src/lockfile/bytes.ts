import { open, stat } from 'node:fs/promises'
import { GateError } from '../errors.ts'

/** The largest known lockfiles have a few megabytes. */
const MAX_BYTES = 64 * 1024 * 1024

/** What stands in a lockfile. @throws GateError with a sentence for people, where it cannot be read */
export async function readLockfileBytes(file: string): Promise<Uint8Array> {
  try {
    // Before it is opened: opening a pipe waits for somebody to write into it.
    const stats = await stat(file)
    if (stats.isDirectory()) throw new GateError(`${file} is a folder. Name the lockfile in it.`)
    if (!stats.isFile()) throw new GateError(`${file} is not a regular file. Name a lockfile.`)
    const handle = await open(file, 'r')
    try {
      const { size } = await handle.stat()
      if (size <= MAX_BYTES) return await handle.readFile()
      throw new GateError(`${file} has ${size} bytes; more than ${MAX_BYTES} is not a lockfile.`)
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof GateError) throw error
    const code = errorCode(error)
    if (code === 'ENOENT') {
      throw new GateError(`There is no lockfile at ${file}. Write it with your package manager, or name another file.`)
    }
    throw new GateError(`${file} cannot be read (${code ?? String(error)}).`, { cause: error })
  }
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
