import { assetDigests } from './assets.ts'
import { openFacts } from './facts.ts'
import { githubReleases, githubToken } from './github.ts'
import { type Mirror, networkEvidence } from './mirror.ts'
import type { Places } from './places.ts'
import type { RegistrySettings } from './settings.ts'
import type { EvidenceSource, ReleaseSource } from './types.ts'

/** Everything that can be asked over the network: the registry or its mirror, and GitHub for its releases. */
export function openNetwork(settings: RegistrySettings, mirror: Mirror | undefined, places: Places): EvidenceSource {
  const release = githubReleases(settings, githubToken(process.env))
  return { ...networkEvidence(settings, mirror), releases: { release, sha256: openAssets(settings, places) } }
}

/** The digests of assets, remembered where this user's facts are. `offline`: only those. */
export function openAssets(settings: RegistrySettings, places: Places, offline?: boolean): ReleaseSource['sha256'] {
  return assetDigests(settings, openFacts(places), offline)
}
