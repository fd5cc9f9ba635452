import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CODES, ok, type RefusalCode, type Result, refuse } from '../../src/codes.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { decide } from '../../src/policy/decide.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import type { Verdict } from '../../src/policy/types.ts'
import type { Claims, Proof } from '../../src/verify/types.ts'

const pkg: LockedPackage = {
  name: 'widget',
  version: '1.0.0',
  integrity: `sha512-${'A'.repeat(86)}==`,
  source: 'registry',
  origin: undefined,
  importers: ['.'],
  key: 'widget@1.0.0',
}
const NOW = new Date('2026-06-01T12:00:00Z')
const RULE = 'rules:\n  - { packages: "**", require: provenance, publisher: { repository: acme/widget }'

function judge(policy: string, { code = 'EVIDENCE_MISSING' as RefusalCode, now = NOW, about = pkg } = {}): Verdict {
  return decide(about, parsePolicy(policy, '.sigstorerc'), refuse(code, 'what was found', 'what was expected'), now)
}

function proofOf(repository: string, signedAt = '2026-01-01T00:00:00.000Z', published?: string): Result<Proof> {
  const claims = { domain: 'sigstore', issuer: 'https://token.actions.githubusercontent.com', repository } as Claims
  const provenance = [{ predicateType: 'https://slsa.dev/provenance/v1', claims, signedAt }]
  return ok({ provenance, publish: published === undefined ? [] : [{ signedAt: published }] })
}

describe('a rule that only warns', () => {
  it('lets pass, and says what it found', () => {
    const { status, refusal } = judge(`${RULE}, mode: warn }`)
    assert.equal(status, 'warned')
    assert.deepEqual(refusal, { code: 'EVIDENCE_MISSING', found: 'what was found', expected: 'what was expected' })
  })

  it('warns of every reason but two: that the gate itself failed, and that a folder may be the folder of another', () => {
    for (const code of Object.keys(CODES) as RefusalCode[]) {
      const isInexcusable = code === 'INTERNAL_ERROR' || code === 'ALIAS_INVALID'
      assert.equal(judge(`${RULE}, mode: warn }`, { code }).status, isInexcusable ? 'refused' : 'warned')
    }
  })

  it('refuses from the day that it names, in UTC', () => {
    const policy = `${RULE}, mode: warn, enforceFrom: '2026-06-02' }`
    assert.equal(judge(policy, { now: new Date('2026-06-01T23:59:59.999Z') }).status, 'warned')
    assert.equal(judge(policy, { now: new Date('2026-06-02T00:00:00.000Z') }).status, 'refused')
  })

  it('refuses where the clock says nothing', () => {
    assert.equal(
      judge(`${RULE}, mode: warn, enforceFrom: '2026-06-02' }`, { now: new Date(Number.NaN) }).status,
      'refused',
    )
  })

  it('takes after the file, unless it has a mode of its own', () => {
    assert.equal(judge(`mode: warn\n${RULE} }`).status, 'warned')
    assert.equal(judge(`mode: warn\n${RULE}, mode: enforce }`).status, 'refused')
    assert.equal(judge(`mode: enforce\n${RULE}, mode: warn }`).status, 'warned')
    assert.equal(judge(`mode: warn\nenforceFrom: '2026-06-01'\n${RULE} }`).status, 'refused')
    // A day that the file has for its warnings is one for those of its rules, too, unless they have another.
    assert.equal(judge(`mode: warn\nenforceFrom: '2026-06-01'\n${RULE}, mode: warn }`).status, 'refused')
    const later = `mode: warn\nenforceFrom: '2026-06-01'\n${RULE}, enforceFrom: '2026-06-02' }`
    assert.equal(judge(later).status, 'warned')
  })

  it('does not soften what another rule refuses: the name that it is installed under', () => {
    const policy = `rules:
  - { packages: evil, require: provenance, publisher: { repository: acme/widget }, mode: warn }
  - { packages: widget, require: provenance, publisher: { repository: acme/widget } }
`
    const evil = { ...pkg, name: 'evil', aliases: ['widget'] }
    const { status, rule } = judge(policy, { about: evil })
    assert.equal(status, 'refused')
    assert.equal(rule?.place.line, 3)
    assert.equal(judge(policy, { about: { ...pkg, name: 'evil' } }).status, 'warned')
  })

  it('warns where no rule is about a package only if the whole file does', () => {
    const none = 'rules: [{ packages: other, require: signature, mode: warn }]'
    assert.equal(judge(none).status, 'refused')
    const { status, refusal } = judge(`mode: warn\n${none}`)
    assert.deepEqual([status, refusal?.code], ['warned', 'NO_RULE'])
  })
})

