import type { Buffer } from 'node:buffer'
import { type Dist, type Packument, packument, type Release, tarballFile } from './packument.ts'
import type { PackedPackage } from './tarball.ts'

export interface PublishOptions {
  /** The document of the attestation endpoint, of any shape. Without it the endpoint answers 404. */
  readonly attestations?: unknown
  readonly signatures?: NonNullable<Dist['signatures']>
  /** When it was published. Long ago by default: pnpm 11 and 12 refuse what is younger than a day. */
  readonly time?: string
  /** The dist-tag that moves to this version. */
  readonly tag?: string
}

const LONG_AGO = '2020-01-01T00:00:00.000Z'

interface Published {
  readonly releases: Map<string, Release>
  readonly tags: Record<string, string>
}

/** What was published, and what was done to it afterwards. */
export class Store {
  readonly #packages = new Map<string, Published>()

  publish({ bytes, integrity, shasum, manifest }: PackedPackage, options: PublishOptions = {}): void {
    const { name, version } = manifest
    const published: Published = this.#packages.get(name) ?? { releases: new Map(), tags: {} }
    if (published.releases.has(version)) throw new Error(`${name}@${version} has been published before`)
    const { attestations, signatures, time = LONG_AGO, tag = 'latest' } = options
    const dist = { integrity, shasum, ...(signatures === undefined ? {} : { signatures }) }
    published.releases.set(version, { manifest, time, dist, tarball: bytes, attestations })
    published.tags[tag] = version
    published.tags.latest ??= version
    this.#packages.set(name, published)
  }

  change(name: string, version: string, change: (release: Release) => Partial<Release>): void {
    const release = this.release(name, version)
    if (release === undefined) throw new Error(`${name}@${version} has not been published`)
    this.#packages.get(name)?.releases.set(version, { ...release, ...change(release) })
  }

  release(name: string, version: string): Release | undefined {
    return this.#packages.get(name)?.releases.get(version)
  }

  packument(name: string, registryUrl: string): Packument | undefined {
    const published = this.#packages.get(name)
    return published && packument(name, published.releases, published.tags, registryUrl)
  }

  tarball(name: string, file: string): Buffer | undefined {
    const releases = this.#packages.get(name)?.releases ?? new Map<string, Release>()
    return [...releases].find(([version]) => tarballFile(name, version) === file)?.[1].tarball
  }

  clear(): void {
    this.#packages.clear()
  }
}
