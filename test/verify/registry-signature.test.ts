/** The registry's signature over name, version and digest: `src/verify/registry-signature.ts`. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { keyIds, registryKeys } from '../../src/trust/keys.ts'
import { isBeyondKeys, verifySignatures } from '../../src/verify/registry-signature.ts'
import { createSigstore } from '../support/sigstore/index.ts'
import { accepted, integrityOf, locked, NOW, refused, widgets } from './support.ts'

const day = (iso: string) => new Date(`${iso}T00:00:00Z`)
/** As the public registry's: one key that is over, and one that took its place. A third is for attestations only. */
const sigstore = await createSigstore({
  now: NOW,
  npmKeys: [
    { start: day('2022-12-01'), end: day('2025-01-29') },
    { start: day('2025-01-13') },
    { start: day('2025-01-13'), usages: ['npm:attestations'] },
  ],
})
const KEYS = registryKeys(sigstore.npmKeys, 'npm:signatures')
const IDS = new Set(keyIds(sigstore.npmKeys))
const [OLD, CURRENT, ATTESTATIONS] = [0, 1, 2]
const signature = (key: number, pkg: Partial<typeof widgets> = {}) => sigstore.signature({ ...widgets, ...pkg }, key)
const document = (...signatures: readonly unknown[]) => ({ integrity: widgets.integrity, signatures })
const verify = (about: unknown, pkg = locked(), now = NOW) => verifySignatures(pkg, about, KEYS, now, IDS)

describe('a signature of the registry', () => {
  test('holds for the name, version and digest of the lockfile', () => {
    const made = signature(CURRENT)
    assert.deepEqual(accepted(verify(document(made))), { keyId: made.keyid })
    assert.ok(verify({ signatures: [made] }).ok, 'whatever the registry says of the digest')
  })

  for (const [what, other] of [
    ['another name', { name: '@acme/widget' }],
    ['another version', { version: '1.2.4' }],
    ['no version', { version: '' }],
  ] as const) {
    test(`does not hold for ${what}`, () => {
      refused(verify(document(signature(CURRENT)), locked(other)), 'SIGNATURE_INVALID')
      accepted(verify(document(signature(CURRENT, other)), locked(other)))
    })
  }

  test('over other bytes is told from one that is broken', () => {
    const other = integrityOf('other')
    const made = signature(CURRENT, { integrity: other })
    refused(verify({ integrity: other, signatures: [made] }), 'DIGEST_MISMATCH', /over sha512-/)
    refused(verify(document(made)), 'SIGNATURE_INVALID')
    refused(verify(document(made), locked({ integrity: undefined })), 'INTEGRITY_MISSING')
    refused(verify(document(made), locked({ integrity: `${widgets.integrity} ${other}` })), 'INTEGRITY_MISSING')
  })

  test('is not moved between a name and a version', () => {
    // `name@version:integrity` is one text: its parts must not be readable in two ways.
    const made = signature(CURRENT, { name: 'a', version: 'b@1.0.0' })
    refused(verify(document(made), locked({ name: 'a', version: '1.0.0' })), 'SIGNATURE_INVALID')
  })

  test('is by a key that the trust root has for signatures', async () => {
    const stranger = await createSigstore({ now: NOW })
    refused(verify(document(stranger.signature(widgets))), 'EVIDENCE_UNKNOWN', /^a signature by the key SHA256:/)
    refused(verify(document(signature(ATTESTATIONS))), 'CERTIFICATE_UNTRUSTED')
    const lie = { ...stranger.signature(widgets), keyid: signature(CURRENT).keyid }
    refused(verify(document(lie)), 'SIGNATURE_INVALID')
  })

  test('has to hold where there are several, of which unknown keys are not asked', async () => {
    const stranger = await createSigstore({ now: NOW })
    accepted(verify(document(stranger.signature(widgets), signature(CURRENT))))
    const broken = { ...signature(CURRENT), sig: signature(CURRENT, { version: '9.9.9' }).sig }
    refused(verify(document(signature(CURRENT), broken)), 'SIGNATURE_INVALID')
    refused(verify(document(broken, signature(CURRENT))), 'SIGNATURE_INVALID')
  })

  test('is missing where there is none', () => {
    for (const none of [{}, { signatures: null }, { signatures: [] }, { integrity: widgets.integrity }])
      refused(verify(none), 'EVIDENCE_MISSING')
  })

  test('is malformed where it cannot be read', () => {
    for (const wrong of [
      undefined,
      null,
      'x',
      { signatures: {} },
      { signatures: [null] },
      { signatures: [{ keyid: 1, sig: 'x' }] },
      { signatures: [{ keyid: 'x' }] },
      { signatures: [{ keyid: 'x', sig: 'x'.repeat(2_000) }] },
      { signatures: Array.from({ length: 9 }, () => signature(CURRENT)) },
      { signatures: [signature(CURRENT)], published: 'yesterday' },
      { signatures: [signature(CURRENT)], published: 1 },
      { signatures: [signature(CURRENT)], integrity: 1 },
    ]) {
      refused(verify(wrong), 'EVIDENCE_MALFORMED')
    }
  })

  test('holds for no changed byte of it', () => {
    const made = signature(CURRENT)
    const bytes = Buffer.from(made.sig, 'base64')
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes)
      changed.writeUInt8(changed.readUInt8(i) ^ 1, i)
      refused(verify(document({ ...made, sig: changed.toString('base64') })), 'SIGNATURE_INVALID')
    }
  })

  test('never throws, whatever the registry answers', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (signatures, published) => {
        assert.ok(!verify({ signatures, published }).ok)
        assert.equal(typeof isBeyondKeys({ signatures, published }, KEYS, NOW), 'boolean')
      }),
    )
  })
})

