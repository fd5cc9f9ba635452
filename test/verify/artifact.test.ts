/** Any Sigstore bundle, about any file: `src/verify/artifact.ts`. */
import assert from 'node:assert/strict'
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toTrustMaterial } from '@sigstore/verify'
import { ok } from '../../src/codes.ts'
import { type Artifact, type Signer, verifyArtifact } from '../../src/verify/artifact.ts'
import { verifyDigest } from '../../src/verify/prehashed.ts'
import { createSigstore } from '../support/sigstore/index.ts'
import { generateKey, sign } from '../support/sigstore/keys.ts'
import { accepted, domainOf, minutesLater, NOW, refused, widgets } from './support.ts'

const sigstore = await createSigstore({ now: NOW })
const trust = domainOf(toTrustMaterial(TrustedRoot.fromJSON(sigstore.trustedRoot)))
const FILE = Buffer.from('a file\n')
const IDENTITY = 'https://github.com/acme/widgets/.github/workflows/release.yml@refs/heads/main'
const ISSUER = 'https://token.actions.githubusercontent.com'
const ACME: Signer = { identity: IDENTITY, issuer: ISSUER }
const ownKey = generateKey('P-256')
const OWN: Signer = { key: publicKey(ownKey.spki) }

function publicKey(spki: Buffer): KeyObject {
  return createPublicKey({ key: spki, format: 'der', type: 'spki' })
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest()
/** Both ways to say what a bundle has to be about. */
const WAYS: readonly (readonly [string, (bytes: Buffer) => Artifact])[] = [
  ['the file', (bytes) => ({ bytes })],
  ['its digest', (bytes) => ({ sha256: sha256(bytes) })],
]

const verify = (bundle: unknown, artifact: Artifact, signer: Signer = ACME, now = minutesLater(1)) =>
  verifyArtifact(bundle, artifact, signer, trust, now)

test('a message signature need not say what it is about where the file is given', async () => {
  for (const [signer, options] of [
    [ACME, {}],
    [OWN, { key: ownKey }],
  ] as const) {
    for (const messageDigest of [undefined, null]) {
      const bundle = await sigstore.blob(FILE, { now: NOW, ...options })
      Object.assign(bundle.messageSignature, { messageDigest })
      accepted(verify(bundle, { bytes: FILE }, signer))
      // It is not good for another file, nor where nobody has the file.
      refused(verify(bundle, { bytes: Buffer.from('another\n') }, signer), 'SIGNATURE_INVALID')
      refused(verify(bundle, { sha256: sha256(FILE) }, signer), 'EVIDENCE_MALFORMED', /messageDigest/)
    }
    for (const messageDigest of [{}, { algorithm: 'SHA2_256' }, { digest: '' }, [], 'x', 0, false]) {
      const bundle = await sigstore.blob(FILE, { now: NOW, ...options })
      Object.assign(bundle.messageSignature, { messageDigest })
      refused(verify(bundle, { bytes: FILE }, signer), 'EVIDENCE_MALFORMED')
    }
  }
})

for (const [way, about] of WAYS) {
  describe(`a signature over bytes, by ${way}`, () => {
    for (const bundleVersion of ['0.1', '0.2', '0.3'] as const) {
      test(`of a certificate, in a bundle ${bundleVersion}`, async () => {
        const bundle = await sigstore.blob(FILE, { now: NOW, bundleVersion })
        const signedAt = '2026-03-01T12:00:00.000Z'
        assert.deepEqual(verify(bundle, about(FILE)), ok({ identity: IDENTITY, signedAt }))
      })
    }

    test('of a person', async () => {
      const bundle = await sigstore.blob(FILE, { now: NOW, emailIdentity: 'a@acme.test' })
      const person = { identity: 'a@acme.test', issuer: 'https://github.com/login/oauth' }
      assert.equal(accepted(verify(bundle, about(FILE), person)).identity, 'a@acme.test')
    })

    test('of a key', async () => {
      const bundle = await sigstore.blob(FILE, { now: NOW, key: ownKey })
      assert.equal(accepted(verify(bundle, about(FILE), OWN)).identity, undefined)
    })

    test('is not good for other bytes', async () => {
      for (const bundle of [
        await sigstore.blob(FILE, { now: NOW }),
        await sigstore.blob(FILE, { now: NOW, key: ownKey }),
      ]) {
        const signer = 'publicKey' in bundle.verificationMaterial ? OWN : ACME
        refused(verify(bundle, about(Buffer.from('a File\n')), signer), 'DIGEST_MISMATCH')
        // Nor where the bundle says that it is over these.
        const digest = sha256(Buffer.from('a File\n')).toString('base64')
        bundle.messageSignature.messageDigest = { algorithm: 'SHA2_256', digest }
        refused(verify(bundle, about(Buffer.from('a File\n')), signer), 'SIGNATURE_INVALID')
        refused(verify(bundle, about(FILE), signer), 'DIGEST_MISMATCH')
      }
    })

    test('is refused where it was changed', async () => {
      const bundle = await sigstore.blob(FILE, { now: NOW })
      const other = await sigstore.blob(FILE, { now: NOW })
      bundle.messageSignature.signature = other.messageSignature.signature
      refused(verify(bundle, about(FILE)), 'SIGNATURE_INVALID')
    })

    test('is refused with the log entry of another', async () => {
      const bundle = await sigstore.blob(FILE, { now: NOW })
      const other = await sigstore.blob(Buffer.from('other'), { now: NOW })
      bundle.verificationMaterial.tlogEntries = other.verificationMaterial.tlogEntries
      refused(verify(bundle, about(FILE)), 'LOG_ENTRY_INVALID')
    })

    test('is refused without a log entry, and without an SCT', async () => {
      const bundle = await sigstore.blob(FILE, { now: NOW })
      bundle.verificationMaterial.tlogEntries = []
      assert.ok(!verify(bundle, about(FILE)).ok)
      refused(verify(await sigstore.blob(FILE, { now: NOW, withoutSct: true }), about(FILE)), 'CERTIFICATE_UNTRUSTED')
    })

    test('is refused by another Sigstore, and from the future', async () => {
      const stranger = await createSigstore({ now: NOW })
      assert.ok(!verify(await stranger.blob(FILE, { now: NOW }), about(FILE)).ok)
      refused(verify(await sigstore.blob(FILE, { now: NOW }), about(FILE), ACME, minutesLater(-6)), 'TIMESTAMP_INVALID')
    })
  })

  describe(`a statement, by ${way}`, () => {
    const tarball = Buffer.from('tarball')
    const subject = (digest: Readonly<Record<string, string>>) => ({
      ...widgets,
      statementOverrides: {
        subject: [
          { name: 'other', digest: { sha256: 'a'.repeat(64) } },
          { name: 'x', digest },
        ],
      },
    })
    const hex = sha256(tarball).toString('hex')

    test('is about every one of its subjects', async () => {
      const bundle = await sigstore.provenance(subject({ sha256: hex }))
      accepted(verify(bundle, about(tarball)))
      accepted(verify(await sigstore.provenance(subject({ sha256: hex.toUpperCase() })), about(tarball)))
      refused(verify(bundle, about(FILE)), 'DIGEST_MISMATCH', /a statement about other, a+, and 1 more/)
    })

    test('is not about a file of which one of two digests differs', async () => {
      const wrong = subject({ sha256: 'a'.repeat(64), sha512: createHash('sha512').update(tarball).digest('hex') })
      refused(verify(await sigstore.provenance(wrong), about(tarball)), 'DIGEST_MISMATCH')
    })

    test('may lack its predicate and the name of its subject', async () => {
      const sign = (digest: object, name?: null) => {
        const entry = { digest, ...(name === null && { name }) }
        const rest = { _type: 'https://in-toto.io/Statement/v1', predicateType: 'https://sigstore.dev/cosign/sign/v1' }
        return sigstore.provenance({
          ...widgets,
          statementOverrides:
            name === null
              ? { ...rest, subject: [entry], predicate: null }
              : ({ predicate: _, ...statement }) => ({ ...statement, ...rest, subject: [entry] }),
        })
      }
      for (const name of [undefined, null] as const) {
        const bundle = await sign({ sha256: hex }, name)
        accepted(verify(bundle, about(tarball)))
        refused(verify(bundle, about(FILE)), 'DIGEST_MISMATCH', /^a statement about [0-9a-f]{64}$/)
        refused(verify(bundle, about(tarball), { identity: `${IDENTITY}x`, issuer: ISSUER }), 'SIGNER_MISMATCH')
        refused(verify(await sign({}, name), about(tarball)), 'EVIDENCE_MALFORMED', /^a subject without a name/)
        refused(verify(await sign({ sha1: 'a'.repeat(40) }, name), about(tarball)), 'DIGEST_MISMATCH')
      }
    })

    test('without a digest is about nothing', async () => {
      for (const digest of [{}, { sha1: 'a'.repeat(40) }, { sha256: '' }, { sha256: hex.slice(0, 63) }]) {
        refused(verify(await sigstore.provenance(subject(digest)), about(tarball)), 'DIGEST_MISMATCH')
      }
    })

    test('by another, or by a key, is refused', async () => {
      const bundle = await sigstore.provenance(subject({ sha256: hex }))
      refused(verify(bundle, about(tarball), OWN), 'SIGNER_MISMATCH', /certificate/)
      const publish = await sigstore.publish(widgets)
      refused(verify(publish, about(tarball)), 'CERTIFICATE_UNTRUSTED', /no key was named/)
    })
  })
}

test('a statement with a sha512 alone is about a file, and not about its sha256', async () => {
  const bundle = await sigstore.provenance(widgets)
  accepted(verify(bundle, { bytes: Buffer.from('tarball') }))
  refused(verify(bundle, { sha256: sha256(Buffer.from('tarball')) }), 'DIGEST_MISMATCH')
})

describe('a statement, by a sha512', () => {
  const tarball = Buffer.from('tarball')
  const of = (hash: string) => createHash(hash).update(tarball).digest()
  const hex = { sha256: of('sha256').toString('hex'), sha512: of('sha512').toString('hex') }
  const about = (...digests: readonly Readonly<Record<string, string>>[]) =>
    sigstore.provenance({
      ...widgets,
      statementOverrides: { subject: digests.map((digest) => ({ name: 'x', digest })) },
    })
  const artifact: Artifact = { sha512: of('sha512') }

  test('is about it where a subject has it, in whatever case, beside a sha256 that nobody can compare', async () => {
    for (const digest of [{ sha512: hex.sha512 }, { sha512: hex.sha512.toUpperCase() }, hex]) {
      const bundle = await about({ sha1: 'a' }, digest)
      assert.equal(accepted(verify(bundle, artifact)).predicateType, 'https://slsa.dev/provenance/v1')
    }
  })

  test('is not about it otherwise', async () => {
    for (const digest of [
      { sha256: hex.sha256 },
      {},
      { sha512: hex.sha256 },
      { sha512: '' },
      { sha512: hex.sha512.slice(1) },
    ])
      refused(verify(await about(digest), artifact), 'DIGEST_MISMATCH', /a statement about/)
    refused(verify(await about(hex), { sha512: of('sha256') }), 'DIGEST_MISMATCH')
    refused(verify(await about(hex), { sha256: of('sha512') }), 'DIGEST_MISMATCH')
    refused(verify(await about(hex), artifact, OWN), 'SIGNER_MISMATCH')
  })

  test('is compared with the type that is named after everything else', async () => {
    const named = (bundle: unknown, type: string, who = artifact) =>
      verifyArtifact(bundle, who, ACME, trust, minutesLater(1), type)
    const bundle = await about(hex)
    accepted(named(bundle, 'https://slsa.dev/provenance/v1'))
    for (const type of [
      '',
      'https://slsa.dev/provenance/v1 ',
      'https://slsa.dev/provenance/V1',
      'https://slsa.dev/provenance/v0.2',
    ])
      refused(named(bundle, type), 'PREDICATE_TYPE_MISMATCH')
    refused(named(bundle, 'x', { sha512: Buffer.alloc(64) }), 'DIGEST_MISMATCH')
    refused(named(await sigstore.blob(FILE, { now: NOW }), 'x', { bytes: FILE } as never), 'PREDICATE_TYPE_MISMATCH')
  })

  test('is no signature over a file by its sha256', async () => {
    refused(
      verify(await sigstore.blob(tarball, { now: NOW }), artifact),
      'DIGEST_MISMATCH',
      /a signature over a sha256/,
    )
  })
})

describe('who signed', () => {
  const OTHERS: readonly (readonly [
    string,
    Signer,
    'SIGNER_MISMATCH' | 'ISSUER_MISMATCH' | 'CERTIFICATE_UNTRUSTED',
  ])[] = [
    ['another identity', { identity: IDENTITY.replace('main', 'next'), issuer: ISSUER }, 'SIGNER_MISMATCH'],
    ['a prefix of it', { identity: IDENTITY.slice(0, -1), issuer: ISSUER }, 'SIGNER_MISMATCH'],
    ['more than it', { identity: `${IDENTITY}-2`, issuer: ISSUER }, 'SIGNER_MISMATCH'],
    ['a pattern', { identity: '.*', issuer: ISSUER }, 'SIGNER_MISMATCH'],
    ['other case', { identity: IDENTITY.toUpperCase(), issuer: ISSUER }, 'SIGNER_MISMATCH'],
    ['nobody', { identity: '', issuer: ISSUER }, 'SIGNER_MISMATCH'],
    ['another issuer', { identity: IDENTITY, issuer: `${ISSUER}/` }, 'ISSUER_MISMATCH'],
    ['no issuer', { identity: IDENTITY, issuer: '' }, 'ISSUER_MISMATCH'],
    ['a key', OWN, 'SIGNER_MISMATCH'],
  ]
  for (const [who, signer, code] of OTHERS) {
    test(`is not ${who}`, async () => {
      refused(verify(await sigstore.blob(FILE, { now: NOW }), { bytes: FILE }, signer), code)
    })
  }

  test('is the key that was named, and no other', async () => {
    const bundle = await sigstore.blob(FILE, { now: NOW, key: ownKey })
    const other = { key: publicKey(generateKey('P-256').spki) }
    for (const artifact of [{ bytes: FILE }, { sha256: sha256(FILE) }]) {
      refused(verify(bundle, artifact, other), 'SIGNATURE_INVALID')
      refused(verify(bundle, artifact, ACME), 'CERTIFICATE_UNTRUSTED', /no key was named/)
    }
  })
})

describe('what is no bundle', () => {
  for (const json of [
    undefined,
    null,
    {},
    [],
    'x',
    1,
    { mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json' },
  ]) {
    test(`${JSON.stringify(json)} is refused`, () => {
      refused(verify(json, { bytes: FILE }), 'EVIDENCE_MALFORMED')
    })
  }

  test('every field left out is refused with a sentence, or was of no meaning', async () => {
    const bundle = await sigstore.blob(FILE, { now: NOW })
    for (const path of paths(bundle)) {
      const changed = structuredClone(bundle)
      remove(changed, path)
      const result = verify(changed, { bytes: FILE })
      if (result.ok) continue
      assert.notEqual(result.refusal.code, 'INTERNAL_ERROR', path.join('.'))
      assert.doesNotMatch(result.refusal.found, /undefined|Cannot read|TypeError/, path.join('.'))
    }
  })
})

function paths(value: unknown, at: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, child]) => [[...at, key], ...paths(child, [...at, key])])
}

