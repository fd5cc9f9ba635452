import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { count, summarize, summaryLine } from '../../src/report/summary.ts'
import { anyVerdict, refusal, STATUSES, verdict } from './support.ts'

describe('the summary', () => {
  it('of nothing is nothing', () => {
    const nothing = { total: 0, proven: 0, permitted: 0, bundled: 0, warned: 0, excepted: 0, refused: 0, codes: {} }
    assert.deepEqual(summarize([]), nothing)
    assert.equal(summaryLine(nothing), '0 packages: 0 proven, 0 permitted, 0 warned, 0 excepted, 0 refused')
  })

  it('counts each status and each reason', () => {
    const verdicts = [
      verdict('proven'),
      verdict('proven'),
      verdict('permitted'),
      refusal(),
      refusal({}, 'NO_RULE'),
      refusal({}, 'NO_RULE'),
    ]
    const summary = summarize(verdicts)
    assert.deepEqual(summary, {
      total: 6,
      proven: 2,
      permitted: 1,
      bundled: 0,
      warned: 0,
      excepted: 0,
      refused: 3,
      codes: { REF_MISMATCH: 1, NO_RULE: 2 },
    })
    assert.equal(summaryLine(summary), '6 packages: 2 proven, 1 permitted, 0 warned, 0 excepted, 3 refused')
  })

  it('counts the same package twice if it is there twice', () => {
    assert.equal(summarize([refusal(), refusal()]).refused, 2)
  })

  it('counts a refusal without a reason, which would be a mistake of the gate, as one', () => {
    assert.deepEqual(summarize([verdict('refused')]).codes, { INTERNAL_ERROR: 1 })
  })

  it('has no reason for what is not refused', () => {
    const reason = { code: 'NO_RULE', found: '', expected: '' } as const
    for (const status of STATUSES) {
      if (status !== 'refused') assert.deepEqual(summarize([verdict(status, { refusal: reason })]).codes, {})
    }
  })

  it('adds up: each package is in exactly one status, and each refusal has one reason', () => {
    fc.assert(
      fc.property(fc.array(anyVerdict), (verdicts) => {
        const summary = summarize(verdicts)
        const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)
        assert.equal(summary.total, verdicts.length)
        assert.equal(sum(STATUSES.map((status) => summary[status])), summary.total)
        assert.equal(sum(Object.values(summary.codes)), summary.refused)
        const numbers = [...summaryLine(summary).matchAll(/\d+/g)].map(Number)
        assert.equal(sum(numbers.slice(1)), numbers[0])
      }),
    )
  })

  it('speaks of one package in the singular', () => {
    assert.deepEqual([0, 1, 2].map(count), ['0 packages', '1 package', '2 packages'])
  })
})
