import type * as v from 'valibot'
import { GateError } from '../errors.ts'
import type { PolicyDocument } from './document.ts'
import { at } from './text.ts'
import type { Place } from './types.ts'

/** Something wrong in one of our files, and where. */
export interface Problem {
  readonly place: Place
  readonly message: string
}

/** What a schema finds wrong. `outer` leads to the part of the document that was checked. */
export function problemsOf(
  issues: readonly v.BaseIssue<unknown>[],
  document: PolicyDocument,
  outer: readonly PropertyKey[] = [],
): readonly Problem[] {
  return issues.map(({ path = [], message }) => {
    const keys = path.map(({ key }) => key).filter((key) => typeof key === 'string' || typeof key === 'number')
    return {
      place: document.placeOf([...outer, ...keys], path.at(-1)?.origin === 'key' ? 'key' : 'value'),
      message,
    }
  })
}

const SHOWN = 10

/** All of them in the file's order, as far as anybody reads; the rest is counted. */
export function toError(problems: readonly Problem[]): GateError {
  const sorted = problems.toSorted((a, b) => a.place.line - b.place.line || a.place.column - b.place.column)
  const lines = sorted.slice(0, SHOWN).map(({ place, message }) => at(place, message))
  if (sorted.length > SHOWN) lines.push(`… and ${sorted.length - SHOWN} more`)
  return new GateError(lines.join('\n'))
}
