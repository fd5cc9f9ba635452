import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ok, refuse } from '../../src/codes.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { acceptedRegistries, decide, needsProof } from '../../src/policy/decide.ts'
import { findingsOf } from '../../src/policy/findings.ts'
import { parsePolicy } from '../../src/policy/parse.ts'

const NOW = new Date('2026-06-01T00:00:00Z')
const bundler: LockedPackage = {
  name: 'bundler',
  version: '1.0.0',
  integrity: 'sha512-x',
  source: 'registry',
  origin: undefined,
  importers: ['.'],
  key: 'bundler@1.0.0',
}
const inner: LockedPackage = {
  ...bundler,
  name: 'inner',
  key: 'inner@1.0.0',
  integrity: undefined,
  source: 'bundled',
  origin: 'in bundler@1.0.0',
  bundledIn: bundler,
}
const missing = refuse('EVIDENCE_MISSING', 'no attestations', 'a provenance attestation')
const signed = ok({ provenance: [], publish: [{ registry: undefined, signedAt: '2020-01-01T00:00:00Z' }] } as never)
const policy = (rules: string) => parsePolicy(`rules:\n${rules}`, '.sigstorerc')

const REQUIRED = '  - { packages: bundler, require: signature }\n'

describe('a bundled package', () => {
  it('passes where the one that brings it is proven, permitted, warned of or excepted', () => {
    const lenient = [
      [REQUIRED, signed],
      ['  - { packages: bundler, require: nothing }\n', undefined],
      ['  - { packages: bundler, require: signature, mode: warn }\n', missing],
      [`${REQUIRED}exceptions: [{ package: bundler@1.0.0, reason: x, expires: 2026-07-01 }]\n`, missing],
    ] as const
    for (const [rules, proof] of lenient) {
      const verdict = decide(inner, policy(rules), proof, NOW)
      assert.deepEqual([verdict.status, verdict.refusal, verdict.package], ['bundled', undefined, inner], rules)
      assert.notEqual(decide(bundler, policy(rules), proof, NOW).status, 'refused')
    }
  })

  it('is refused with it, and for its reason', () => {
    const strict = [
      [REQUIRED, missing, 'EVIDENCE_MISSING'],
      [REQUIRED, undefined, 'INTERNAL_ERROR'],
      ['  - { packages: inner, require: nothing }\n', undefined, 'NO_RULE'],
      ['  - { packages: other, require: nothing }\n', undefined, 'NO_RULE'],
    ] as const
    for (const [rules, proof, code] of strict) {
      const { status, refusal, claims } = decide(inner, policy(rules), proof, NOW)
      assert.deepEqual([status, refusal?.code, claims], ['refused', code, undefined], rules)
      assert.match(refusal?.found ?? '', /, of bundler@1\.0\.0, whose tarball it is in$/)
    }
  })

  it('is asked what the other is asked, and nothing by a rule for its own name', () => {
    const own = policy(`  - { packages: inner, require: signature }\n  - { packages: "**", require: nothing }\n`)
    assert.equal(needsProof(inner, own), false)
    assert.equal(decide(inner, own, undefined, NOW).status, 'bundled')
    assert.equal(needsProof(inner, policy(REQUIRED)), true)
    assert.deepEqual(acceptedRegistries(inner, policy(REQUIRED)), [undefined])
    const said = findingsOf(own, [bundler, inner], NOW).map(({ message }) => message)
    assert.deepEqual(said, ['this rule decides nothing in the lockfile: inner'])
  })
})
