/** docs/policy.md: every policy in it is one, and every code and field that it names exists. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { CODES } from '../../src/codes.ts'
import { parseCases, runCase } from '../../src/policy/cases.ts'
import { jsonSchemas } from '../../src/policy/json-schema.ts'
import { parsePolicy } from '../../src/policy/parse.ts'

const TEXT = readFileSync(path.join(import.meta.dirname, '../../docs/policy.md'), 'utf8')
const BLOCKS = [...TEXT.matchAll(/^```yaml\n(.*?)^```$/gms)]

describe('docs/policy.md', () => {
  it('has recipes', () => assert.ok(BLOCKS.length >= 6, String(BLOCKS.length)))

  for (const [index, [, text = '']] of BLOCKS.entries()) {
    it(`policy ${index + 1} is one`, () => assert.ok(parsePolicy(text, 'docs/policy.md').rules.length > 0))
  }

  it('shows cases that hold under its first recipe', () => {
    const [, recipe = ''] = BLOCKS.find(([, text = '']) => text.includes('publisher: acme')) ?? []
    const indented = /^ {4}day:.*?(?=^\S)/ms.exec(TEXT)?.[0] ?? assert.fail()
    const { cases, day } = parseCases(indented.replaceAll(/^ {4}/gm, ''), 'docs/policy.md', [])
    // The recipe asks for more than the cases say, which only show the form.
    const policy = parsePolicy(
      recipe.replaceAll(/^ {4}(?:ownerId|trigger|runner|environment):.*\n/gm, ''),
      'docs/policy.md',
    )
    assert.deepEqual(
      cases.map((each) => runCase(each, { ...policy, identities: new Map() }, day ?? assert.fail()).failure),
      cases.map(() => undefined),
    )
  })

  it('names no code that does not exist', () => {
    const named = [...TEXT.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code = '']) => code)
    assert.ok(named.length > 10)
    assert.deepEqual(
      // Variables of the environment.
      named.filter((code) => !Object.hasOwn(CODES, code) && !/_TOKEN$|^GITHUB_/.test(code)),
      [],
    )
  })

  it('explains every key of a policy', () => {
    const keys = new Set<string>()
    JSON.stringify(jsonSchemas().policy, (_, value: unknown) => {
      if (typeof value === 'object' && value !== null && 'properties' in value)
        for (const key of Object.keys(value.properties as object)) keys.add(key)
      return value
    })
    assert.ok(keys.size > 25, [...keys].join(' '))
    assert.deepEqual(
      [...keys].filter((key) => !TEXT.includes(`\`${key}\``) && !TEXT.includes(`${key}:`)),
      [],
    )
  })
})
