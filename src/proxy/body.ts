import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import path from 'node:path'
import { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { BadGateway } from './errors.ts'

/** The time that a download may take: `signal` says that it is over, `alive` that something came. */
export interface Patience {
  readonly signal: AbortSignal
  alive(): void
  /** From now on it may take as long as it likes, as long as something comes. */
  extend(): void
  /** Nobody waits for it any more. */
  stop(): void
}

export function patience({ stall, total }: { readonly stall: number; readonly total: number }): Patience {
  const controller = new AbortController()
  // What is aborted already stays as it is.
  const end = (what: string) => () => controller.abort(new BadGateway(what))
  const whole = setTimeout(end(`not complete after ${total / 1000} s`), total)
  const silence = setTimeout(end(`nothing came for ${stall / 1000} s`), stall)
  return {
    signal: controller.signal,
    alive: () => silence.refresh(),
    extend: () => clearTimeout(whole),
    stop: () => {
      clearTimeout(whole)
      clearTimeout(silence)
      end('whoever asked has left')()
    },
  }
}

/** What a server sends, unpacked, as it comes. @throws BadGateway where it breaks off, or takes too long */
export async function* bodyOf(response: IncomingMessage, { signal, alive }: Patience): AsyncGenerator<Buffer> {
  const abort = () => response.destroy(signal.reason as Error)
  signal.addEventListener('abort', abort, { once: true })
  response.on('data', alive)
  try {
    yield* joined(decoded(response))
    if (!response.complete) throw new BadGateway('the connection ended before the answer was complete')
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (error instanceof BadGateway) throw error
    const { code, message } = error as NodeJS.ErrnoException
    throw new BadGateway(code?.startsWith('Z_') ? 'its encoding is broken' : message)
  } finally {
    signal.removeEventListener('abort', abort)
    response.destroy()
  }
}

const PIECE = 1 << 16

/** In pieces of some size: a server may send one byte at a time, and each would be kept as an object of its own. */
async function* joined(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let piece = Buffer.alloc(PIECE)
  let length = 0
  for await (const chunk of body) {
    for (let from = 0; from < chunk.length; ) {
      const copied = chunk.copy(piece, length, from)
      from += copied
      length += copied
      if (length < PIECE) continue
      yield piece
      piece = Buffer.alloc(PIECE)
      length = 0
    }
  }
  if (length > 0) yield piece.subarray(0, length)
}

function decoded(response: IncomingMessage): AsyncIterable<Buffer> {
  const encoding = response.headers['content-encoding']?.trim().toLowerCase() ?? ''
  if (encoding === '' || encoding === 'identity') return response
  const decoder = DECODERS.get(encoding)?.()
  if (decoder === undefined) throw new BadGateway('a content-encoding that was not asked for')
  response.on('error', (error) => decoder.destroy(error))
  return response.pipe(decoder)
}

/** A server chooses the name: `constructor` is one of every object. */
const DECODERS: ReadonlyMap<string, () => ReturnType<typeof createGunzip>> = new Map([
  ['x-gzip', createGunzip],
  ['gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
])

/** The beginning of a body, and all of it: `enough` says when the beginning tells what it is. */
export async function peek(
  body: AsyncGenerator<Buffer>,
  enough: (start: Buffer) => boolean,
): Promise<{ readonly start: Buffer; readonly whole: AsyncGenerator<Buffer> }> {
  let start: Buffer = Buffer.alloc(0)
  while (!enough(start)) {
    const { value, done } = await body.next()
    if (done) break
    start = Buffer.concat([start, value])
  }
  return {
    start,
    whole: (async function* () {
      if (start.length > 0) yield start
      yield* body
    })(),
  }
}

/** @throws BadGateway where it has more bytes */
export async function* atMost(body: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > size) throw new BadGateway(`it has more than ${size} bytes`)
    yield chunk
  }
}

/** A body that came whole, and is kept until somebody has decided about it. */
export interface Spooled {
  /** The first bytes, some. */
  readonly start: Buffer
  readonly size: number
  /** From the beginning, each time. */
  read(): Readable
  discard(): Promise<void>
}

export interface Digested {
  /** Subresource Integrity in every algorithm that a package manager may look for; sha512 first. */
  readonly digests: readonly [string, ...string[]]
}

const ALGORITHMS = ['sha512', 'sha384', 'sha256', 'sha1', 'md5']

/** Larger ones are kept in files. */
const IN_MEMORY = 1 << 20

export async function spool(body: AsyncIterable<Buffer>, folder: string): Promise<Spooled & Digested> {
  const hashes = ALGORITHMS.map((name) => ({ name, hash: createHash(name) }))
  const kept = await keep(
    (async function* () {
      for await (const chunk of body) {
        for (const { hash } of hashes) hash.update(chunk)
        yield chunk
      }
    })(),
    folder,
  )
  const digests = hashes.map(({ name, hash }) => `${name}-${hash.digest('base64')}`) as [string, ...string[]]
  return { ...kept, digests }
}

export async function keep(body: AsyncIterable<Buffer>, folder: string): Promise<Spooled> {
  const chunks: Buffer[] = []
  const file = path.join(folder, randomBytes(16).toString('hex'))
  let handle: FileHandle | undefined
  let size = 0
  let start: Buffer = Buffer.alloc(0)
  try {
    for await (const chunk of body) {
      if (size === 0) start = chunk.subarray(0, 16)
      size += chunk.length
      if (handle === undefined) {
        chunks.push(chunk)
        if (size <= IN_MEMORY) continue
        handle = await open(file, 'wx', 0o600)
        for (const one of chunks.splice(0)) await handle.appendFile(one)
      } else await handle.appendFile(chunk)
    }
  } catch (error) {
    await rm(file, { force: true })
    throw error
  } finally {
    await handle?.close()
  }
  const isFile = handle !== undefined
  return {
    ...{ start, size },
    read: () => (isFile ? createReadStream(file) : Readable.from(chunks)),
    discard: () => rm(file, { force: true }),
  }
}
