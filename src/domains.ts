/** The trust domain of Sigstore's public good, or of what takes its place; it is meant where none is named. */
export const DEFAULT_DOMAIN = 'sigstore'

/** That of GitHub's own authorities: releases, and attestations of private repositories. */
export const GITHUB_DOMAIN = 'github'

/**
 * Who signs for GitHub's immutable releases: the subject alternative name of its certificates. They name no issuer, for nobody
 * has logged in: GitHub's own service vouches for the release, and so it stands where a build's issuer does.
 */
export const GITHUB_RELEASES = 'https://dotcom.releases.github.com'
