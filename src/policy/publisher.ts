import { DEFAULT_DOMAIN, GITHUB_DOMAIN, GITHUB_RELEASES } from '../domains.ts'
import { GITHUB, GITLAB, hostOf, ISSUER_NAMES, toBuilder, toIssuer, toOwner, toRepository } from './fields.ts'
import { either, quote } from './text.ts'
import type { Alternatives, Publisher } from './types.ts'

/** Who publishes, as the policy file writes it. */
export interface PublisherInput extends Partial<Publisher> {
  readonly release?: string | undefined
  readonly tag?: Alternatives | undefined
}

/**
 * The issuer that speaks for a host. Issuers of other hosts must be named: Fulcio trusts many, some let their users
 * choose what they claim, and one of them would do to claim any repository if the issuer were left open.
 */
export const ISSUER_OF_HOST: ReadonlyMap<string, string> = new Map([
  ['github.com', GITHUB],
  ['gitlab.com', GITLAB],
])

/** The publisher as it is compared with claims: short names written out, the issuer always there. */
export function toPublisher(written: PublisherInput): Publisher {
  const input = writtenOut(written)
  const issuer = issuerOf(input)
  if (issuer === undefined) throw new TypeError('a publisher without an issuer')
  const { owner, repository, builder } = input
  return {
    domain: DEFAULT_DOMAIN,
    ...input,
    issuer,
    ...(owner !== undefined && { owner: toOwner(owner) }),
    ...(repository !== undefined && { repository: toRepository(repository) }),
    ...(builder !== undefined && { builder: each(builder, toBuilder) }),
  }
}

/**
 * A release is what GitHub's own service has signed, in GitHub's own trust domain, about a repository and a tag. Nothing else
 * has that issuer there.
 */
function writtenOut({ release, tag, ...input }: PublisherInput): Partial<Publisher> {
  if (release === undefined) return input
  const ref = tag === undefined ? 'refs/tags/**' : each(tag, (text) => `refs/tags/${text}`)
  return { ...input, domain: GITHUB_DOMAIN, issuer: GITHUB_RELEASES, repository: release, ref }
}

function each(alternatives: Alternatives, make: (text: string) => string): Alternatives {
  return typeof alternatives === 'string' ? make(alternatives) : alternatives.map(make)
}

/** Where it is: what its repository or its owner says, in full. */
function addressOf({ repository, owner }: PublisherInput): string | undefined {
  if (repository !== undefined) return toRepository(repository)
  return owner === undefined ? undefined : toOwner(owner)
}

function issuerOf(input: PublisherInput): string | undefined {
  if (input.issuer !== undefined) return toIssuer(input.issuer)
  const address = addressOf(input)
  return address === undefined ? undefined : ISSUER_OF_HOST.get(hostOf(address))
}

export interface PublisherProblem {
  readonly key: keyof PublisherInput | undefined
  readonly message: string
}

/** Whatever says whose build it is. Everything else says which of theirs. */
const ANCHORS = ['repository', 'repositoryId', 'owner', 'ownerId'] as const
const NARROWING = [
  ...(['workflow', 'builder', 'ref', 'commit', 'trigger'] as const),
  ...(['runner', 'environment', 'visibility'] as const),
]

/** What is wrong with the fields taken together, each of which is right alone; undefined where nothing is. */
export function publisherProblem(input: PublisherInput): PublisherProblem | undefined {
  if (Object.entries(input).every(([key, value]) => value === undefined || key === 'domain')) {
    return { key: undefined, message: 'a publisher that names nothing would be anybody: write at least "repository"' }
  }
  const release = releaseProblem(input)
  if (release !== undefined || input.release !== undefined) return release
  const narrowing = NARROWING.find((key) => input[key] !== undefined)
  if (narrowing !== undefined && ANCHORS.every((key) => input[key] === undefined)) {
    // Everybody can have a file, a branch or a tag of any name in a repository of their own.
    return {
      key: narrowing,
      message: `"${narrowing}" without "repository" would be met by anybody's repository that has one of that name: add "repository" (or "owner", or an id), or "repository": "**" if any is meant`,
    }
  }
  const named = issuerOf(input)
  if (named === undefined) {
    const key = ANCHORS.find((anchor) => input[anchor] !== undefined)
    const why = key?.endsWith('Id')
      ? 'a number that each host gives out anew'
      : `${quote((key && input[key]) ?? '')} is not on github.com or gitlab.com`
    return {
      key,
      message: `${why}, so "issuer" must say who vouches for the build: without it any issuer would do, also one that lets its users claim any repository. Add "issuer" (${either(ISSUER_NAMES)}, or a URL)`,
    }
  }
  return hostProblem(input, named) ?? workflowPathProblem(named, input.workflow)
}

/** What GitHub signs of a release, and nothing else: a field that is never looked at would be a check that is not made. */
const OF_RELEASE: readonly (keyof PublisherInput)[] = ['release', 'tag', 'commit', 'ownerId', 'repositoryId']

function releaseProblem(input: PublisherInput): PublisherProblem | undefined {
  if (input.release === undefined) {
    return input.tag === undefined
      ? undefined
      : { key: 'tag', message: '"tag" goes with "release": for a build write "ref": "refs/tags/…"' }
  }
  const other = (Object.keys(input) as (keyof PublisherInput)[]).find(
    (key) => input[key] !== undefined && !OF_RELEASE.includes(key),
  )
  return other === undefined
    ? undefined
    : {
        key: other,
        message:
          other === 'domain'
            ? '"domain" beside "release": GitHub signs releases in its own, "github", and nobody else does. Remove it'
            : `"${other}" beside "release": GitHub signs a release by its repository and tag, its ids and commit, and says nothing of a build. Remove it, or "release"`,
      }
}

function hostProblem(input: PublisherInput, issuer: string): PublisherProblem | undefined {
  for (const key of ['repository', 'owner'] as const) {
    const address =
      key === 'repository' ? addressOf({ repository: input.repository }) : addressOf({ owner: input.owner })
    const host = address === undefined ? '**' : hostOf(address)
    for (const [itsHost, itsIssuer] of ISSUER_OF_HOST) {
      if (issuer === itsIssuer && host !== itsHost && host !== '**') {
        return {
          key,
          message: `the issuer ${issuer} vouches for repositories on ${itsHost} only, never for ${address}: correct one of the two`,
        }
      }
    }
  }
  return undefined
}

function workflowPathProblem(issuer: string, workflow: Alternatives | undefined): PublisherProblem | undefined {
  const bare = [workflow ?? []].flat().find((path) => !path.includes('/') && path !== '**')
  if (issuer !== GITHUB || bare === undefined) return undefined
  return {
    key: 'workflow',
    message: `${quote(bare)} is not the whole path: GitHub's workflows are files such as ".github/workflows/${bare}"`,
  }
}
