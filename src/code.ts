import packageJson from '../package.json' with { type: 'json' }

declare const SOURCES_DIGEST: string | undefined

/**
 * Which code this is, for what is remembered from one run to the next: it holds for this very code. Two builds may have the
 * same version. `build.ts` puts the digest in.
 */
export const CODE = `${packageJson.version} ${typeof SOURCES_DIGEST === 'undefined' ? 'sources' : SOURCES_DIGEST}`
