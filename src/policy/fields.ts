import { patternProblem } from './pattern.ts'
import { didYouMean, either, quote } from './text.ts'

/**
 * The fields of a publisher, one by one: what is wrong with a value as the policy file writes it (undefined where
 * nothing is), and what stands for it in a certificate.
 */

export const GITHUB = 'https://token.actions.githubusercontent.com'
export const GITLAB = 'https://gitlab.com'
const SHORT_ISSUERS: ReadonlyMap<string, string> = new Map([
  ['github', GITHUB],
  ['gitlab', GITLAB],
])
export const ISSUER_NAMES: readonly string[] = [...SHORT_ISSUERS.keys()]

/** An issuer's URL. */
export function toIssuer(text: string): string {
  return SHORT_ISSUERS.get(text) ?? text
}

/** The short name, where there is one. */
export function fromIssuer(issuer: string): string {
  const [short] = [...SHORT_ISSUERS].find(([, url]) => url === issuer) ?? []
  return short ?? issuer
}

/** What is wrong with an issuer. It is compared exactly: part of a URL says nothing about who stands behind it. */
export function issuerProblem(text: string): string | undefined {
  if (SHORT_ISSUERS.has(text)) return undefined
  const shown = quote(text)
  if (text === 'circleci' || text.startsWith('circleci/')) {
    return `${shown} is not an issuer that a provenance can have: CircleCI's certificates say neither which commit was built nor the repository's address. Remove this publisher; for packages that are built there write "require": "signature"`
  }
  if (text.includes('*')) return `${shown} contains "*": an issuer is compared exactly, so write its whole URL`
  const url = text.startsWith('https://') && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) {
    return `${shown} is not an issuer: write ${either(ISSUER_NAMES.map(quote))}, or the https URL of the issuer${didYouMean(text, [...SHORT_ISSUERS.keys()])}`
  }
  if (text.endsWith('/') && [...SHORT_ISSUERS.values()].includes(text.slice(0, -1))) {
    return `${shown} ends in a slash, which this issuer's name does not: remove it`
  }
  const plain = url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  if (!plain || (url.href !== text && url.href !== `${text}/`)) {
    return `${shown} is not written as certificates write issuers: no user, query or fragment, host in lower case, such as "${GITHUB}"`
  }
  return undefined
}

/** The name of a trust domain. */
export function domainProblem(text: string): string | undefined {
  return /^[a-z][a-z0-9-]*$/.test(text)
    ? undefined
    : `${quote(text)} is not the name of a trust domain: a letter, then letters, digits and "-", all in lower case`
}

/** `owner/name` is GitHub's. `**` gets the scheme that wildcards begin after. */
export function toRepository(text: string): string {
  if (text.startsWith('https://')) return text
  return text === '**' ? 'https://**' : `https://github.com/${text}`
}

/** The other way round: `owner/name` for what is on GitHub. */
export function fromRepository(address: string): string {
  const name = address.startsWith('https://github.com/') ? address.slice('https://github.com/'.length) : address
  return toRepository(name) === address ? name : address
}

export function hostOf(address: string): string {
  return address.split('/')[2] ?? ''
}

const HOST = /^[a-z0-9][a-z0-9.-]*(:[0-9]+)?$/
const REPOSITORY_SEGMENT = /^[A-Za-z0-9._~*-]+$/

export function repositoryProblem(text: string): string | undefined {
  const problem = patternProblem(text)
  if (problem !== undefined) return problem
  if (text === '**') return undefined
  const shown = quote(text)
  const full = text.startsWith('https://')
  const [host = '', owner, ...rest] = (full ? text.slice(8) : `github.com/${text}`).split('/')
  if (full && host === '**' && owner === undefined) return undefined
  const example = 'write "owner/name" for GitHub, or the whole address, such as "https://gitlab.com/group/name"'
  if (!HOST.test(host) || ![owner ?? '', ...rest].every((segment) => REPOSITORY_SEGMENT.test(segment))) {
    return `${shown} is not the address of a repository as certificates write it: ${example}`
  }
  if (text.endsWith('.git')) return `${shown} ends in ".git", which certificates never write: remove it`
  if (full && owner === '**' && rest.length === 0) return undefined
  // Whoever registers a fitting name is an owner: a pattern there looks like protection and is none.
  if (owner?.includes('*'))
    return `${shown} leaves the owner open, and anybody can register another one: write the owner out, or "**" if any repository is meant`
  if (rest.length === 0) return `${shown} names an owner but no repository: write "${text}/*" for all of the owner's`
  if (!full && (rest.length > 1 || owner?.includes('.')))
    return `${shown} is neither "owner/name" nor a whole address: ${example}`
  return undefined
}

export function workflowProblem(text: string): string | undefined {
  const shown = quote(text)
  if (text.includes('://'))
    return `${shown} is a URL: write the path inside the repository, such as ".github/workflows/release.yml"`
  if (text.startsWith('/'))
    return `${shown} begins with a slash: write the path as seen from the repository's root, such as ".github/workflows/release.yml"`
  if (text.includes('@')) return `${shown} contains "@": write the path only, and the ref under "ref"`
  return patternProblem(text)
}