describe('an exception', () => {
  const exception = (more = '', version = 'widget@1.0.0') =>
    `exceptions: [{ package: ${version}, reason: known, expires: '2026-06-01'${more} }]\n${RULE} }`

  it('lets exactly one version of one package pass, and names itself', () => {
    const verdict = judge(exception())
    assert.equal(verdict.status, 'excepted')
    assert.equal(verdict.exception?.reason, 'known')
    assert.equal(verdict.refusal?.code, 'EVIDENCE_MISSING')
    for (const version of ['1.0.1', '1.0.0-rc.1', '1.0.0+build']) {
      assert.equal(judge(exception(), { about: { ...pkg, version } }).status, 'refused', version)
    }
    for (const name of ['widgets', 'Widget', '@acme/widget']) {
      assert.equal(judge(exception(), { about: { ...pkg, name } }).status, 'refused', name)
    }
  })

  it('is not about the name that a package is installed under', () => {
    assert.equal(judge(exception(), { about: { ...pkg, name: 'evil', aliases: ['widget'] } }).status, 'refused')
  })

  it('holds until its last day is over, in UTC, and then says so', () => {
    assert.equal(judge(exception(), { now: new Date('2026-06-01T23:59:59.999Z') }).status, 'excepted')
    const { status, refusal } = judge(exception(), { now: new Date('2026-06-02T00:00:00.000Z') })
    assert.equal(status, 'refused')
    assert.deepEqual(refusal, {
      code: 'EXCEPTION_EXPIRED',
      found: 'what was found (EVIDENCE_MISSING); the exception at line 1 held until 2026-06-01',
      expected: 'what was expected',
    })
    assert.equal(judge(exception(), { now: new Date(Number.NaN) }).status, 'refused')
  })

  it('is for its bytes only, where it names them', () => {
    assert.equal(judge(exception(`, integrity: ${pkg.integrity}`)).status, 'excepted')
    const { status, refusal } = judge(exception(`, integrity: sha512-${'B'.repeat(85)}A==`))
    assert.equal(status, 'refused')
    assert.match(refusal?.found ?? '', /the exception at line 1 is for other bytes/)
    const none = { ...pkg, integrity: undefined }
    assert.equal(judge(exception(`, integrity: ${pkg.integrity}`), { about: none }).status, 'refused')
  })

  it('never excuses that the gate itself failed, nor a name that leads to the folder of another package', () => {
    assert.equal(judge(exception(), { code: 'INTERNAL_ERROR' }).status, 'refused')
    assert.equal(judge(exception(), { code: 'ALIAS_INVALID' }).status, 'refused')
  })

  it('is not used where nothing is wrong', () => {
    const policy = parsePolicy(exception(), '.sigstorerc')
    const verdict = decide(pkg, policy, proofOf('https://github.com/acme/widget'), NOW)
    assert.deepEqual([verdict.status, verdict.exception], ['proven', undefined])
  })
})

describe('a minimum age', () => {
  const policy = parsePolicy(`${RULE}, minimumAge: 3d }`, '.sigstorerc')
  const ours = 'https://github.com/acme/widget'
  const ends = (signedAt: string, published?: string) => {
    const { status, refusal } = decide(pkg, policy, proofOf(ours, signedAt, published), NOW)
    return refusal?.code ?? status
  }

  it('is measured from the time of signing, to the millisecond', () => {
    assert.equal(ends('2026-05-29T12:00:00.000Z'), 'proven')
    assert.equal(ends('2026-05-29T12:00:00.001Z'), 'TOO_YOUNG')
  })

  it('is measured from the later of build and publication', () => {
    assert.equal(ends('2026-01-01T00:00:00.000Z', '2026-05-30T00:00:00.000Z'), 'TOO_YOUNG')
    assert.equal(ends('2026-05-30T00:00:00.000Z', '2026-01-01T00:00:00.000Z'), 'TOO_YOUNG')
    assert.equal(ends('2026-01-01T00:00:00.000Z', '2026-01-01T00:00:01.000Z'), 'proven')
  })

  it('says when it was signed, and how long ago', () => {
    const { refusal } = decide(pkg, policy, proofOf(ours, '2026-06-01T07:00:00.000Z'), NOW)
    assert.deepEqual(refusal, {
      code: 'TOO_YOUNG',
      found: 'signed at 2026-06-01T07:00:00.000Z, 5 hours ago',
      expected: 'signed at least 3d ago',
    })
  })

  it('is not reached by a time that is none', () => {
    assert.equal(ends('never'), 'TOO_YOUNG')
    assert.equal(ends('2026-01-01T00:00:00.000Z', ''), 'TOO_YOUNG')
  })

  it('does not hide another publisher', () => {
    const { refusal } = decide(pkg, policy, proofOf('https://github.com/evil/widget', '2026-06-01T11:00:00.000Z'), NOW)
    assert.equal(refusal?.code, 'REPOSITORY_MISMATCH')
  })
})

describe('a rule that requires a signature', () => {
  const policy = parsePolicy('rules: [{ packages: "**", require: signature, minimumAge: 1h }]', '.sigstorerc')
  const anybody = 'https://github.com/anybody/whatever'

  it("is met by the registry's attestation, whoever built it", () => {
    assert.equal(
      decide(pkg, policy, proofOf(anybody, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'), NOW).status,
      'proven',
    )
    const alone = ok({ provenance: [], publish: [{ signedAt: '2026-01-01T00:00:00Z' }] })
    assert.deepEqual(decide(pkg, policy, alone, NOW), {
      package: pkg,
      status: 'proven',
      refusal: undefined,
      rule: policy.rules[0],
      claims: undefined,
    })
  })

  it('is not met by a provenance, which says nothing about the registry', () => {
    const { refusal } = decide(pkg, policy, proofOf(anybody), NOW)
    assert.equal(refusal?.code, 'EVIDENCE_MISSING')
    assert.match(refusal?.found ?? '', /no publish attestation/)
  })

  it('measures an age from the publication', () => {
    const young = proofOf(anybody, '2026-01-01T00:00:00Z', '2026-06-01T11:30:00Z')
    assert.equal(decide(pkg, policy, young, NOW).refusal?.code, 'TOO_YOUNG')
  })
})
