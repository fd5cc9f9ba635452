/** What people hand over in the place of a bundle or a trusted root, and what they are told. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { mistakenForm, parseForm } from '../../src/util/sigstore-forms.ts'
import { corpusFile, skip } from '../verify/corpus.ts'

const BUNDLE = {
  mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
  verificationMaterial: {},
  dsseEnvelope: {},
}
const BY_KEY = { ...BUNDLE, verificationMaterial: { publicKey: { hint: 'x' } } }
const BY_CERTIFICATE = { ...BUNDLE, verificationMaterial: { certificate: { rawBytes: '' } } }
const OLD_BUNDLE = { mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1' }
const BARE_BUNDLE = { verificationMaterial: {}, messageSignature: {} }
const ROOT = { mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1', tlogs: [] }
const BARE_ROOT = { tlogs: [], certificateAuthorities: [] }
const lines = (...all: readonly unknown[]) => all.map((each) => `${JSON.stringify(each)}\n`).join('')

const told = (wanted: 'bundle' | 'trusted root', content: unknown, name = 'x.json') => {
  const bytes = Buffer.isBuffer(content)
    ? content
    : Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
  const said = mistakenForm(wanted, bytes, name)
  return said === undefined ? undefined : `${said.found} → ${said.advice}`
}

/** For a bundle. The first part is what it is, the second what to do. */
const MISTAKEN: readonly (readonly [string, unknown, string])[] = [
  [
    'JSON lines',
    lines(BUNDLE, BUNDLE),
    '2 lines of JSON, each with a bundle (gh writes such files) → one bundle: take the line that you mean, such as the first: sed -n 1p x.json > bundle.json',
  ],
  [
    'JSON lines of answers',
    lines({ bundle: BUNDLE }, {}, {}),
    "3 lines of JSON, each with a bundle (gh writes such files) → one bundle: take the line that you mean, such as the first: sed -n 1p x.json | jq '.bundle' > bundle.json",
  ],
  [
    'lines of trusted roots',
    lines(ROOT, ROOT),
    '2 lines of JSON, the first of which is a Sigstore trusted root → a bundle here, and the trusted root after --trusted-root',
  ],
  [
    'lines of signed statements',
    lines({ payload: '', payloadType: '', signatures: [] }, {}),
    '2 lines of JSON, the first of which is a signed statement (DSSE envelope) without certificate and log entry, as cosign 2 and slsa-github-generator write it → a Sigstore bundle, which has both; slsa-verifier verifies such a statement',
  ],
  ['lines of anything', lines({ a: 1 }, { a: 2 }), '2 lines of JSON → one Sigstore bundle'],
  [
    'the answer of an API',
    { attestations: [{ bundle: BUNDLE }, { bundle: BUNDLE }] },
    "an object, such as the answer of an API, with 2 bundles inside → the bundle alone: jq '.attestations[0].bundle' x.json > bundle.json, and likewise the others",
  ],
  [
    "npm's answer, of which the registry's own attestation is by a key",
    { attestations: [{ bundle: BY_KEY }, { bundle: BY_KEY }, { bundle: BY_CERTIFICATE }, { bundle: BY_CERTIFICATE }] },
    "an object, such as the answer of an API, with 4 bundles inside → the bundle alone: jq '.attestations[2].bundle' x.json > bundle.json, and likewise the others",
  ],
  [
    'one in which provenance is first',
    [{ ...BUNDLE, verificationMaterial: { x509CertificateChain: {} } }, BY_KEY, BY_CERTIFICATE],
    "a list with 3 bundles inside → the bundle alone: jq '.[0]' x.json > bundle.json, and likewise the others",
  ],
  [
    'one with what only looks like a certificate',
    [BY_KEY, { ...BUNDLE, verificationMaterial: { certificate: 'x', x509CertificateChain: null } }],
    "a list with 2 bundles inside → the bundle alone: jq '.[0]' x.json > bundle.json, and likewise the others",
  ],
  [
    'one of it',
    { bundle: BUNDLE, bundle_url: '' },
    "an object, such as the answer of an API, with 1 bundle inside → the bundle alone: jq '.bundle' x.json > bundle.json",
  ],
  [
    'an empty answer',
    { attestations: [] },
    'an answer of an attestations API without what was wanted → a Sigstore bundle: gh attestation download, or provenance-gate export for the packages of a lockfile',
  ],
  [
    'an answer with addresses alone',
    { attestations: [{ bundle: null, bundle_url: 'https://x' }] },
    'an answer of an attestations API without what was wanted → a Sigstore bundle: gh attestation download, or provenance-gate export for the packages of a lockfile',
  ],
  [
    'what gh says of a verification',
    [{ attestation: { bundle: BUNDLE }, verificationResult: {} }],
    "a list with 1 bundle inside → the bundle alone: jq '.[0].attestation.bundle' x.json > bundle.json",
  ],
  ['a list', [BUNDLE], "a list with 1 bundle inside → the bundle alone: jq '.[0]' x.json > bundle.json"],
  ['an empty list', [], 'a list of 0 → one Sigstore bundle'],
  [
    'a list of others',
    [ROOT],
    'a list of 1, the first a Sigstore trusted root → a bundle here, and the trusted root after --trusted-root',
  ],
  [
    'an old bundle of cosign',
    { base64Signature: '', cert: '', rekorBundle: {} },
    'a bundle in the old format of cosign, before version 3 → a Sigstore bundle: cosign bundle create --artifact ARTIFACT --bundle x.json --out bundle.json, or signed again with cosign 3',
  ],
  [
    'its log entry',
    { SignedEntryTimestamp: '', Payload: {} },
    'the log entry of a signature of cosign, without the signature → a Sigstore bundle, as cosign 3 writes it',
  ],
  ['a trusted root', ROOT, 'a Sigstore trusted root → a bundle here, and the trusted root after --trusted-root'],
  [
    'a statement',
    { _type: 'https://in-toto.io/Statement/v1', predicateType: '' },
    'an in-toto statement that has no signature → a Sigstore bundle',
  ],
  ['metadata of TUF', { signed: {}, signatures: [] }, 'metadata of a TUF repository → a Sigstore bundle'],
  ['keys', { keys: [] }, 'a list of keys → a Sigstore bundle'],
  [
    "PyPI's answer",
    { version: 1, attestation_bundles: [] },
    "an attestation in PyPI's own form → a Sigstore bundle: Attestation.to_bundle() of the Python package pypi-attestations makes one",
  ],
  [
    "PyPI's attestation",
    { version: 1, envelope: {}, verification_material: {} },
    "an attestation in PyPI's own form → a Sigstore bundle: Attestation.to_bundle() of the Python package pypi-attestations makes one",
  ],
  ['an entry of a log', { a1b2: { body: '', logIndex: 1 } }, 'an entry of a transparency log → a Sigstore bundle'],
  [
    'metadata',
    { name: 'a', dist: {} },
    'metadata of a package → a Sigstore bundle: provenance-gate export writes those of the packages of a lockfile',
  ],
  [
    'a manifest of a container',
    { schemaVersion: 2, mediaType: '' },
    'a manifest of a container registry → a Sigstore bundle',
  ],
  ['a bill of materials', { bomFormat: 'CycloneDX' }, 'a bill of materials that has no signature → a Sigstore bundle'],
  [
    'an error',
    { message: 'Not Found', status: '404' },
    'an error that a server has answered → a Sigstore bundle: fetch it once more',
  ],
  ['null', 'null', 'null → one Sigstore bundle'],
  ['a number', '7', 'a number → one Sigstore bundle'],
  ['nothing', '', 'an empty file → a file with something in it'],
  ['white space', ' \n', 'an empty file → a file with something in it'],
  ['a web page', '<!doctype html>', 'a web page → the file itself: download it once more'],
  ['damaged JSON', '{"mediaType": ', 'JSON that is damaged, or that ends too early → whole JSON'],
  [
    'text',
    'no JSON',
    'text that is no JSON → a Sigstore bundle: gh attestation download, or provenance-gate export for the packages of a lockfile',
  ],
  [
    'a signature',
    `${'A'.repeat(95)}=\n`,
    'base64, such as a signature alone → a Sigstore bundle: cosign bundle create --artifact ARTIFACT --signature x.json --certificate CERTIFICATE --out bundle.json',
  ],
  ['a public key', '-----BEGIN PUBLIC KEY-----\n', 'a public key → a bundle here, and the key after --key'],
  [
    'a certificate',
    '-----BEGIN CERTIFICATE-----\n',
    'a certificate in PEM → a Sigstore bundle, which has the signature, the certificate and the log entry',
  ],
  [
    'a signature of PGP',
    '-----BEGIN PGP SIGNATURE-----\n',
    'a signature of another kind in PEM → a Sigstore bundle, which has the signature, the certificate and the log entry',
  ],
  [
    'a private key',
    '-----BEGIN PRIVATE KEY-----\n',
    'a key in PEM → a Sigstore bundle, which has the signature, the certificate and the log entry',
  ],
  ['gzip', gzipSync('{}'), 'a file that gzip has compressed → what gunzip makes of it'],
  ['a zip archive', Buffer.from('PK\x03\x04'), 'a zip archive → a file that is in it'],
  [
    'UTF-16',
    Buffer.from(`\ufeff${JSON.stringify(BUNDLE)}`, 'utf16le'),
    'text in UTF-16, as > of Windows PowerShell writes it → the same text in UTF-8',
  ],
  ['binary data', Buffer.from([1, 2, 0, 3]), 'binary data → one file of JSON'],
]

