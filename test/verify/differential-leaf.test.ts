/** Certificates as no Fulcio issues them, each signed by one: the library says of them what it says without our part. */
import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import {
  authorityKeyIdentifier,
  basicConstraints,
  type CertificateContent,
  extension,
  KEY_USAGE_AUTHORITY,
  signCertificate,
  subjectKeyIdentifier,
  toBeSigned,
} from '../support/sigstore/certificate.ts'
import { signedCertificateTimestamp, timestampListExtension } from '../support/sigstore/ctlog.ts'
import { bitString, explicit, implicit, octetString, oid, sequence } from '../support/sigstore/der.ts'
import { generateKey, type SigningKey } from '../support/sigstore/keys.ts'
import { pairOf } from './differential.ts'
import { type AnySigner, type LeafOptions, Mill } from './mill.ts'
import { checkAlways, checkOnce } from './once.ts'
import { minutesLater, NOW } from './support.ts'
import { placesOf, TWISTS, tlv, twisted } from './twists.ts'

before(checkOnce)
after(checkAlways)

const mill = new Mill()
const { authority, signer, tsa } = mill
const secondLog = generateKey('P-256')
const root = mill.trustedRoot({ ctLogs: [mill.ctLog, secondLog] })
/** One that asks for an entry and a promise, and one that asks for a timestamp alone. */
const logged = pairOf(root)
const stamped = pairOf(root, { name: 'github' })
const timestamps = [mill.timestamp()]

const SCT = oid('1.3.6.1.4.1.11129.2.4.2')

function compare(leaf: Buffer, by: AnySigner = signer): boolean {
  const own = by === signer ? timestamps : [tsa.timestamp(mill.signature(by), NOW)]
  stamped.compare(mill.parsed(leaf, { signer: by, timestamps: own }))
  return logged.compare(mill.parsed(leaf, { signer: by }))
}

function genuine(): void {
  assert.ok(logged.compare(mill.parsed(mill.leaf())))
  assert.ok(stamped.compare(mill.parsed(mill.leaf(), { timestamps })))
}

/** What is signed of a leaf. */
function tbsOf(options: LeafOptions = {}): Buffer {
  return mill.leaf({ ...options, seal: (tbs) => tbs })
}

describe('a leaf certificate, changed before it is signed', () => {
  test('at each field, in each way', (t) => {
    genuine()
    const tbs = tbsOf()
    const [compared, accepted] = [logged.compared, logged.accepted]
    for (const place of placesOf(tbs)) {
      for (const twist of TWISTS) {
        if (twisted(tbs, place, twist) === undefined) continue
        // Fields that the promise alone has are not in what it promises.
        const leaf = mill.leaf({ change: (der) => twisted(der, place, twist) ?? der })
        logged.compare(mill.parsed(leaf))
      }
    }
    genuine()
    const count = [logged.compared - compared, logged.accepted - accepted] as const
    t.diagnostic(`${count[0]} documents, ${count[1]} accepted`)
    assert.ok(count[0] > 1_900 && count[1] > 500)
    assert.ok(logged.reasons.size > 20, 'for many reasons')
  })

  test('at two fields', () => {
    const place = fc.constantFrom(...placesOf(tbsOf()))
    const twist = fc.constantFrom(...TWISTS)
    const one = fc.record({ place, twist, promised: fc.boolean() })
    const property = fc.property(one, one, (first, second) => {
      const change = (der: Buffer) => {
        const once = twisted(der, first.place, first.twist) ?? der
        try {
          return twisted(once, second.place, second.twist) ?? once
        } catch {
          return once
        }
      }
      const withPromise = first.promised ? undefined : (extensions: readonly Buffer[]) => extensions
      const leaf = mill.leaf({ change, ...(withPromise && { withPromise }) })
      stamped.compare(mill.parsed(leaf, { timestamps }))
    })
    fc.assert(property, { numRuns: 1_500 })
    genuine()
  })

  test('around what is signed', () => {
    const leaf = mill.leaf()
    for (const place of placesOf(leaf).filter(([part, ...inside]) => part !== 0 || inside.length === 0)) {
      for (const twist of TWISTS) {
        const other = twisted(leaf, place, twist)
        if (other !== undefined) compare(other)
      }
    }
    for (const other of [Buffer.from([0x30, 0x00]), Buffer.concat([leaf, leaf]), leaf.subarray(4)]) {
      compare(other)
    }
    genuine()
  })
})

