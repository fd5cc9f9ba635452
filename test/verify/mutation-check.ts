import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { CODES, type Refusal, type Result, UNREAD } from '../../src/codes.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import type { Proof } from '../../src/verify/types.ts'
import type { DocumentVerifier } from '../../src/verify/verify.ts'
import type { AttestationDocument } from '../support/sigstore/index.ts'
import { byteMutation, everyMutation, type Mutation, mutate, placesOf, valueAt } from './mutate.ts'
import { accepted } from './support.ts'
import { placeOf, UNSIGNED } from './unsigned.ts'

// A changed document is refused, or the change touched only what nobody signed, and then it proves what it proved before.

export interface Subject {
  readonly pkg: LockedPackage
  readonly document: AttestationDocument
  readonly now: Date
  readonly verify: DocumentVerifier
  /** What the document proves as it is. */
  readonly proof: Proof
}

function subjectOf(parts: Omit<Subject, 'proof'>): Subject {
  return { ...parts, proof: accepted(parts.verify(parts.pkg, parts.document, parts.now)) }
}

/** Verification that never throws and never gives up. */
export function judge({ pkg, now, verify }: Pick<Subject, 'pkg' | 'now' | 'verify'>, document: unknown): Result<Proof> {
  const result = verify(pkg, document, now)
  if (!result.ok) {
    const { code, found, expected } = result.refusal
    assert.ok(Object.hasOwn(CODES, code))
    assert.notEqual(code, 'INTERNAL_ERROR', found)
    assert.ok(found.length + expected.length < 2_000, 'a short phrase')
  }
  return result
}

/** Judges a change, and demands that whatever is accepted has a name and proves nothing new. */
function check(subject: Subject, ...mutations: readonly Mutation[]): void {
  const changed = mutations.reduce<unknown>(mutate, subject.document)
  const result = judge(subject, changed)
  if (!result.ok) return
  const { provenance, publish } = subject.proof
  const { leftOut = [] } = result.value
  assert.ok(publish || result.value.publish.length === 0)
  for (const proof of result.value.provenance) {
    assert.ok(
      provenance.some((genuine) => isDeepStrictEqual(genuine, proof)),
      'proves something else',
    )
  }
  for (const mutation of mutations) {
    const { path } = mutation
    const before = valueAt(subject.document, path)
    const after = mutation.change(before)
    if (isDeepStrictEqual(before, after)) continue
    // It cannot be read any more, is listed as such, and is then as good as one that was never there.
    if (isListed(leftOut, path)) continue
    const change = { place: placeOf(path), path, before, after, document: changed as AttestationDocument }
    const named = UNSIGNED.some(({ covers }) => covers(change))
    assert.ok(
      named,
      `accepted with another ${path.join('.')} (${mutation.kind}): ${JSON.stringify(after)?.slice(0, 300)}`,
    )
  }
}

/** Whether the attestation at that place of a document was left out unread. */
function isListed(leftOut: readonly Refusal[], [list, index]: Mutation['path']): boolean {
  return (
    list === 'attestations' &&
    typeof index === 'number' &&
    leftOut.some(({ code, found }) => UNREAD.has(code) && new RegExp(`^attestation ${index + 1}\\b`).test(found))
  )
}

/** Every structural change, and random ones: of bytes at least 2,000 over all subjects that are always there. */
export function describeMutations(
  name: string,
  options: { skip: string | false; bytes: number },
  open: () => Promise<Omit<Subject, 'proof'>>,
): void {
  describe(name, () => {
    test('unchanged, it is proven', { skip: options.skip }, async () => {
      const subject = subjectOf(await open())
      accepted(judge(subject, subject.document))
    })

    test('something else in any place', { skip: options.skip }, async () => {
      const subject = subjectOf(await open())
      for (const mutation of everyMutation(subject.document)) check(subject, mutation)
    })

    test('other bytes', { skip: options.skip }, async () => {
      const subject = subjectOf(await open())
      const property = fc.property(byteMutation(subject.document), (mutation) => check(subject, mutation))
      fc.assert(property, { numRuns: options.bytes })
    })

    test('two changes at once', { skip: options.skip }, async () => {
      const subject = subjectOf(await open())
      const mutation = fc.constantFrom(...everyMutation(subject.document))
      const apart = ([one, other]: [Mutation, Mutation]) => !overlap(one, other) && !overlap(other, one)
      fc.assert(
        fc.property(fc.tuple(mutation, mutation).filter(apart), (pair) => check(subject, ...pair)),
        { numRuns: 300 },
      )
    })

    test('any JSON in any place', { skip: options.skip }, async () => {
      const subject = subjectOf(await open())
      const place = fc.constantFrom(...placesOf(subject.document))
      const property = fc.property(place, fc.jsonValue(), (path, value) => {
        check(subject, { path, kind: 'JSON', change: () => structuredClone(value) })
      })
      fc.assert(property, { numRuns: 300 })
    })
  })
}

/** Two changes of one place, or of a place and one inside of it, undo each other; items taken out move those behind. */
function overlap(one: Mutation, other: Mutation): boolean {
  const [moved, place] = [one.path.slice(0, typeof one.path.at(-1) === 'number' ? -1 : undefined), other.path]
  return moved.every((key, index) => key === place[index])
}
