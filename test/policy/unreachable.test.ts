import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import Range from 'semver/classes/range.js'
import subset from 'semver/ranges/subset.js'
import { matchesPackage } from '../../src/policy/packages.ts'
import { deadPatterns } from '../../src/policy/unreachable.ts'

type RuleLike = Parameters<typeof deadPatterns>[0][number]

const rule = (...packages: readonly string[]): RuleLike => ({ packages, require: 'provenance' })
const permit = (...packages: readonly string[]): RuleLike => ({ packages, require: 'nothing' })
const found = (...rules: readonly RuleLike[]) => deadPatterns(rules).map(({ rule, pattern, by }) => [rule, pattern, by])

describe('patterns that can never have an effect', () => {
  const shadows: readonly (readonly [string, string])[] = [
    ['a', 'a'],
    ['a', 'a@^1.0.0'],
    ['a@^1.0.0', 'a@^1.2.0'],
    ['a@^1.0.0', 'a@1.5.0'],
    ['a@<2', 'a@<1'],
    ['a@1.0.0', 'a@1.0.0'],
    ['@s/*', '@s/a'],
    ['@s/*', '@s/a@1.0.0'],
    ['@s/*', '@s/*'],
    ['@s/*', '@s/a-*'],
    ['@s/a*', '@s/ab*'],
    ['@*/*', '@s/*'],
    ['*', 'a'],
    ['*', 'a-*'],
    ['**', '**'],
    ['**', '*'],
    ['**', '@s/*'],
    ['**', '@s/a'],
    ['**', 'a@1.0.0'],
  ]
  for (const [earlier, later] of shadows) {
    it(`${later} behind ${earlier}`, () => assert.deepEqual(found(rule(earlier), rule(later)), [[1, 0, 0]]))
  }

  it('is found in a list with others, and behind rules between', () => {
    assert.deepEqual(found(rule('x', '@s/*'), rule('y'), rule('z', '@s/a')), [[2, 1, 0]])
  })

  it('is found behind several rules, each for its part', () => {
    assert.deepEqual(found(rule('a'), rule('b'), rule('a', 'b')), [
      [2, 0, 0],
      [2, 1, 1],
    ])
  })

  it('is found behind a negation that takes out nothing of it', () => {
    assert.deepEqual(found(rule('**', '!@t/*'), rule('@s/a')), [[1, 0, 0]])
    assert.deepEqual(found(rule('**', '!b'), rule('a')), [[1, 0, 0]])
    assert.deepEqual(found(rule('@s/*', '!@s/a'), rule('@s/*', '!@s/a')), [[1, 0, 0]])
  })

  it('is found where its own rule takes it out again', () => {
    assert.deepEqual(found(rule('a', 'b', '!a')), [[0, 0, 0]])
    assert.deepEqual(found(rule('@s/a', 'b', '!@s/*')), [[0, 0, 0]])
  })

  it('is found in a negation that overlaps nothing', () => {
    assert.deepEqual(found(permit('@acme/*', '!@acmee/legacy')), [[0, 1, 0]])
    assert.deepEqual(found(permit('*', '!@s/*')), [[0, 1, 0]])
    assert.deepEqual(found(permit('a', '!b@<2')), [[0, 1, 0]])
  })
})

describe('patterns that can have one', () => {
  const lists: readonly (readonly RuleLike[])[] = [
    [rule('a'), rule('b')],
    [rule('a@^1.0.0'), rule('a')],
    [rule('a@*'), rule('a')],
    [rule('a@>=0.0.0-0'), rule('a')],
    [rule('a@^1.2.0'), rule('a@^1.0.0')],
    [rule('a@^1.0.0'), rule('a@>=1.0.0')],
    [rule('@s/a'), rule('@s/*')],
    [rule('@s/*'), rule('*')],
    [rule('*'), rule('@s/*')],
    [rule('*'), rule('**')],
    [rule('@*/*'), rule('**')],
    [rule('@s/*'), rule('@t/*')],
    [rule('a*'), rule('*a')],
    [rule('**', '!a'), rule('a')],
    [rule('**', '!@s/*'), rule('@s/a')],
    [rule('**', '!@s/a'), rule('@s/*')],
    [rule('**', '!a@<2'), rule('a')],
    [rule('**', '!a@<2'), rule('a@<3')],
    [rule('@s/*', '!@s/a'), rule('@s/*', '!@s/b')],
    [rule('**', '!a*b'), rule('*c*')],
    // A version that cannot be compared leaves the first rule, which permits, and stays in the second.
    [permit('**', '!a@<2'), rule('**', '!a@<2')],
  ]
  for (const rules of lists) {
    it(rules.map(({ packages }) => packages.join(' ')).join(' | '), () => assert.deepEqual(deadPatterns(rules), []))
  }
})