describe('the promises of certificate logs', () => {
  const promise = (log = mill.ctLog, extensions = mill.content().extensions) =>
    signedCertificateTimestamp(log, authority.key.spki, toBeSigned({ ...mill.content(), extensions }), NOW)
  const list = (...promises: readonly Buffer[]) => timestampListExtension(promises)
  const usual = (extensions: readonly Buffer[]) => extensions
  const lists: readonly [string, boolean, Buffer][] = [
    ['one', true, list(promise())],
    ['of two logs', true, list(promise(), promise(secondLog))],
    ['twice the same', false, list(promise(), promise())],
    ['of one log twice', false, list(promise(), promise())],
    ['none', false, list()],
    ["a stranger's", false, list(promise(generateKey('P-256')))],
    ['one that is broken', false, list(promise().fill(0, 50))],
    ['one of nothing', false, list(Buffer.alloc(0))],
    ['more than there is', false, extension('1.3.6.1.4.1.11129.2.4.2', octetString(Buffer.from([0, 9, 0, 1])))],
    ['nothing', false, extension('1.3.6.1.4.1.11129.2.4.2', octetString(Buffer.alloc(0)))],
    ['no list', false, extension('1.3.6.1.4.1.11129.2.4.2', Buffer.alloc(0))],
    ['a list that is not in an OCTET STRING', false, extension('1.3.6.1.4.1.11129.2.4.2', Buffer.from([0, 0]))],
    ['an extension of its name only', false, sequence(SCT)],
  ]
  for (const [name, accepted, extension] of lists) {
    test(name, () => {
      assert.equal(compare(mill.leaf({ withPromise: (extensions) => [...extensions, extension] })), accepted)
    })
  }

  test('at any place among the extensions', () => {
    const places = mill.content().extensions.length
    for (let place = 0; place <= places; place += 1) {
      assert.ok(compare(mill.leaf({ withPromise: (extensions, own) => extensions.toSpliced(place, 0, own) })))
    }
  })

  test('in two extensions, of which the first is looked at', () => {
    const twice = (first: Buffer, second: Buffer) =>
      compare(mill.leaf({ extensions: usual, withPromise: (extensions) => [first, ...extensions, second] }))
    // What is left when the first is taken out is promised together with the second.
    const second = list(promise(secondLog))
    assert.ok(!twice(list(promise()), second))
    assert.ok(twice(list(promise(mill.ctLog, [...mill.content().extensions, second])), second))
    assert.ok(!twice(list(), second))
  })

  test('and no other extension', () => {
    const alone = list(promise(mill.ctLog, []))
    compare(mill.leaf({ withPromise: () => [alone] }))
    compare(mill.leaf({ withPromise: () => [] }))
    compare(mill.leaf({ withPromise: () => [alone, alone] }))
  })

  test('with extensions in two lists', () => {
    const twoLists = (promise: Buffer) => (tbs: Buffer) => {
      const more = explicit(3, sequence(promise))
      return tlv(0x30, tbs.subarray(headerOf(tbs)), more)
    }
    const own = list(promise())
    compare(mill.leaf({ change: twoLists(own) }))
    compare(mill.leaf({ change: twoLists(own), withPromise: usual }))
    compare(mill.leaf({ change: (tbs) => tlv(0x30, explicit(3, sequence(own)), tbs.subarray(headerOf(tbs))) }))
  })
})

