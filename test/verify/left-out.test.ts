/** Which attestations of a document are left out, and which spoil it (docs/verification.md). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Result, refuse, UNREAD } from '../../src/codes.ts'
import { ruleFor } from '../../src/policy/decide.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { meets } from '../../src/policy/require.ts'
import { judgeEach } from '../../src/verify/findings.ts'
import type { Proof } from '../../src/verify/types.ts'
import { createSigstore, type ProvenanceOptions, type Statement } from '../support/sigstore/index.ts'
import {
  accepted,
  changed,
  documentOf,
  flipBit,
  integrityOf,
  locked,
  minutesLater,
  NOW,
  refused,
  verifierFor,
  widgets,
} from './support.ts'

const sigstore = await createSigstore({ now: NOW })
const stranger = await createSigstore({ now: NOW })
const verify = verifierFor(sigstore)
const LATER = minutesLater(60 * 24 * 2)

const judge = (bundles: readonly unknown[]): Result<Proof> => verify(locked(), documentOf(...bundles), LATER)
const provenanceOf = (options: Partial<ProvenanceOptions>) => sigstore.provenance({ ...widgets, ...options })
const withSubject = (change: (subject: Statement['subject'][number]) => unknown) => (statement: Statement) => ({
  ...statement,
  subject: statement.subject.map(change),
})

const provenance = await provenanceOf({})
const publish = await sigstore.publish(widgets)
const malware = integrityOf('malware')
const sha256 = 'ab'.repeat(32)
const SBOM = 'https://spdx.dev/Document'

/** What proves something, each in its own way. */
const PROVING: readonly (readonly [string, unknown])[] = [
  ['a provenance', provenance],
  ['another build', await provenanceOf({ identity: { ref: 'refs/tags/v1.2.3' }, predicate: 'v0.2' })],
  ['a young provenance', await provenanceOf({ now: minutesLater(60 * 24) })],
  [
    "a stranger's build of the same bytes",
    await provenanceOf({ identity: { repository: 'https://github.com/evil/widgets' } }),
  ],
  ['a publish attestation', publish],
  ['a young publish attestation', await sigstore.publish({ ...widgets, now: minutesLater(60 * 24) })],
]

/** What cannot be read, and what is about something else. */
const NOTHING: readonly (readonly [string, string, unknown])[] = [
  ['no bundle', 'EVIDENCE_MALFORMED', null],
  ['an empty bundle', 'EVIDENCE_MALFORMED', {}],
  [
    'a bundle version of the future',
    'EVIDENCE_UNKNOWN',
    { ...provenance, mediaType: 'application/vnd.dev.sigstore.bundle.v0.4+json' },
  ],
  ['a provenance of an authority that is not there', 'EVIDENCE_UNKNOWN', await stranger.provenance(widgets)],
  ['a publish attestation by a key that is not there', 'EVIDENCE_UNKNOWN', await stranger.publish(widgets)],
  [
    'a bundle of another kind',
    'EVIDENCE_MALFORMED',
    { ...provenance, dsseEnvelope: undefined, messageSignature: { signature: 'AAAA' } },
  ],
  [
    'a certificate that is none',
    'EVIDENCE_MALFORMED',
    changed(provenance, (bundle) => Object.assign(bundle.verificationMaterial, { certificate: { rawBytes: 'AAAA' } })),
  ],
  ['another payload type', 'EVIDENCE_MALFORMED', await provenanceOf({ payloadType: 'text/plain' })],
  [
    'a statement type of the future',
    'EVIDENCE_MALFORMED',
    await provenanceOf({
      statementOverrides: (statement: Statement) => ({ ...statement, _type: 'https://in-toto.io/Statement/v2' }),
    }),
  ],
  [
    'a predicate type that nobody knows',
    'EVIDENCE_MISSING',
    await provenanceOf({ statementOverrides: { predicateType: 'x' } }),
  ],
  [
    'a provenance of the future',
    'EVIDENCE_MISSING',
    await provenanceOf({ statementOverrides: { predicateType: 'https://slsa.dev/provenance/v2' } }),
  ],
  [
    "a type that nobody knows, by the registry's key",
    'EVIDENCE_UNKNOWN',
    await sigstore.publish({ ...widgets, statementOverrides: { predicateType: 'x' } }),
  ],
  [
    "a digest that the lockfile does not have, by the registry's key",
    'EVIDENCE_UNKNOWN',
    await sigstore.publish({
      ...widgets,
      statementOverrides: withSubject(({ name }) => ({ name, digest: { sha256 } })),
    }),
  ],
  ['another version', 'SUBJECT_MISMATCH', await provenanceOf({ version: '1.2.2' })],
  ['the publishing of another version', 'SUBJECT_MISMATCH', await sigstore.publish({ ...widgets, version: '1.2.2' })],
  [
    'the file, by its name and sha256',
    'SUBJECT_MISMATCH',
    await provenanceOf({ statementOverrides: withSubject(() => ({ name: 'widgets-1.2.3.tgz', digest: { sha256 } })) }),
  ],
  [
    'a bill of materials, by a digest that the lockfile does not have',
    'DIGEST_MISMATCH',
    await provenanceOf({
      statementOverrides: (statement: Statement) => ({
        ...withSubject(({ name }) => ({ name, digest: { sha256 } }))(statement),
        predicateType: SBOM,
      }),
    }),
  ],
  [
    "a rebuilder's provenance under a service account",
    'PREDICATE_MISMATCH',
    await provenanceOf({ emailIdentity: 'rebuild@example.com' }),
  ],
  [
    'a publish attestation signed without a key',
    'CERTIFICATE_UNTRUSTED',
    await sigstore.publish({ ...widgets, signWith: 'certificate' }),
  ],
]

