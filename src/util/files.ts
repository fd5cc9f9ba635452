import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { devNull } from 'node:os'

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
  return openSyncAnd(file, maxBytes, (descriptor, size) => readSyncToEnd(descriptor, size, maxBytes))
}

/** The same without blocking. @throws FileError */
export async function readBoundedFile(file: string, maxBytes: number): Promise<Buffer | undefined> {
  try {
    await using handle = await openRegular(file, maxBytes)
    const { size } = await handle.stat()
    let buffer = room(size, maxBytes)
    let length = 0
    while (true) {
      const { bytesRead } = await handle.read(buffer, length, Math.min(buffer.length - length, PIECE), null)
      if (bytesRead === 0) return buffer.subarray(0, length)
      length += bytesRead
      buffer = withRoom(buffer, length, maxBytes)
    }
  } catch (error) {
    return absentOrThrow(error)
  }
}

/** The same in pieces, for what is larger than one wants to have in memory. @throws FileError, where it is absent too */
export async function* boundedPieces(file: string, maxBytes: number): AsyncGenerator<Buffer> {
  try {
    await using handle = await openRegular(file, maxBytes)
    let length = 0
    while (true) {
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, null)
      if (bytesRead === 0) return
      length += bytesRead
      if (length > maxBytes) throw tooLarge(maxBytes)
      yield buffer.subarray(0, bytesRead)
    }
  } catch (error) {
    absentOrThrow(error)
    throw new FileError('unreadable', 'is not there', error)
  }
}

/**
 * The same of a file that the user names, and no repository can: the null device is an empty file, and a descriptor of this
 * process (`/dev/fd/63`, of a shell's `<(command)`) is read to its end.
 *
 * @throws FileError
 */
export function readUserFileSync(file: string, maxBytes: number): Buffer | undefined {
  if (isNullDevice(file)) return Buffer.alloc(0)
  if (!DESCRIPTOR.test(file)) return readBoundedFileSync(file, maxBytes)
  const known = drained.get(file)
  if (known !== undefined) return known
  try {
    if (!statSync(file).isFIFO()) return readBoundedFileSync(file, maxBytes)
    const descriptor = openSync(file, constants.O_RDONLY)
    try {
      const bytes = readSyncToEnd(descriptor, 0, maxBytes)
      drained.set(file, bytes)
      return bytes
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    return absentOrThrow(error)
  }
}

/** What came out of descriptors: a second look would find nothing. */
const drained = new Map<string, Buffer>()
const DESCRIPTOR = /^\/(?:dev|proc\/self)\/fd\/\d{1,9}$/

function isNullDevice(file: string): boolean {
  if (file === devNull) return true
  if (process.platform === 'win32') return /^(?:.*[\\/])?nul$/i.test(file)
  try {
    const [found, empty] = [statSync(file), statSync(devNull)]
    return found.isCharacterDevice() && empty.isCharacterDevice() && found.rdev === empty.rdev
  } catch {
    return false
  }
}

const CHUNK = 64 * 1024
/** One reading of the system cannot be for more than 2 GB. */
const PIECE = 1 << 30

/** Windows has neither of the two others, and no pipes among files. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0)

async function openRegular(file: string, maxBytes: number): Promise<FileHandle> {
  refuseKind(await stat(file), maxBytes)
  const handle = await open(file, FLAGS)
  try {
    refuseKind(await handle.stat(), maxBytes)
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

function openSyncAnd<T>(file: string, maxBytes: number, read: (descriptor: number, size: number) => T): T | undefined {
  let descriptor: number | undefined
  try {
    refuseKind(statSync(file), maxBytes)
    descriptor = openSync(file, FLAGS)
    const stats = fstatSync(descriptor)
    refuseKind(stats, maxBytes)
    return read(descriptor, stats.size)
  } catch (error) {
    return absentOrThrow(error)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

function readSyncToEnd(descriptor: number, size: number, maxBytes: number): Buffer {
  let buffer = room(size, maxBytes)
  let length = 0
  while (true) {
    const count = readSync(descriptor, buffer, length, Math.min(buffer.length - length, PIECE), null)
    if (count === 0) return buffer.subarray(0, length)
    length += count
    buffer = withRoom(buffer, length, maxBytes)
  }
}

/** For a byte more than the file should have: by it is seen that it has more. */
function room(size: number, maxBytes: number): Buffer {
  return Buffer.allocUnsafe(Math.min(size === 0 ? CHUNK : size, maxBytes) + 1)
}

function withRoom(buffer: Buffer, length: number, maxBytes: number): Buffer {
  if (length > maxBytes) throw tooLarge(maxBytes)
  if (length < buffer.length) return buffer
  const larger = Buffer.allocUnsafe(Math.min(buffer.length * 2, maxBytes + 1))
  buffer.copy(larger)
  return larger
}

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
