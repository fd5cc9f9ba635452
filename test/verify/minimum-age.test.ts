/** A minimum age next to attestations that are left out: what could not be read may be younger (docs/verification.md). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ok, type RefusalCode, type Result } from '../../src/codes.ts'
import { ruleFor } from '../../src/policy/decide.ts'
import { identityOf } from '../../src/policy/identity.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { meets, type Outcome } from '../../src/policy/require.ts'
import type { IdentityLock } from '../../src/policy/types.ts'
import type { Proof } from '../../src/verify/types.ts'
import { createSigstore, type PublishOptions, type Statement } from '../support/sigstore/index.ts'
import { documentOf, locked, minutesLater, NOW, onlyProvenance, verifierFor, widgets } from './support.ts'

const DAY = 60 * 24
const sigstore = await createSigstore({ now: NOW })
const rotated = await createSigstore({ now: NOW })
const verify = verifierFor(sigstore)

/** Built today, published in thirty days, and judged an hour later. */
const PUBLISHED = minutesLater(30 * DAY)
const HOUR_LATER = minutesLater(30 * DAY + 60)
const WEEKS_LATER = minutesLater(50 * DAY)
const built = await sigstore.provenance(widgets)
const published = (options: Partial<PublishOptions> = {}, by = sigstore) =>
  by.publish({ ...widgets, now: PUBLISHED, ...options })
const publishedLongAgo = await published({ now: NOW })
const withDigest = (digest: object) => (statement: Statement) => ({
  ...statement,
  subject: statement.subject.map(({ name }) => ({ name, digest })),
})

/** Each may be the publish attestation that makes the package an hour old, and none can be read as that. */
const UNREAD: readonly (readonly [string, RefusalCode, unknown])[] = [
  ['by a key that the trust root does not have', 'EVIDENCE_UNKNOWN', await published({}, rotated)],
  [
    'in a bundle version of the future',
    'EVIDENCE_UNKNOWN',
    { ...(await published()), mediaType: 'application/vnd.dev.sigstore.bundle.v0.4+json' },
  ],
  [
    "of a type of the future, by the registry's key",
    'EVIDENCE_UNKNOWN',
    await published({
      statementOverrides: { predicateType: 'https://github.com/npm/attestation/tree/main/specs/publish/v0.2' },
    }),
  ],
  [
    "with another digest than sha512, by the registry's key",
    'EVIDENCE_UNKNOWN',
    await published({ statementOverrides: withDigest({ sha256: 'ab'.repeat(32) }) }),
  ],
  [
    'in a statement type of the future',
    'EVIDENCE_MALFORMED',
    await published({
      statementOverrides: (statement: Statement) => ({ ...statement, _type: 'https://in-toto.io/Statement/v2' }),
    }),
  ],
  ['in another payload type', 'EVIDENCE_MALFORMED', await published({ payloadType: 'text/plain' })],
  ['that is no bundle', 'EVIDENCE_MALFORMED', null],
]

/** Left out as well, and no publishing of this version, whoever signed it. */
const READ: readonly (readonly [string, unknown])[] = [
  ['the publishing of another version', await published({ version: '1.2.2' })],
  ['a publish attestation that anybody can have', await published({ signWith: 'certificate' })],
  [
    'a bill of materials by a certificate',
    await sigstore.provenance({ ...widgets, statementOverrides: { predicateType: 'https://spdx.dev/Document' } }),
  ],
  [
    'a bill of materials by a certificate, with another digest',
    await sigstore.provenance({
      ...widgets,
      statementOverrides: withDigest({ sha256: 'ab'.repeat(32) }),
    }),
  ],
]

const PUBLISHER = 'publisher: { repository: acme/widgets }'
const RULES = [
  ['provenance', `require: provenance, ${PUBLISHER}`],
  ['provenance by its publisher and as locked', `require: provenance, ${PUBLISHER}, unchanged: true`],
  ['provenance as locked', 'require: provenance, unchanged: true'],
  ['a signature', 'require: signature'],
  ['a signature, and what is locked', 'require: signature, unchanged: true'],
] as const

const identity = identityOf(onlyProvenance(verify(locked(), documentOf(built), HOUR_LATER)).claims) ?? assert.fail()
const identities: IdentityLock = new Map([
  [widgets.name, { published: [{ from: '1.0.0', identity, line: 2 }], unproven: [] }],
])

