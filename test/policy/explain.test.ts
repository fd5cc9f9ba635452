import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ok, refuse } from '../../src/codes.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { explain } from '../../src/policy/explain.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import type { Claims } from '../../src/verify/types.ts'

const NOW = new Date('2026-06-01T00:00:00Z')
const POLICY = parsePolicy(
  `rules:
  - { packages: other, require: nothing }
  - { packages: ['@acme/*', '!@acme/app'], require: nothing }
  - { packages: '@acme/app@^2', require: nothing }
  - packages: '@acme/app'
    require: provenance
    publisher: [{ repository: acme/old }, { repository: acme/app, ref: refs/tags/* }]
  - { packages: '**', require: nothing }
`,
  '.sigstorerc',
)

const pkg = (name: string, version = '1.0.0', aliases?: readonly string[]): LockedPackage => ({
  name,
  version,
  integrity: 'sha512-x',
  source: 'registry',
  origin: undefined,
  importers: ['.'],
  key: `${name}@${version}`,
  ...(aliases && { aliases }),
})

function proven(ref: string) {
  const claims = {
    domain: 'sigstore',
    issuer: 'https://token.actions.githubusercontent.com',
    repository: 'https://github.com/acme/app',
    ref,
  } as Claims
  return ok({ provenance: [{ predicateType: 'x', claims, signedAt: '2026-01-01T00:00:00Z' }], publish: [] })
}

describe('an explanation', () => {
  it('says of each rule why it is not the one, or that it is', () => {
    const { rules, verdict } = explain(pkg('@acme/app'), POLICY, proven('refs/tags/v1'), NOW)
    assert.equal(verdict.status, 'proven')
    assert.deepEqual(
      rules.map(({ why }) => why),
      [
        'no pattern is about this name',
        '"!@acme/app" takes it out',
        'version 1.0.0, which is not in "@acme/app@^2"',
        'decides',
        'not asked: an earlier rule is about it',
      ],
    )
  })

  it('says what differs from each publisher', () => {
    const { publishers, verdict } = explain(pkg('@acme/app'), POLICY, proven('refs/heads/main'), NOW)
    assert.equal(verdict.refusal?.code, 'REF_MISMATCH')
    assert.deepEqual(publishers, [
      {
        publisher: 0,
        attestation: 0,
        differs: 'repository "https://github.com/acme/app", expected repository "https://github.com/acme/old"',
      },
      { publisher: 1, attestation: 0, differs: 'ref "refs/heads/main", expected ref "refs/tags/*"' },
    ])
    const met = explain(pkg('@acme/app'), POLICY, proven('refs/tags/v1'), NOW)
    assert.equal(met.publishers[1]?.differs, undefined)
  })

  it('shows the evidence of what needs none, which changes nothing', () => {
    const broken = refuse('SIGNATURE_INVALID', 'x', 'y')
    const { verdict, proof } = explain(pkg('other'), POLICY, broken, NOW)
    assert.equal(verdict.status, 'permitted')
    assert.equal(proof, broken)
  })

  it('says where a rule for another of its names decides', () => {
    const { rules, verdict } = explain(
      pkg('evil', '1.0.0', ['@acme/app']),
      POLICY,
      refuse('EVIDENCE_MISSING', 'x', 'y'),
      NOW,
    )
    assert.equal(verdict.status, 'refused')
    assert.equal(rules[3]?.why, 'decides, as the rule for @acme/app, which it is installed as')
    assert.equal(rules[4]?.why, 'is about it, but a rule for another of its names is stricter')
  })

  it('says that no rule is about it', () => {
    const none = parsePolicy('rules: [{ packages: other, require: nothing }]', '.sigstorerc')
    const { rules, verdict } = explain(pkg('a'), none, refuse('EVIDENCE_MISSING', 'x', 'y'), NOW)
    assert.equal(verdict.refusal?.code, 'NO_RULE')
    assert.deepEqual(
      rules.map(({ why }) => why),
      ['no pattern is about this name'],
    )
  })

  it('says that there is no version to compare', () => {
    const { rules } = explain(pkg('@acme/app', ''), POLICY, refuse('EVIDENCE_MISSING', 'x', 'y'), NOW)
    assert.equal(rules[2]?.why, 'it has no version to compare, which is not in "@acme/app@^2"')
  })
})
