import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ok, type Result, refuse } from '../../src/codes.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { decide as decideAt, needsProof } from '../../src/policy/decide.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import type { Policy } from '../../src/policy/types.ts'
import type { Claims, Proof } from '../../src/verify/types.ts'

const policy = parsePolicy(
  `rules:
  - packages: left-pad
    require: provenance
    publisher: { repository: left-pad/left-pad }
  - packages: evil
    require: nothing
  - packages: proven
    require: provenance
    publisher: { repository: acme/proven }
`,
  '.sigstorerc',
)

function locked(name: string, aliases?: readonly string[]): LockedPackage {
  const pkg = {
    name,
    version: '1.0.0',
    integrity: undefined,
    source: 'registry',
    origin: undefined,
    importers: [],
    key: `${name}@1.0.0`,
  } as const
  return aliases === undefined ? pkg : { ...pkg, aliases }
}

function proofOf(repository: string) {
  const claims: Partial<Claims> = {
    domain: 'sigstore',
    issuer: 'https://token.actions.githubusercontent.com',
    repository: `https://github.com/${repository}`,
  }
  const proof: Proof = {
    provenance: [
      {
        predicateType: 'https://slsa.dev/provenance/v1',
        claims: claims as Claims,
        signedAt: '2026-01-15T12:00:00.000Z',
      },
    ],
    publish: [],
  }
  return ok(proof)
}

const decide = (pkg: LockedPackage, by: Policy, proof: Result<Proof> | undefined) =>
  decideAt(pkg, by, proof, new Date('2026-06-01T00:00:00Z'))

describe('a package that is installed under another name', () => {
  test('is judged by the rule for that name too: a lockfile cannot put evil into the folder of left-pad', () => {
    const pkg = locked('evil', ['left-pad'])
    assert.equal(needsProof(pkg, policy), true)
    const verdict = decide(pkg, policy, refuse('EVIDENCE_MISSING', 'no attestations', 'some'))
    assert.equal(verdict.status, 'refused')
    assert.equal(verdict.refusal?.code, 'EVIDENCE_MISSING')
    assert.equal(verdict.refusal?.found, 'no attestations; it is installed as "left-pad"')
    assert.equal(verdict.rule?.place.line, 2)
  })

  test('is refused even if it is proven, by the publisher of its own name', () => {
    const verdict = decide(locked('proven', ['left-pad']), policy, proofOf('acme/proven'))
    assert.equal(verdict.refusal?.code, 'REPOSITORY_MISMATCH')
    assert.match(verdict.refusal?.found ?? '', /installed as "left-pad"$/)
  })

  test('is refused by the rule for its own name, whatever the other name permits', () => {
    const verdict = decide(locked('proven', ['evil']), policy, proofOf('mallory/proven'))
    assert.equal(verdict.refusal?.code, 'REPOSITORY_MISMATCH')
    assert.doesNotMatch(verdict.refusal?.found ?? '', /installed as/)
    assert.equal(verdict.rule?.place.line, 7)
  })

  test('has no rule if there is none for its own name', () => {
    const verdict = decide(locked('stranger', ['evil']), policy, undefined)
    assert.equal(verdict.refusal?.code, 'NO_RULE')
    assert.equal(needsProof(locked('stranger', ['left-pad']), policy), false)
  })

  test('passes if both rules are satisfied, or none is about the other name', () => {
    assert.equal(decide(locked('proven', ['evil']), policy, proofOf('acme/proven')).status, 'proven')
    assert.equal(decide(locked('proven', ['unheard-of']), policy, proofOf('acme/proven')).status, 'proven')
    assert.equal(decide(locked('evil', ['unheard-of']), policy, undefined).status, 'permitted')
    assert.equal(decide(locked('evil'), policy, undefined).status, 'permitted')
  })
})
