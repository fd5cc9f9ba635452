import { dirname, resolve } from 'node:path'
import * as v from 'valibot'
import { type PolicyDocument, readDocument } from './document.ts'
import { parsePackagePattern } from './packages.ts'
import { type Problem, problemsOf, toError } from './problems.ts'
import { toPublisher } from './publisher.ts'
import { type PolicyFile, PolicySchema, type RuleFile } from './schema.ts'
import { didYouMean, quote } from './text.ts'
import { toMilliseconds } from './time.ts'
import type { Enforcement, Exception, Place, Policy, PolicyDomain, Publisher, Rule } from './types.ts'
import { deadPatterns } from './unreachable.ts'

/**
 * Makes a policy of a file's text, or throws a GateError that names everything wrong with it, in the file's order.
 *
 * Of `shared`, the policies that it extends, the rules come after its own, so that its own decide first; their exceptions
 * and publishers are there as well, and their trust files and mirror where it names none. Their modes stay with their rules. The
 * policies of projects are for `load.ts` to add.
 */
export function parsePolicy(text: string, file: string, root?: string, shared: readonly Policy[] = []): Policy {
  return toPolicy(readDocument(text, file, root), file, shared)
}

/** What a file names, and what it says; undefined where it extends others, without which that is not known. */
export function readContent(text: string, file: string, root?: string) {
  const document = readDocument(text, file, root)
  const extended = referencesOf('extends', document)
  const policy = extended.length === 0 ? toPolicy(document, file, []) : undefined
  return { extended, projects: referencesOf('projects', document), policy }
}

function toPolicy(document: PolicyDocument, file: string, shared: readonly Policy[]): Policy {
  const parsed = v.safeParse(PolicySchema, document.value)
  if (!parsed.success) throw toError(problemsOf(parsed.issues, document))
  const own = Object.entries(parsed.output.publishers ?? {})
  const named: Named = new Map([
    ...shared.flatMap(({ publishers }) => [...publishers]),
    ...own.map(([name, publisher]) => [name, [publisher].flat().map(toPublisher)] as const),
  ])
  const unknown = [...redefinedPublishers(own, shared, document), ...unknownPublishers(parsed.output, named, document)]
  if (unknown.length > 0) throw toError(unknown)
  const enforcement = enforcementOf(parsed.output, { mode: 'enforce' })
  const rules = parsed.output.rules.map((rule, index) =>
    toRule(rule, named, enforcement, document.placeOf(['rules', index], 'value')),
  )
  const problems = [
    ...enforcementProblems(parsed.output, document),
    ...exceptionProblems(parsed.output, document),
    ...shadowProblems(rules, document),
  ]
  if (problems.length > 0) throw toError(problems)
  const exceptions = (parsed.output.exceptions ?? []).map((exception, index) =>
    toException(exception, document.placeOf(['exceptions', index], 'value')),
  )
  const allowSettings = (parsed.output.allowSettings ?? []).map((setting, index) => ({
    ...setting,
    place: document.placeOf(['allowSettings', index], 'value'),
  }))
  return {
    file,
    identities: undefined,
    // Once, where two of them extend a third.
    rules: [...rules, ...new Set(shared.flatMap((each) => each.rules))],
    exceptions: [...exceptions, ...new Set(shared.flatMap((each) => each.exceptions))],
    allowSettings: [...allowSettings, ...new Set(shared.flatMap((each) => each.allowSettings))],
    publishers: named,
    enforcement,
    trust: trustOf(parsed.output, file, shared),
    ...mirrorOf(parsed.output, shared),
    ...allowancesOf(parsed.output, document, shared),
    projects: new Map(),
  }
}

function trustOf({ trust = {} }: PolicyFile, file: string, shared: readonly Policy[]): Policy['trust'] {
  const fileOf = (key: 'trustedRoot' | 'npmKeys') => {
    const path = trust[key]
    return path === undefined ? shared.find((each) => each.trust[key])?.trust[key] : resolve(dirname(file), path)
  }
  const tuf =
    trust.tuf === undefined
      ? shared.find((each) => each.trust.tuf)?.trust.tuf
      : { url: trust.tuf.url, root: resolve(dirname(file), trust.tuf.root) }
  const maxStaleness =
    trust.maxStaleness === undefined
      ? shared.find((each) => each.trust.maxStaleness !== undefined)?.trust.maxStaleness
      : toMilliseconds(trust.maxStaleness)
  const domains = new Map<string, PolicyDomain>()
  for (const [name, domain] of [
    ...shared.toReversed().flatMap((each) => [...(each.trust.domains ?? [])]),
    ...Object.entries(trust.domains ?? {}).map(([name, domain]) => [name, toDomain(domain, file)] as const),
  ])
    domains.set(name, over(domains.get(name), domain))
  const registries: ReadonlyMap<string, string> = new Map([
    ...shared.toReversed().flatMap((each) => [...(each.trust.registries ?? [])]),
    ...Object.entries(trust.registries ?? {}).map(([name, path]) => [name, resolve(dirname(file), path)] as const),
  ])
  return {
    trustedRoot: fileOf('trustedRoot'),
    npmKeys: fileOf('npmKeys'),
    ...(domains.size > 0 && { domains }),
    ...(registries.size > 0 && { registries }),
    ...(tuf !== undefined && { tuf }),
    ...(maxStaleness !== undefined && { maxStaleness }),
  }
}

