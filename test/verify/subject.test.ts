import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { RefusalCode } from '../../src/codes.ts'
import { checkSubject, lockedDigest, packageUrl } from '../../src/verify/subject.ts'
import { createSigstore, type ProvenanceOptions } from '../support/sigstore/index.ts'
import {
  accepted,
  documentOf,
  integrityOf,
  locked,
  NOW,
  onlyProvenance,
  refused,
  verifierFor,
  widgets,
} from './support.ts'

const sigstore = await createSigstore({ now: NOW })
const verify = verifierFor(sigstore)

const DIGEST = Buffer.from(widgets.integrity.slice('sha512-'.length), 'base64').toString('hex')
const NAME = 'pkg:npm/%40acme/widgets@1.2.3'

describe('the digest of a lockfile entry', () => {
  test('is that of its only hash', () => assert.equal(accepted(lockedDigest(locked())), DIGEST))

  test('is the bytes, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (bytes) => {
        const integrity = `sha512-${Buffer.from(bytes).toString('base64')}`
        assert.equal(accepted(lockedDigest(locked({ integrity }))), Buffer.from(bytes).toString('hex'))
      }),
    )
  })

  const other = integrityOf('malware')
  const sri = (algorithm: string) => `${algorithm}-${createHash(algorithm).update('tarball').digest('base64')}`
  const base64 = widgets.integrity.slice('sha512-'.length)
  const forms: [string, string | undefined][] = [
    ['none', undefined],
    ['an empty one', ''],
    ['sha1', sri('sha1')],
    ['sha256', sri('sha256')],
    ['sha384', sri('sha384')],
    ['sha512 and another sha512', `${widgets.integrity} ${other}`],
    ['another sha512 and this one', `${other} ${widgets.integrity}`],
    ['sha512 twice, the same', `${widgets.integrity} ${widgets.integrity}`],
    ['sha512 and a weaker one', `${widgets.integrity} ${sri('sha256')}`],
    ['two with a tab between', `${widgets.integrity}\t${other}`],
    ['two with a line break between', `${widgets.integrity}\n${other}`],
    ['an option', `${widgets.integrity}?x`],
    ['a line break behind it', `${widgets.integrity}\n`],
    ['a space before it', ` ${widgets.integrity}`],
    ['capitals', widgets.integrity.replace('sha512', 'SHA512')],
    ['no algorithm', base64],
    ['no hash', 'sha512-'],
    ['a hash without its padding', widgets.integrity.slice(0, -2)],
    ['a hash cut short', `${widgets.integrity.slice(0, 40)}==`],
    ['a hash that is too long', `sha512-${randomBytes(65).toString('base64')}`],
    ['a hash in hexadecimal', `sha512-${DIGEST}`],
    ['a hash whose last bits mean nothing', `sha512-${'A'.repeat(85)}B==`],
    ['a hash in base64url', `sha512-${Buffer.alloc(64, 0xff).toString('base64url')}==`],
  ]
  for (const [name, integrity] of forms) {
    test(`is not to be had from ${name}`, async () => {
      refused(lockedDigest(locked({ integrity })), 'INTEGRITY_MISSING')
      const document = documentOf(await sigstore.provenance(widgets))
      refused(verify(locked({ integrity }), document, NOW), 'INTEGRITY_MISSING')
    })
  }

  test('is not to be had from any other text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        refused(lockedDigest(locked({ integrity: text })), 'INTEGRITY_MISSING')
        for (const integrity of [`${widgets.integrity}${text}`, `${text}${widgets.integrity}`]) {
          assert.equal(lockedDigest(locked({ integrity })).ok, text === '')
        }
      }),
    )
  })

  test('is not to be had from a lockfile of yarn berry, which says so, also beside one', () => {
    for (const integrity of [undefined, widgets.integrity]) {
      refused(lockedDigest(locked({ integrity, unbound: true })), 'UNBOUND')
      refused(verify(locked({ integrity, unbound: true }), undefined, NOW), 'UNBOUND')
    }
  })

  test('is asked for before anything is read', () => {
    refused(verify(locked({ integrity: undefined }), undefined, NOW), 'INTEGRITY_MISSING')
  })
})

