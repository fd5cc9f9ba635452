import * as v from 'valibot'
import { idProblem } from './fields.ts'
import { describe, didYouMean, either, quote, textProblem } from './text.ts'

/** The parts of which the definitions of our files are made: strict, and with messages for people. */

export type Problem = string | undefined

/** A mapping with these keys and no others. `what` names it in messages. */
export function mapping<const E extends v.ObjectEntries>(what: string, entries: E) {
  const keys = Object.keys(entries)
  const isNone = (found: unknown) =>
    `${what} is written as a mapping with ${list(keys)}, but here is ${describe(found)}`
  const object = v.strictObject(entries, (issue) => {
    const last = issue.path?.at(-1)
    if (last?.origin !== 'key') return isNone(issue.input)
    const key = String(last.key)
    if (issue.expected !== 'never') return `${what} needs ${quote(key)}, which is missing`
    return `unknown key ${quote(key)} in ${what}, which has ${list(keys)}${didYouMean(key, keys)}`
  })
  const nothing = v.never((issue) => isNone(issue.input))
  // A list is an object too, to valibot: one that lacks keys, and has some that are not known.
  const run: (typeof object)['~run'] = (dataset, config) =>
    (Array.isArray(dataset.value) ? nothing : object)['~run'](dataset, config)
  return { ...object, '~run': run }
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

/** What an editor shows of a field. */
export function described<const S extends v.GenericSchema>(schema: S, text: string) {
  return v.pipe(schema, v.description(text))
}

export function choice<const T extends readonly string[]>(options: T) {
  return v.picklist(options, (issue) => {
    const meant = typeof issue.input === 'string' ? didYouMean(issue.input, options) : ''
    return `expected ${either(options.map(quote))}, found ${describe(issue.input)}${meant}`
  })
}

/**
 * `x` or `[x, …]`. In form a union, so that a JSON schema can be made of it; but what is a list is read as a list and
 * nothing else, so that a mistake inside is reported as that mistake and not as "neither of two forms".
 */
export function oneOrMany<const S extends v.GenericSchema>(one: S, what: string) {
  const many = v.pipe(v.array(one), v.nonEmpty(`the list is empty: name ${what}`))
  const union = v.union([one, many])
  const run: (typeof union)['~run'] = (dataset, config) =>
    (Array.isArray(dataset.value) ? many : one)['~run'](dataset, config)
  return { ...union, '~run': run }
}

/** A mapping whose keys are names that its writer chooses. `what` names it in messages, `values` what they are names of. */
export function named<const S extends v.GenericSchema>(
  one: S,
  what: string,
  values: string,
  problemOf: (name: string, value: v.InferOutput<S>) => Problem,
) {
  return v.pipe(
    v.record(
      v.string(),
      one,
      (issue) => `${what} is a mapping of names to ${values}, but here is ${describe(issue.input)}`,
    ),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return
      for (const [name, value] of Object.entries(dataset.value)) {
        const problem = problemOf(name, value as v.InferOutput<S>)
        if (problem !== undefined) addIssue(at(dataset.value, name, problem))
      }
    }),
  )
}

/** Raises an issue at a key of the mapping that is being checked. */
export function at(input: object, key: string, message: string): { message: string; path: [v.ObjectPathItem] } {
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
