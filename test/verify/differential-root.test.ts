/** Trust roots of all kinds: what they say of each other is kept, and is what the library finds anew for each bundle. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Bundle } from '@sigstore/bundle'
import { ASN1Obj } from '@sigstore/core'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toTrustMaterial } from '@sigstore/verify'
import fc from 'fast-check'
import type { Authority } from '../support/sigstore/authority.ts'
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
import type { TrustedRootJSON } from '../support/sigstore/index.ts'
import { generateKey, type SigningKey } from '../support/sigstore/keys.ts'
import { createTimestampAuthority } from '../support/sigstore/tsa.ts'
import { pairOf } from './differential.ts'
import { Mill } from './mill.ts'
import { checkAlways, checkOnce } from './once.ts'
import { minutesLater, NOW } from './support.ts'
import { type Place, placesOf, TWISTS, twisted } from './twists.ts'

before(checkOnce)
after(checkAlways)

const mill = new Mill()
const { authority, tsa } = mill
const logged = mill.parsed(mill.leaf())
const stamped = mill.parsed(mill.leaf(), { timestamps: [mill.timestamp()] })
const count = { documents: 0, accepted: 0, unreadable: 0 }

/**
 * Asks of each bundle twice, in both orders: the second time the answers are kept ones. Of one that asks for no more than
 * a time of signing, so that what is accepted hangs on the certificates alone. Returns what is accepted.
 */
function compareUnder(root: TrustedRootJSON, bundles: readonly Bundle[] = [logged, stamped]): readonly boolean[] {
  const pair = pairOf(root, { name: 'github' })
  const answers = bundles.map((bundle) => pair.compare(bundle))
  const again = bundles.toReversed().map((bundle) => pair.compare(bundle))
  assert.deepEqual(again.reverse(), answers)
  count.documents += pair.compared
  count.accepted += pair.accepted
  return answers
}

const parts = {
  intermediate: { der: authority.intermediate, key: authority.rootKey },
  root: { der: authority.root, key: authority.rootKey },
  'timestamp authority': { der: tsa.chain[0], key: tsa.rootKey },
  'root of the timestamp authority': { der: tsa.chain[1], key: tsa.rootKey },
}

type Part = keyof typeof parts

/** A trust root in which one certificate is another. */
function rootWith(part: Part, der: Buffer): TrustedRootJSON {
  const at = (each: Part) => (each === part ? der : parts[each].der)
  return mill.trustedRoot({
    authorities: [[at('intermediate'), at('root')]],
    timestampAuthorities: [[at('timestamp authority'), at('root of the timestamp authority')]],
  })
}

function resigned(part: Part, change: (tbs: Buffer) => Buffer | undefined): Buffer | undefined {
  const { der, key } = parts[part]
  const tbs = change(tbsOf(der))
  return tbs && signCertificate(tbs, key)
}

function tbsOf(der: Buffer): Buffer {
  return ASN1Obj.parseBuffer(Buffer.from(der)).subs[0]?.toDER() ?? assert.fail()
}

/** Nobody has a trust root that cannot be read. */
function isReadable(root: TrustedRootJSON): boolean {
  try {
    toTrustMaterial(TrustedRoot.fromJSON(structuredClone(root)))
    return true
  } catch {
    count.unreadable += 1
    return false
  }
}

function compareWith(part: Part, der: Buffer | undefined): void {
  if (der === undefined) return
  const root = rootWith(part, der)
  if (isReadable(root)) compareUnder(root, [part.includes('timestamp') ? stamped : logged])
}

describe('a certificate of the trust root, changed', () => {
  for (const part of Object.keys(parts) as Part[]) {
    const places = placesOf(tbsOf(parts[part].der))
    const random = fc.tuple(fc.constantFrom(...places), fc.constantFrom(...TWISTS))

    test(`the ${part}, before it is signed`, () => {
      const property = fc.property(random, ([place, twist]) => {
        compareWith(
          part,
          resigned(part, (tbs) => twisted(tbs, place, twist)),
        )
      })
      fc.assert(property, { numRuns: 450 })
    })

    test(`the ${part}, after`, () => {
      const inside = random.map(([place, twist]) => [[0, ...place] as Place, twist] as const)
      const around = fc.tuple(fc.constantFrom<Place>([], [0], [1], [1, 0], [2]), fc.constantFrom(...TWISTS))
      const property = fc.property(fc.oneof(inside, around), ([place, twist]) => {
        compareWith(part, twisted(parts[part].der, place, twist))
      })
      fc.assert(property, { numRuns: 150 })
    })
  }

  test('in every field of the identifiers, constraints and names that a path is built by', () => {
    for (const part of ['intermediate', 'timestamp authority'] as const) {
      const tbs = tbsOf(parts[part].der)
      for (const place of placesOf(tbs).filter(([field]) => field === 3 || field === 5 || field === 7)) {
        // Some ways here; all of them, sooner or later, above.
        for (const twist of TWISTS.filter((_, index) => index % 5 === place.length % 5)) {
          compareWith(
            part,
            resigned(part, (der) => twisted(der, place, twist)),
          )
        }
      }
    }
  })
})

