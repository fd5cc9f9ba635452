import { isPackageName } from '../util/package-name.ts'
import { isVersion } from './dep-path.ts'
import { type Claim, isDefaultTarball, isGitArchive, LOCAL_TARBALL } from './entry.ts'
import { githubOrigin } from './github.ts'
import { unknownClaim } from './graph.ts'
import { type Fields, field } from './record.ts'

/**
 * What one entry says of itself. For a proof the digest decides and not the host: npm checks the bytes against `integrity`,
 * and the gate verifies evidence against the same `integrity`. For a rule that asks for no proof the host counts (`outside`).
 *
 * @param folder the name of its folder, under which everybody imports it
 * @param isFromElsewhere whether somebody asks for it by an address, a repository or a file
 */
export function npmClaim(entry: Fields, folder: string, isFromElsewhere: boolean): Claim {
  const [name = folder, version, resolved, integrity] = ['name', 'version', 'resolved', 'integrity'].map((key) =>
    field(entry, key),
  )
  if (typeof name !== 'string') return unknownClaim(folder, '', 'name is not a text')
  if (!isPackageName(name)) return unknownClaim(name, '', 'not a package name')
  if (version !== undefined && typeof version !== 'string') return unknownClaim(name, '', 'version is not a text')
  const shown = version !== undefined && isVersion(version) ? version : ''
  if (!isOptionalText(resolved) || !isOptionalText(integrity)) {
    return unknownClaim(name, shown, 'resolved or integrity is not a text')
  }
  return { name, version: shown, ...originOf(name, shown, resolved, integrity, isFromElsewhere) }
}

type Origin = Omit<Claim, 'name' | 'version'>

function originOf(
  name: string,
  version: string,
  resolved: string | undefined,
  integrity: string | undefined,
  isFromElsewhere: boolean,
): Origin {
  const unknown = (origin: string): Origin => ({ source: 'unknown', integrity: undefined, origin })
  if (resolved === undefined) {
    // npm asks the registry for this version of it.
    if (version === '') return unknown('entry has neither a version nor an address')
    return isFromElsewhere
      ? unknown('asked for by an address that the entry does not have')
      : { source: 'registry', integrity, origin: undefined }
  }
  // No `integrity` is handed on: npm makes a tarball of its own of a repository or a folder.
  if (/^git(?:\+|:|@)/i.test(resolved)) return gitOrigin(resolved)
  if (/^file:/i.test(resolved)) {
    return LOCAL_TARBALL.test(resolved)
      ? { source: 'tarball', integrity, origin: resolved }
      : { source: 'directory', integrity: undefined, origin: resolved }
  }
  if (!/^https?:\/\/[^/]/i.test(resolved) || !URL.canParse(resolved)) return unknown(`resolved to ${resolved}`)
  return remoteOrigin(name, version, resolved, integrity, isFromElsewhere)
}

function gitOrigin(resolved: string): Origin {
  const hash = resolved.indexOf('#')
  const [repo, commit] = hash === -1 ? [resolved, ''] : [resolved.slice(0, hash), resolved.slice(hash + 1)]
  const github = githubOrigin({ type: 'git', repo, commit })
  return { source: 'git', integrity: undefined, origin: resolved, ...(github && { github }) }
}

/** What an http(s) address gives: a registry's package, a tarball from elsewhere, or a git host's archive. */
export function remoteOrigin(
  name: string,
  version: string,
  url: string,
  integrity: string | undefined,
  isFromElsewhere: boolean,
): Origin {
  // Whatever digest stands beside it: npm clones it, and compares a clone with none.
  if (isRepositoryPage(url)) return { source: 'git', integrity: undefined, origin: url }
  const github = githubOrigin({ tarball: url })
  if (isGitArchive(url)) {
    return { source: 'git', integrity, origin: url, ...(github && 'commit' in github && { github }) }
  }
  if (isFromElsewhere) {
    return { source: 'tarball', integrity, origin: url, ...(github && 'tag' in github && { github }) }
  }
  if (version === '') return { source: 'unknown', integrity: undefined, origin: `no exact version, at ${url}` }
  return isDefaultTarball(url, name, version)
    ? { source: 'registry', integrity, origin: undefined, atNpmjs: true }
    : { source: 'registry', integrity, origin: url, outside: '' }
}

/** Of each host whose pages npm takes for repositories (npm 11 and 12, tried): what it takes for a file all the same. */
const FILES: ReadonlyMap<string, RegExp> = new Map([
  ['github.com', /^[^/]*\/[^/]*\/(?!tree(?:\/|$))[^/]/],
  ['gist.github.com', /^[^/]*\/[^/]*\/raw(?:\/|$)/],
  ['bitbucket.org', /^[^/]*\/[^/]*\/get(?:\/|$)/],
  ['gitlab.com', /\/-\/|\/archive\.tar\.gz/],
  ['git.sr.ht', /^[^/]*\/[^/]*\/archive(?:\/|$)/],
])

function isRepositoryPage(address: string): boolean {
  const { hostname, pathname } = new URL(address)
  const files = FILES.get(hostname.replace(/^www\./, ''))
  return files !== undefined && !files.test(pathname.slice(1))
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value !== '')
}
