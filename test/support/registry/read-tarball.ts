import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import pacote from 'pacote'
import { digests, type PackageManifest, type PackedPackage } from './tarball.ts'

/** A `.tgz` that somebody else made, ready to be published here: its bytes are kept, its manifest is read from it. */
export async function readTarball(path: string): Promise<PackedPackage> {
  const bytes = await readFile(path)
  const cache = await mkdtemp(join(tmpdir(), 'read-tarball-'))
  try {
    const { _id, _from, _resolved, _integrity, dist, ...manifest } = await pacote.manifest(`file:${resolve(path)}`, {
      cache,
      fullMetadata: true,
    })
    return { bytes, ...digests(bytes), manifest: manifest as PackageManifest }
  } finally {
    await rm(cache, { recursive: true, force: true })
  }
}
