import type { GithubOrigin } from './types.ts'

/**
 * What of GitHub an origin is: an asset of a release, or a commit; undefined for everything else. `releases/latest/download`
 * is nothing that could be locked.
 *
 * @param origin a tarball's URL, or `repository#commit` as `gitOrigin` writes it
 */
export function githubOrigin(origin: string | undefined): GithubOrigin | undefined {
  return origin === undefined ? undefined : (asset(origin) ?? archive(origin) ?? repository(origin))
}

function asset(origin: string): GithubOrigin | undefined {
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
function repository(origin: string): GithubOrigin | undefined {
  const [, owner = '', file = '', commit = ''] =
    /^(?:(?:git\+)?https:\/\/github\.com\/|(?:git\+)?ssh:\/\/git@github\.com\/|git@github\.com:)([^/]+)\/([^/#]+)#([0-9a-f]{40})(?:&path:.*)?$/s.exec(
      origin,
    ) ?? []
  const name = file.replace(/\.git$/, '')
  return isRepository(owner, name) ? { repository: `${owner}/${name}`, commit } : undefined
}

/** Names that GitHub gives. None is a path, and none needs to be encoded. */
function isRepository(owner: string, name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(owner) && /^[A-Za-z0-9._-]+$/.test(name) && !/^\.{1,2}$/.test(name)
}