describe('the name of a package', () => {
  test('as npm writes it', () => {
    assert.equal(packageUrl('sigstore', '2.3.1'), 'pkg:npm/sigstore@2.3.1')
    assert.equal(packageUrl('@acme/widgets', '1.2.3-rc.1+build'), 'pkg:npm/%40acme/widgets@1.2.3-rc.1+build')
    assert.equal(packageUrl('JSONStream', '1.3.5'), 'pkg:npm/JSONStream@1.3.5')
  })

  test('is one for each package, whatever a lockfile calls it', () => {
    const text = fc.oneof(fc.string({ maxLength: 6 }), fc.stringMatching(/^[a1@%40/.]{0,6}$/))
    fc.assert(
      fc.property(text, text, text, text, (name, version, otherName, otherVersion) => {
        const same = name === otherName && version === otherVersion
        assert.equal(packageUrl(name, version) === packageUrl(otherName, otherVersion), same)
      }),
      { numRuns: 1_000 },
    )
    assert.notEqual(packageUrl('a', '1@2'), packageUrl('a@1', '2'))
    assert.notEqual(packageUrl('@a/b', '1'), packageUrl('%40a/b', '1'))
  })
})

describe('the subject of a statement', () => {
  const subject = (name: string, sha512: string | undefined) => ({ name, sha512 })
  const check = (...subjects: readonly { name: string; sha512: string | undefined }[]) =>
    checkSubject(locked(), DIGEST, { predicateType: '', predicate: {}, subject: subjects })
  const wrong = DIGEST.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))

  test('is this package with this digest', () => {
    accepted(check(subject(NAME, DIGEST)))
    accepted(check(subject(NAME, DIGEST.toUpperCase())))
    accepted(check(subject(NAME, DIGEST), subject(NAME, DIGEST)))
    accepted(check(subject('pkg:npm/other@1.0.0', undefined), subject(NAME, DIGEST)))
    accepted(check(subject(NAME, DIGEST), subject('pkg:npm/%40acme/widgets@1.2.4', wrong)))
  })

  test('is not another package', () => {
    refused(check(), 'SUBJECT_MISMATCH', /without a subject/)
    for (const name of [
      '',
      '@acme/widgets@1.2.3',
      'pkg:npm/@acme/widgets@1.2.3',
      'pkg:npm/%40acme%2Fwidgets@1.2.3',
      'pkg:npm/%40ACME/widgets@1.2.3',
      'pkg:npm/widgets@1.2.3',
      'pkg:npm/%40acme/widgets',
      'pkg:npm/%40acme/widgets@1.2.3 ',
      'pkg:npm/%40acme/widgets@1.2.3?x=1',
      'pkg:npm/%40acme/widgets@1.2.30',
      'pkg:npm/%40acme/widgets@v1.2.3',
      'pkg:npm/%40acme/widgets@1.2.3#sub',
      'pkg:github/%40acme/widgets@1.2.3',
    ]) {
      refused(check(subject(name, DIGEST)), 'SUBJECT_MISMATCH')
    }
  })

  test('has no other digest', () => {
    for (const sha512 of [
      undefined,
      '',
      wrong,
      DIGEST.slice(1),
      `${DIGEST}00`,
      ` ${DIGEST}`,
      `0x${DIGEST}`,
      widgets.integrity,
      DIGEST.slice(0, 64),
    ]) {
      refused(check(subject(NAME, sha512)), 'DIGEST_MISMATCH')
      refused(check(subject(NAME, DIGEST), subject(NAME, sha512)), 'DIGEST_MISMATCH')
      refused(check(subject(NAME, sha512), subject(NAME, DIGEST)), 'DIGEST_MISMATCH')
      refused(check(subject('pkg:npm/other@1.0.0', DIGEST), subject(NAME, sha512)), 'DIGEST_MISMATCH')
    }
  })

  const signed: [string, RefusalCode | 'proven', ProvenanceOptions['statementOverrides']][] = [
    ['one subject', 'proven', {}],
    ['capitals in the digest', 'proven', { subject: [{ name: NAME, digest: { sha512: DIGEST.toUpperCase() } }] }],
    ['two subjects', 'proven', { subject: [{ name: 'pkg:npm/a@1.0.0' }, { name: NAME, digest: { sha512: DIGEST } }] }],
    ['no subject', 'SUBJECT_MISMATCH', { subject: [] }],
    ['another subject', 'SUBJECT_MISMATCH', { subject: [{ name: 'pkg:npm/a@1.0.0', digest: { sha512: DIGEST } }] }],
    [
      'the subject twice',
      'DIGEST_MISMATCH',
      { subject: [DIGEST, wrong].map((sha512) => ({ name: NAME, digest: { sha512 } })) },
    ],
    ['sha256 only', 'DIGEST_MISMATCH', { subject: [{ name: NAME, digest: { sha256: DIGEST.slice(64) } }] }],
    ['no digest', 'DIGEST_MISMATCH', { subject: [{ name: NAME }] }],
  ]
  for (const [name, expected, statementOverrides] of signed) {
    test(`signed with ${name}: ${expected}`, async () => {
      const bundle = await sigstore.provenance({ ...widgets, statementOverrides })
      const result = verify(locked(), documentOf(bundle), NOW)
      if (expected === 'proven') onlyProvenance(result)
      else refused(result, expected)
    })
  }

  const V1 = 'https://in-toto.io/Statement/v1'
  const named = { name: NAME, digest: { sha512: DIGEST } }
  /** By the registry's key another code, where it could be a form of publishing that this gate does not know. */
  const nameless: [string, RefusalCode | 'proven', readonly unknown[], RefusalCode?][] = [
    ['no name', 'SUBJECT_MISMATCH', [{ digest: { sha512: DIGEST } }]],
    ['null as its name', 'SUBJECT_MISMATCH', [{ name: null, digest: { sha512: DIGEST } }]],
    ['an empty name', 'SUBJECT_MISMATCH', [{ name: '', digest: { sha512: DIGEST } }]],
    ['its name as the URI', 'SUBJECT_MISMATCH', [{ uri: NAME, digest: { sha512: DIGEST } }]],
    ['no name, and all digests', 'SUBJECT_MISMATCH', [{ digest: { sha512: DIGEST, sha256: 'ab', sha1: 'ab' } }]],
    ['no name twice', 'SUBJECT_MISMATCH', Array(2).fill({ digest: { sha512: DIGEST } })],
    [
      'no name, beside another',
      'SUBJECT_MISMATCH',
      [{ digest: { sha512: DIGEST } }, { ...named, name: 'pkg:npm/a@1.0.0' }],
    ],
    [
      'no name, beside the package with other bytes',
      'DIGEST_MISMATCH',
      [{ digest: { sha512: DIGEST } }, { ...named, digest: { sha512: wrong } }],
    ],
    [
      'no name, beside the package without a digest',
      'DIGEST_MISMATCH',
      [{ digest: { sha512: DIGEST } }, { name: NAME }],
      'EVIDENCE_UNKNOWN',
    ],
    ['no name, beside the package', 'proven', [{ digest: { sha512: wrong } }, named]],
  ]
  for (const [name, byCertificate, subjects, byRegistry = byCertificate] of nameless) {
    for (const [kind, expected, make] of [
      ['provenance', byCertificate, (options) => sigstore.provenance(options)],
      ['publish attestation', byRegistry, (options) => sigstore.publish(options)],
    ] as const satisfies [string, string, (options: ProvenanceOptions) => Promise<unknown>][]) {
      test(`of a ${kind} with ${name}: ${expected}`, async () => {
        const bundle = await make({ ...widgets, statementOverrides: { _type: V1, subject: subjects } })
        const result = verify(locked(), documentOf(bundle), NOW)
        if (expected === 'proven') accepted(result)
        else refused(result, expected)
      })
    }
  }

  test('without a name is that of no package, whatever the package is called', () => {
    const text = fc.oneof(fc.constant(''), fc.string({ maxLength: 4 }))
    fc.assert(
      fc.property(text, text, fc.nat({ max: 3 }), (name, version, count) => {
        const subjects = Array(count).fill(subject('', DIGEST))
        const statement = { predicateType: '', predicate: {}, subject: subjects }
        const found = count === 0 ? /^an attestation without a subject$/ : /^an attestation about bytes without a name$/
        const result = checkSubject(locked({ name, version }), DIGEST, statement)
        assert.ok(!result.ok && result.refusal.code === 'SUBJECT_MISMATCH')
        assert.match(result.refusal.found, found)
      }),
    )
  })

  test("is compared with the lockfile's entry, whatever else the entry is called", async () => {
    const document = documentOf(await sigstore.provenance(widgets))
    onlyProvenance(
      verify(locked({ key: 'alias@npm:widgets', origin: 'https://evil.example', importers: [] }), document, NOW),
    )
    for (const entry of [{ name: 'widgets' }, { name: '@acme/Widgets' }, { version: '1.2.4' }, { version: '' }]) {
      refused(verify(locked(entry), document, NOW), 'SUBJECT_MISMATCH')
    }
    refused(verify(locked({ integrity: integrityOf('malware') }), document, NOW), 'DIGEST_MISMATCH')
  })
})
