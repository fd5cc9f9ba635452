import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bundleFromJSON } from '@sigstore/bundle'
import { pem } from '@sigstore/core'
import { namesSigner } from '../../src/verify/log-entry.ts'
import { generateKey } from '../support/sigstore/keys.ts'
import { type ForgeOptions, openWorkshop } from './forge.ts'
import { accepted, documentOf, locked, NOW, refused, verifierFor } from './support.ts'

const workshop = openWorkshop()
const verify = verifierFor(workshop.trust)

function judge(options: ForgeOptions) {
  return verify(locked(), documentOf(workshop.forge(options)), NOW)
}

describe('a log entry', () => {
  for (const entryKind of ['intoto', 'dsse', 'hashedrekord'] as const) {
    test(`${entryKind}: names the certificate`, () => {
      accepted(judge({ entryKind }))
      accepted(judge({ entryKind, logged: ({ certificate }) => `${certificate}\n` }))
    })

    test(`${entryKind}: of a chain, the first certificate counts`, () => {
      const other = pem.fromDER(workshop.authority.intermediate)
      accepted(judge({ entryKind, logged: ({ certificate }) => `${certificate}\n${other}\n` }))
      refused(judge({ entryKind, logged: ({ certificate }) => `${other}\n${certificate}\n` }), 'LOG_ENTRY_INVALID')
    })

    test(`${entryKind}: does not hide the identity behind the bare key`, () => {
      // The log takes it: the signature does verify with this key. Who watches for the identity sees nothing.
      const result = judge({ entryKind, logged: ({ key }) => key })
      refused(result, 'LOG_ENTRY_INVALID', /names another signer/)
    })

    test(`${entryKind}: does not name anybody else, or nobody`, () => {
      const stranger = generateKey('P-256')
      for (const named of [
        pem.fromDER(stranger.spki, 'PUBLIC KEY'),
        pem.fromDER(workshop.authority.root),
        '',
        '-----BEGIN CERTIFICATE-----',
        '-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----',
      ]) {
        refused(judge({ entryKind, logged: () => named }), 'LOG_ENTRY_INVALID', /names another signer/)
      }
    })
  }
})

describe('namesSigner', () => {
  const signer = Buffer.from('a certificate')

  function entry(kind: string, version: string, spec: unknown) {
    const json = workshop.forge()
    const [first] = json.verificationMaterial.tlogEntries
    assert.ok(first)
    first.kindVersion = { kind, version }
    first.canonicalizedBody = Buffer.from(JSON.stringify({ kind, apiVersion: version, spec })).toString('base64')
    return bundleFromJSON(json).verificationMaterial.tlogEntries[0] ?? assert.fail()
  }

  const rawBytes = signer.toString('base64')
  const found: [string, string, (verifier: unknown) => unknown][] = [
    ['dsse', '0.0.2', (verifier) => ({ dsseV002: { signatures: [{ verifier }] } })],
    ['hashedrekord', '0.0.2', (verifier) => ({ hashedRekordV002: { signature: { verifier } } })],
  ]
  for (const [kind, version, spec] of found) {
    test(`reads ${kind} ${version} of Rekor v2`, () => {
      assert.ok(namesSigner(entry(kind, version, spec({ x509Certificate: { rawBytes } })), signer))
      assert.ok(namesSigner(entry(kind, version, spec({ publicKey: { rawBytes } })), signer))
      for (const verifier of [
        { x509Certificate: { rawBytes: Buffer.from('another').toString('base64') } },
        { x509Certificate: {}, publicKey: { rawBytes } },
        { x509Certificate: { rawBytes: [...signer] } },
        { rawBytes },
        {},
        null,
        rawBytes,
      ]) {
        assert.ok(!namesSigner(entry(kind, version, spec(verifier)), signer), JSON.stringify(verifier))
      }
    })
  }

  test('takes no entry of a kind or version that it does not know', () => {
    const spec = { dsseV002: { signatures: [{ verifier: { publicKey: { rawBytes } } }] }, publicKey: { rawBytes } }
    for (const [kind, version] of [
      ['dsse', '0.0.3'],
      ['dsse', ''],
      ['', ''],
      ['rekord', '0.0.1'],
      ['constructor', ''],
      ['__proto__', ''],
    ] as const) {
      assert.ok(!namesSigner(entry(kind, version, spec), signer), `${kind} ${version}`)
    }
  })

  test('takes no body without a signer', () => {
    for (const spec of [null, [], 'spec', 1, {}, { signatures: [] }, { signatures: [null] }]) {
      assert.ok(!namesSigner(entry('dsse', '0.0.1', spec), signer), JSON.stringify(spec))
    }
  })
})
