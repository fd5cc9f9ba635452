import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ok, type Result, refuse } from '../../src/codes.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { decide as decideAt, ruleFor } from '../../src/policy/decide.ts'
import type { Policy, Publisher, Rule } from '../../src/policy/types.ts'
import type { Claims, Proof } from '../../src/verify/types.ts'

const GITHUB = 'https://token.actions.githubusercontent.com'

const pkg: LockedPackage = {
  name: '@acme/app',
  version: '1.0.0',
  integrity: 'sha512-x',
  source: 'registry',
  origin: undefined,
  importers: ['.'],
  key: '@acme/app@1.0.0',
}

const genuine: Claims = {
  domain: 'sigstore',
  subjectAlternativeName: 'https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.0.0',
  issuer: GITHUB,
  buildSignerUri: undefined,
  buildSignerDigest: undefined,
  runnerEnvironment: undefined,
  repository: 'https://github.com/acme/app',
  commit: undefined,
  ref: 'refs/tags/v1.0.0',
  repositoryId: undefined,
  owner: undefined,
  ownerId: undefined,
  buildConfigUri: undefined,
  buildConfigDigest: undefined,
  trigger: undefined,
  runUri: undefined,
  visibility: undefined,
  environment: undefined,
  tokenSubject: undefined,
  workflow: '.github/workflows/release.yml',
}

const publisher: Publisher = {
  domain: 'sigstore',
  issuer: GITHUB,
  repository: 'https://github.com/acme/*',
  workflow: '.github/workflows/release.yml',
  ref: 'refs/tags/v*',
}

const NOW = new Date('2026-06-01T00:00:00Z')
const decide = (about: LockedPackage, by: Policy, found: Result<Proof> | undefined) => decideAt(about, by, found, NOW)

const enforcement = { mode: 'enforce' } as const
const place = { file: '.sigstorerc', line: 2, column: 5 }
const provenance = (...publishers: readonly Publisher[]): Rule => ({
  packages: ['@acme/*'],
  require: 'provenance',
  publishers,
  unchanged: false,
  enforcement,
  place,
})
const nothing = (...packages: readonly string[]): Rule => ({
  unchanged: false,
  packages,
  require: 'nothing',
  publishers: [],
  enforcement,
  place,
})
const policy = (...rules: readonly Rule[]): Policy => ({
  file: '.sigstorerc',
  identities: undefined,
  rules,
  exceptions: [],
  allowSettings: [],
  publishers: new Map(),
  enforcement,
  trust: { trustedRoot: undefined, npmKeys: undefined },
  projects: new Map(),
})
const proof = (...claims: readonly Claims[]): Result<Proof> =>
  ok({
    provenance: claims.map((each) => ({
      predicateType: 'https://slsa.dev/provenance/v1',
      claims: each,
      signedAt: '2026-01-01T00:00:00.000Z',
    })),
    publish: [],
  })

describe('the rule that decides', () => {
  it('is the first that matches', () => {
    const [first, second, last] = [nothing('other'), nothing('@acme/*'), nothing('**')]
    assert.equal(ruleFor(pkg, policy(first, second, last)), second)
  })

  it('is none where none matches, which refuses', () => {
    assert.equal(ruleFor(pkg, policy(nothing('*'))), undefined)
    assert.deepEqual(decide(pkg, policy(nothing('*')), proof(genuine)), {
      package: pkg,
      status: 'refused',
      refusal: {
        code: 'NO_RULE',
        found: 'no rule of .sigstorerc matches @acme/app@1.0.0',
        expected: 'a rule whose "packages" matches it',
      },
      rule: undefined,
      claims: undefined,
    })
    assert.equal(decide(pkg, policy(), proof(genuine)).refusal?.code, 'NO_RULE')
  })

  it('decides alone: a later one cannot help a package that it refuses', () => {
    const verdict = decide(
      pkg,
      policy(provenance({ ...publisher, ref: 'refs/heads/x' }), nothing('**')),
      proof(genuine),
    )
    assert.equal(verdict.status, 'refused')
  })

  it('keeps its verdict whatever rules are added behind it', () => {
    const patterns = fc.subarray(
      ['**', '*', '@acme/*', '@acme/app', '@acme/app@^1', '@acme/app@2', '!@acme/app', 'x'],
      {
        minLength: 1,
      },
    )
    const rule: fc.Arbitrary<Rule> = fc.oneof(
      patterns.map((packages) => nothing(...packages)),
      patterns.map((packages) => ({ ...provenance(publisher), packages })),
      patterns.map((packages) => ({ ...provenance({ ...publisher, ref: 'refs/heads/x' }), packages })),
      patterns.map((packages) => ({ ...nothing(...packages), minimumAge: '1d' })),
      patterns.map((packages): Rule => ({ ...provenance(publisher), packages, enforcement: { mode: 'warn' } })),
    )
    const found = fc.constantFrom(
      refuse('EVIDENCE_MISSING', 'x', 'y'),
      proof(genuine),
      proof({ ...genuine, ref: 'refs/heads/x' }),
      proof(),
    )
    const asked = fc.constantFrom(pkg, { ...pkg, name: 'x', key: 'x@1.0.0' }, { ...pkg, version: '2.0.0' })
    fc.assert(
      fc.property(fc.array(rule), fc.array(rule), fc.nat(), asked, found, (rules, added, place, about, evidence) => {
        const before = ruleFor(about, policy(...rules))
        fc.pre(before !== undefined)
        const from = rules.indexOf(before) + 1
        const at = from + (place % (rules.length - from + 1))
        const verdict = (all: readonly Rule[]) => decide(about, policy(...all), evidence)
        assert.deepEqual(verdict([...rules.slice(0, at), ...added, ...rules.slice(at)]), verdict(rules))
      }),
    )
  })
})