function outcome(rule: string, proof: Result<Proof>, now: Date): Outcome {
  const policy = { ...parsePolicy(`rules: [{ packages: "**", ${rule} }]`, '/.sigstorerc'), identities }
  return meets(ruleFor(locked(), policy) ?? assert.fail(), locked(), policy, proof, now)
}

function ends(rule: string, bundles: readonly unknown[], now: Date): string {
  const end = outcome(rule, verify(locked(), documentOf(...bundles), now), now)
  return end.met ? 'met' : end.refusal.code
}

for (const [what, rule] of RULES) {
  const aged = `${rule}, minimumAge: 7d`
  // Only the registry's own word is a signature.
  const old = rule.startsWith('require: signature') ? [built, publishedLongAgo] : [built]

  describe(`a minimum age with ${what}`, () => {
    test('is met by what is old enough, next to nothing else', () => {
      assert.equal(ends(aged, old, HOUR_LATER), 'met')
    })

    for (const [name, code, bundle] of UNREAD) {
      test(`is not met next to a publish attestation ${name}: ${code}`, () => {
        for (const bundles of [
          [...old, bundle],
          [bundle, ...old],
        ])
          assert.equal(ends(aged, bundles, HOUR_LATER), code)
      })

      test(`is not met in time either, next to one ${name}: when that was published nobody can say`, () => {
        assert.equal(ends(aged, [built, publishedLongAgo, bundle], WEEKS_LATER), code)
      })

      test(`is too young next to one ${name}, where that is known`, async () => {
        assert.equal(ends(aged, [built, await published(), bundle], HOUR_LATER), 'TOO_YOUNG')
      })

      test(`is asked for by its rule alone, also next to one ${name}`, () => {
        assert.equal(ends(rule, [...old, bundle], HOUR_LATER), 'met')
      })
    }

    for (const [name, bundle] of READ) {
      test(`is met next to ${name}`, () => {
        assert.equal(ends(aged, [...old, bundle], HOUR_LATER), 'met')
      })
    }
  })
}

describe('a minimum age that is not met', () => {
  const aged = `${RULES[0][1]}, minimumAge: 7d`
  const bundle = UNREAD[0]?.[2]

  test('says which attestation could not be read, that the age hangs on it, and what to do', () => {
    const end = outcome(aged, verify(locked(), documentOf(built, bundle), HOUR_LATER), HOUR_LATER)
    assert.ok(!end.met)
    const { found, expected } = end.refusal
    assert.match(
      found,
      /^attestation 2: signed with the key "?\S+"?, which the trust root does not have, so its "minimumAge" is not known to be met$/,
    )
    assert.match(expected, /docs\/trust\.md says how to renew it/)
    assert.equal(end.claims?.repository, 'https://github.com/acme/widgets')
  })

  test('is not told as too young where one of two builds could be old enough', async () => {
    const young = await sigstore.provenance({ ...widgets, now: PUBLISHED })
    for (const bundles of [
      [built, young, bundle],
      [young, built, bundle],
    ])
      assert.equal(ends(aged, bundles, HOUR_LATER), 'EVIDENCE_UNKNOWN')
    assert.equal(ends(aged, [young, bundle], HOUR_LATER), 'TOO_YOUNG')
  })

  test('does not hide another publisher, or another one than is locked', () => {
    const bundles = [built, bundle]
    const other = aged.replace('acme/widgets', 'acme/gadgets')
    assert.equal(ends(other, bundles, HOUR_LATER), 'REPOSITORY_MISMATCH')
  })

  test('by a signature of which nobody has signed the time says what could not be read', () => {
    const signed = (leftOut: Proof['leftOut']) => {
      const proof = ok({ provenance: [], publish: [], signature: { keyId: 'x' }, ...(leftOut && { leftOut }) })
      const end = outcome('require: signature, minimumAge: 7d', proof, HOUR_LATER)
      return end.met ? 'met' : end.refusal.code
    }
    const leftOut = (code: RefusalCode) => [{ code, found: 'x', expected: 'y' }]
    assert.equal(signed(undefined), 'TOO_YOUNG')
    assert.equal(signed(leftOut('SUBJECT_MISMATCH')), 'TOO_YOUNG')
    assert.equal(signed(leftOut('EVIDENCE_UNKNOWN')), 'EVIDENCE_UNKNOWN')
    assert.equal(signed(leftOut('EVIDENCE_MALFORMED')), 'EVIDENCE_MALFORMED')
  })
})