/** What is signed under what is trusted, or says so, and does not hold. */
const CONTRADICTING: readonly (readonly [string, string, unknown])[] = [
  [
    'a changed payload',
    'SIGNATURE_INVALID',
    changed(provenance, ({ dsseEnvelope }) => Object.assign(dsseEnvelope, { payload: flipBit(dsseEnvelope.payload) })),
  ],
  [
    'a signature that is no base64',
    'SIGNATURE_INVALID',
    changed(publish, ({ dsseEnvelope }) => Object.assign(dsseEnvelope.signatures[0] ?? {}, { sig: '?' })),
  ],
  [
    'a borrowed log entry',
    'LOG_ENTRY_INVALID',
    changed(provenance, (bundle) =>
      Object.assign(bundle.verificationMaterial, { tlogEntries: publish.verificationMaterial.tlogEntries }),
    ),
  ],
  ['no promise of a certificate log', 'CERTIFICATE_UNTRUSTED', await provenanceOf({ withoutSct: true })],
  ['the future', 'TIMESTAMP_INVALID', await provenanceOf({ now: minutesLater(60 * 24 * 9) })],
  ['other bytes', 'DIGEST_MISMATCH', await provenanceOf({ integrity: malware })],
  ['the publishing of other bytes', 'DIGEST_MISMATCH', await sigstore.publish({ ...widgets, integrity: malware })],
  [
    'other bytes, by a publish attestation signed without a key',
    'DIGEST_MISMATCH',
    await sigstore.publish({ ...widgets, integrity: malware, signWith: 'certificate' }),
  ],
  [
    'other bytes, by a predicate type that nobody knows',
    'DIGEST_MISMATCH',
    await provenanceOf({ integrity: malware, statementOverrides: { predicateType: SBOM } }),
  ],
  [
    'these bytes and others',
    'DIGEST_MISMATCH',
    await provenanceOf({
      statementOverrides: (statement: Statement) => ({
        ...statement,
        subject: [...statement.subject, { name: statement.subject[0]?.name, digest: { sha512: 'ab'.repeat(64) } }],
      }),
    }),
  ],
  [
    'another repository than its certificate',
    'PREDICATE_MISMATCH',
    await provenanceOf({ claims: { 12: 'https://github.com/evil/widgets' } }),
  ],
  ["a provenance by the registry's key", 'CERTIFICATE_UNTRUSTED', await provenanceOf({ signWith: 'registry-key' })],
  [
    'the publishing of another version under this subject',
    'PREDICATE_MISMATCH',
    await sigstore.publish({ ...widgets, predicateOverrides: { version: '1.2.2' } }),
  ],
]

