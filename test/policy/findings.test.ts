import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { findingsOf } from '../../src/policy/findings.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import type { LockEntry } from '../../src/policy/types.ts'

const pkg = (name: string, aliases?: readonly string[]): LockedPackage => ({
  name,
  version: '1.0.0',
  integrity: undefined,
  source: 'registry',
  origin: undefined,
  importers: [],
  key: `${name}@1.0.0`,
  ...(aliases && { aliases }),
})

const policy = parsePolicy(
  `exceptions: [{ package: a@1.0.0, reason: x, expires: '2026-06-30' }]
rules:
  - { packages: a, require: nothing }
  - { packages: b, require: nothing }
`,
  '.sigstorerc',
)
const found = (now: string, packages?: readonly LockedPackage[]) =>
  findingsOf(policy, packages, new Date(now)).map(({ place, message }) => `${place.line}: ${message}`)

describe('findings', () => {
  it('are rules that decide nothing, by whatever name', () => {
    assert.deepEqual(found('2026-01-01', [pkg('a')]), ['4: this rule decides nothing in the lockfile: b'])
    assert.deepEqual(found('2026-01-01', [pkg('a', ['b'])]), [])
    assert.deepEqual(found('2026-01-01', []).length, 2)
    assert.deepEqual(found('2026-01-01'), [])
  })

  it('are exceptions in their last thirty days, and afterwards', () => {
    assert.deepEqual(found('2026-05-31T23:59:59Z'), [])
    assert.deepEqual(found('2026-06-01T00:00:00Z'), ['1: the exception for a@1.0.0 holds until 2026-06-30 only'])
    assert.deepEqual(found('2026-06-30T23:59:59Z'), ['1: the exception for a@1.0.0 holds until 2026-06-30 only'])
    assert.deepEqual(found('2026-07-01T00:00:00Z'), [
      '1: the exception for a@1.0.0 held until 2026-06-30, and excuses nothing now',
    ])
  })

  it('are entries of the identity lock that hold nothing, with what was meant', () => {
    const entry = (line: number, ...unproven: readonly string[]): LockEntry => {
      const identity = { domain: 'sigstore', issuer: 'x', repository: 'y', ref: 'tag' } as const
      return {
        published: [{ from: '1.0.0', identity, line }],
        unproven: unproven.map((version, index) => ({ version, integrity: 'x', line: line + index + 1 })),
      }
    }
    const identities = new Map([
      ['a', entry(5, '1.0.0', '0.9.0')],
      ['bb', entry(9)],
      ['gone-long-ago', entry(12, '1.0.0')],
    ])
    const said = findingsOf({ ...policy, identities }, [pkg('a'), pkg('b')], new Date('2026-01-01'))
    assert.deepEqual(
      said
        .filter(({ place }) => place.file === 'provenance-lock.yaml')
        .map(({ place, message }) => `${place.line}: ${message}`),
      [
        '7: a@0.9.0, recorded as unproven, is not in the lockfile: remove the line, or the version could come back unseen',
        '9: "bb" is not in the lockfile. Did you mean "b"?',
        '12: "gone-long-ago" is not in the lockfile',
      ],
    )
  })

  it('are packages whose entries of the lock may not be changed any more', () => {
    const allowing = parsePolicy(
      `allowLockChanges: [{ package: a, reason: moved, expires: '2026-06-30' }]\nrules: [{ packages: a, require: nothing }]\n`,
      '.sigstorerc',
    )
    const at = (now: string) => findingsOf(allowing, undefined, new Date(now)).map(({ message }) => message)
    assert.deepEqual(at('2026-06-30T23:59:59Z'), [])
    assert.deepEqual(at('2026-07-01T00:00:00Z'), ['"allowLockChanges" for a held until 2026-06-30: remove it'])
  })

  it('are shared rules from which others take everything, with or without a lockfile', () => {
    const shared = parsePolicy(
      'rules: [{ packages: x, require: nothing }, { packages: y, require: nothing }]',
      'shared.yaml',
    )
    const extending = parsePolicy('rules: [{ packages: x, require: nothing }]', '.sigstorerc', undefined, [shared])
    assert.deepEqual(
      findingsOf(extending, undefined, new Date('2026-01-01')).map(({ place, message }) => [place.file, message]),
      [['shared.yaml', 'this rule can never decide: .sigstorerc:1 decides everything that it names']],
    )
  })
})
