import { createGunzip } from 'node:zlib'
import { Parser, type ReadEntry } from 'tar'
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

/** Whether that is the beginning of something that package managers unpack: gzip, or a tar that is not compressed. */
export function isArchive(start: Buffer): boolean {
  return (start[0] === 0x1f && start[1] === 0x8b) || start.subarray(257, 262).equals(Buffer.from('ustar'))
}

/** As many bytes as `isArchive` has to see. */
export const ARCHIVE_HEADER = 262

const MANIFEST = 1 << 20

/**
 * All that an archive is called by the manifests at the place where package managers look, one folder deep; empty where it
 * is no package. A manifest that cannot be read has empty names, which no rule allows by accident.
 *
 * @param limit of what it unpacks to
 * @throws Error where it cannot be unpacked, or not within the limit: nobody knows what is in it
 */
export async function namesIn(archive: Spooled, limit: number): Promise<readonly Named[]> {
  const names: Named[] = []
  const parser = new Parser({
    strict: false,
    // It is unpacked before, within a limit.
    gzip: false,
    brotli: false,
    onReadEntry: (entry: ReadEntry) => {
      if (!/^[^/]+\/+package\.json$/.test(entry.path.replace(/^(?:\.?\/)+/, ''))) {
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
  const gunzip = archive.start[0] === 0x1f ? createGunzip() : undefined
  body.on('error', (error) => gunzip?.destroy(error))
  const unpacked: AsyncIterable<Buffer> = gunzip === undefined ? body : body.pipe(gunzip)
  const fed = (async () => {
    for await (const chunk of atMost(unpacked, limit)) {
      if (!parser.write(chunk)) await new Promise((resolve) => parser.once('drain', resolve))
    }
    const ended = new Promise((resolve) => parser.once('end', resolve))
    parser.end()
    await ended
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