/** A third one, before, between and behind the package's own two. */
const around = (bundle: unknown) => [
  [bundle, provenance, publish],
  [provenance, bundle, publish],
  [provenance, publish, bundle],
]

describe('one more attestation that is left out', () => {
  for (const [name, code, bundle] of NOTHING) {
    test(`${name}: changes nothing, and is listed with ${code}`, () => {
      const own = accepted(judge([publish, provenance]))
      for (const [index, bundles] of around(bundle).entries()) {
        const { leftOut, ...proof } = accepted(judge(bundles))
        assert.deepEqual(proof, own)
        assert.deepEqual(
          leftOut?.map((each) => each.code),
          [code],
        )
        assert.match(leftOut?.[0]?.found ?? '', new RegExp(`^attestation ${index + 1}\\b`))
      }
    })

    test(`${name}: alone it proves nothing, and says why`, () => {
      const { leftOut } = refused(judge([bundle]), code as never)
      assert.equal(leftOut?.length, 1)
      assert.equal(refused(judge([bundle, bundle]), code as never).leftOut?.length, 2)
    })
  }

  test('is no provenance beside a publish attestation', () => {
    for (const [name, , bundle] of NOTHING) assert.deepEqual(accepted(judge([publish, bundle])).provenance, [], name)
  })

  test('does not hide what is wrong with another: what could have been a proof is told first', () => {
    const named = (name: string) => NOTHING.find(([each]) => each === name)?.[2]
    const bundles = ['a predicate type that nobody knows', 'another version', 'a bundle version of the future'].map(
      named,
    )
    assert.match(refused(judge(bundles), 'EVIDENCE_UNKNOWN').found, /^attestation 3: /)
    assert.match(refused(judge([null, ...bundles]), 'EVIDENCE_UNKNOWN').found, /^attestation 4: /)
    assert.match(refused(judge(bundles.slice(0, 2)), 'SUBJECT_MISMATCH').found, /^attestation 2: /)
  })
})

test('what is said of one that is left out is short, whatever is in it', () => {
  const attestations = Array.from({ length: 16 }, () => refuse('EVIDENCE_MALFORMED', 'x'.repeat(1e6), 'y'))
  const { leftOut } = accepted(judgeEach(attestations, () => assert.fail('nothing can be judged')))
  assert.equal(leftOut.length, 16)
  assert.ok(JSON.stringify(leftOut).length < 16 * 700)
})

describe('one more attestation of the same kind', () => {
  test('makes nothing older: of several publish attestations the latest counts', async () => {
    const young = await sigstore.publish({ ...widgets, now: minutesLater(60 * 24) })
    for (const bundles of [
      [provenance, young, publish],
      [publish, provenance, young],
    ])
      assert.deepEqual(accepted(judge(bundles)).publish, [{ signedAt: '2026-03-02T12:00:00.000Z' }])
  })
})

describe('one more attestation that contradicts', () => {
  for (const [name, code, bundle] of CONTRADICTING) {
    test(`${name}: ${code}`, () => {
      for (const bundles of [[bundle], ...around(bundle)]) {
        assert.equal(refused(judge(bundles), code as never).leftOut, undefined)
      }
    })
  }
})