/** Field by field: naming a domain must not take away what a shared policy asks of it. */
function over(shared: PolicyDomain | undefined, own: PolicyDomain): PolicyDomain {
  const { trustedRoot, tuf } = own.trustedRoot === undefined && own.tuf === undefined ? (shared ?? {}) : own
  return {
    ...(trustedRoot !== undefined && { trustedRoot }),
    ...(tuf !== undefined && { tuf }),
    thresholds: { ...shared?.thresholds, ...own.thresholds },
  }
}

type DomainFile = NonNullable<NonNullable<PolicyFile['trust']>['domains']>[string]

function toDomain({ trustedRoot, tuf, ...thresholds }: DomainFile, file: string): PolicyDomain {
  const fileOf = (path: string) => resolve(dirname(file), path)
  return {
    ...(trustedRoot !== undefined && { trustedRoot: fileOf(trustedRoot) }),
    ...(tuf !== undefined && { tuf: { url: tuf.url, root: fileOf(tuf.root) } }),
    thresholds,
  }
}

function mirrorOf({ attestations }: PolicyFile, shared: readonly Policy[]): Pick<Policy, 'attestations'> {
  if (attestations === undefined) {
    const mirror = shared.find((each) => each.attestations)?.attestations
    return mirror === undefined ? {} : { attestations: mirror }
  }
  return { attestations: typeof attestations === 'string' ? { url: attestations, fallback: 'none' } : attestations }
}

/** What else a policy names under a key, as far as it can be read: the rest of the file is looked at when that is there. */
export function referencesOf(
  key: 'extends' | 'projects',
  document: PolicyDocument,
): readonly { readonly spec: string; readonly place: Place }[] {
  const parsed = v.safeParse(v.looseObject({ [key]: PolicySchema.entries[key] }), document.value)
  const named = parsed.success ? parsed.output[key] : undefined
  const several = Array.isArray(named)
  return [named ?? []].flat().map((spec, index) => ({
    spec,
    place: document.placeOf([key, ...(several ? [index] : [])], 'value'),
  }))
}

type Named = ReadonlyMap<string, readonly Publisher[]>

function toRule(rule: RuleFile, named: Named, outer: Enforcement, place: Place): Rule {
  const publishers = [rule.publisher ?? []].flat()
  return {
    packages: [rule.packages].flat(),
    require: rule.require,
    ...(rule.source !== undefined && { source: [rule.source].flat() }),
    ...(rule.integrity !== undefined && { integrity: rule.integrity }),
    ...(rule.registry !== undefined && { registry: rule.registry }),
    publishers: publishers.flatMap((publisher) =>
      typeof publisher === 'string' ? (named.get(publisher) ?? []) : toPublisher(publisher),
    ),
    unchanged: rule.unchanged === true,
    ...(rule.minimumAge !== undefined && { minimumAge: rule.minimumAge }),
    ...(rule.evidenceFrom !== undefined && { evidenceFrom: rule.evidenceFrom.replace(/\/?$/, '/') }),
    enforcement: enforcementOf(rule, outer),
    ...(rule.reason !== undefined && { reason: rule.reason }),
    place,
  }
}

type EnforcementFile = Pick<RuleFile, 'mode' | 'enforceFrom'>

/** What a rule does not say is as in the file; a day that the file has for its warnings is none of a rule that enforces. */
function enforcementOf({ mode, enforceFrom }: EnforcementFile, outer: Enforcement): Enforcement {
  if (mode === undefined || mode === outer.mode)
    return enforceFrom === undefined ? outer : { mode: outer.mode, enforceFrom }
  return enforceFrom === undefined ? { mode } : { mode, enforceFrom }
}

/** A day from which to enforce what is enforced already: whoever wrote it believes that it is not. */
function enforcementProblems(file: PolicyFile, document: PolicyDocument): readonly Problem[] {
  const outer = enforcementOf(file, { mode: 'enforce' })
  const places = [
    { it: file, path: [], outer: { mode: 'enforce' as const } },
    ...file.rules.map((it, index) => ({ it, path: ['rules', index], outer })),
  ]
  return places.flatMap(({ it, path, outer }) =>
    it.enforceFrom !== undefined && enforcementOf(it, outer).mode === 'enforce'
      ? [
          {
            place: document.placeOf([...path, 'enforceFrom'], 'key'),
            message:
              '"enforceFrom" is the day on which a warning becomes a refusal, but here nothing only warns: add "mode": "warn", or remove it',
          },
        ]
      : [],
  )
}

