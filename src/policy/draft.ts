import { Document, isSeq, type Node, visit } from 'yaml'
import { type Examined, isBroken, isUndecided } from './accept.ts'
import { fromIssuer, fromRepository, hostOf } from './fields.ts'
import { identityOf } from './identity.ts'
import { ISSUER_OF_HOST } from './publisher.ts'
import { sourceFor } from './source.ts'
import type { Identity } from './types.ts'
import { unbindable } from './unbindable.ts'

/** A scope gets a rule of its own from so many packages on: then the next one is likely to come from there, too. */
const LARGE = 3

/** What a first policy names beside the packages. */
export interface DraftOptions {
  /** Where a trust root was given to make it, that one. */
  readonly trust?: { readonly trustedRoot?: string | undefined; readonly npmKeys?: string | undefined }
  /** Where evidence was looked for: only what was asked is known to have none. Default: the registry. */
  readonly looked?: Looked
  /** Projects that have a policy of their own. */
  readonly projects?: readonly string[]
  /** Versions that pass by no rule. */
  readonly exceptions?: readonly {
    readonly package: string
    readonly integrity?: string
    readonly reason: string
    readonly expires: string
  }[]
}

/**
 * A first policy for what is installed today: all of it passes, together with the identity lock, and whatever is lost or
 * changes later does not. It has a rule for projects of the workspace, one for each other source than a registry, one for
 * each large scope of which everything is proven, and one for the rest; who publishes each single package is in the lock.
 * What has attestations that do not hold, or of which nothing is known, does not pass, and neither does what is of unknown
 * source.
 */
