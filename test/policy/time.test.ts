import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dayProblem, endOf, howLong, spanProblem, startOf, toMilliseconds } from '../../src/policy/time.ts'

describe('a span', () => {
  it('is a number of hours, days or weeks', () => {
    for (const [span, hours] of [
      ['1h', 1],
      ['36h', 36],
      ['3d', 72],
      ['2w', 336],
      ['99999h', 99_999],
    ] as const) {
      assert.equal(spanProblem(span), undefined)
      assert.equal(toMilliseconds(span), hours * 3_600_000)
    }
  })

  it('is nothing else', () => {
    for (const span of [
      '',
      '3',
      'd',
      '0d',
      '-1d',
      '1.5d',
      '03d',
      '3 d',
      '3D',
      '3m',
      '3days',
      '100000d',
      '\u0663d',
      '3d ',
    ]) {
      assert.match(spanProblem(span) ?? '', /is not a span of time/, span)
      assert.throws(() => toMilliseconds(span), TypeError, span)
    }
  })
})

describe('a day', () => {
  it('begins and ends in UTC', () => {
    assert.equal(startOf('2027-01-31').toISOString(), '2027-01-31T00:00:00.000Z')
    assert.equal(endOf('2027-01-31').toISOString(), '2027-02-01T00:00:00.000Z')
    assert.equal(dayProblem('2028-02-29'), undefined)
  })

  it('is one that exists, written in one way', () => {
    for (const day of [
      '',
      '2027-02-29',
      '2027-13-01',
      '2027-00-10',
      '2027-1-1',
      '27-01-01',
      '2027-01-01T00:00:00Z',
      '01.02.2027',
      'tomorrow',
      '+002027-01-01',
    ]) {
      assert.match(dayProblem(day) ?? '', /is not a day/, day)
    }
  })
})

it('how long ago, in the unit that people would use', () => {
  const minute = 60_000
  for (const [milliseconds, text] of [
    [-5 * minute, '0 minutes'],
    [minute, '1 minute'],
    [119 * minute, '119 minutes'],
    [120 * minute, '2 hours'],
    [47 * 60 * minute, '47 hours'],
    [48 * 60 * minute, '2 days'],
    [10_000 * 60 * minute, '416 days'],
  ] as const) {
    assert.equal(howLong(milliseconds), text)
  }
})
