import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { Ajv } from 'ajv'
import { parse } from 'yaml'
import { jsonSchemas } from '../../src/policy/json-schema.ts'
import { writeLock } from '../../src/policy/lock-file.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import type { Identity } from '../../src/policy/types.ts'

const schemas = jsonSchemas()
const ajv = new Ajv({ allErrors: true })
const policy = ajv.compile(schemas.policy)
const lock = ajv.compile(schemas['provenance-lock'])

const EXAMPLE = readFileSync(path.join(import.meta.dirname, '../../.sigstorerc.example'), 'utf8')
const RULE = { packages: 'a', require: 'provenance', publisher: { repository: 'a/b' } }
const withRule = (change: object) => ({ rules: [{ ...RULE, ...change }] })
const isPolicy = (value: unknown) => {
  try {
    parsePolicy(JSON.stringify(value), 'p.json')
    return true
  } catch {
    return false
  }
}

describe('the JSON schema of a policy', () => {
  it('accepts the example, and so does the gate', () => {
    assert.ok(policy(parse(EXAMPLE)), JSON.stringify(policy.errors))
    assert.ok(parsePolicy(EXAMPLE, '.sigstorerc'))
  })

  const accepted: readonly unknown[] = [
    withRule({}),
    withRule({ packages: ['a', '@b/*'] }),
    withRule({ publisher: [{ repository: 'a/b', ref: ['refs/heads/x', 'refs/tags/*'] }, { owner: 'c' }] }),
    withRule({ publisher: { issuer: 'github', repositoryId: 1 } }),
    withRule({ publisher: { issuer: 'github', repositoryId: '1' } }),
    { publishers: { acme: { repository: 'a/b' } }, ...withRule({ publisher: 'acme' }) },
    { $schema: './policy.schema.json', mode: 'warn', enforceFrom: '2027-01-01', ...withRule({ unchanged: true }) },
  ]
  for (const value of accepted) {
    it(`accepts ${JSON.stringify(value)}, and so does the gate`, () => {
      assert.ok(isPolicy(value))
      assert.ok(policy(value), JSON.stringify(policy.errors))
    })
  }

  const refused: readonly unknown[] = [
    {},
    [],
    { rules: {} },
    withRule({ package: 'a' }),
    withRule({ require: 'provenence' }),
    withRule({ publisher: { repo: 'a/b' } }),
    withRule({ publisher: [] }),
    withRule({ unchanged: 'yes' }),
    withRule({ mode: 'off' }),
    { ...withRule({}), exceptions: [{ package: 'a@1.0.0', expires: '2027-01-01' }] },
    { ...withRule({}), trust: { root: 'x' } },
    { ...withRule({}), extra: 1 },
  ]
  for (const value of refused) {
    it(`refuses ${JSON.stringify(value)}, and so does the gate`, () => {
      assert.ok(!isPolicy(value))
      assert.ok(!policy(value))
    })
  }

  it('says what each field of a rule and of a publisher is', () => {
    const text = JSON.stringify(schemas.policy)
    for (const words of [
      '(claim 12)',
      '(claim 23)',
      'Hold to provenance-lock.yaml',
      'How long ago it must have been signed',
    ]) {
      assert.ok(text.includes(words), words)
    }
  })
})

describe('the JSON schema of the identity lock', () => {
  const identity = {
    domain: 'sigstore',
    issuer: 'https://gitlab.com',
    repository: 'https://gitlab.com/a/b',
    ref: 'tag' as const,
  }
  const everything: Identity = {
    ...{ ...identity, domain: 'acme', repositoryId: '1', ownerId: '2', workflow: 'x', builder: 'own', trigger: 'push' },
    runner: 'hosted',
    environment: 'npm',
    ref: 'branch',
    branch: ['main'],
  }
  const written = parse(
    writeLock(
      new Map([
        ['a', { published: [{ from: '1.0.0', identity, line: 0 }], unproven: [] }],
        [
          'b',
          {
            published: [{ from: '2.0.0', identity: everything, line: 0 }],
            unproven: [{ version: '1.0.0', integrity: `sha512-${'A'.repeat(86)}==`, line: 0 }],
          },
        ],
      ]),
    ),
  ) as { packages: Record<string, { published: object[] }> }

  it('accepts what the gate writes', () => assert.ok(lock(written), JSON.stringify(lock.errors)))

  it('refuses what it does not know', () => {
    assert.ok(!lock({ ...written, version: 1 }))
    assert.ok(!lock({ ...written, more: 1 }))
    const [entry] = written.packages.a?.published ?? []
    const packages = [
      { published: [{ ...entry, owner: 'x' }] },
      { published: [{ ...entry, runner: 'any' }] },
      { published: [{ ...entry, branch: 'main' }] },
      { published: [entry], unproven: ['1.0.0'] },
      { published: [entry], more: 1 },
      { published: [] },
      { unproven: { '1.0.0': 'x' } },
      [],
    ]
    for (const a of packages) assert.ok(!lock({ ...written, packages: { a } }), JSON.stringify(a))
  })
})
