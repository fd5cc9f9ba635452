import { GITHUB_DOMAIN } from '../domains.ts'
import type { Thresholds } from '../verify/types.ts'

/** As Sigstore's public good demands. Where a log has signed the time of an entry, no other timestamp is needed. */
const PUBLIC_GOOD: Thresholds = { logEntries: 1, certificateTimestamps: 1, signedTimestamps: 0 }

/** GitHub's own authorities have no logs. Their timestamp authority says when it was signed. */
const GITHUB: Thresholds = { logEntries: 0, certificateTimestamps: 0, signedTimestamps: 1 }

/** What a policy does not say of a domain is as in the public good. */
export function thresholdsOf(name: string, own: Partial<Thresholds> = {}): Thresholds {
  return { ...(name === GITHUB_DOMAIN ? GITHUB : PUBLIC_GOOD), ...own }
}
