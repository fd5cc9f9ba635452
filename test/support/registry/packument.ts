import type { Buffer } from 'node:buffer'
import type { PackageManifest } from './tarball.ts'

/** What metadata says of a version's tarball. A field that is set to undefined is left out of what is served. */
export interface Dist {
  readonly integrity?: string | undefined
  readonly shasum?: string | undefined
  readonly tarball?: string | undefined
  readonly signatures?: readonly { readonly keyid: string; readonly sig: string }[] | undefined
  readonly [field: string]: unknown
}

/** One published version. `dist` is what metadata claims of it, `tarball` what is really served: tests make them differ. */
export interface Release {
  readonly manifest: PackageManifest
  readonly time: string
  readonly dist: Dist
  readonly tarball: Buffer
  readonly attestations: unknown
}

export interface Packument {
  readonly name: string
  readonly 'dist-tags': Readonly<Record<string, string>>
  readonly versions: Readonly<Record<string, PackageManifest & { readonly dist: Dist }>>
  readonly time?: Readonly<Record<string, string>>
}

/** Full metadata of a package, as registries answer for `application/json`. */
export function packument(
  name: string,
  releases: ReadonlyMap<string, Release>,
  tags: Readonly<Record<string, string>>,
  registryUrl: string,
): Packument {
  const times = [...releases.values()].map(({ time }) => time).sort()
  return {
    name,
    'dist-tags': tags,
    versions: Object.fromEntries(
      [...releases].map(([version, { manifest, dist, attestations }]) => [
        version,
        { ...manifest, dist: withLinks(name, version, dist, attestations, registryUrl) },
      ]),
    ),
    time: {
      created: times.at(0) ?? '',
      modified: times.at(-1) ?? '',
      ...Object.fromEntries([...releases].map(([version, { time }]) => [version, time])),
    },
  }
}

/** Adds what only the serving registry knows: where the tarball is, and whether there are attestations. */
export function withLinks(name: string, version: string, dist: Dist, attestations: unknown, registryUrl: string): Dist {
  const links = {
    tarball: `${registryUrl}${name}/-/${tarballFile(name, version)}`,
    ...(attestations === undefined ? {} : { attestations: attestationsLink(name, version, attestations, registryUrl) }),
  }
  return { ...links, ...dist }
}

export function tarballFile(name: string, version: string): string {
  return `${name.slice(name.indexOf('/') + 1)}-${version}.tgz`
}

function attestationsLink(name: string, version: string, document: unknown, registryUrl: string): object {
  const predicateType = predicateTypes(document).find((type) => type.startsWith('https://slsa.dev/provenance/'))
  return {
    url: `${registryUrl}-/npm/v1/attestations/${name.replace('/', '%2f')}@${version}`,
    ...(predicateType === undefined ? {} : { provenance: { predicateType } }),
  }
}

/** Tests serve documents of any shape, broken ones too, so nothing is taken for granted here. */
function predicateTypes(document: unknown): string[] {
  const { attestations } = (document ?? {}) as { attestations?: unknown }
  if (!Array.isArray(attestations)) return []
  return attestations.flatMap((attestation: unknown) => {
    const { predicateType } = (attestation ?? {}) as { predicateType?: unknown }
    return typeof predicateType === 'string' ? [predicateType] : []
  })
}

const ABBREVIATED_FIELDS = [
  'name',
  'version',
  'deprecated',
  'dependencies',
  'optionalDependencies',
  'devDependencies',
  'bundleDependencies',
  'peerDependencies',
  'peerDependenciesMeta',
  'bin',
  'directories',
  'dist',
  'engines',
  'cpu',
  'os',
  'libc',
  'funding',
  '_npmUser',
]
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall']

/**
 * The form for `application/vnd.npm.install-v1+json`: no scripts, no readme, and one time only. Clients with a
 * minimum release age look at `modified` first, and ask for the full form when that is too recent.
 */
export function abbreviate(full: Packument): object {
  return {
    name: full.name,
    ...(full.time === undefined ? {} : { modified: full.time.modified }),
    'dist-tags': full['dist-tags'],
    versions: Object.fromEntries(
      Object.entries(full.versions).map(([version, manifest]) => [version, abbreviateManifest(manifest)]),
    ),
  }
}

function abbreviateManifest(manifest: PackageManifest): object {
  const scripts = (manifest.scripts ?? {}) as Record<string, unknown>
  return {
    ...Object.fromEntries(ABBREVIATED_FIELDS.filter((key) => key in manifest).map((key) => [key, manifest[key]])),
    ...(INSTALL_SCRIPTS.some((name) => name in scripts) ? { hasInstallScript: true } : {}),
  }
}
