import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'

/** Why a file could not be read; an absent file is no problem. */
export type FileProblem = 'folder' | 'special' | 'large' | 'unreadable'

/** What is wrong with a file. The message is a clause for people, such as `is a folder`; the caller names the file. */
export class FileError extends Error {
  override readonly name = 'FileError'
  readonly problem: FileProblem
  /** The code of the system's error, such as `EACCES`, where there is one. */
  readonly code: string | undefined

  constructor(problem: FileProblem, message: string, cause?: unknown) {
    super(message, { cause })
    this.problem = problem
    this.code = codeOf(cause)
  }
}

/**
 * The bytes of a regular file of at most `maxBytes` bytes, links followed; undefined where there is no file.
 *
 * A repository can put a link to a pipe, a terminal or an endless device in the place of any file. So the kind is looked at
 * before opening and once more afterwards, opening never waits (`O_NONBLOCK`), and no more than the bound is read,
 * whatever size the system tells: files in `/proc` tell 0.
 *
 * @throws FileError
 */
export function readBoundedFileSync(file: string, maxBytes: number): Buffer | undefined {
  let descriptor: number | undefined
  try {
    refuseKind(statSync(file), maxBytes)
    descriptor = openSync(file, FLAGS)
    refuseKind(fstatSync(descriptor), maxBytes)
    const chunks: Buffer[] = []
    let total = 0
    while (true) {
      const chunk = Buffer.allocUnsafe(CHUNK)
      const count = readSync(descriptor, chunk, 0, CHUNK, null)
      if (count === 0) return Buffer.concat(chunks, total)
      total += count
      if (total > maxBytes) throw tooLarge(maxBytes)
      chunks.push(chunk.subarray(0, count))
    }
  } catch (error) {
    return absentOrThrow(error)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** The same without blocking. @throws FileError */
export async function readBoundedFile(file: string, maxBytes: number): Promise<Buffer | undefined> {
  try {
    refuseKind(await stat(file), maxBytes)
    await using handle = await open(file, FLAGS)
    refuseKind(await handle.stat(), maxBytes)
    const chunks: Buffer[] = []
    let total = 0
    while (true) {
      const chunk = Buffer.allocUnsafe(CHUNK)
      const { bytesRead } = await handle.read(chunk, 0, CHUNK, null)
      if (bytesRead === 0) return Buffer.concat(chunks, total)
      total += bytesRead
      if (total > maxBytes) throw tooLarge(maxBytes)
      chunks.push(chunk.subarray(0, bytesRead))
    }
  } catch (error) {
    return absentOrThrow(error)
  }
}

const CHUNK = 64 * 1024

/** Windows has neither of the two others, and no pipes among files. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0)

function refuseKind(stats: Stats, maxBytes: number): void {
  if (stats.isDirectory()) throw new FileError('folder', 'is a folder')
  if (!stats.isFile()) throw new FileError('special', 'is not a regular file')
  if (stats.size > maxBytes) throw tooLarge(maxBytes)
}

function tooLarge(maxBytes: number): FileError {
  return new FileError('large', `has more than ${maxBytes} bytes`)
}

function absentOrThrow(error: unknown): undefined {
  if (error instanceof FileError) throw error
  const code = codeOf(error)
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
  throw new FileError('unreadable', `cannot be read (${code ?? String(error)})`, error)
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