describe('in the place of a bundle', () => {
  for (const [what, content, said] of MISTAKEN) {
    test(`${what} is told`, () => assert.equal(told('bundle', content), said))
  }

  for (const [what, content] of [
    ['a bundle', BUNDLE],
    ['an old one', OLD_BUNDLE],
    ['one without a media type, which is refused as a bundle', BARE_BUNDLE],
    ['one with a byte order mark', `\ufeff${JSON.stringify(BUNDLE)}`],
    ['one in one line', lines(BUNDLE)],
    ['one in many lines', JSON.stringify(BUNDLE, undefined, 2)],
    ['an object that is not known', { a: {} }],
    ['an object with a bundle too deep inside', { a: { b: { c: { d: { e: BUNDLE } } } } }],
    ['an object with a bundle under a key that is no word', { 'a b': BUNDLE, "a'b": BUNDLE }],
  ] as const) {
    test(`nothing is told of ${what}`, () => assert.equal(told('bundle', content), undefined))
  }
})

describe('in the place of a trusted root', () => {
  for (const [what, content, said] of [
    ['a bundle', BUNDLE, 'a Sigstore bundle → a Sigstore trusted root'],
    [
      'JSON lines of gh',
      lines(ROOT, ROOT),
      '2 lines of JSON, each with a trusted root (gh writes such files) → one trusted root: take the line that you mean, such as the first: sed -n 1p x.json > trusted_root.json',
    ],
    [
      'a list',
      [ROOT],
      "a list with 1 trusted root inside → the trusted root alone: jq '.[0]' x.json > trusted_root.json",
    ],
    ['metadata of TUF', { signed: {}, signatures: [] }, 'metadata of a TUF repository → a Sigstore trusted root'],
    ['keys', { keys: [] }, 'a list of keys → a Sigstore trusted root'],
    ['nothing', '', 'an empty file → a file with something in it'],
  ] as const) {
    test(`${what} is told`, () => assert.equal(told('trusted root', content), said))
  }
  for (const content of [ROOT, BARE_ROOT, {}, { name: 'x' }])
    test(`nothing is told of ${JSON.stringify(content)}`, () => assert.equal(told('trusted root', content), undefined))
})

