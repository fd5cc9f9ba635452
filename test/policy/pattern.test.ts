import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { matchesPattern, patternProblem, walk } from '../../src/policy/pattern.ts'

describe('patterns that match', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['left-pad', 'left-pad'],
    ['https://github.com/acme/app', 'https://github.com/acme/app'],
    ['https://github.com/acme/*', 'https://github.com/acme/app'],
    ['https://github.com/acme/app-*', 'https://github.com/acme/app-one'],
    ['https://github.com/**', 'https://github.com/acme/app'],
    ['https://**', 'https://gitlab.com/group/sub/name'],
    ['refs/tags/v*', 'refs/tags/v1.0.0'],
    ['refs/tags/v*', 'refs/tags/v'],
    ['refs/tags/v1.0.0+build', 'refs/tags/v1.0.0+build'],
    ['refs/tags/@acme/*@*', 'refs/tags/@acme/app@1.0.0'],
    ['refs/heads/**', 'refs/heads/a/b/c'],
    ['refs/**/x', 'refs/a/b/x'],
    ['.github/workflows/*.yml', '.github/workflows/release.yml'],
    ['.github/workflows/re*se*.yml', '.github/workflows/release-se.yml'],
    ['**', 'a'],
    ['**', '@scope/a'],
    ['**/**', 'a/b'],
    ['a*b*c', 'abbcbc'],
  ]
  for (const [pattern, value] of cases) {
    it(`${pattern} matches ${value}`, () => {
      assert.equal(patternProblem(pattern), undefined)
      assert.equal(matchesPattern(pattern, value), true)
    })
  }
})

describe('patterns that do not match', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['a prefix', 'https://github.com/acme/app', 'https://github.com/acme/app-evil'],
    ['a deeper path', 'https://github.com/acme/app', 'https://github.com/acme/app/evil'],
    ['a suffix', 'github.com/acme/app', 'https://evil.example/github.com/acme/app'],
    ['a substring', 'acme', 'xacmex'],
    ['another case', 'https://github.com/acme/app', 'https://github.com/Acme/app'],
    ['another case behind a wildcard', 'refs/*/Main', 'refs/heads/main'],
    ['another scheme', 'https://github.com/**', 'http://github.com/acme/app'],
    ['no scheme', 'https://**', 'github.com/acme/app'],
    ['a scheme where none is asked for', '**', 'https://github.com/acme/app'],
    ['a percent-encoded slash', 'https://github.com/acme/app', 'https://github.com/acme%2Fapp'],
    ['a percent-encoded character', '@acme/*', '%40acme/app'],
    ['another Unicode form', 'caf\u00e9/*', 'cafe\u0301/x'],
    ['another host', 'https://github.com/acme/*', 'https://github.com.evil.example/acme/app'],
    ['a star across a slash', 'https://github.com/acme/*', 'https://github.com/acme/app/x'],
    ['a star across a slash, in the middle', 'https://github.com/*/app', 'https://github.com/a/b/app'],
    ['a star that finds no segment', 'https://github.com/acme/*', 'https://github.com/acme'],
    ['a star over an empty segment', 'https://github.com/acme/*', 'https://github.com/acme/'],
    ['a tag with a slash', 'refs/tags/v*', 'refs/tags/v1/evil'],
    ['two stars over no segment', 'refs/heads/**', 'refs/heads'],
    ['two stars over an empty segment', 'refs/heads/**', 'refs/heads/'],
    ['two stars in the middle over none', 'refs/**/x', 'refs/x'],
    ['dot segments under one star', 'acme/*', 'acme/..'],
    ['dot segments under two stars', 'https://github.com/acme/**', 'https://github.com/acme/../evil/app'],
    ['a single dot', 'acme/**', 'acme/./app'],
    ['an empty segment under two stars', 'https://github.com/**', 'https://github.com//acme/app'],
    ['an empty value', '**', ''],
    ['an empty value and one star', '*', ''],
    ['characters of regular expressions', 'a.c', 'abc'],
    ['a class', 'a[bc]', 'ab'],
    ['a backslash as escape', 'a\\*', 'a*'],
    ['the end only', '*b', 'aba'],
    ['the beginning only', 'a*', 'bab'],
    ['a line break at the end', 'refs/heads/main', 'refs/heads/main\n'],
    ['a NUL at the end', 'refs/heads/main', 'refs/heads/main\0'],
    ['surrounding space', 'refs/heads/main', ' refs/heads/main '],
  ]
  for (const [what, pattern, value] of cases) {
    it(`${what}: ${JSON.stringify(pattern)} and ${JSON.stringify(value)}`, () => {
      assert.equal(matchesPattern(pattern, value), false)
    })
  }
})

