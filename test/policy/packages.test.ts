import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { matchesPackage, packageProblem } from '../../src/policy/packages.ts'

function matches(packages: readonly string[], id: string, require: 'provenance' | 'nothing' = 'provenance'): boolean {
  const at = id.indexOf('@', 1)
  return matchesPackage({ packages, require }, { name: id.slice(0, at), version: id.slice(at + 1) })
}

describe('package patterns', () => {
  const cases: readonly (readonly [readonly string[], string, boolean])[] = [
    [['left-pad'], 'left-pad@1.0.0', true],
    [['left-pad'], 'left-pad-evil@1.0.0', false],
    [['left-pad'], 'Left-Pad@1.0.0', false],
    [['left-pad'], '@evil/left-pad@1.0.0', false],
    [['@acme/app'], '@acme/app@1.0.0', true],
    [['@acme/app'], 'app@1.0.0', false],
    [['@acme/*'], '@acme/app@1.0.0', true],
    [['@acme/*'], '@acme-evil/app@1.0.0', false],
    [['@acme/*'], 'acme@1.0.0', false],
    [['@acme/app-*'], '@acme/app-one@1.0.0', true],
    [['@acme/app-*'], '@acme/app@1.0.0', false],
    [['*'], 'left-pad@1.0.0', true],
    [['*'], '@acme/app@1.0.0', false],
    [['@*/*'], '@acme/app@1.0.0', true],
    [['@*/*'], 'left-pad@1.0.0', false],
    [['eslint-*'], 'eslint-config@1.0.0', true],
    [['eslint-*'], '@acme/eslint-config@1.0.0', false],
    [['**'], 'left-pad@1.0.0', true],
    [['**'], '@acme/app@1.0.0', true],
    [['a', 'b'], 'b@1.0.0', true],
    [['a', 'b'], 'c@1.0.0', false],
    [['**', '!a'], 'a@1.0.0', false],
    [['!a', '**'], 'a@1.0.0', false],
    [['a', '!a', 'a'], 'a@1.0.0', false],
    [['**', '!@acme/*'], '@acme/app@1.0.0', false],
    [['**', '!@acme/*'], '@other/app@1.0.0', true],
    [['!a'], 'b@1.0.0', false],
    [['a@^1.0.0'], 'a@1.9.9', true],
    [['a@^1.0.0'], 'a@2.0.0', false],
    [['a@^1.0.0'], 'b@1.0.0', false],
    [['@acme/app@>=1 <3'], '@acme/app@2.0.0', true],
    [['@acme/app@>=1 <3'], '@acme/app@3.0.0', false],
    [['a@1.0.0'], 'a@1.0.0', true],
    [['a@1.0.0'], 'a@1.0.1', false],
    [['a@^1 || ^3'], 'a@3.1.0', true],
    [['a@^1 || ^3'], 'a@2.0.0', false],
    [['a', '!a@<2'], 'a@1.0.0', false],
    [['a', '!a@<2'], 'a@2.0.0', true],
    // Prereleases are ordered like all versions: none falls through a range to a later, weaker rule.
    [['a@^1.0.0'], 'a@1.5.0-rc.1', true],
    [['a@>=1.0.0'], 'a@9.0.0-evil', true],
    [['a@^1.0.0'], 'a@1.0.0-rc.1', false],
    [['a@*'], 'a@1.0.0-rc.1', true],
    // No version to compare: a rule that asks for proof has it.
    [['a@*'], 'a@', true],
    [['a@>=0.0.0-0'], 'a@main', true],
    [['a@^1.0.0'], 'a@1', true],
    [['a@^1.0.0'], 'b@', false],
    [['a'], 'a@', true],
  ]
  for (const [packages, id, expected] of cases) {
    it(`${packages.join(' ')} ${expected ? 'matches' : 'does not match'} ${id}`, () => {
      for (const pattern of packages) assert.equal(packageProblem(pattern), undefined)
      assert.equal(matches(packages, id), expected)
    })
  }

  it('has no version that cannot be compared in a range of a rule that permits', () => {
    for (const id of ['a@', 'a@main', 'a@1']) assert.equal(matches(['a@*'], id, 'nothing'), false)
    assert.equal(matches(['a'], 'a@', 'nothing'), true)
  })

  it('keeps a version that cannot be compared in a rule that asks for proof', () => {
    assert.equal(matches(['a', '!a@<2'], 'a@', 'provenance'), true)
    assert.equal(matches(['**', '!a@<2'], 'a@git', 'provenance'), true)
  })

  it('takes a version that cannot be compared out of a rule that permits', () => {
    assert.equal(matches(['a', '!a@>=2'], 'a@', 'nothing'), false)
    assert.equal(matches(['**', '!a@>=2'], 'a@git', 'nothing'), false)
    assert.equal(matches(['**', '!a@>=2'], 'b@git', 'nothing'), true)
  })

  it('does not depend on the order inside a list', () => {
    const list = fc.uniqueArray(fc.constantFrom('**', '*', '@s/*', 'a', '!a', '!@s/a', 'b@^1', '!b@1.5.0', '!b'))
    const ids = fc.constantFrom('a@1.0.0', 'b@1.0.0', 'b@1.5.0', 'b@', '@s/a@1.0.0', '@s/b@1.0.0', 'c@1.0.0')
    fc.assert(
      fc.property(
        list.chain((packages) =>
          fc.tuple(fc.constant(packages), fc.shuffledSubarray(packages, { minLength: packages.length })),
        ),
        ids,
        ([one, other], id) => matches(one, id) === matches(other, id),
      ),
    )
  })

  it('never matches more with one more negation', () => {
    const positive = fc.array(fc.constantFrom('**', '*', '@s/*', 'a', 'b@^1'), { minLength: 1 })
    fc.assert(
      fc.property(
        positive,
        fc.constantFrom('!a', '!@s/*', '!b@<2', '!**'),
        fc.constantFrom('a@1.0.0', 'b@1.0.0', 'b@', '@s/a@1.0.0'),
        (packages, negation, id) => matches(packages, id) || !matches([...packages, negation], id),
      ),
    )
  })
})