export function draftPolicy(examined: readonly Examined[], options: DraftOptions = {}): string {
  const { trust = {}, projects = [], exceptions = [], looked = 'registry' } = options
  const sound = examined.filter((each) => !isBroken(each) && !isUndecided(each))
  const drafted = [
    ...sourceRules(sound),
    ...strictRules(examined.filter(isBroken), BROKEN),
    ...strictRules(examined.filter(isUndecided), UNKNOWN),
    ...scopeRules(sound.filter(({ pkg }) => pkg.source === 'registry')),
    ...restRules(
      sound.filter(({ pkg }) => pkg.source === 'registry'),
      looked,
    ),
  ]
  const [rules, comments] = [drafted.map(({ rule }) => rule), drafted.map(({ comment }) => comment)]
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

interface Drafted {
  readonly rule: object
  readonly comment: string | undefined
}

/** What comes from elsewhere than a registry, by exact names: of it nothing can be proven. */
function sourceRules(examined: readonly Examined[]): readonly Drafted[] {
  const bySource = Map.groupBy(
    examined.filter((each) => !(each.pkg.source === 'registry' && (isSigned(each) || isProven(each)))),
    ({ pkg }) => sourceFor({ require: 'nothing' }, pkg),
  )
  return ELSEWHERE.flatMap(({ source, comment }) => {
    const members = bySource.get(source) ?? []
    // A folder of this repository may have any name: what is in it is reviewed with everything else.
    const packages = source === 'workspace' ? '**' : namesOf(members)
    return members.length === 0 ? [] : [{ rule: { packages, source, require: 'nothing' }, comment }]
  })
}

const ELSEWHERE = [
  { source: 'workspace', comment: ' Projects of this repository.' },
  { source: 'directory', comment: ' Other folders that the lockfile names.' },
  { source: 'git', comment: ' Git repositories. Of what they hold nothing is known.' },
  { source: 'tarball', comment: ' Tarballs that are not of the registry. Of what they hold nothing is known.' },
  { source: 'runtime', comment: ' JavaScript runtimes that pnpm downloads.' },
] as const

function strictRules(examined: readonly Examined[], comment: string): readonly Drafted[] {
  if (examined.length === 0) return []
  const packages = [...new Set(examined.map(({ pkg }) => `${pkg.name}@${pkg.version}`))].sort()
  return [{ rule: { packages, require: 'signature' }, comment }]
}

const BROKEN = ' Their attestations did not hold when this was written, and must. Look at each.'

const UNKNOWN = ` Nothing was known of their attestations when this was written: the trust root, or the gate, was older than they are.
 Once both are newer, remove this rule, and run \`provenance-gate accept\`.`

function scopeRules(examined: readonly Examined[]): readonly Drafted[] {
  return provenScopes(examined).map(({ scopes, publishers }, index) => ({
    rule: {
      packages: scopes.length === 1 ? `${scopes[0]}/*` : scopes.map((scope) => `${scope}/*`),
      require: 'provenance',
      publisher: publishers.length === 1 ? publishers[0] : publishers,
      unchanged: true,
    },
    comment: index === 0 ? SCOPES : undefined,
  }))
}

/** A registry that signs has signed everything that it has: a lockfile then cannot bring other bytes. */
function restRules(examined: readonly Examined[], looked: Looked): readonly Drafted[] {
  const unproven = examined.filter((each) => !isProven(each))
  const isSigning = (unproven.length === 0 ? examined : unproven).some(isSigned)
  if (!isSigning) {
    const isBound = unproven.length === 0 || unproven.some((each) => unbindable(each) === undefined)
    const comment = isBound ? unsignedRest(looked) : UNBOUND_REST
    return [{ rule: { packages: '**', require: 'nothing', unchanged: true }, comment }]
  }
  const unsigned = examined.filter((each) => !isSigned(each) && each.pkg.outside === undefined)
  const [unbound, others] = [true, false].map((is) =>
    unsigned.filter((each) => (unbindable(each) !== undefined) === is),
  )
  // A name in both is named once.
  const lists = [
    { packages: namesOf(unbound ?? []), comment: UNBOUND },
    { packages: without(namesOf(others ?? []), namesOf(unbound ?? [])), comment: unsignedComment(looked) },
  ]
  return [
    ...lists.flatMap(({ packages, comment }) =>
      packages.length === 0
        ? []
        : [{ rule: { packages, source: 'registry', require: 'nothing', unchanged: true }, comment }],
    ),
    { rule: { packages: '**', require: 'signature', unchanged: true }, comment: SIGNED_REST },
  ]
}

function without(names: readonly string[], others: readonly string[]): readonly string[] {
  const left = new Set(others)
  return names.filter((name) => !left.has(name))
}

/** Rules are asked for the names that packages are installed as, too. */
function namesOf(examined: readonly Examined[]): readonly string[] {
  return [...new Set(examined.flatMap(({ pkg }) => [pkg.name, ...(pkg.aliases ?? [])]))].sort()
}

function isProven({ proof }: Examined): boolean {
  return proof.ok && proof.value.provenance.length > 0
}

/** By the key of the default registry, in an attestation or in the metadata. */
function isSigned({ signed }: Examined): boolean {
  const by = signed?.ok ? [...signed.value.publish, signed.value.signature] : []
  return by.some((each) => each !== undefined && each.registry === undefined)
}

/** Who has no signature, as far as somebody was asked. */
const LOOKED = {
  registry: 'The registry has',
  folder: 'The registry was not asked, and the folder of evidence has',
} as const

type Looked = keyof typeof LOOKED

function unsignedComment(looked: Looked): string {
  return ` ${LOOKED[looked]} no signature for these:
 nothing tells whether their bytes are what was published.`
}

const UNBOUND = ` The lockfile has no sha512 of these, so that nothing signed can be compared with what it names.`

const UNBOUND_REST = ` Everything else: whatever had provenance has to keep it. Of the rest nothing is held: the lockfile has no sha512 of it, so
 that nothing signed can be compared with what it names. \`provenance-gate run\` looks at the bytes as they are fetched.`

const SIGNED_REST = ` Everything else: signed by the registry, so that a lockfile cannot bring other bytes. Whatever had provenance has
 to keep it.`

function unsignedRest(looked: Looked): string {
  return ` Everything else: whatever had provenance has to keep it, of the rest nothing is known. ${LOOKED[looked]} no signatures
 by which bytes could be told from others.${looked === 'registry' ? MAYBE_MIRROR : ''}`
}

const MAYBE_MIRROR = ` If it only passes packages on, name the one that has them: "evidenceFrom".`

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
