import { patternProblem } from './pattern.ts'
import { didYouMean, either, quote } from './text.ts'
import type { Publisher } from './types.ts'

/** Who publishes, as the policy file writes it. */
export interface PublisherInput {
  readonly issuer?: string | undefined
  readonly repository?: string | undefined
  readonly workflow?: string | undefined
  readonly ref?: string | undefined
}

const GITHUB = 'https://token.actions.githubusercontent.com'
const GITLAB = 'https://gitlab.com'
const ISSUERS: ReadonlyMap<string, string> = new Map([
  ['github', GITHUB],
  ['gitlab', GITLAB],
])

/**
 * The issuer that speaks for a repository's host. Issuers of other hosts must be named: Fulcio trusts many, some let
 * their users choose what they claim, and one of them would do to claim any repository if the issuer were left open.
 */
const ISSUER_OF_HOST: ReadonlyMap<string, string> = new Map([
  ['github.com', GITHUB],
  ['gitlab.com', GITLAB],
])

/** The publisher as it is compared with claims: short names written out, the issuer always there. */
export function toPublisher(input: PublisherInput): Publisher {
  const issuer = issuerOf(input)
  if (issuer === undefined) throw new TypeError('a publisher without an issuer')
  return {
    issuer,
    ...(input.repository !== undefined && { repository: toRepository(input.repository) }),
    ...(input.workflow !== undefined && { workflow: input.workflow }),
    ...(input.ref !== undefined && { ref: input.ref }),
  }
}

function issuerOf({ issuer, repository }: PublisherInput): string | undefined {
  if (issuer !== undefined) return ISSUERS.get(issuer) ?? issuer
  return repository === undefined ? undefined : ISSUER_OF_HOST.get(hostOf(toRepository(repository)))
}

/** `owner/name` is GitHub's. `**` gets the scheme that wildcards begin after. */
function toRepository(text: string): string {
  if (text.startsWith('https://')) return text
  return text === '**' ? 'https://**' : `https://github.com/${text}`
}

function hostOf(repository: string): string {
  return repository.split('/')[2] ?? ''
}

export interface PublisherProblem {
  readonly key: keyof PublisherInput | undefined
  readonly message: string
}

/** What is wrong with the fields taken together, each of which is right alone; undefined where nothing is. */
export function publisherProblem(input: PublisherInput): PublisherProblem | undefined {
  const { issuer, repository, workflow, ref } = input
  if (issuer === undefined && repository === undefined && workflow === undefined && ref === undefined) {
    return { key: undefined, message: 'a publisher that names nothing would be anybody: write at least "repository"' }
  }
  if (repository === undefined && (workflow !== undefined || ref !== undefined)) {
    // Everybody can have a file, a branch or a tag of any name in a repository of their own.
    const key = workflow === undefined ? 'ref' : 'workflow'
    return {
      key,
      message: `"${key}" without "repository" would be met by anybody's repository that has one of that name: add "repository", or "repository": "**" if any is meant`,
    }
  }
  const named = issuerOf(input)
  if (named === undefined) {
    return {
      key: 'repository',
      message: `${quote(repository ?? '')} is not on github.com or gitlab.com, so "issuer" must say who vouches for the build: without it any issuer would do, also one that lets its users claim any repository. Add "issuer" (${either([...ISSUERS.keys()])}, or a URL)`,
    }
  }
  const host = repository === undefined ? '**' : hostOf(toRepository(repository))
  for (const [itsHost, itsIssuer] of ISSUER_OF_HOST) {
    if (named === itsIssuer && host !== itsHost && host !== '**') {
      return {
        key: 'repository',
        message: `the issuer ${named} vouches for repositories on ${itsHost} only, never for ${toRepository(repository ?? '')}: correct one of the two`,
      }
    }
  }
  if (named === GITHUB && workflow !== undefined && !workflow.includes('/') && workflow !== '**') {
    return {
      key: 'workflow',
      message: `${quote(workflow)} is not the whole path: GitHub's workflows are files such as ".github/workflows/${workflow}"`,
    }
  }
  return undefined
}

/** What is wrong with an issuer. It is compared exactly: part of a URL says nothing about who stands behind it. */
export function issuerProblem(text: string): string | undefined {
  if (ISSUERS.has(text)) return undefined
  const shown = quote(text)
  if (text.includes('*')) return `${shown} contains "*": an issuer is compared exactly, so write its whole URL`
  const url = text.startsWith('https://') && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) {
    return `${shown} is not an issuer: write ${either([...ISSUERS.keys()].map(quote))}, or the https URL of the issuer${didYouMean(text, [...ISSUERS.keys()])}`
  }
  if (text.endsWith('/') && [...ISSUERS.values()].includes(text.slice(0, -1))) {
    return `${shown} ends in a slash, which this issuer's name does not: remove it`
  }
  const plain = url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  if (!plain || (url.href !== text && url.href !== `${text}/`)) {
    return `${shown} is not written as certificates write issuers: no user, query or fragment, host in lower case, such as "${GITHUB}"`
  }
  return undefined
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
