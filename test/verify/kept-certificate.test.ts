/** A certificate that keeps its answers gives those of the library's, whatever it is made of, and whomever it is asked about. */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import { ASN1Obj, X509Certificate } from '@sigstore/core'
import fc from 'fast-check'
import { kept } from '../../src/verify/certificate.ts'
import { signCertificate } from '../support/sigstore/certificate.ts'
import { Mill } from './mill.ts'
import { placesOf, tlv } from './twists.ts'

/** What a call returns, or what it throws, as a short text. */
function answer(call: () => unknown): unknown {
  try {
    return brief(call())
  } catch (error) {
    assert.ok(error instanceof Error)
    return `${error.constructor.name}: ${error.message}`
  }
}

function brief(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(brief)
  return Buffer.isBuffer(value) ? `${value.toString('hex', 0, 200)} ${hash('sha1', value)}` : value
}

function parse(der: Buffer): X509Certificate {
  return X509Certificate.parse(Buffer.from(der))
}

type Tag = ASN1Obj['tag']
type Pieces = readonly [X509Certificate, X509Certificate]

/** Everything that `KeptCertificate` answers in place of the library, but for who signed. Twice: the second is remembered. */
function assertSame(stock: X509Certificate, mine: X509Certificate, others: readonly Pieces[] = []): void {
  for (let time = 0; time < 2; time += 1) {
    assert.deepEqual(
      answer(() => mine.publicKey),
      answer(() => stock.publicKey),
    )
    for (const [other, its] of [[stock, mine] as const, ...others]) {
      const equal = stock.equals(other)
      assert.equal(mine.equals(its), equal, 'as both are kept')
      assert.equal(mine.equals(other), equal, 'as this one is')
      assert.equal(stock.equals(its), equal, 'as the other is')
    }
  }
}

function assertSameParsed(stock: X509Certificate, mine: X509Certificate, others: readonly Pieces[] = []): void {
  assertSame(stock, mine, others)
  assertSameClone(stock, mine)
  assertSame(stock, mine, others)
}

/** With each extension taken out, as the library takes out the promises of certificate logs. */
function assertSameClone(stock: X509Certificate, mine: X509Certificate): void {
  const before = stock.root.toDER()
  const count = Number(answer(() => stock.clone().extensions.length)) || 0
  for (let index = 0; index <= count; index += 1) {
    const tbsWithout = (certificate: X509Certificate) => {
      const clone = certificate.clone()
      clone.extensions.splice(index, 1)
      return [clone.tbsCertificate.toDER(), clone.root.toDER(), clone.extensions.map((each) => each.toDER())]
    }
    assert.deepEqual(
      answer(() => tbsWithout(mine)),
      answer(() => tbsWithout(stock)),
    )
    assert.ok(mine.root.toDER().equals(before), 'it is not the original that is changed')
  }
}

const octets = fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes))
/** Around the lengths at which the number of octets of a length grows, and beyond what comes from a pool. */
const long = fc.constantFrom(127, 128, 200, 255, 256, 5_000).map((length) => Buffer.alloc(length, 7))
const primitive = fc.constantFrom(0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x17, 0x80, 0x83, 0x86, 0xdd)
const constructed = fc.constantFrom(0x30, 0x31, 0xa0, 0xa3, 0x24, 0x7e, 0x04)

const { tree } = fc.letrec<{ tree: Buffer; leaf: Buffer; branch: Buffer }>((tie) => ({
  tree: fc.oneof({ maxDepth: 4, depthSize: 'small' }, tie('leaf'), tie('branch')),
  leaf: fc
    .tuple(primitive, fc.oneof({ arbitrary: octets, weight: 20 }, { arbitrary: long, weight: 1 }))
    .map(([tag, value]) => tlv(tag, value)),
  branch: fc.tuple(constructed, fc.array(tie('tree'), { maxLength: 4 })).map(([tag, parts]) => tlv(tag, ...parts)),
}))
const trees = (count: number) => fc.array(tree, { minLength: count, maxLength: count })

/** Of the form of a certificate: seven fields, of which the last is the key, and extensions, one or more lists of them. */
const certificate = fc
  .record({
    fields: trees(7),
    lists: fc.array(fc.array(tree, { maxLength: 4 }), { minLength: 0, maxLength: 2 }),
    around: fc.array(tree, { maxLength: 2 }),
  })
  .map(({ fields, lists, around }) => {
    const extensions = lists.map((list) => tlv(0xa3, tlv(0x30, ...list)))
    return tlv(0x30, tlv(0x30, ...fields, ...extensions), ...around)
  })

