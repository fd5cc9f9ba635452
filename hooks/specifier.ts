import validRange from 'semver/ranges/valid.js'
import type { PackageSource } from '../src/lockfile/types.ts'

/**
 * Where pnpm takes a dependency from, as far as its specifier says. Whatever is not surely a version of a registry is
 * something else: its manifest comes from whoever wrote it and may say anything, also `dist` with the digest of a proven
 * package, which pnpm 12 hands on to `readPackage` (from folders and git repositories) as if a registry had said it.
 */
export function sourceOf(specifier: string): PackageSource {
  const [, scheme, rest = ''] = /^([a-z][\w.+-]+):(.*)$/is.exec(specifier) ?? []
  if (scheme === undefined) return isVersion(specifier) ? 'registry' : guess(specifier)
  const kind = SCHEMES.get(scheme.toLowerCase())
  if (kind === 'tarball') return isRepository(specifier) ? 'git' : 'tarball'
  if (kind === 'directory' && ARCHIVE.test(rest)) return 'tarball'
  // `workspace:./folder` is a link to that folder, whatever it is.
  if (kind === 'workspace' && /^[./\\~]|^[a-z]:/i.test(rest)) return ARCHIVE.test(rest) ? 'tarball' : 'directory'
  if (kind !== undefined) return kind
  // `npm:name@^1.0.0`, `jsr:@scope/name`, or a registry by the name that the project's settings give it: `work:^1.0.0`.
  const named = /^(?:@[\w.~-]+\/)?[\w~-][\w.~-]*(?:@(.*))?$/s.exec(rest)
  return isVersion(named === null ? rest : (named[1] ?? '')) ? 'registry' : 'unknown'
}

const SCHEMES: ReadonlyMap<string, PackageSource> = new Map([
  ['workspace', 'workspace'],
  ...(['file', 'link', 'portal'] as const).map((scheme) => [scheme, 'directory'] as const),
  ...(['http', 'https'] as const).map((scheme) => [scheme, 'tarball'] as const),
  ...(['git', 'git+file', 'git+http', 'git+https', 'git+ssh', 'git+rsync', 'ssh'] as const).map(git),
  ...(['github', 'gitlab', 'bitbucket', 'gist'] as const).map(git),
  ['runtime', 'runtime'],
  ...(['catalog', 'custom', 'exec', 'patch'] as const).map((scheme) => [scheme, 'unknown'] as const),
])

function git(scheme: string): readonly [string, PackageSource] {
  return [scheme, 'git']
}

/** What pnpm clones of web addresses, or takes for the archive of a commit (`isGitArchive`, in the lockfile's reader). */
function isRepository(url: string): boolean {
  if (/^https?:\/\/(?:codeload\.github\.com|bitbucket\.org|gitlab\.com)[:/].*tar\.gz/i.test(url)) return true
  if (/^[^#?]*\.git\/?(?:#|$)/i.test(url)) return true
  return /^https?:\/\/(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org)\/[^/#?]+\/[^/#?]+\/?(?:#|$)/i.test(url)
}

const ARCHIVE = /\.(?:tgz|tar\.gz|tar)$/i

/** A range (the empty one is `latest`), or a tag: one word, which is no archive's name. */
function isVersion(text: string): boolean {
  return validRange(text) !== null || (/^\w[\w.~-]*$/.test(text) && !ARCHIVE.test(text))
}

/** For the message only. */
function guess(specifier: string): PackageSource {
  if (ARCHIVE.test(specifier)) return 'tarball'
  if (/^(?:[./\\~]|[a-z]:)/i.test(specifier)) return 'directory'
  return /^[^/\s]+\/[^/\s]+$|@.*:/.test(specifier) ? 'git' : 'unknown'
}
