import { Document, isSeq, type Node, visit } from 'yaml'
import { type Examined, isBroken } from './accept.ts'
import { fromIssuer, fromRepository, hostOf } from './fields.ts'
import { identityOf } from './identity.ts'
import { ISSUER_OF_HOST } from './publisher.ts'
import type { Identity } from './types.ts'

/** A scope gets a rule of its own from so many packages on: then the next one is likely to come from there, too. */
const LARGE = 3

/** What a first policy names beside the packages. */
export interface DraftOptions {
  /** Where a trust root was given to make it, that one. */
  readonly trust?: { readonly trustedRoot?: string | undefined; readonly npmKeys?: string | undefined }
  /** Projects that have a policy of their own. */
  readonly projects?: readonly string[]
  /** Versions that pass by no rule. */
  readonly exceptions?: readonly { readonly package: string; readonly reason: string; readonly expires: string }[]
}

/**
 * A first policy for what is installed today: all of it passes, together with the identity lock, and whatever is lost or
 * changes later does not. It has a rule for each large scope of which everything is proven, and one for the rest; who
 * publishes each single package is in the lock. What has attestations that do not hold does not pass.
 */
export function draftPolicy(examined: readonly Examined[], options: DraftOptions = {}): string {
  const { trust = {}, projects = [], exceptions = [] } = options
  const broken = [...new Set(examined.filter(isBroken).map(({ pkg }) => `${pkg.name}@${pkg.version}`))].sort()
  const large = provenScopes(examined.filter((each) => !isBroken(each)))
  const rules = [
    ...(broken.length === 0 ? [] : [{ packages: broken, require: 'signature' }]),
    ...large.map(({ scopes, publishers }) => ({
      packages: scopes.length === 1 ? `${scopes[0]}/*` : scopes.map((scope) => `${scope}/*`),
      require: 'provenance',
      publisher: publishers.length === 1 ? publishers[0] : publishers,
      unchanged: true,
    })),
    { packages: '**', require: 'nothing', unchanged: true },
  ]
  const comments = [
    ...(broken.length === 0 ? [] : [' Their attestations did not hold when this was written, and must. Look at each.']),
    ...large.map((_, index) => (index === 0 ? SCOPES : undefined)),
    ' Everything else: whatever had provenance has to keep it, of the rest nothing is known.',
  ]
  const document = new Document({
    ...(projects.length > 0 && { projects }),
    ...(Object.keys(trust).length > 0 && { trust }),
    ...(exceptions.length > 0 && { exceptions }),
    rules,
  })
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
      const comment = comments[index]
      if (comment !== undefined) (rule as Node).commentBefore = comment
      ;(rule as Node).spaceBefore = index > 0
    }
  }
  return document.toString({ lineWidth: 110 })
}

const HEADER = ` Who may publish the packages that this repository installs. Written by \`provenance-gate init\`; change it as you like.
 .sigstorerc.example explains every field. The first rule that matches a package decides. "unchanged" holds each
 package to provenance-lock.yaml: the same publisher, and the same kind of build, as before, and no version without
 provenance that is not recorded there. \`provenance-gate accept\` shows what has changed, and writes it.
`

const SCOPES = ` Scopes of which everything is proven today, and must be: new packages as well, and versions from before they
 had provenance.`

function isMapping(value: unknown): value is { flow?: boolean } {
  return typeof value === 'object' && value !== null && 'items' in value
}

interface ProvenScopes {
  readonly scopes: readonly string[]
  readonly publishers: readonly object[]
}

/** Large scopes of which every package of the lockfile is proven, together where the same owners build them. */
function provenScopes(examined: readonly Examined[]): readonly ProvenScopes[] {
  const scoped = Map.groupBy(
    examined.filter(({ pkg }) => pkg.name.startsWith('@')),
    ({ pkg }) => pkg.name.slice(0, pkg.name.indexOf('/')),
  )
  const proven = [...scoped].flatMap(([scope, members]) => {
    const identities = members.map(identityOfProof)
    const isLarge = new Set(members.map(({ pkg }) => pkg.name)).size >= LARGE
    if (!isLarge || !identities.every((identity) => identity !== undefined)) return []
    const publishers = new Map(identities.map(publisherOf).map((publisher) => [JSON.stringify(publisher), publisher]))
    const sorted = [...publishers].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each)
    return [{ scope, publishers: sorted }]
  })
  const groups = Map.groupBy(
    proven.toSorted((a, b) => (a.scope < b.scope ? -1 : 1)),
    ({ publishers }) => JSON.stringify(publishers),
  )
  return [...groups.values()].map((group) => ({
    scopes: group.map(({ scope }) => scope),
    publishers: group[0]?.publishers ?? [],
  }))
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

/** The issuer is left out where it follows from the host. */
function publisherOf(identity: Identity): object {
  const isUsual = ISSUER_OF_HOST.get(hostOf(identity.repository)) === identity.issuer
  return { ...(!isUsual && { issuer: fromIssuer(identity.issuer) }), repository: ownerPattern(identity) }
}