export function refProblem(text: string): string | undefined {
  if (text.startsWith('refs/')) return patternProblem(text)
  const shown = quote(text)
  const name = text.replace(/^(heads|tags)\//, '')
  if (name !== text) return `${shown} is not a full ref: write "refs/${text}"`
  if (text === '*' || text === '**')
    return `${shown} is not a full ref: write "refs/**" for any, "refs/heads/**" for branches or "refs/tags/**" for tags`
  return `${shown} is not a full ref, and a branch and a tag may have the same name: write "refs/heads/${text}" for the branch or "refs/tags/${text}" for the tag`
}

/** The repository of a release, `owner/name`: only GitHub signs releases. */
export function releaseProblem(text: string): string | undefined {
  const problem = patternProblem(text)
  if (problem !== undefined) return problem
  const [owner = '', ...names] = text.split('/')
  if (owner.includes('*'))
    return `${quote(text)} leaves the owner open, and anybody can register another one: write the owner out`
  return names.length !== 1 || repositoryProblem(text) !== undefined
    ? `${quote(text)} is not the repository of a release: write "owner/name", as on GitHub`
    : undefined
}

export function tagProblem(text: string): string | undefined {
  return text.startsWith('refs/')
    ? `${quote(text)} is a ref: write the tag alone, such as "${text.replace(/^refs\/(?:tags|heads)\//, '')}"`
    : patternProblem(text)
}

/** `acme` is GitHub's. The claim is the address of whoever owns the repository. */
export function toOwner(text: string): string {
  return text.startsWith('https://') ? text : `https://github.com/${text}`
}

/** Compared exactly: whoever registers a name that fits a pattern is an owner. */
export function ownerProblem(text: string): string | undefined {
  const shown = quote(text)
  if (text.includes('*')) return `${shown} contains "*": an owner is compared exactly, so write the whole name`
  const [host = '', ...names] = toOwner(text).slice('https://'.length).split('/')
  const isName = (name: string) => /^[A-Za-z0-9._-]+$/.test(name) && name !== '.' && name !== '..'
  if (names.length === 0 || !HOST.test(host) || !names.every(isName)) {
    return `${shown} is not an owner: write its name on GitHub, or the whole address, such as "https://gitlab.com/group"`
  }
  if (host === 'github.com' && names.length > 1) {
    return `${shown} is the address of a repository: write it under "repository", and only "${names[0]}" here`
  }
  return undefined
}

/** The number by which a host knows a repository or an owner, whatever it is called today. */
export function idProblem(text: string): string | undefined {
  return /^(?:0|[1-9]\d*)$/.test(text)
    ? undefined
    : `${quote(text)} is not an id: ids are whole numbers, in claims as in the host's API ("id" in https://api.github.com/repos/OWNER/NAME)`
}

/** `owner/name/path@ref` on GitHub, or the whole address. */
export function toBuilder(text: string): string {
  return text.startsWith('https://') ? text : `https://github.com/${text}`
}

/** The two parts of a builder, or of the claim that names it. Without `@` the second is empty, which no pattern matches. */
export function splitBuilder(uri: string): { readonly path: string; readonly ref: string } {
  const at = uri.indexOf('@')
  return at === -1 ? { path: uri, ref: '' } : { path: uri.slice(0, at), ref: uri.slice(at + 1) }
}

export function builderProblem(text: string): string | undefined {
  const shown = quote(text)
  const example = 'such as "owner/name/.github/workflows/build.yml@refs/tags/v*"'
  const { path, ref } = splitBuilder(toBuilder(text))
  if (ref === '') {
    return `${shown} does not say from which ref the called workflow is taken: add it behind "@", ${example}, or "@refs/**" if any is meant`
  }
  const refIs = COMMIT.test(ref) ? undefined : refProblem(ref)
  if (refIs !== undefined) return refIs
  const segments = path.slice('https://'.length).split('/')
  const [host = '', owner = '', ...rest] = segments
  // GitLab writes two slashes between repository and file. Patterns have no empty segment; names are compared exactly.
  const isExact = !path.includes('*')
  const isPath = isExact
    ? segments.every((segment, at) => segment !== '' || at > 2)
    : patternProblem(path) === undefined
  if (!HOST.test(host) || (rest.length < 2 && !rest.includes('**')) || !isPath)
    return `${shown} is not the address of a workflow: write it ${example}`
  if (owner.includes('*'))
    return `${shown} leaves the owner open, and anybody can register another one: write the owner out`
  return undefined
}

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/

export function commitProblem(text: string): string | undefined {
  return COMMIT.test(text)
    ? undefined
    : `${quote(text)} is not a commit: write the whole hash, 40 or 64 digits in lower case, for a shorter one could be anybody's`
}

/** The event that started the build. GitHub and GitLab know many, and add to them. */
export function triggerProblem(text: string): string | undefined {
  return /^[a-z][a-z0-9_]*$/.test(text)
    ? undefined
    : `${quote(text)} is not the name of an event as certificates write it, such as "push", "release" or "workflow_dispatch"`
}

/** Compared exactly: GitHub allows everything in the name of an environment, and makes one for whoever names it. */
export function environmentProblem(text: string): string | undefined {
  return text.includes('*')
    ? `${quote(text)} contains "*": an environment is compared exactly, so write its whole name`
    : undefined
}