const names = ['a', 'ab', 'b', 'aa', 'ba', '@s/a', '@s/b', '@s/ab', '@t/a', '@st/a', '@t/ba']
const globs = ['**', '*', 'a*', '*a', '*a*', 'a*b', '@s/*', '@t/*', '@*/*', '@*/a', '@s*/*', '@s/a*', '@s/*b']
const ranges = [
  '*',
  '^1.0.0',
  '>=1',
  '<2',
  '<1',
  '1.0.0',
  '1.0.0-rc.1',
  '^1 || ^3',
  '>=1.0.0-rc.1 <1.5',
  '~1.2',
  '>2 <1',
  '>=0.0.0-0',
  '1.x',
  '<2.0.0-0',
  '1.2.3 - 2',
  '=1.2.3 || <1',
]
const versions = [
  '',
  'main',
  '0.0.0-0',
  '0.0.0',
  '0.9.9',
  '1.0.0-0',
  '1.0.0-rc.1',
  '1.0.0',
  '1.2.3',
  '1.2.3-a',
  '1.5.0',
  '2.0.0-0',
  '2.0.0-rc',
  '2.0.0',
  '2.9.0',
  '3.0.0',
  '9.0.0-x',
]

const single = fc.oneof(
  fc.constantFrom(...names),
  fc.constantFrom(...globs),
  fc
    .tuple(fc.constantFrom(...names.slice(0, 3)), fc.constantFrom(...ranges))
    .map(([name, range]) => `${name}@${range}`),
)
const anyRule: fc.Arbitrary<RuleLike> = fc.record({
  packages: fc
    .tuple(fc.array(single, { minLength: 1, maxLength: 3 }), fc.array(single, { maxLength: 2 }))
    .map(([positive, negative]) => [...positive, ...negative.map((pattern) => `!${pattern}`)]),
  require: fc.constantFrom('provenance', 'nothing'),
})
const everything = names.flatMap((name) => versions.map((version) => ({ name, version })))

describe('reports of dead patterns in general', () => {
  it('are true: without what is reported every package is decided by the same rule', () => {
    let reported = 0
    fc.assert(
      fc.property(fc.array(anyRule, { minLength: 1, maxLength: 4 }), (rules) => {
        for (const dead of deadPatterns(rules)) {
          reported += 1
          const without = rules.map((each, index) =>
            index === dead.rule ? { ...each, packages: each.packages.filter((_, at) => at !== dead.pattern) } : each,
          )
          for (const pkg of everything) {
            const decides = (list: readonly RuleLike[]) => list.findIndex((each) => matchesPackage(each, pkg))
            assert.equal(decides(rules), decides(without))
          }
        }
      }),
      { numRuns: 2_000 },
    )
    assert.ok(reported > 100, 'the generator makes dead patterns')
  })

  it('are true of whole rules: one with dead positive patterns only never decides', () => {
    fc.assert(
      fc.property(fc.array(anyRule, { minLength: 2, maxLength: 5 }), (rules) => {
        const dead = deadPatterns(rules)
        for (const [index, { packages }] of rules.entries()) {
          const positive = packages.filter((pattern) => !pattern.startsWith('!')).length
          if (dead.filter((each) => each.rule === index && !each.negated).length < positive) continue
          for (const pkg of everything)
            assert.notEqual(
              rules.findIndex((each) => matchesPackage(each, pkg)),
              index,
            )
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it("may rely on semver's subset", () => {
    const number = fc.nat({ max: 2 })
    const version = fc
      .tuple(number, number, number, fc.constantFrom('', '', '-0', '-rc.1', '-a'))
      .map(([major, minor, patch, pre]) => `${major}.${minor}.${patch}${pre}`)
    const comparator = fc
      .tuple(fc.constantFrom('', '>', '>=', '<', '<=', '^', '~'), version)
      .map(([sign, of]) => `${sign}${of}`)
    const simple = fc.array(comparator, { minLength: 1, maxLength: 3 }).map((all) => all.join(' '))
    const range = fc.array(simple, { minLength: 1, maxLength: 2 }).map((all) => all.join(' || '))
    const options = { includePrerelease: true }
    fc.assert(
      fc.property(range, range, fc.array(version, { minLength: 20, maxLength: 40 }), (narrow, wide, samples) => {
        if (!subset(narrow, wide, options)) return
        const [inner, outer] = [new Range(narrow, options), new Range(wide, options)]
        for (const sample of samples) {
          if (inner.test(sample)) assert.ok(outer.test(sample), `${sample} in ${narrow}, not in ${wide}`)
        }
      }),
      { numRuns: 4_000 },
    )
  })
})