describe('whose a leaf certificate is', () => {
  const rootName = authority.rootName
  const sealed = (key = authority.key) => ({ seal: (tbs: Buffer) => signCertificate(tbs, key) })
  const ids = (...ids: readonly Buffer[]) => ({
    extensions: (usual: readonly Buffer[]) => [...usual.filter((item) => !isKeyId(item)), ...ids],
  })
  const p384 = generateKey('P-384')
  const self = subjectKeyIdentifier(p384.spki)
  const own: Partial<CertificateContent> = { issuer: rootName, subject: rootName, spki: p384.spki }
  const cases: readonly [string, LeafOptions][] = [
    ['signs itself', { ...sealed(p384), content: own }],
    ['signs itself, and names itself by its key', { ...sealed(p384), content: own, ...ids(self) }],
    [
      'signs itself under two names',
      { ...sealed(p384), content: { spki: p384.spki }, ...ids(self, authorityKeyIdentifier(p384.spki)) },
    ],
    [
      'signs itself in the name of the intermediate',
      { ...sealed(p384), content: { ...own, issuer: authority.name, subject: authority.name } },
    ],
    ['names itself, signed by the intermediate', { content: { issuer: authority.name, subject: authority.name } }],
    ["has the intermediate's key", { content: { spki: authority.key.spki } }],
    ["has the root's key", { content: { spki: authority.rootKey.spki } }],
    ["has the intermediate's identifier", ids(subjectKeyIdentifier(authority.key.spki))],
    [
      "has the intermediate's identifier as both",
      ids(subjectKeyIdentifier(authority.key.spki), authorityKeyIdentifier(authority.key.spki)),
    ],
    ["has the root's identifier", ids(subjectKeyIdentifier(authority.rootKey.spki))],
    ['has an identifier of nobody', ids(authorityKeyIdentifier(p384.spki))],
    ['has no identifiers', ids()],
    ['has an empty identifier', ids(extension('2.5.29.35', sequence()))],
    ['has an identifier of no octets', ids(extension('2.5.29.35', sequence(implicit(0, Buffer.alloc(0)))))],
    ['is signed by the root', sealed(authority.rootKey)],
    [
      'is signed by the root, and says so',
      {
        ...sealed(authority.rootKey),
        content: { issuer: rootName },
        ...ids(authorityKeyIdentifier(authority.rootKey.spki)),
      },
    ],
    ['is signed by a stranger', sealed(p384)],
    ['is of a name that is not the issuer', { content: { issuer: rootName } }],
    ['is an authority', { extensions: (usual) => [...usual, KEY_USAGE_AUTHORITY, basicConstraints(0)] }],
    ['is an authority without limit', { extensions: (usual) => [...usual, basicConstraints(undefined)] }],
    ['is no authority, and has a limit', { extensions: (usual) => [...usual, basicConstraints(5)] }],
    ['has ended', { content: { notBefore: minutesLater(-20), notAfter: minutesLater(-10) } }],
    ['has not begun', { content: { notBefore: minutesLater(10), notAfter: minutesLater(20) } }],
    [
      'ends at once',
      { content: { notBefore: new Date('2026-03-01T12:00:00Z'), notAfter: new Date('2026-03-01T12:00:00Z') } },
    ],
    ['ends before it begins', { content: { notBefore: minutesLater(10), notAfter: minutesLater(-10) } }],
    ['ends in 2060', { content: { notAfter: new Date('2060-01-01T00:00:00Z') } }],
  ]
  for (const [name, options] of cases) {
    test(`one that ${name}`, () => {
      compare(mill.leaf(options))
      // Without the promise, and with nothing behind the extensions.
      compare(mill.leaf({ ...options, withPromise: (extensions) => extensions }))
    })
  }

  test('one without a key, which signs itself or does not', () => {
    for (const content of [{}, own, { ...own, issuer: authority.name, subject: authority.name }]) {
      for (const left of [6, 5, 4, 3, 2, 1, 0]) {
        const change = (tbs: Buffer) => tlv(0x30, ...placesOfParts(tbs).filter((_, index) => index < left))
        compare(mill.leaf({ content, change }))
        const withoutKey = (tbs: Buffer) => tlv(0x30, ...placesOfParts(tbs).filter((_, index) => index !== left))
        compare(mill.leaf({ content, change: withoutKey }))
      }
    }
  })

  test('one that is also in the trust root', () => {
    const by = (key: SigningKey) => ({ ...key, digest: 'sha256' })
    const keys: readonly [Buffer, AnySigner][] = [
      [authority.intermediate, by(authority.key)],
      [authority.root, by(authority.rootKey)],
      [tsa.chain[0], signer],
      [tsa.chain[1], by(tsa.rootKey)],
    ]
    const { accepted } = stamped
    for (const [certificate, key] of keys) compare(certificate, key)
    assert.equal(stamped.accepted, accepted + 1, 'the intermediate, where nobody asks for a promise')
    for (const place of placesOf(authority.intermediate)) {
      for (const twist of TWISTS.slice(0, 20)) {
        const other = twisted(authority.intermediate, place, twist)
        if (other !== undefined) stamped.compare(mill.parsed(other, { timestamps }))
      }
    }
    genuine()
  })

  test('one of another authority', () => {
    const stranger = mill.newAuthority('stranger.test')
    const namesake = mill.newAuthority('mill.test')
    for (const other of [stranger, namesake]) {
      assert.ok(!compare(mill.leaf({ authority: other })))
      compare(mill.leaf({ authority: other, content: { issuer: authority.name } }))
      compare(mill.leaf({ authority: other, ...ids(authorityKeyIdentifier(authority.key.spki)) }))
    }
  })
})