describe('any document', () => {
  type Kind = 'proving' | 'nothing' | 'contradicting'
  interface Known {
    readonly kind: Kind
    readonly name: string
    readonly bundle: unknown
    readonly alone: Result<Proof>
  }
  const known =
    (kind: Kind) =>
    (each: readonly unknown[]): Known => {
      const bundle = each.at(-1)
      return { kind, name: String(each[0]), bundle, alone: judge([bundle]) }
    }
  const all: readonly Known[] = [
    ...PROVING.map(known('proving')),
    ...NOTHING.map(known('nothing')),
    ...CONTRADICTING.map(known('contradicting')),
  ]
  const one = fc.constantFrom(...all)
  /** Mostly of such as do not contradict: of the others one is enough. */
  const mild = fc.constantFrom(...all.filter(({ kind }) => kind !== 'contradicting'))
  const some = fc.oneof(fc.array(mild, { maxLength: 5 }), fc.array(one, { maxLength: 3 }))

  const policy = (rule: string) => parsePolicy(`rules: [{ packages: "**", ${rule} }]`, '/.sigstorerc')
  const RULES = [
    'require: signature',
    'require: signature, minimumAge: 1d',
    'require: provenance, publisher: { repository: acme/widgets }',
    'require: provenance, publisher: { repository: acme/widgets }, minimumAge: 1d',
  ].map(policy)
  const AGED = RULES.map(({ rules: [rule] }) => rule?.minimumAge !== undefined)
  const now = minutesLater(60 * 30)
  const passes = (proof: Result<Proof>) =>
    RULES.map((each) => meets(ruleFor(locked(), each) ?? assert.fail(), locked(), each, proof, now).met)

  /** A document, and the same with one more in any place. */
  const pair = (more: fc.Arbitrary<Known>) =>
    fc.tuple(some, more, fc.nat()).map(([before, added, at]) => {
      const place = at % (before.length + 1)
      const after = [...before.slice(0, place), added, ...before.slice(place)]
      const result = (list: readonly Known[]) => judge(list.map(({ bundle }) => bundle))
      return { names: after.map(({ name }) => name), added, before: result(before), after: result(after) }
    })
  const told = (names: readonly string[]) => names.join(' + ')

  test('with one more of any kind proves no more than that one does alone, and never passes where neither did', () => {
    fc.assert(
      fc.property(pair(one), ({ names, added, before, after }) => {
        const isSpoiled =
          !before.ok && before.refusal.leftOut === undefined && before.refusal.code !== 'EVIDENCE_MISSING'
        if (isSpoiled) assert.ok(!after.ok, told(names))
        if (after.ok) assert.ok(before.ok || added.alone.ok, told(names))
        const sources = [before, added.alone].flatMap((each) => (each.ok ? [each.value] : []))
        for (const each of after.ok ? after.value.provenance : [])
          assert.ok(
            sources.some(({ provenance: list }) => list.some((other) => isSame(each, other))),
            told(names),
          )
        for (const each of after.ok ? after.value.publish : [])
          assert.ok(
            sources.some(({ publish: list }) => list.some((other) => isSame(each, other))),
            told(names),
          )
        const [was, alone] = [passes(before), passes(added.alone)]
        for (const [index, met] of passes(after).entries())
          assert.ok(!met || was[index] || alone[index], `${told(names)}, rule ${index}`)
      }),
      { numRuns: 150 },
    )
  })

  test('with one more that is left out proves what it proved, and ends as it did but for a minimum age', () => {
    const nothing = fc.constantFrom(...all.filter(({ kind }) => kind === 'nothing'))
    fc.assert(
      fc.property(pair(nothing), ({ names, added, before, after }) => {
        assert.equal(after.ok, before.ok, told(names))
        // What nobody could read may be younger.
        const isUnread = !added.alone.ok && UNREAD.has(added.alone.refusal.code)
        const were = passes(before).map((met, index) => met && !(isUnread && AGED[index]))
        assert.deepEqual(passes(after), were, told(names))
        if (!before.ok || !after.ok) return
        const [{ leftOut: few = [], ...proof }, { leftOut: more = [], ...same }] = [before.value, after.value]
        assert.deepEqual(same, proof, told(names))
        assert.equal(more.length, few.length + 1)
      }),
      { numRuns: 150 },
    )
  })

  test('is the same in any order, but for the order', () => {
    fc.assert(
      fc.property(some, (list) => {
        const [one, other] = [list, list.toReversed()].map((each) => judge(each.map(({ bundle }) => bundle)))
        assert.equal(one?.ok, other?.ok)
        if (one?.ok && other?.ok) assert.deepEqual(one.value.publish, other.value.publish)
        assert.deepEqual(one && passes(one), other && passes(other))
      }),
      { numRuns: 100 },
    )
  })
})

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
