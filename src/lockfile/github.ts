import { type Fields, field } from './record.ts'
import type { GithubOrigin } from './types.ts'

/**
 * What of GitHub a resolution is: an asset of a release, or a commit; undefined for everything else, and for a folder of a
 * repository (`path`): which one that is nobody at GitHub has signed. `releases/latest/download` is nothing that could be locked.
 */
export function githubOrigin(resolution: Fields): GithubOrigin | undefined {
  const [type, tarball, repo, commit, path] = ['type', 'tarball', 'repo', 'commit', 'path'].map((key) =>
    field(resolution, key),
  )
  if (path !== undefined) return undefined
  if (type === undefined && typeof tarball === 'string') return githubAsset(tarball) ?? archive(tarball)
  return type === 'git' && typeof repo === 'string' && typeof commit === 'string' ? clone(repo, commit) : undefined
}

/**
 * By what pnpm knows the bytes of a resolution, beside their digest (`createGitHostedPkgId`, or the URL): its store, and
 * whoever waits for the same download, go by it. A key that says another one would have other bytes than were proven.
 */
export function resolutionId(resolution: Fields): string | undefined {
  const [type, tarball, repo, commit] = ['type', 'tarball', 'repo', 'commit'].map((key) => field(resolution, key))
  if (type === undefined) return typeof tarball === 'string' ? tarball : undefined
  if (type !== 'git' || typeof repo !== 'string' || typeof commit !== 'string') return undefined
  const [, user, path] = /^([^@\s]+@[^:\s]+):(.+)$/.exec(repo) ?? []
  const whole = repo.includes('://') ? repo : user === undefined ? `https://${repo}` : `ssh://${user}/${path}`
  return `${whole.startsWith('git+') ? '' : 'git+'}${whole}#${commit}`
}

/** An asset by its address. */
export function githubAsset(origin: string): GithubOrigin | undefined {
  const [, path = ''] = /^https:\/\/github\.com\/([^?#\\]+)$/.exec(origin) ?? []
  const [owner = '', name = '', releases, download, ...rest] = path.split('/')
  if (releases !== 'releases' || download !== 'download' || rest.length < 2) return undefined
  try {
    const [tag, file] = [rest.slice(0, -1).join('/'), rest.at(-1) ?? ''].map(decodeURIComponent)
    const isPlain = [...rest, tag ?? '', file ?? ''].every((part) => part !== '' && !/^\.{1,2}$/.test(part))
    return isPlain && isRepository(owner, name) ? { repository: `${owner}/${name}`, tag: tag ?? '' } : undefined
  } catch {
    return undefined
  }
}

/** What GitHub makes of a commit. */
function archive(origin: string): GithubOrigin | undefined {
  const [, owner = '', name = '', commit = ''] =
    /^https:\/\/codeload\.github\.com\/([^/]+)\/([^/]+)\/tar\.gz\/([0-9a-f]{40})$/.exec(origin) ?? []
  return isRepository(owner, name) ? { repository: `${owner}/${name}`, commit } : undefined
}

/** A clone. pnpm checks that what it has checked out is that commit. */
function clone(repo: string, commit: string): GithubOrigin | undefined {
  const [, owner = '', file = ''] =
    /^(?:(?:git\+)?https:\/\/github\.com\/|(?:git\+)?ssh:\/\/git@github\.com\/|git@github\.com:)([^/#]+)\/([^/#]+)$/.exec(
      repo,
    ) ?? []
  const name = file.replace(/\.git$/, '')
  const isCommit = /^[0-9a-f]{40}$/.test(commit)
  return isCommit && isRepository(owner, name) ? { repository: `${owner}/${name}`, commit } : undefined
}

/** Names that GitHub gives. None is a path, and none needs to be encoded. */
function isRepository(owner: string, name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(owner) && /^[A-Za-z0-9._-]+$/.test(name) && !/^\.{1,2}$/.test(name)
}