describe('patterns that are refused', () => {
  for (const character of ['?', '[', ']', '{', '}', '(', ')', '!', '|', '\\', '^', '$']) {
    it(`with ${character}`, () => {
      assert.match(patternProblem(`a${character}b`) ?? '', /which means nothing here/)
    })
  }
  for (const pattern of ['a**', '**a', 'a/**b/c', '***', 'a/***']) {
    it(`with ** beside other characters: ${pattern}`, () => {
      assert.match(patternProblem(pattern) ?? '', /stands for whole segments/)
    })
  }
  for (const pattern of ['', '/a', 'a/', 'a//b', '.', './a', 'a/../b', 'https:///a', 'https://a//b', 'http://a/b']) {
    it(`with an empty or dot segment: ${JSON.stringify(pattern)}`, () => {
      assert.match(patternProblem(pattern) ?? '', /segment/)
    })
  }

  it('says what to write instead', () => {
    assert.equal(
      patternProblem('v[0-9]*'),
      '"v[0-9]*" contains "[", which means nothing here: patterns know "*" (inside a path segment) and "**" (whole segments) only. Write several patterns in a list instead',
    )
    assert.equal(
      patternProblem('refs/tags/v**'),
      '"refs/tags/v**" has "**" beside other characters: it stands for whole segments, between slashes. Write "*" inside a segment',
    )
  })
})

/** The definition, as plainly as it can be said, at any cost. */
function reference(pattern: string, value: string): boolean {
  const path = (p: readonly string[], v: readonly string[]): boolean => {
    const [first, ...rest] = p
    const [segment, ...more] = v
    if (first === undefined || segment === undefined) return first === segment
    if (segment === '' || segment === '.' || segment === '..') return false
    if (first === '**') return path(rest, more) || path(p, more)
    return characters(first, segment) && path(rest, more)
  }
  const characters = (p: string, v: string): boolean => {
    if (p === '') return v === ''
    if (p[0] === '*') return characters(p.slice(1), v) || (v !== '' && characters(p, v.slice(1)))
    return v !== '' && p[0] === v[0] && characters(p.slice(1), v.slice(1))
  }
  if (!pattern.includes('*')) return pattern === value
  return path(pattern.split('/'), value.split('/'))
}

const patterns = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 5 }) },
      fc.constant('**'),
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((segments) => segments.join('/'))
  .filter((pattern) => patternProblem(pattern) === undefined)
const values = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '*'), maxLength: 12 })

describe('matching in general', () => {
  it('is what the definition says', () => {
    fc.assert(
      fc.property(patterns, values, (pattern, value) => matchesPattern(pattern, value) === reference(pattern, value)),
      { numRuns: 20_000 },
    )
  })

  it('is what the definition says for values made to fit', () => {
    const fitting = patterns.chain((pattern) =>
      fc
        .array(fc.constantFrom('', 'a', 'b', 'ab', 'a/b'), { minLength: 12, maxLength: 12 })
        .map((fillings) => ({ pattern, value: pattern.replaceAll(/\*+/g, () => fillings.pop() ?? 'a') })),
    )
    fc.assert(
      fc.property(fitting, ({ pattern, value }) => matchesPattern(pattern, value) === reference(pattern, value)),
      { numRuns: 20_000 },
    )
  })

  it('without a star is equality, for any text', () => {
    const any = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(
        any.filter((text) => !text.includes('*')),
        any,
        (a, b) => matchesPattern(a, b) === (a === b) && matchesPattern(a, a),
      ),
    )
  })

  it('is the same below a scheme as without one', () => {
    fc.assert(
      fc.property(
        patterns,
        values,
        (pattern, value) => matchesPattern(`https://${pattern}`, `https://${value}`) === matchesPattern(pattern, value),
      ),
    )
  })

  it('one star never crosses a slash', () => {
    fc.assert(
      fc.property(
        patterns.filter((pattern) => !pattern.includes('**')),
        values,
        (pattern, value) => !matchesPattern(pattern, value) || pattern.split('/').length === value.split('/').length,
      ),
    )
  })
})

describe('the cost of matching', () => {
  const steps = (pattern: string, value: string) => {
    let count = 0
    walk(pattern.length, value.length, {
      isStar: (p) => pattern[p] === '*',
      isSame: (p, v) => {
        count += 1
        return pattern[p] === value[v]
      },
    })
    return count
  }

  it('never compares two places twice', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 40 }),
        fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 200 }),
        (pattern, value) => steps(pattern, value) <= pattern.length * value.length,
      ),
    )
  })

  it('stays so for what makes backtracking matchers explode', () => {
    const pattern = `${'a*'.repeat(50)}b`
    const value = 'a'.repeat(5_000)
    assert.ok(steps(pattern, value) <= pattern.length * value.length)
    assert.equal(matchesPattern(pattern, value), false)
  })

  it('holds for segments too', () => {
    assert.equal(matchesPattern(`${'**/a/'.repeat(30)}b`, 'a/'.repeat(20_000).slice(0, -1)), false)
    assert.equal(matchesPattern('https://**/x', `https://${'a/'.repeat(200_000)}x`), true)
  })
})
