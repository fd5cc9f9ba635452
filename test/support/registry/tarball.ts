import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { tar } from './tar.ts'

export interface PackageManifest {
  readonly name: string
  readonly version: string
  readonly [field: string]: unknown
}

/** What goes into a package: `files` beside its package.json, everything else into package.json itself. */
export interface PackageSource {
  readonly name: string
  readonly version: string
  readonly files?: Readonly<Record<string, string | Buffer>>
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly [manifestField: string]: unknown
}

export interface PackedPackage {
  readonly bytes: Buffer
  /** sha512, as lockfiles have it. */
  readonly integrity: string
  /** sha1 in hex, as old clients want it. */
  readonly shasum: string
  readonly manifest: PackageManifest
}

/** Packs a real `.tgz`, as `npm pack` would: same source, same bytes. */
export function createTarball({ files = {}, ...manifest }: PackageSource): PackedPackage {
  const entries = new Map<string, Buffer>()
  for (const [path, content] of Object.entries(files)) entries.set(`package/${path}`, Buffer.from(content))
  entries.set('package/package.json', Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`))
  const bytes = gzipSync(tar(entries), { level: 9 })
  // The gzip header names the operating system that packed it; 255 is "unknown", the same everywhere.
  bytes[9] = 255
  return { bytes, ...digests(bytes), manifest }
}

export function digests(bytes: Buffer): { integrity: string; shasum: string } {
  return {
    integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
    shasum: createHash('sha1').update(bytes).digest('hex'),
  }
}
