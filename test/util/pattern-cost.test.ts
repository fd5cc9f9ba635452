import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { costlyPattern } from '../../src/util/pattern-cost.ts'

const GOOD = [
  ...['packages/*', '**', 'a/**/b/**', '**/*-plugin', 'packages/{a,b,c}', '{apps,packages}/*', '{../a,../b}/*', '*a*'],
  ...[
    '@(app)',
    '@(a|b)/?(c)',
    '!(foo)',
    '!**/test/**',
    '[a-z]*',
    'a?c',
    'x,y',
    'a\\b',
    '{app}',
    '{a,{b,c}}',
    '{..,x}/a',
  ],
  ...['{a,b}'.repeat(6), `${'**/'.repeat(100)}x`, '*'.repeat(1000), `{${Array(64).fill('a').join(',')}}`],
]

export const HOSTILE: Readonly<Record<string, readonly string[]>> = {
  'longer than 1024': ['x'.repeat(1025), '*'.repeat(5000), '{a,b}'.repeat(1000), '../'.repeat(500)],
  'stand for more than 64': [
    ...['{a,b}'.repeat(7), '{a,b}'.repeat(24), `${'{a,'.repeat(7)}b${'}'.repeat(7)}`, `{${','.repeat(64)}}`],
  ],
  'braces other than': [
    ...['{1..1000000}', '{1..9..2}', '{a..z}', '{a,b', '{a},,,,}', '{a\\},b,c}', '{x,$y,z}', '{'.repeat(500)],
    ...['{{1..3},a}', '}{a,b}', '{a,{1..9999999}}', ',{a,b}'],
  ],
  'a group that repeats': ['+(a|aa)b', '*(a|a)b', '@(+(a))'],
  'more than 2 groups': ['?(a)'.repeat(30), '@(@(@(a)))'],
  'more than 2 wildcards in the name': ['x*a*a*a*a*b', 'ok/*a*a*b', '@(a)*a*b'],
  'more than 3 wildcards': ['*{a,b}*{a,}*{,a}*', '{*a,x}{*a,/}*a*b'],
}

describe('a pattern that a repository brings', () => {
  for (const pattern of GOOD)
    it(`${pattern.slice(0, 40)} is looked for`, () => assert.equal(costlyPattern([pattern]), undefined))
  for (const [why, patterns] of Object.entries(HOSTILE)) {
    for (const pattern of patterns)
      it(`${pattern.slice(0, 40)} (${pattern.length}) is not: ${why}`, () => {
        assert.ok(costlyPattern(['a', pattern])?.why.includes(why), costlyPattern(['a', pattern])?.why)
      })
  }

  it('is not looked for with too many others', () => {
    assert.equal(costlyPattern(Array(256).fill('a/*')), undefined)
    assert.match(costlyPattern(Array(257).fill('a/*'))?.why ?? '', /more than 256 with wildcards/)
    assert.match(costlyPattern(Array(10).fill('{a,b}/{c,d}/{e,f}/{g,h}/{i,j}/*'))?.why ?? '', /more than 256/)
    assert.equal(costlyPattern(Array(10_000).fill('a')), undefined)
    assert.match(costlyPattern(Array(10_001).fill('a'))?.why ?? '', /more than 10000/)
  })
})
