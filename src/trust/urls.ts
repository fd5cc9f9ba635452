/** The TUF repository of Sigstore's public good instance. */
export const PUBLIC_URL = 'https://tuf-repo-cdn.sigstore.dev'

/** GitHub's. */
export const GITHUB_URL = 'https://tuf-repo.github.com'