describe('package patterns that are refused', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['!', /names no package/],
    ['!!a', /negated twice/],
    ['@acme', /is a scope: write "@acme\/\*"/],
    ['acme/app', /no scope: did you mean "@acme\/app"\?/],
    ['acme/*', /did you mean "@acme\/\*"\?/],
    ['@acme/**', /write "@acme\/\*" for a scope/],
    ['**/app', /"\*\*" beside other segments/],
    ['@acme/a/b', /too many slashes/],
    ['@/a', /not a package name/],
    ['@acme/', /empty segment/],
    ['/a', /empty segment/],
    ['.', /the segment "\."/],
    ['.hidden', /not a package name/],
    ['a b', /not a package name/],
    ['näme', /not a package name/],
    ['npm:a', /not a package name/],
    ['https://a.example/a.tgz', /package name|slashes/],
    ['a**', /stands for whole segments/],
    ['{a,b}', /means nothing here/],
    ['a?', /means nothing here/],
    ['@(a|b)/c', /means nothing here/],
    ['a@', /no version range/],
    ['a@ ', /no version range/],
    ['a@latest', /not a version range/],
    ['a@next', /Tags such as "latest" move/],
    ['a@ ^1', /not a version range/],
    ['a@1 ||', /alternative without a version/],
    ['a@|| 1', /alternative without a version/],
    ['a@1 || || 2', /alternative without a version/],
    ['a@^1.x.y', /not a version range/],
    ['a@npm:b@1', /not a version range/],
    ['a@https://a.example', /not a version range/],
    ['@acme/*@^1', /behind a pattern of several packages/],
    ['**@^1', /behind a pattern of several packages/],
    ['!*@<2', /behind a pattern of several packages/],
  ]
  for (const [pattern, message] of cases) {
    it(pattern, () => assert.match(packageProblem(pattern) ?? 'accepted', message))
  }

  it('takes every valid name as it is', () => {
    for (const name of ['a', '@a/b', 'JSONStream', 'lodash.merge', 'a_b', '@-x/y', '_under', 'a~b', '0x']) {
      assert.equal(packageProblem(name), undefined)
      assert.equal(matches([name], `${name}@1.0.0`), true)
    }
  })
})

describe('a name with `$` in front', () => {
  it('is one that a project of a workspace can have', () => {
    for (const pattern of ['$repo-utils', '@acme/$tools', '!$repo-utils', '$repo-utils@1.0.0', '$repo-*'])
      assert.equal(packageProblem(pattern), undefined, pattern)
    assert.ok(matches(['$repo-utils'], '$repo-utils@1.0.0'))
    for (const id of ['repo-utils@1.0.0', '$repo-utils-evil@1.0.0', '@a/$repo-utils@1.0.0', 'x$repo-utils@1.0.0'])
      assert.ok(!matches(['$repo-utils'], id), id)
  })

  it('is an error anywhere else: elsewhere people mean the end of a name by it', () => {
    for (const pattern of ['$', 'a$', 'a$b', '$$a', '@$acme/a', '@acme/a$', '$a$', '$/a', '@acme/$', '$.a', '^$a'])
      assert.ok(packageProblem(pattern) !== undefined, pattern)
  })
})
