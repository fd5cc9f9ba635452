import { posix } from 'node:path'
import type { Transform } from 'node:stream'
import { createGunzip, createInflate, createZstdDecompress } from 'node:zlib'
import { Header, Parser, type ReadEntry } from 'tar'
import { field, isPlain } from '../lockfile/record.ts'
import { atMost, type Spooled } from './body.ts'
import { type Dependency, dependenciesOf, INSTALLED } from './metadata.ts'

/** What the manifests in a tarball call it. Whatever unpacks it takes one of them. */
export interface Named {
  readonly name: string
  readonly version: string
  /** What it brings: of what comes from a URL or a repository, package managers read that here. */
  readonly dependencies: readonly Dependency[]
}

/**
 * Whether that is the beginning of something that package managers unpack: a tar, as old as it may be, or anything that one of
 * them decompresses without being told: gzip, zstd (npm), zlib (yarn classic).
 */
export function isArchive(start: Buffer): boolean {
  return decompressorOf(start) !== undefined || isTar(start)
}

/** As many bytes as `isArchive` has to see. */
export const ARCHIVE_HEADER = 512

function decompressorOf(start: Buffer): (() => Transform) | undefined {
  if (start[0] === 0x1f && start[1] === 0x8b) return createGunzip
  if (start.subarray(0, 4).equals(Buffer.of(0x28, 0xb5, 0x2f, 0xfd))) return createZstdDecompress
  const isZlib = start.length >= 2 && (start.readUInt8(0) & 0x8f) === 0x08 && start.readUInt16BE(0) % 31 === 0
  return isZlib ? createInflate : undefined
}

/** By the sum of its header, which older ones have as well; the word `ustar` they have not. */
function isTar(start: Buffer): boolean {
  if (start.subarray(257, 262).equals(Buffer.from('ustar'))) return true
  return start.length >= ARCHIVE_HEADER && new Header(start).cksumValid
}

/** Whoever unpacks it takes away the first folder, and what stands for none, in an order of their own. */
function isManifest(path: string): boolean {
  const pieces = path.split(/[\\/]/)
  const ways = [pieces.slice(1), pieces.filter((piece) => piece !== '' && piece !== '.').slice(1)]
  return ways.some((way) => /^\/*package\.json$/i.test(posix.normalize(way.join('/'))))
}

/** One that has more manifests than that is made to cost something. */
const MANIFESTS = 100

const MANIFEST = 1 << 20

/**
 * All that an archive is called by the manifests at the place where package managers look, one folder deep; empty where it
 * is no package. A manifest that cannot be read has empty names, which no rule allows by accident.
 *
 * @param limit of what it unpacks to
 * @throws Error where it cannot be unpacked, or not within the limit: nobody knows what is in it
 */
export async function namesIn(archive: Pick<Spooled, 'start' | 'read'>, limit: number): Promise<readonly Named[]> {
  const names: Named[] = []
  const parser = new Parser({
    strict: false,
    // It is unpacked before, within a limit.
    gzip: false,
    brotli: false,
    zstd: false,
    onReadEntry: (entry: ReadEntry) => {
      if (names.length > MANIFESTS || !isManifest(entry.path)) {
        entry.resume()
        return
      }
      const chunks: Buffer[] = []
      let size = 0
      entry.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size <= MANIFEST) chunks.push(chunk)
      })
      entry.on('end', () => names.push(size <= MANIFEST ? named(Buffer.concat(chunks)) : UNREADABLE))
    },
  })
  const failed = new Promise<never>((_, reject) => {
    parser.on('error', reject)
  })
  failed.catch(() => {})
  const body = archive.read()
  const gunzip = decompressorOf(archive.start)?.()
  body.on('error', (error) => gunzip?.destroy(error))
  const unpacked: AsyncIterable<Buffer> = gunzip === undefined ? body : body.pipe(gunzip)
  const fed = (async () => {
    for await (const chunk of atMost(unpacked, limit)) {
      if (!parser.write(chunk)) await new Promise((resolve) => parser.once('drain', resolve))
    }
    const ended = new Promise((resolve) => parser.once('end', resolve))
    parser.end()
    await ended
    if (names.length > MANIFESTS) throw new Error(`more than ${MANIFESTS} manifests`)
  })()
  try {
    await Promise.race([fed, failed])
  } finally {
    body.destroy()
  }
  return names
}

export const UNREADABLE: Named = { name: '', version: '', dependencies: [] }

function named(text: Buffer): Named {
  try {
    const manifest: unknown = JSON.parse(text.toString('utf8').replace(/^\uFEFF/, ''))
    if (!isPlain(manifest)) return UNREADABLE
    const [name, version] = [field(manifest, 'name'), field(manifest, 'version')]
    const dependencies = dependenciesOf(manifest, INSTALLED)
    return {
      name: typeof name === 'string' ? name : '',
      version: typeof version === 'string' ? version : '',
      dependencies,
    }
  } catch {
    return UNREADABLE
  }
}