describe('a key that is over', () => {
  const old = (published?: string) => ({ ...document(signature(OLD)), ...(published !== undefined && { published }) })

  test('still vouches for what was published in its time', () => {
    accepted(verify(old('2023-05-01T10:00:00.000Z')))
    accepted(verify(old('2022-12-01T00:00:00.000Z')))
    accepted(verify(old('2025-01-29T00:00:00.000Z')))
  })

  test('vouches for nothing before or after', () => {
    for (const published of ['2025-01-29T00:00:00.001Z', '2026-02-01T00:00:00.000Z', '2022-11-30T23:59:59.999Z'])
      refused(
        verify(old(published)),
        'CERTIFICATE_UNTRUSTED',
        /good until 2025-01-29T00:00:00\.000Z, for what was published/,
      )
  })

  test('vouches for nothing that was published nobody knows when', () => {
    refused(verify(old()), 'CERTIFICATE_UNTRUSTED', /at no known time/)
  })

  test('was good as long as it was', () => {
    accepted(verify(old(), locked(), day('2025-01-29')))
    refused(verify(old(), locked(), new Date('2025-01-29T00:00:00.001Z')), 'CERTIFICATE_UNTRUSTED')
  })

  test('is the one for which the time must be known', () => {
    assert.equal(isBeyondKeys(old(), KEYS, NOW), true)
    assert.equal(isBeyondKeys(document(signature(CURRENT)), KEYS, NOW), false)
    assert.equal(isBeyondKeys(document(signature(CURRENT), signature(OLD)), KEYS, NOW), true)
    assert.equal(isBeyondKeys(old(), KEYS, day('2024-01-01')), false)
    for (const none of [undefined, {}, { signatures: 1 }]) assert.equal(isBeyondKeys(none, KEYS, NOW), false)
  })

  test('and one that is not good yet vouch for nothing', () => {
    refused(
      verify(document(signature(CURRENT)), locked(), day('2025-01-12')),
      'CERTIFICATE_UNTRUSTED',
      /from 2025-01-13/,
    )
  })
})