describe('any DER', () => {
  test('of the form of a certificate', () => {
    const property = fc.property(certificate, certificate, (one, two) => {
      const pair = (der: Buffer): Pieces => [parse(der), kept(parse(der))]
      const [stock, mine] = pair(one)
      assertSameParsed(stock, mine, [pair(two), pair(one)])
    })
    fc.assert(property, { numRuns: 400 })
  })

  test('of any form', () => {
    const property = fc.property(tree, tree, (one, two) => {
      assertSameParsed(parse(one), kept(parse(one)), [[parse(two), kept(parse(two))]])
    })
    fc.assert(property, { numRuns: 400 })
  })

  test('of lengths that need more octets', () => {
    for (const length of [65_535, 65_536, 70_000]) {
      const key = tlv(0x02, Buffer.alloc(length, 5))
      const der = tlv(0x30, tlv(0x30, ...Array.from({ length: 6 }, () => tlv(0x05)), key))
      assertSameParsed(parse(der), kept(parse(der)))
    }
  })

  test('that differs in one octet', () => {
    const property = fc.property(certificate, fc.nat(), fc.nat({ max: 7 }), (der, at, bit) => {
      const other = Buffer.from(der)
      other.writeUInt8(other.readUInt8(at % der.length) ^ (1 << bit), at % der.length)
      let changed: X509Certificate
      try {
        changed = parse(other)
      } catch {
        return
      }
      assertSameParsed(parse(der), kept(parse(der)), [[changed, kept(parse(other))]])
    })
    fc.assert(property, { numRuns: 400 })
  })

  test('as the library parses it is what it encodes: DER has one encoding', () => {
    const property = fc.property(certificate, (der) => {
      assert.ok(parse(der).root.toDER().equals(der))
      assert.ok(placesOf(der).length > 8)
    })
    fc.assert(property, { numRuns: 200 })
  })
})

/** Ways to make another tree of one that was parsed. What they leave behind in memory is the parsed bytes. */
const CHANGES: Readonly<Record<string, (field: ASN1Obj, others: readonly ASN1Obj[], other: number) => void>> = {
  'another tag': (field, others, other) => set(field, { tag: pick(others, other).tag }),
  'another value': (field, others, other) => set(field, { value: pick(others, other).value }),
  'a shorter value': (field) => set(field, { value: field.value.subarray(0, -1) }),
  'a value without its first octet': (field) => set(field, { value: field.value.subarray(1) }),
  'a value in memory of its own': (field) => set(field, { value: own(field.value, 4) }),
  'a value at the beginning of memory': (field) => set(field, { value: own(field.value) }),
  'no parts': (field) => field.subs.splice(0),
  'without its first part': (field) => field.subs.shift(),
  'without its last part': (field) => field.subs.pop(),
  'its first part twice': (field) => field.subs[0] && field.subs.unshift(field.subs[0]),
  'its parts reversed': (field) => field.subs.reverse(),
  'a part of another': (field, others, other) =>
    isInside(pick(others, other), field) || field.subs.push(pick(others, other)),
  'a part like its own, of other memory': (field, _, other) => {
    const index = other % Math.max(1, field.subs.length)
    const part = field.subs[index]
    // What was changed before may have become what is not DER.
    const like = part && answer(() => aloneFrom(part.toDER()))
    if (like instanceof ASN1Obj) field.subs[index] = like
  },
  'other octets, at the same place of other memory': (field) => {
    const { buffer, byteOffset, length } = field.value
    const value = Buffer.from(buffer.slice(0) as ArrayBuffer, byteOffset, length)
    set(field, { value: value.fill(7) as ASN1Obj['value'] })
  },
  'another octet before its value': (field, _, other) => {
    const memory = Buffer.from(field.value.buffer)
    const at = field.value.byteOffset - 1 - (other % 2)
    if (at >= 0) memory[at] = (memory[at] ?? 0) ^ (1 + (other % 255))
  },
}

describe('a tree that was changed after it was parsed', () => {
  const change = fc.record({ kind: fc.constantFrom(...Object.keys(CHANGES)), at: fc.nat(), other: fc.nat() })

  test('is what its fields say, and not what it was parsed from', () => {
    const property = fc.property(certificate, fc.array(change, { minLength: 1, maxLength: 4 }), (der, changes) => {
      // Two of the same, each in memory of its own, in which nothing else stands.
      const [stock, mine] = [alone(der), alone(der)]
      for (const certificate of [stock, mine]) {
        for (const { kind, at, other } of changes) {
          const fields = fieldsOf(certificate.root)
          CHANGES[kind]?.(pick(fields, at), fields, other)
        }
      }
      assertSame(stock, kept(mine), [[alone(der), kept(alone(der))]])
    })
    fc.assert(property, { numRuns: 600 })
  })

  test('is told from one that shares all its fields', () => {
    const property = fc.property(certificate, fc.nat(), (der, at) => {
      const one = alone(der)
      const lists = fieldsOf(one.root).filter(({ subs }) => subs.length > 0)
      const list = pick(lists, at)
      const without = (field: ASN1Obj): ASN1Obj =>
        new ASN1Obj(field.tag, field.value, field === list ? field.subs.slice(1) : field.subs.map(without))
      const two = new X509Certificate(without(one.root))
      assertSame(two, kept(two), [[one, kept(one)]])
      assertSame(one, kept(one), [[two, kept(two)]])
    })
    fc.assert(property, { numRuns: 400 })
  })
})

