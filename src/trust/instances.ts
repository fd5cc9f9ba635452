import seeds from '@sigstore/tuf/seeds.json' with { type: 'json' }
import type { TufRepository } from './tuf.ts'
import { GITHUB_URL, PUBLIC_URL } from './urls.ts'

/** Its root and targets, as `@sigstore/tuf` ships them: so the first run needs no network for its trust root. */
export const SEED = seeds[PUBLIC_URL]

const ROOT = Buffer.from(SEED['root.json'], 'base64')

/** When that root is over. The targets beside it have no other end. */
export const SEED_EXPIRES = new Date(
  (JSON.parse(ROOT.toString('utf8')) as { signed: { expires: string } }).signed.expires,
)

export const PUBLIC_GOOD: TufRepository = { url: PUBLIC_URL, pinned: ROOT }

/** GitHub's, known by the digest of the root that its command line tool starts from, for no package ships it. */
export const GITHUB: TufRepository = {
  url: GITHUB_URL,
  pinned: { version: 3, sha256: '98cba97be9075bc98b2322de3de85fbd1b70ec7392991dfd2f53d215bede1a8d' },
}

/** The names of targets, in any repository. */
export const TRUSTED_ROOT = 'trusted_root.json'
export const NPM_KEYS = 'registry.npmjs.org/keys.json'