describe('several authorities', () => {
  const other = mill.newAuthority('other.test')
  const namesake = mill.newAuthority('mill.test')
  const leaves = [authority, other, namesake].map((each) => mill.parsed(mill.leaf({ authority: each })))
  const [ours, others, namesakes] = [authority, other, namesake].map((each) => mill.chain(each))
  assert.ok(ours && others && namesakes)
  const [intermediate, root] = ours
  const end = { start: '2021-03-01T00:00:00Z', end: '2026-01-01T00:00:00Z' }

  // The last one has a timestamp of each of two. Where the root has one of the authorities alone, the library refuses it, and the
  // gate does not look at the stranger's.
  const cases: readonly [string, readonly boolean[], Parameters<Mill['trustedRoot']>[0]][] = [
    ['two', [true, true, false], { authorities: [ours, others] }],
    ['two in the other order', [true, true, false], { authorities: [others, ours] }],
    ['two of one name', [true, false, true], { authorities: [namesakes, ours] }],
    ['three', [true, true, true], { authorities: [namesakes, ours, others] }],
    ['one twice', [true, false, false], { authorities: [ours, ours] }],
    ['none', [false, false, false], { authorities: [] }],
    ['one of no certificates', [true, false, false], { authorities: [[], ours] }],
    ['one that is over, and another', [false, true, false], { authorities: [mill.authorityJSON(ours, end), others] }],
    ['one that is over, and is not', [true, false, false], { authorities: [mill.authorityJSON(ours, end), ours] }],
    ['one whose root comes first', [true, false, false], { authorities: [[root, intermediate]] }],
    ['one with a certificate twice', [true, false, false], { authorities: [[intermediate, intermediate, root, root]] }],
    ['one without its root', [false, false, false], { authorities: [[intermediate]] }],
    ['one without its intermediate', [false, false, false], { authorities: [[root]] }],
    ['one whose root is in another', [false, false, false], { authorities: [[intermediate], [root]] }],
    [
      "two under each other's root",
      [false, false, false],
      {
        authorities: [
          [intermediate, others[1]],
          [others[0], root],
        ],
      },
    ],
    ['all in one', [true, true, true], { authorities: [[...ours, ...others, ...namesakes]] }],
  ]
  for (const [name, expected, options] of cases) {
    test(`${name}`, () => {
      assert.deepEqual(compareUnder(mill.trustedRoot(options), leaves), expected)
    })
  }
})

