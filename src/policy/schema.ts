import * as v from 'valibot'
import {
  builderProblem,
  commitProblem,
  environmentProblem,
  idProblem,
  issuerProblem,
  ownerProblem,
  refProblem,
  repositoryProblem,
  triggerProblem,
  workflowProblem,
} from './fields.ts'
import { packageProblem, versionProblem } from './packages.ts'
import { publisherProblem } from './publisher.ts'
import { describe, didYouMean, either, quote, textProblem } from './text.ts'
import { dayProblem, spanProblem } from './time.ts'

/**
 * The policy file: the one definition from which its types, its checks and its JSON schema come.
 *
 * Every mapping is strict, at every depth: a key that is not known is an error, because a misspelt key that is ignored
 * is a check that is not made. For the same reason no value is ever converted, and only these have a default: the issuer
 * that follows from a repository's host.
 */

type Problem = string | undefined

/** A mapping with these keys and no others. `what` names it in messages. */
export function mapping<const E extends v.ObjectEntries>(what: string, entries: E) {
  const keys = Object.keys(entries)
  return v.strictObject(entries, (issue) => {
    const last = issue.path?.at(-1)
    if (last?.origin !== 'key')
      return `${what} is written as a mapping with ${list(keys)}, but here is ${describe(issue.input)}`
    const key = String(last.key)
    if (issue.expected !== 'never') return `${what} needs ${quote(key)}, which is missing`
    return `unknown key ${quote(key)} in ${what}, which has ${list(keys)}${didYouMean(key, keys)}`
  })
}

function list(keys: readonly string[]): string {
  return keys.map(quote).join(', ')
}

/** One line of text, with what is wrong with it in particular. */
export function text(problemOf: (text: string) => Problem = () => undefined) {
  return v.pipe(
    v.string((issue) => `expected text, found ${describe(issue.input)}: write the value, in quotes`),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return
      const problem = textProblem(dataset.value) ?? problemOf(dataset.value)
      if (problem !== undefined) addIssue({ message: problem })
    }),
  )
}

function choice<const T extends readonly string[]>(options: T) {
  return v.picklist(options, (issue) => {
    const meant = typeof issue.input === 'string' ? didYouMean(issue.input, options) : ''
    return `expected ${either(options.map(quote))}, found ${describe(issue.input)}${meant}`
  })
}

/**
 * `x` or `[x, …]`. In form a union, so that a JSON schema can be made of it; but what is a list is read as a list and
 * nothing else, so that a mistake inside is reported as that mistake and not as "neither of two forms".
 */
function oneOrMany<const S extends v.GenericSchema>(one: S, what: string) {
  const many = v.pipe(v.array(one), v.nonEmpty(`the list is empty: name ${what}`))
  const union = v.union([one, many])
  const run: (typeof union)['~run'] = (dataset, config) =>
    (Array.isArray(dataset.value) ? many : one)['~run'](dataset, config)
  return { ...union, '~run': run }
}

/** Raises an issue at a key of the mapping that is being checked. */
function at(input: object, key: string, message: string): { message: string; path: [v.ObjectPathItem] } {
  const record: Record<string, unknown> = { ...input }
  return { message, path: [{ type: 'object', origin: 'value', input: record, key, value: record[key] }] }
}

/**
 * YAML and JSON have numbers, and an id is one. This is the one place where a value may be written in two ways; a number
 * that is no longer exact is none of them.
 */
export const id = v.pipe(
  v.union([v.string(), v.number()], (issue) => `expected an id, a whole number, found ${describe(issue.input)}`),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    const { value } = dataset
    if (typeof value === 'number' && !Number.isSafeInteger(value)) {
      addIssue({ message: `the number ${value} is not read exactly: write the id in quotes` })
      return
    }
    const problem = textProblem(String(value)) ?? idProblem(String(value))
    if (problem !== undefined) addIssue({ message: problem })
  }),
  v.transform(String),
)

const PublisherSchema = v.pipe(
  mapping('a publisher', {
    issuer: v.exactOptional(text(issuerProblem)),
    owner: v.exactOptional(text(ownerProblem)),
    ownerId: v.exactOptional(id),
    repository: v.exactOptional(text(repositoryProblem)),
    repositoryId: v.exactOptional(id),
    workflow: v.exactOptional(oneOrMany(text(workflowProblem), 'at least one workflow')),
    builder: v.exactOptional(oneOrMany(text(builderProblem), 'at least one called workflow')),
    ref: v.exactOptional(oneOrMany(text(refProblem), 'at least one ref')),
    commit: v.exactOptional(oneOrMany(text(commitProblem), 'at least one commit')),
    trigger: v.exactOptional(oneOrMany(text(triggerProblem), 'at least one event')),
    runner: v.exactOptional(choice(['hosted', 'self-hosted'])),
    environment: v.exactOptional(oneOrMany(text(environmentProblem), 'at least one environment')),
    visibility: v.exactOptional(choice(['public', 'private', 'internal'])),
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed || dataset.issues !== undefined) return
    const problem = publisherProblem(dataset.value)
    if (problem === undefined) return
    const { key, message } = problem
    addIssue(key === undefined ? { message } : at(dataset.value, key, message))
  }),
)

const NAME = /^[A-Za-z][A-Za-z0-9_-]*$/