describe('keys and signatures of all kinds', () => {
  const pairs: readonly [string, { privateKey: KeyObject; publicKey: KeyObject }, string | undefined][] = [
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }), 'sha256'],
    ['P-521', generateKeyPairSync('ec', { namedCurve: 'P-521' }), 'sha512'],
    ['secp256k1', generateKeyPairSync('ec', { namedCurve: 'secp256k1' }), 'sha256'],
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }), 'sha256'],
    ['RSA-PSS', generateKeyPairSync('rsa-pss', { modulusLength: 2048 }), 'sha256'],
    ['Ed25519', generateKeyPairSync('ed25519'), undefined],
    ['Ed448', generateKeyPairSync('ed448'), undefined],
    ['X25519', generateKeyPairSync('x25519'), undefined],
  ]
  for (const [name, { privateKey, publicKey }, digest] of pairs) {
    test(`a leaf of ${name}`, () => {
      const spki = publicKey.export({ format: 'der', type: 'spki' })
      // What cannot sign is given another's signature.
      const by = name === 'X25519' ? signer : { privateKey, spki, digest }
      compare(mill.leaf({ content: { spki } }), by)
      compare(mill.leaf({ content: { spki } }), signer)
      compare(mill.leaf(), by)
    })
  }

  const algorithms = [
    '1.2.840.10045.4.1',
    '1.2.840.10045.4.3.1',
    '1.2.840.10045.4.3.2',
    '1.2.840.10045.4.3.3',
    '1.2.840.10045.4.3.4',
    '1.2.840.113549.1.1.11',
    '1.2.840.113549.1.1.12',
    '1.2.840.113549.1.1.13',
    '1.3.101.112',
    '2.5.29.15',
  ]
  test('a leaf that says it is signed in another way', () => {
    for (const id of algorithms) {
      for (const digest of ['sha1', 'sha224', 'sha256', 'sha384', 'sha512']) {
        compare(
          mill.leaf({
            seal: (tbs) => sequence(tbs, sequence(oid(id)), bitString(sign(digest, tbs, authority.key.privateKey))),
          }),
        )
      }
    }
    for (const algorithm of [
      sequence(),
      sequence(sequence()),
      octetString(oid('1.2.840.10045.4.3.3')),
      Buffer.alloc(0),
    ]) {
      compare(
        mill.leaf({
          seal: (tbs) => sequence(tbs, algorithm, bitString(sign('sha384', tbs, authority.key.privateKey))),
        }),
      )
    }
  })

  test('a leaf with a signature that is none', () => {
    const ALGORITHM = sequence(oid('1.2.840.10045.4.3.3'))
    const signature = (tbs: Buffer) => sign('sha384', tbs, authority.key.privateKey)
    for (const end of [
      () => bitString(Buffer.alloc(0)),
      () => bitString(randomBytes(70)),
      () => octetString(randomBytes(70)),
      (tbs: Buffer) => bitString(signature(tbs), 3),
      (tbs: Buffer) => octetString(Buffer.concat([Buffer.alloc(1), signature(tbs)])),
      (tbs: Buffer) => bitString(Buffer.concat([signature(tbs), Buffer.alloc(1)])),
      (tbs: Buffer) => bitString(signature(sequence(tbs))),
      () => Buffer.alloc(0),
    ]) {
      compare(mill.leaf({ seal: (tbs) => sequence(tbs, ALGORITHM, end(tbs)) }))
    }
    genuine()
  })
})

test('the number of documents', (t) => {
  t.diagnostic(
    `${logged.compared + stamped.compared} documents compared, ${logged.accepted + stamped.accepted} accepted`,
  )
  assert.ok(logged.compared + stamped.compared > 4_500)
})

function isKeyId(item: Buffer): boolean {
  return ['2.5.29.14', '2.5.29.35'].some((id) => item.indexOf(oid(id)) === 2)
}

function headerOf(der: Buffer): number {
  const first = der.readUInt8(1)
  return first < 0x80 ? 2 : 2 + (first & 0x7f)
}

/** The fields right inside of one, encoded. */
function placesOfParts(der: Buffer): Buffer[] {
  const parts: Buffer[] = []
  for (let rest = der.subarray(headerOf(der)); rest.length > 0; ) {
    const head = headerOf(rest)
    const length = head === 2 ? rest.readUInt8(1) : rest.readUIntBE(2, head - 2)
    parts.push(rest.subarray(0, head + length))
    rest = rest.subarray(head + length)
  }
  return parts
}
