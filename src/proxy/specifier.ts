import { githubOrigin, isGitArchive } from '../lockfile/pnpm.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Dependency } from './metadata.ts'

/** A dependency that no registry has, and that does not come through the proxy: git fetches it by itself. */
export type Foreign = LockedPackage

/** Whether the package manager takes a folder of that name for what is asked for, although it looks like a tag. */
export type FolderOfTag = (spec: string) => boolean

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
 * What a dependency is that comes neither from a registry nor from a URL through the proxy, as an entry of a lockfile;
 * undefined where it does. Package managers know many ways to say "git" or "folder", and find new ones: whatever is not
 * known to be something else is foreign. A folder is one, too: `file:./x` of a package is a part of it under another name.
 */
export function foreignOf({ name, spec }: Dependency, isFolderOfTag: FolderOfTag): Foreign | undefined {
  const text = spec.trim()
  const source = isFolderOfTag(text) ? 'directory' : sourceOf(text)
  if (source === undefined) return undefined
  const [repo = '', commit = ''] = text.split('#')
  const github = source === 'git' ? githubOrigin({ type: 'git', repo: expanded(repo), commit }) : undefined
  return {
    ...{ name, version: '', integrity: undefined, source, origin: text },
    ...(github === undefined ? {} : { github }),
    ...{ importers: [], forAnyone: true, key: `${name}@${text}` },
  }
}

function sourceOf(text: string): 'git' | 'directory' | undefined {
  // A file in the folder of whoever asks, also where nothing says so but its name.
  if (/\.(?:tgz|tar\.gz|tar)$/i.test(text) && !/^[a-z+]{2,}:/i.test(text)) return 'directory'
  // A version, a range, a tag.
  if (!/[:/\\#]/.test(text) && !/^[.]/.test(text)) return undefined
  // Of a registry, or of the project's own.
  if (/^(?:npm|jsr|workspace|catalog):/i.test(text)) return undefined
  if (/^https?:/i.test(text)) return isRepository(text) && !isGitArchive(text) ? 'git' : undefined
  return /^(?:\.|~?[/\\]|[a-z]:|(?:file|link|portal):)/i.test(text) ? 'directory' : 'git'
}

const HOSTS = /^(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org|gist\.github\.com|git\.sr\.ht)$/i

/** Web addresses that package managers clone: of any host with `.git` at the end, and of some the page of a repository. */
function isRepository(text: string): boolean {
  const url = URL.parse(text)
  if (url === null) return true
  const { hostname, pathname } = url
  if (/\.git\/*$/i.test(pathname) || /^[^#]*\.git(?:#|$)/i.test(text)) return true
  const [, , kind, , ...more] = pathname.split('/').filter((segment) => segment !== '')
  return HOSTS.test(hostname) && (kind === undefined || (kind === 'tree' && more.length === 0))
}

/** `owner/name` and `github:owner/name` as the repository's URL. */
function expanded(repo: string): string {
  const [, path] = /^(?:github:)?([^@/\s:]+\/[^/\s:]+)$/i.exec(repo) ?? []
  return path === undefined ? repo : `https://github.com/${path}`
}