describe('who signed a certificate', () => {
  const mill = new Mill()
  const { authority } = mill
  const other = mill.newAuthority('other.test')
  const crossed = signCertificate(tbsOf(authority.root), other.rootKey)
  const keyless = tlv(
    0x30,
    tlv(
      0x30,
      ...parse(authority.root)
        .tbsCertificate.subs.slice(0, 6)
        .map((sub) => sub.toDER()),
    ),
  )
  const ders = [
    ...[
      authority.root,
      authority.intermediate,
      other.root,
      other.intermediate,
      mill.leaf(),
      mill.leaf({ authority: other }),
    ],
    ...[mill.leaf({ content: { spki: Buffer.from([0x30, 0x00]) } }), crossed, keyless],
  ]
  const fresh = () => ders.map((der): Pieces => [parse(der), kept(parse(der))])

  test('is what the library says, in any order, however often it is asked', () => {
    const index = fc.nat({ max: ders.length - 1 })
    const question = fc.record({ of: index, by: fc.option(index, { nil: undefined }), kept: fc.boolean() })
    const property = fc.property(fc.array(question, { minLength: 1, maxLength: 40 }), (questions) => {
      const certificates = fresh()
      for (const { of, by, kept: both } of questions) {
        const [stock, mine] = pick(certificates, of)
        const [issuer, its] = by === undefined ? [] : pick(certificates, by)
        assert.deepEqual(
          answer(() => mine.verify(both ? its : issuer)),
          answer(() => stock.verify(issuer)),
        )
      }
    })
    fc.assert(property, { numRuns: 60 })
  })

  test('is remembered for each pair of them', () => {
    const certificates = fresh()
    let signed = 0
    for (let time = 0; time < 2; time += 1) {
      for (const [stock, mine] of certificates) {
        for (const [issuer, its] of certificates) {
          const expected = answer(() => stock.verify(issuer))
          assert.deepEqual(
            answer(() => mine.verify(its)),
            expected,
          )
          if (expected === true) signed += 1
        }
        assert.deepEqual(
          answer(() => mine.verify()),
          answer(() => stock.verify()),
        )
      }
    }
    assert.equal(signed, 2 * 10)
  })

  test('is not what a certificate of the same name, key identifier or number says', () => {
    const [mine, namesake] = [authority, mill.newAuthority('mill.test')].map(({ root }) => kept(parse(root)))
    assert.ok(mine && namesake)
    const leaf = kept(parse(authority.intermediate))
    for (let time = 0; time < 2; time += 1) {
      assert.equal(leaf.verify(mine), true)
      assert.equal(leaf.verify(namesake), false)
    }
  })
})

test('what is kept already is the same', () => {
  const certificate = kept(parse(new Mill().authority.root))
  assert.equal(kept(certificate), certificate)
})

function tbsOf(der: Buffer): Buffer {
  return parse(der).tbsCertificate.toDER()
}

function alone(der: Buffer): X509Certificate {
  return new X509Certificate(aloneFrom(der))
}

/** The library copies what it parses, into a pool if it is small. Here it stands alone, so that memory may be changed. */
function aloneFrom(der: Buffer): ASN1Obj {
  const root = ASN1Obj.parseBuffer(Buffer.from(der))
  const memory = own(der)
  const start = root.value.byteOffset + root.value.length - der.length
  for (const field of fieldsOf(root)) {
    const from = field.value.byteOffset - start
    set(field, { value: memory.subarray(from, from + field.value.length) })
  }
  return root
}

/** A copy in memory of its own, behind so many zeros. */
function own(bytes: Uint8Array, zeros = 0): ASN1Obj['value'] {
  const memory = new Uint8Array(zeros + bytes.length)
  memory.set(bytes, zeros)
  return Buffer.from(memory.buffer, zeros, bytes.length)
}

function fieldsOf(field: ASN1Obj): ASN1Obj[] {
  return [field, ...field.subs.flatMap(fieldsOf)]
}

function isInside(field: ASN1Obj, of: ASN1Obj): boolean {
  return fieldsOf(field).includes(of)
}

function set(field: ASN1Obj, change: { tag?: Tag; value?: ASN1Obj['value'] }): void {
  Object.assign(field, change)
}

function pick<T>(list: readonly T[], index: number): T {
  return list[index % list.length] ?? assert.fail('an empty list')
}