test('a name that a shell would read otherwise is in no command', () => {
  for (const name of ['a b', '$(rm)', "a'b", '-n', 'a;b', '', 'a\nb', 'ä'])
    assert.match(told('bundle', [BUNDLE], name) ?? '', /jq '\.\[0\]' FILE > bundle\.json$/, name)
  assert.match(told('bundle', [BUNDLE], 'a/b-c_1.json') ?? '', / a\/b-c_1\.json > /)
})

test('nothing of a file is quoted, whatever is in it, and it is always said shortly', () => {
  const text = fc.oneof(
    fc.json({ maxDepth: 6 }),
    fc.string(),
    fc.string().map((each) => lines(each, { each })),
  )
  fc.assert(
    fc.property(text, fc.constantFrom('bundle', 'trusted root'), (content, wanted) => {
      const secret = `${content}`.replaceAll('a', 'SECRET')
      assert.doesNotMatch(told(wanted, secret) ?? '', /SECRET/)
      assert.ok((told(wanted, secret) ?? '').length < 400)
    }),
  )
})

test('bytes of any kind are told or left to who reads bundles', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const said = mistakenForm('bundle', Buffer.from(bytes), 'x')
      if (said === undefined) assert.ok(typeof parseForm(Buffer.from(bytes)) === 'object')
    }),
  )
})

test('a large or deep file is looked at in a moment', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  const wide = JSON.stringify(Array.from({ length: 300_000 }, () => [[[1]]]))
  const many = lines({ a: 1 }).repeat(300_000)
  const start = performance.now()
  for (const content of [deep, wide, many, ' '.repeat(4 << 20), 'A'.repeat(4 << 20), '-'.repeat(4 << 20)])
    told('bundle', content)
  assert.ok(performance.now() - start < 20_000)
})

describe('what people did hand over', { skip }, () => {
  for (const [name, said] of [
    ['form-api.json', /^an object, .* with 1 bundle inside → .*jq '\.attestations\[0\]\.bundle'/],
    ['form-array.json', /^a list with 1 bundle inside → /],
    ['form-oldcosign.json', /^a bundle in the old format of cosign/],
    ['form-two.jsonl', /^2 lines of JSON, each with a bundle/],
  ] as const) {
    test(`${name} is told`, () => assert.match(told('bundle', readFileSync(corpusFile('field', name))) ?? '', said))
  }
})
