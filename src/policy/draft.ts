import { Document, isSeq, type Node, visit } from 'yaml'
import type { Examined } from './accept.ts'
import { fromIssuer, fromRepository, hostOf } from './fields.ts'
import { identityOf } from './identity.ts'
import type { Identity } from './types.ts'

/** A scope gets a rule of its own from so many packages on: then the next one is likely to come from there, too. */
const LARGE = 3

/** What a first policy names beside the packages: where a trust root was given to make it, that one. */
export interface DraftTrust {
  readonly trustedRoot?: string | undefined
  readonly npmKeys?: string | undefined
}

/**
 * A first policy for what is installed today: all of it passes, together with the identity lock, and whatever is lost or
 * changes later does not. It has a rule for each large scope of which everything is proven, one for all small ones, and
 * one for the rest; who publishes each single package is in the lock.
 */
export function draftPolicy(examined: readonly Examined[], trust: DraftTrust): string {
  const scopes = provenScopes(examined)
  const large = scopes.filter(({ count }) => count >= LARGE)
  const small = scopes.filter(({ count }) => count < LARGE)
  const rules = [
    ...large.map(({ scope, publishers }) => ({
      packages: `${scope}/*`,
      require: 'provenance',
      publisher: publishers.length === 1 ? publishers[0] : publishers,
      unchanged: true,
    })),
    ...(small.length === 0
      ? []
      : [{ packages: small.map(({ scope }) => `${scope}/*`), require: 'provenance', unchanged: true }]),
    { packages: '**', require: 'nothing', unchanged: true },
  ]
  const document = new Document({ ...(Object.keys(trust).length > 0 && { trust }), rules })
  document.commentBefore = HEADER
  visit(document, {
    Pair(_, { key, value }) {
      const name = String(key)
      if ((name === 'packages' || name === 'publisher' || name === 'trust') && (isSeq(value) || isMapping(value))) {
        value.flow = name !== 'packages'
      }
    },
  })
  const list = document.get('rules', true)
  if (isSeq(list)) {
    for (const [index, rule] of list.items.entries()) {
      const comment = commentFor(index, large.length, small.length)
      if (comment !== undefined) (rule as Node).commentBefore = comment
      ;(rule as Node).spaceBefore = index > 0
    }
  }
  return document.toString({ lineWidth: 110 })
}

const HEADER = ` Who may publish the packages that this repository installs. Written by \`provenance-gate init\`; change it as you like.
 .sigstorerc.example explains every field. The first rule that matches a package decides. "unchanged" holds each
 package to provenance-lock.yaml: the same repository, workflow, environment and kind of ref as before, and no loss of
 provenance where there was some. \`provenance-gate accept\` shows what has changed, and writes it.
`

function commentFor(index: number, large: number, small: number): string | undefined {
  if (index === 0 && large > 0) return ' Scopes of which everything is proven today, and must be: new packages as well.'
  if (index === large && small > 0)
    return ' The same for small scopes. A package that is new here has to be accepted first.'
  if (index === large + (small > 0 ? 1 : 0)) {
    return ' Everything else: whatever had provenance has to keep it, of the rest nothing is known.'
  }
  return undefined
}

function isMapping(value: unknown): value is { flow?: boolean } {
  return typeof value === 'object' && value !== null && 'items' in value
}

interface ProvenScope {
  readonly scope: string
  readonly count: number
  readonly publishers: readonly object[]
}

/** Scopes of which every package of the lockfile is proven, by name, with the owners that they are built by. */
function provenScopes(examined: readonly Examined[]): readonly ProvenScope[] {
  const scoped = Map.groupBy(
    examined.filter(({ pkg }) => pkg.name.startsWith('@')),
    ({ pkg }) => pkg.name.slice(0, pkg.name.indexOf('/')),
  )
  return [...scoped]
    .flatMap(([scope, members]): readonly ProvenScope[] => {
      const identities = members.map(identityOfProof)
      if (!identities.every((identity) => identity !== undefined)) return []
      const publishers = new Map(identities.map((identity) => [ownerPattern(identity), publisherOf(identity)]))
      const names = new Set(members.map(({ pkg }) => pkg.name))
      return [
        {
          scope,
          count: names.size,
          publishers: [...publishers].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each),
        },
      ]
    })
    .sort((a, b) => (a.scope < b.scope ? -1 : 1))
}

function identityOfProof({ pkg, proof }: Examined): Identity | undefined {
  if (pkg.source !== 'registry' || !proof.ok) return undefined
  const [first] = proof.value.provenance
  return first === undefined ? undefined : identityOf(first.claims)
}

/** All repositories of whoever owns this one. */
function ownerPattern({ repository }: Identity): string {
  return fromRepository(`${repository.slice(0, repository.lastIndexOf('/'))}/*`)
}

/** The issuer follows from the host where that is known. */
function publisherOf(identity: Identity): object {
  const known = ['github.com', 'gitlab.com'].includes(hostOf(identity.repository))
  return { ...(!known && { issuer: fromIssuer(identity.issuer) }), repository: ownerPattern(identity) }
}
