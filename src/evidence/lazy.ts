import type { EvidenceSource } from './types.ts'

/**
 * A source that is opened when it is asked for the first time: settings are read, and what speaks HTTP is loaded, only
 * where something is not known yet. What `open` throws, every question throws.
 */
export function lazyEvidence(open: () => Promise<EvidenceSource>): EvidenceSource {
  let opened: Promise<EvidenceSource> | undefined
  const source = () => {
    opened ??= open()
    return opened
  }
  const releases = async () => {
    const found = (await source()).releases
    if (found === undefined) throw new TypeError('a source that knows nothing of releases')
    return found
  }
  return {
    attestations: async (...args) => (await source()).attestations(...args),
    signatures: async (...args) => (await source()).signatures(...args),
    releases: {
      release: async (...args) => (await releases()).release(...args),
      sha256: async (...args) => (await releases()).sha256(...args),
    },
  }
}
