import { githubOrigin, isGitArchive } from '../lockfile/pnpm.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Dependency } from './metadata.ts'

/** A dependency that no registry has, and that does not come through the proxy: git fetches it by itself. */
export type Foreign = LockedPackage

/**
 * The package that an alias gets: `npm:@scope/name@^1.0.0`, or `jsr:@scope/name`, which npm's registry of JSR calls
 * `@jsr/scope__name`. Undefined for everything that is no alias.
 */
export function targetOf({ name, spec }: Dependency): string | undefined {
  const [, scheme = '', rest = ''] = /^(npm|jsr):(.*)$/is.exec(spec.trim()) ?? []
  const target = /^(@[^/@]+\/[^/@]+|[^/@]+)(?:@|$)/.exec(rest)?.[1]
  if (scheme.toLowerCase() !== 'jsr') return target
  const [, scope, base] = /^@([^/]+)\/(.+)$/.exec(target ?? '') ?? /^@([^/]+)\/(.+)$/.exec(name) ?? []
  return base === undefined ? undefined : `@jsr/${scope}__${base}`
}

/**
 * What a dependency on a git repository is, as an entry of a lockfile; undefined where it is none. `owner/name`, which npm
 * takes for GitHub's, is one.
 */
export function foreignOf({ name, spec }: Dependency): Foreign | undefined {
  const text = spec.trim()
  const isGit =
    /^(?:git(?:\+[a-z]+)?:|ssh:|git@|(?:github|gitlab|bitbucket|gist):)/i.test(text) ||
    /^[^@/\s:.~][^/\s:]*\/[^/\s:]+$/.test(text) ||
    /^https?:[^#]*\.git(?:#|$)/i.test(text)
  if (!isGit || isGitArchive(text)) return undefined
  const [repo = '', commit = ''] = text.split('#')
  const github = githubOrigin({ type: 'git', repo: expanded(repo), commit })
  return {
    ...{ name, version: '', integrity: undefined, source: 'git', origin: text },
    ...(github === undefined ? {} : { github }),
    ...{ importers: [], forAnyone: true, key: `${name}@${text}` },
  }
}

/** `owner/name` and `github:owner/name` as the repository's URL. */
function expanded(repo: string): string {
  const [, path] = /^(?:github:)?([^@/\s:]+\/[^/\s:]+)$/i.exec(repo) ?? []
  return path === undefined ? repo : `https://github.com/${path}`
}