function nameProblem(name: string): Problem {
  if (NAME.test(name)) return undefined
  const isRepository = name.includes('/')
  return isRepository
    ? `${quote(name)} is not the name of a publisher: for a repository write {"repository": ${quote(name)}}`
    : `${quote(name)} is not a name for a publisher: a letter, then letters, digits, "-" and "_"`
}

const NamedPublishersSchema = v.pipe(
  v.record(
    v.string(),
    oneOrMany(PublisherSchema, 'at least one publisher'),
    (issue) => `"publishers" is a mapping of names to publishers, but here is ${describe(issue.input)}`,
  ),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    for (const name of Object.keys(dataset.value)) {
      const problem = nameProblem(name)
      if (problem !== undefined) addIssue(at(dataset.value, name, problem))
    }
  }),
)

/** A publisher, or the name of one. What is text is read as a name and nothing else, as in `oneOrMany`. */
const nameOrPublisher = (() => {
  const name = text(nameProblem)
  const union = v.union([name, PublisherSchema])
  const run: (typeof union)['~run'] = (dataset, config) =>
    (typeof dataset.value === 'string' ? name : PublisherSchema)['~run'](dataset, config)
  return { ...union, '~run': run }
})()

const RuleSchema = v.pipe(
  mapping('a rule', {
    packages: oneOrMany(text(packageProblem), 'at least one package'),
    require: choice(['provenance', 'signature', 'nothing']),
    publisher: v.exactOptional(oneOrMany(nameOrPublisher, 'at least one publisher')),
    unchanged: v.exactOptional(v.boolean((issue) => `expected true or false, found ${describe(issue.input)}`)),
    minimumAge: v.exactOptional(text(spanProblem)),
    mode: v.exactOptional(choice(['enforce', 'warn'])),
    enforceFrom: v.exactOptional(text(dayProblem)),
    reason: v.exactOptional(text()),
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    const rule = dataset.value
    const patterns = [rule.packages].flat()
    if (patterns.length > 0 && patterns.every((pattern) => pattern.startsWith('!'))) {
      addIssue(
        at(
          rule,
          'packages',
          'only negated patterns, which take packages out of nothing: name what the rule is about too, such as "**"',
        ),
      )
    }
    if (rule.require === 'provenance' && rule.publisher === undefined && rule.unchanged !== true) {
      addIssue(
        at(
          rule,
          'require',
          '"provenance" without "publisher" would accept a package that anybody built and signed, an attacker included: add "publisher", such as "publisher": {"repository": "owner/name"}, or "unchanged": true for whom provenance-lock.yaml names',
        ),
      )
    }
    if (rule.require !== 'provenance' && rule.publisher !== undefined) {
      addIssue(
        at(
          rule,
          'publisher',
          `this rule requires ${quote(rule.require)}, so its "publisher" would never be looked at: write "require": "provenance", or remove "publisher"`,
        ),
      )
    }
    if (rule.require === 'signature' && rule.unchanged === true) {
      addIssue(
        at(
          rule,
          'unchanged',
          'a signature of the registry does not say who built a package: write "require": "provenance", or "nothing" for packages that may never have had any',
        ),
      )
    }
    for (const key of ['minimumAge', 'mode', 'enforceFrom'] as const) {
      if (rule.require !== 'nothing' || rule[key] === undefined) continue
      if (rule.unchanged === true && key !== 'minimumAge') continue
      addIssue(at(rule, key, `this rule requires "nothing", so its "${key}" would never be looked at: remove it`))
    }
  }),
)

const ExceptionSchema = mapping('an exception', {
  package: text(versionProblem),
  integrity: v.exactOptional(text(integrityProblem)),
  reason: text(),
  expires: text(dayProblem),
})

function integrityProblem(integrity: string): Problem {
  return /^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity)
    ? undefined
    : `${quote(integrity)} is not the integrity of a lockfile's entry: copy it from there, "sha512-…"`
}

const TrustSchema = v.pipe(
  mapping('"trust"', {
    trustedRoot: v.exactOptional(text(fileProblem)),
    npmKeys: v.exactOptional(text(fileProblem)),
  }),
  v.check((trust) => Object.keys(trust).length > 0, '"trust" names no file: name one, or remove it'),
)

function fileProblem(path: string): Problem {
  return path.includes('://') ? `${quote(path)} is a URL: write the path of a file, relative to the policy` : undefined
}

export const PolicySchema = mapping('a policy', {
  $schema: v.exactOptional(text()),
  trust: v.exactOptional(TrustSchema),
  publishers: v.exactOptional(NamedPublishersSchema),
  mode: v.exactOptional(choice(['enforce', 'warn'])),
  enforceFrom: v.exactOptional(text(dayProblem)),
  exceptions: v.exactOptional(
    v.array(ExceptionSchema, (issue) => `"exceptions" is a list of exceptions, but here is ${describe(issue.input)}`),
  ),
  rules: v.pipe(
    v.array(RuleSchema, (issue) => `"rules" is a list of rules, but here is ${describe(issue.input)}`),
    v.nonEmpty('no rules: every package would be refused. Write at least one'),
  ),
})

export type PolicyFile = v.InferOutput<typeof PolicySchema>
export type RuleFile = PolicyFile['rules'][number]