describe('authorities in a tree', () => {
  const validity = { notBefore: new Date('2021-03-01T00:00:00Z'), notAfter: new Date('2031-03-01T00:00:00Z') }
  const issue = (
    subject: Authority['name'],
    key: SigningKey,
    by: { readonly name: Authority['name']; readonly key: SigningKey },
    { limit, ...change }: Partial<CertificateContent> & { readonly limit?: number } = {},
  ) =>
    signCertificate(
      toBeSigned({
        ...validity,
        serial: Buffer.from([1, 2, 3, 4]),
        issuer: by.name,
        subject,
        spki: key.spki,
        extensions: [
          KEY_USAGE_AUTHORITY,
          basicConstraints(limit),
          subjectKeyIdentifier(key.spki),
          authorityKeyIdentifier(by.key.spki),
        ],
        ...change,
      }),
      by.key,
    )
  const top = { name: authority.rootName, key: authority.rootKey }
  const own = { name: authority.name, key: authority.key }
  const [middleKey, lowKey] = [generateKey('P-384'), generateKey('P-384')]
  const middle = { name: { organization: 'mill.test', commonName: 'middle' }, key: middleKey }
  const low: Authority = { ...authority, name: { organization: 'mill.test', commonName: 'low' }, key: lowKey }
  const lowLeaf = mill.parsed(mill.leaf({ authority: low }))
  const { root, intermediate } = authority

  test('of three levels, within their limits and beyond', () => {
    for (const limits of [
      [undefined, undefined],
      [1, 0],
      [2, 1],
      [0, 0],
      [0, undefined],
      [undefined, 0],
      [1, undefined],
    ]) {
      const [upper, lower] = limits.map((limit) => (limit === undefined ? {} : { limit }))
      const chain = [issue(low.name, lowKey, middle, lower), issue(middle.name, middleKey, top, upper), root]
      const [accepted] = compareUnder(mill.trustedRoot({ authorities: [chain] }), [lowLeaf, logged])
      assert.equal(accepted, limits[0] !== 0)
    }
  })

  test('renewed under the same key, or under another with the same identifier', () => {
    const renewed = issue(own.name, own.key, top)
    const late = issue(own.name, own.key, top, { notBefore: minutesLater(60) })
    const early = issue(own.name, own.key, top, { notAfter: minutesLater(-60) })
    const borrowed = issue(own.name, middleKey, top, {
      extensions: [KEY_USAGE_AUTHORITY, basicConstraints(0), subjectKeyIdentifier(own.key.spki)],
    })
    const nameless = issue(own.name, own.key, top, { extensions: [KEY_USAGE_AUTHORITY, basicConstraints(0)] })
    const powerless = issue(own.name, own.key, top, { extensions: [subjectKeyIdentifier(own.key.spki)] })
    const critical = issue(own.name, own.key, top, {
      extensions: [extension('1.2.3.4', Buffer.from([5, 0]), true), subjectKeyIdentifier(own.key.spki)],
    })
    const all = [renewed, late, early, borrowed, nameless, powerless, critical, intermediate]
    for (const one of all) {
      for (const two of all) compareUnder(mill.trustedRoot({ authorities: [[one, two, root]] }))
      compareUnder(mill.trustedRoot({ authorities: [[one, root], ours(), [intermediate, one, root]] }))
    }
    compareUnder(mill.trustedRoot({ authorities: [[...all, root]] }))
  })

  test('signed by two roots', () => {
    const other = mill.newAuthority('other.test')
    const second = { name: other.rootName, key: other.rootKey }
    const crossed = issue(own.name, own.key, second)
    const crossedRoot = issue(top.name, top.key, second)
    for (const chain of [
      [crossed, other.root],
      [intermediate, crossed, root, other.root],
      [intermediate, crossedRoot, other.root],
      [intermediate, crossedRoot, root, other.root],
      [intermediate, root, crossedRoot, other.root],
    ]) {
      const [accepted] = compareUnder(mill.trustedRoot({ authorities: [chain] }))
      assert.equal(typeof accepted, 'boolean')
      compareUnder(mill.trustedRoot({ authorities: [chain, ours(), chain] }))
    }
  })

  test('of a root that signs itself with another key', () => {
    const changed = issue(top.name, top.key, { name: top.name, key: middleKey })
    const again = issue(top.name, top.key, top)
    for (const chain of [
      [intermediate, changed],
      [intermediate, again],
      [intermediate, changed, root],
      [intermediate, again, root],
    ]) {
      compareUnder(mill.trustedRoot({ authorities: [chain] }))
    }
  })

  function ours(): readonly [Buffer, Buffer] {
    return [intermediate, root]
  }
})

describe('several timestamp authorities', () => {
  const lifetime = { start: new Date('2021-03-01T00:00:00Z'), end: new Date('2031-03-01T00:00:00Z') }
  const [other, namesake] = ['other.test', 'mill.test'].map((name) => createTimestampAuthority(lifetime, name))
  assert.ok(other && namesake)
  const over = { start: '2021-03-01T00:00:00Z', end: '2026-01-01T00:00:00Z' }
  const bundles = [tsa, other, namesake].map((each) =>
    mill.parsed(mill.leaf(), { timestamps: [each.timestamp(mill.signature(), NOW)] }),
  )
  const both = mill.parsed(mill.leaf(), {
    timestamps: [tsa, other].map((each) => each.timestamp(mill.signature(), NOW)),
  })
  const [leaf, root] = tsa.chain

  const cases: readonly [string, readonly boolean[], Parameters<Mill['authorityJSON']>[0][]][] = [
    ['two', [true, true, false, true], [tsa.chain, other.chain]],
    ['two of one name', [true, false, true, true], [namesake.chain, tsa.chain]],
    ['one twice', [true, false, false, true], [tsa.chain, tsa.chain]],
    ['one of no certificates', [true, false, false, true], [[], tsa.chain]],
    ['one whose root comes first', [false, false, false, false], [[root, leaf]]],
    ['one alone', [false, false, false, false], [[leaf]]],
    ['one alone, and together', [true, false, false, true], [[leaf], [leaf, root]]],
    ['one with a certificate twice', [true, false, false, true], [[leaf, leaf, root]]],
    ["one under another's root", [false, false, false, false], [[leaf, other.chain[1]]]],
  ]
  for (const [name, expected, timestampAuthorities] of cases) {
    test(name, () => {
      assert.deepEqual(compareUnder(mill.trustedRoot({ timestampAuthorities }), [...bundles, both]), expected)
    })
  }

  test('one that is over', () => {
    const timestampAuthorities = [mill.authorityJSON(tsa.chain, over), other.chain]
    const expected = [false, true, false, false]
    assert.deepEqual(compareUnder(mill.trustedRoot({ timestampAuthorities }), [...bundles, both]), expected)
  })
})

test('the number of documents', (t) => {
  const { documents, accepted, unreadable } = count
  t.diagnostic(`${documents} documents, ${accepted} accepted; ${unreadable} trust roots that could not be read`)
  assert.ok(documents > 3_000 && accepted > 500 && unreadable > 100)
})