function remove(value: object, [key = '', ...rest]: readonly string[]): void {
  const record = value as Record<string, object>
  if (rest.length > 0) remove(record[key] ?? {}, rest)
  else if (Array.isArray(value)) value.splice(Number(key), 1)
  else delete record[key]
}

describe('a signature over a digest', () => {
  for (const curve of ['P-256', 'P-384'] as const) {
    test(`of ${curve} is the one over the bytes`, () => {
      const key = generateKey(curve)
      const other = generateKey(curve)
      const digest = createHash(key.digest).update(FILE).digest()
      const signature = sign(key, FILE)
      assert.equal(verifyDigest(digest, publicKey(key.spki), signature), true)
      assert.equal(verifyDigest(digest, publicKey(other.spki), signature), false)
      assert.equal(verifyDigest(createHash(key.digest).update('x').digest(), publicKey(key.spki), signature), false)
      for (let i = 0; i < signature.length; i++) {
        const changed = Buffer.from(signature)
        changed.writeUInt8(changed.readUInt8(i) ^ 1, i)
        assert.equal(verifyDigest(digest, publicKey(key.spki), changed), false, String(i))
      }
      assert.equal(verifyDigest(digest, publicKey(key.spki), Buffer.alloc(0)), false)
      assert.equal(verifyDigest(digest, publicKey(key.spki), Buffer.concat([signature, Buffer.of(0)])), false)
    })
  }

  test('that is longer than the curve is the one over the bytes, too', () => {
    const { privateKey, publicKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const signature = signBytes('sha512', FILE, privateKey)
    const digest = createHash('sha512').update(FILE).digest()
    assert.equal(verifyDigest(digest, key, signature), true)
    // What is behind the length of the curve signs nobody; what is before it everybody reads.
    digest.writeUInt8(digest.readUInt8(0) ^ 1, 0)
    assert.equal(verifyDigest(digest, key, signature), false)
  })

  test('of other keys is refused with what to do', () => {
    for (const { publicKey: key } of [
      generateKeyPairSync('ed25519'),
      generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ])
      assert.throws(
        () => verifyDigest(Buffer.alloc(32), key, Buffer.alloc(64)),
        /can only be checked over the file itself/,
      )
  })
})