type ExceptionFile = NonNullable<PolicyFile['exceptions']>[number]

function toException({ package: pkg, integrity, reason, expires }: ExceptionFile, place: Place): Exception {
  const { name, range = '' } = parsePackagePattern(pkg)
  return { name, version: range, ...(integrity !== undefined && { integrity }), reason, expires, place }
}

function allowancesOf(
  { allowLockChanges = [] }: PolicyFile,
  document: PolicyDocument,
  shared: readonly Policy[],
): Pick<Policy, 'allowLockChanges'> {
  const own = allowLockChanges.map((each, index) => ({
    ...each,
    place: document.placeOf(['allowLockChanges', index], 'value'),
  }))
  const all = [...own, ...new Set(shared.flatMap((each) => each.allowLockChanges ?? []))]
  return all.length === 0 ? {} : { allowLockChanges: all }
}

/** Of two for one version only the first would count. */
function exceptionProblems({ exceptions = [] }: PolicyFile, document: PolicyDocument): readonly Problem[] {
  return exceptions.flatMap(({ package: pkg }, index) =>
    exceptions.findIndex((other) => other.package === pkg) === index
      ? []
      : [
          {
            place: document.placeOf(['exceptions', index, 'package'], 'value'),
            message: `${quote(pkg)} has an exception already, and only the first would count: keep one`,
          },
        ],
  )
}

/** One name for two publishers: whoever reads a rule would look at the wrong one. */
function redefinedPublishers(
  own: readonly (readonly [string, unknown])[],
  shared: readonly Policy[],
  document: PolicyDocument,
): readonly Problem[] {
  const between = shared.flatMap((each, index) =>
    [...each.publishers].flatMap(([name, publisher]) => {
      const other = shared.slice(0, index).find(({ publishers }) => (publishers.get(name) ?? publisher) !== publisher)
      if (other === undefined) return []
      const message = `${quote(name)} is the name of one publisher in ${other.file} and of another in ${each.file}: rename one`
      return [{ place: document.placeOf(['extends'], 'value'), message }]
    }),
  )
  const mine = own.flatMap(([name]) => {
    const other = shared.find(({ publishers }) => publishers.has(name))
    if (other === undefined) return []
    const message = `${quote(name)} is the name of a publisher in ${other.file} already: choose another`
    return [{ place: document.placeOf(['publishers', name], 'key'), message }]
  })
  return [...between, ...mine]
}

function unknownPublishers(file: PolicyFile, named: Named, document: PolicyDocument): readonly Problem[] {
  return file.rules.flatMap(({ publisher }, rule) =>
    [publisher ?? []].flat().flatMap((each, index): readonly Problem[] => {
      if (typeof each !== 'string' || named.has(each)) return []
      const path = ['rules', rule, 'publisher', ...(Array.isArray(publisher) ? [index] : [])]
      const known = named.size === 0 ? 'which is missing' : `which has ${[...named.keys()].map(quote).join(', ')}`
      return [
        {
          place: document.placeOf(path, 'value'),
          message: `no publisher is called ${quote(each)} under "publishers", ${known}${didYouMean(each, [...named.keys()])}`,
        },
      ]
    }),
  )
}

/** Rules that cannot decide anything, and patterns that cannot match anything in rules that can. */
function shadowProblems(rules: readonly Rule[], document: PolicyDocument): readonly Problem[] {
  const dead = deadPatterns(rules)
  return rules.flatMap(({ packages, place }, index): readonly Problem[] => {
    const mine = dead.filter(({ rule }) => rule === index)
    const shadowed = mine.filter(({ negated }) => !negated)
    if (shadowed.length > 0 && shadowed.length === packages.filter((pattern) => !pattern.startsWith('!')).length) {
      const deciders = [...new Set(shadowed.map(({ by }) => by))].filter((by) => by !== index).sort((a, b) => a - b)
      const lines = deciders.map((by) => String(rules[by]?.place.line))
      const why =
        lines.length === 0
          ? 'its own negated patterns take out everything that it names. Correct or remove them'
          : `${lines.length === 1 ? 'the rule at line' : 'the rules at lines'} ${lines.join(' and ')} already ${lines.length === 1 ? 'decides' : 'decide'} everything that it names, and the first rule that matches decides. Remove it, or move it up`
      return [{ place, message: `this rule can never decide: ${why}` }]
    }
    return mine.map(({ pattern, negated, by }) => ({
      place: document.placeOf(['rules', index, 'packages', pattern], 'value'),
      message: `${quote(packages[pattern] ?? '')} ${whyDead(negated, by === index ? undefined : rules[by])}`,
    }))
  })
}

function whyDead(negated: boolean, decider: Rule | undefined): string {
  if (negated)
    return 'takes out nothing, for no other pattern of this rule matches such a package. Correct or remove it'
  if (decider === undefined) return 'is taken out again by a negated pattern of this rule. Remove one of the two'
  return `never matches here: the rule at line ${decider.place.line} already decides it. Remove it, or move this rule up`
}
