import seeds from '@sigstore/tuf/seeds.json' with { type: 'json' }

/** The TUF repository of Sigstore's public good instance. */
export const PUBLIC_URL = 'https://tuf-repo-cdn.sigstore.dev'

/** Its root and targets, as `@sigstore/tuf` ships them: so the first run needs no network for its trust root. */
export const SEED = seeds[PUBLIC_URL]

/** The names of targets, in any repository. */
export const TRUSTED_ROOT = 'trusted_root.json'
export const NPM_KEYS = 'registry.npmjs.org/keys.json'