describe('a rule that requires nothing', () => {
  it('permits, whatever was found', () => {
    const rule = nothing('**')
    for (const found of [undefined, proof(genuine), refuse('SIGNATURE_INVALID', 'x', 'y')]) {
      assert.deepEqual(decide(pkg, policy(rule), found), {
        package: pkg,
        status: 'permitted',
        refusal: undefined,
        rule,
        claims: undefined,
      })
    }
  })
})

describe('a rule that requires provenance', () => {
  it('is met by a publisher that it names', () => {
    const rule = provenance(publisher)
    assert.deepEqual(decide(pkg, policy(rule), proof(genuine)), {
      package: pkg,
      status: 'proven',
      refusal: undefined,
      rule,
      claims: genuine,
    })
  })

  it('is met by one of several publishers, and by one of several attestations', () => {
    const other = { ...publisher, repository: 'https://github.com/acme-old/app' }
    const foreign = { ...genuine, repository: 'https://github.com/evil/app' }
    const verdict = decide(pkg, policy(provenance(other, publisher)), proof(foreign, genuine))
    assert.equal(verdict.status, 'proven')
    assert.equal(verdict.claims, genuine)
  })

  it('hands on why there is no proof', () => {
    const rule = provenance(publisher)
    const failed = refuse('DIGEST_MISMATCH', 'other bytes', 'these bytes')
    assert.deepEqual(decide(pkg, policy(rule), failed), {
      package: pkg,
      status: 'refused',
      refusal: failed.refusal,
      rule,
      claims: undefined,
    })
  })

  it('never passes without a proof, claims, or publishers', () => {
    const missing: readonly (readonly [Rule, Result<Proof> | undefined])[] = [
      [provenance(publisher), undefined],
      [provenance(), proof(genuine)],
      [{ ...provenance(publisher), require: 'provenence' as 'provenance' }, proof(genuine)],
    ]
    for (const [rule, found] of missing) {
      const verdict = decide(pkg, policy(rule), found)
      assert.equal(verdict.status, 'refused')
      assert.equal(verdict.refusal?.code, 'INTERNAL_ERROR')
    }
  })

  it('is not met by attestations that say nothing about the build', () => {
    const { refusal } = decide(pkg, policy(provenance(publisher)), proof())
    assert.equal(refusal?.code, 'EVIDENCE_MISSING')
    assert.match(refusal?.found ?? '', /no provenance among them/)
  })

  const mismatches: readonly (readonly [string, Partial<Claims>, string, string, string])[] = [
    [
      'another issuer',
      { issuer: 'https://accounts.google.com' },
      'ISSUER_MISMATCH',
      'issuer "https://accounts.google.com"',
      `issuer "${GITHUB}"`,
    ],
    [
      'an issuer that only begins alike',
      { issuer: `${GITHUB}/evil` },
      'ISSUER_MISMATCH',
      `issuer "${GITHUB}/evil"`,
      `issuer "${GITHUB}"`,
    ],
    ['no issuer', { issuer: undefined }, 'CLAIM_MISSING', 'the certificate has no issuer claim', `issuer "${GITHUB}"`],
    [
      'another repository',
      { repository: 'https://github.com/evil/app' },
      'REPOSITORY_MISMATCH',
      'repository "https://github.com/evil/app"',
      'repository "https://github.com/acme/*"',
    ],
    [
      'no repository',
      { repository: undefined },
      'CLAIM_MISSING',
      'the certificate has no repository claim',
      'repository "https://github.com/acme/*"',
    ],
    [
      'another workflow',
      { workflow: '.github/workflows/pull-request.yml' },
      'WORKFLOW_MISMATCH',
      'workflow ".github/workflows/pull-request.yml"',
      'workflow ".github/workflows/release.yml"',
    ],
    [
      'no workflow',
      { workflow: undefined },
      'CLAIM_MISSING',
      'the certificate has no workflow claim',
      'workflow ".github/workflows/release.yml"',
    ],
    ['another ref', { ref: 'refs/heads/main' }, 'REF_MISMATCH', 'ref "refs/heads/main"', 'ref "refs/tags/v*"'],
    ['no ref', { ref: undefined }, 'CLAIM_MISSING', 'the certificate has no ref claim', 'ref "refs/tags/v*"'],
    ['an empty ref', { ref: '' }, 'REF_MISMATCH', 'ref ""', 'ref "refs/tags/v*"'],
    [
      'several differences, of which the gravest is named',
      { issuer: 'https://gitlab.com', repository: 'x', workflow: 'y', ref: 'z' },
      'ISSUER_MISMATCH',
      'issuer "https://gitlab.com"',
      `issuer "${GITHUB}"`,
    ],
    [
      'the same but for the case',
      { repository: 'https://github.com/Acme/app' },
      'REPOSITORY_MISMATCH',
      'repository "https://github.com/Acme/app"',
      'repository "https://github.com/acme/*"',
    ],
  ]
  for (const [what, change, code, found, expected] of mismatches) {
    it(`refuses ${what}`, () => {
      const claims = { ...genuine, ...change }
      const rule = provenance(publisher)
      assert.deepEqual(decide(pkg, policy(rule), proof(claims)), {
        package: pkg,
        status: 'refused',
        refusal: { code, found, expected },
        rule,
        claims,
      })
    })
  }

  it('names the publisher that matched furthest', () => {
    const rule = provenance(
      { domain: 'sigstore', issuer: GITHUB, repository: 'https://github.com/other/app' },
      { ...publisher, ref: 'refs/heads/main' },
      { domain: 'sigstore', issuer: 'https://gitlab.com' },
    )
    assert.deepEqual(decide(pkg, policy(rule), proof(genuine)).refusal, {
      code: 'REF_MISMATCH',
      found: 'ref "refs/tags/v1.0.0"',
      expected: `ref "refs/heads/main" (the closest of the rule's 3 publishers)`,
    })
  })

  it('never takes one claim from one attestation and another from the next', () => {
    const first = { ...genuine, repository: 'https://github.com/evil/app' }
    const second = { ...genuine, ref: 'refs/heads/main' }
    assert.equal(decide(pkg, policy(provenance(publisher)), proof(first, second)).refusal?.code, 'REF_MISMATCH')
  })

  it('never takes one field from one publisher and another from the next', () => {
    const rule = provenance(
      { ...publisher, ref: 'refs/heads/main' },
      { ...publisher, repository: 'https://github.com/other/*' },
    )
    assert.equal(decide(pkg, policy(rule), proof(genuine)).status, 'refused')
  })

  it('compares an issuer exactly, also where it looks like a pattern', () => {
    assert.equal(
      decide(pkg, policy(provenance({ domain: 'sigstore', issuer: '**' })), proof(genuine)).refusal?.code,
      'ISSUER_MISMATCH',
    )
  })

  it('does not take a publisher without an issuer for one that accepts any', () => {
    const nobody = { domain: 'sigstore', repository: 'https://github.com/acme/*' } as unknown as Publisher
    const codes = [genuine, { ...genuine, issuer: undefined }].map(
      (claims) => decide(pkg, policy(provenance(nobody)), proof(claims)).refusal?.code,
    )
    assert.deepEqual(codes, ['ISSUER_MISMATCH', 'CLAIM_MISSING'])
  })

  it('prints hostile claims harmlessly', () => {
    const claims = { ...genuine, ref: 'refs/heads/\u001b[2K\u202egnp\n::error::' }
    assert.equal(
      decide(pkg, policy(provenance(publisher)), proof(claims)).refusal?.found,
      'ref "refs/heads/\\u001b[2K\\u202egnp\\n::error::"',
    )
  })

  it('prints long claims shortened', () => {
    const found = decide(pkg, policy(provenance(publisher)), proof({ ...genuine, ref: 'x'.repeat(1_000_000) })).refusal
      ?.found
    assert.ok(found !== undefined && found.length < 400)
  })
})

describe('several attestations that match', () => {
  it('are old enough where one is, in whatever order', () => {
    const old = { predicateType: 'x', claims: genuine, signedAt: '2026-01-01T00:00:00.000Z' }
    const young = { ...old, signedAt: '2026-05-31T23:00:00.000Z' }
    const rule = { ...provenance(publisher), minimumAge: '1d' }
    for (const all of [
      [old, young],
      [young, old],
    ]) {
      assert.equal(decide(pkg, policy(rule), ok({ provenance: all, publish: [] })).status, 'proven')
    }
    assert.equal(decide(pkg, policy(rule), ok({ provenance: [young], publish: [] })).refusal?.code, 'TOO_YOUNG')
  })
})
