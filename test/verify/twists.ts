import { ASN1Obj } from '@sigstore/core'

// DER, changed field by field: into BER that is no DER, into other DER, and into neither.

/** A field as the library reads it: with those parts that it sees, also within an OCTET STRING. */
interface Field {
  readonly tag: number
  readonly value: Buffer
  readonly parts: readonly Field[]
}

/** What becomes of one field; the lengths of all fields around it are put right. */
interface Twist {
  readonly name: string
  /** Undefined where it does not apply. */
  twist(field: Field): Buffer | undefined
}

/** Which field: an index for each level. */
export type Place = readonly number[]

const NULL = Buffer.from([0x05, 0x00])
const OCTETS = 0x04
const SEQUENCE = 0x30
const CONSTRUCTED = 0x20

const twist = (name: string, to: Twist['twist']): Twist => ({ name, twist: to })
const only = (tags: readonly number[], name: string, to: (field: Field) => Buffer): Twist =>
  twist(name, (field) => (tags.includes(field.tag) ? to(field) : undefined))
/** With parts, at least two. */
const several = (name: string, to: (parts: readonly Buffer[]) => readonly Buffer[]): Twist =>
  twist(name, ({ tag, parts }) => (parts.length > 1 ? tlv(tag, ...to(parts.map(encode))) : undefined))

/** Encodings of the same that DER does not allow. */
const OTHER_FORMS: readonly Twist[] = [
  twist('its length in the long form', ({ tag, value }) =>
    value.length < 0x80 ? raw(tag, [0x81, value.length], value) : undefined,
  ),
  twist('its length with a zero before it', ({ tag, value }) => raw(tag, [0x83, 0, ...uint16(value.length)], value)),
  twist('its length in seven octets', ({ tag, value }) =>
    raw(tag, [0x87, 0, 0, 0, 0, 0, ...uint16(value.length)], value),
  ),
  twist('of indefinite length', ({ tag, value }) => raw(tag | CONSTRUCTED, [0x80], value, Buffer.alloc(2))),
  twist('constructed, or no longer', ({ tag, value }) => tlv(tag ^ CONSTRUCTED, value)),
  twist('constructed of one piece', ({ tag, value, parts }) =>
    (tag & CONSTRUCTED) === 0 && parts.length === 0 ? tlv(tag | CONSTRUCTED, tlv(tag, value)) : undefined,
  ),
  twist('its tag in the long form', ({ tag, value }) =>
    Buffer.concat([Buffer.from([tag | 0x1f, tag & 0x1f]), lengthOf(value.length), value]),
  ),
  only([0x01], 'TRUE that is 1', () => tlv(0x01, Buffer.from([1]))),
  only([0x01], 'FALSE, which is not written', () => tlv(0x01, Buffer.from([0]))),
  only([0x01], 'TRUE in two octets', () => tlv(0x01, Buffer.from([0xff, 0xff]))),
  only([0x02, 0x03, 0x06], 'a zero before it', ({ tag, value }) => tlv(tag, Buffer.alloc(1), value)),
  only([0x02], 'minus one before it', ({ value }) => tlv(0x02, Buffer.from([0xff]), value)),
  only([0x03], 'bits that are not used', ({ value }) => tlv(0x03, Buffer.from([7]), value.subarray(1))),
  only([0x06], 'a septet of nothing in it', ({ value }) =>
    tlv(0x06, value.subarray(0, 1), Buffer.from([0x80]), value.subarray(1)),
  ),
  only([0x17, 0x18], 'without its Z', ({ tag, value }) => tlv(tag, value.subarray(0, -1))),
  only([0x17], 'with four digits of the year', ({ value }) => tlv(0x18, Buffer.from('20'), value)),
  only([0x18], 'with parts of a second', ({ value }) => tlv(0x18, value.subarray(0, -1), Buffer.from('.000Z'))),
  several('its parts reversed', (parts) => parts.toReversed()),
  several('its first part last', ([first = NULL, ...rest]) => [...rest, first]),
]

/** Something else in its place. */
const OTHER_CONTENT: readonly Twist[] = [
  twist('left out', () => Buffer.alloc(0)),
  twist('twice', (field) => Buffer.concat([encode(field), encode(field)])),
  twist('empty', ({ tag }) => tlv(tag)),
  twist('NULL', () => NULL),
  twist('an empty SEQUENCE', () => tlv(SEQUENCE)),
  twist('an empty OCTET STRING', () => tlv(OCTETS)),
  twist('with NULL behind it', (field) => Buffer.concat([encode(field), NULL])),
  twist('with a zero behind it', (field) => Buffer.concat([encode(field), Buffer.alloc(1)])),
  twist('with NULL at its end', ({ tag, value }) => tlv(tag, value, NULL)),
  twist('with a zero at its end', ({ tag, value }) => tlv(tag, value, Buffer.alloc(1))),
  twist('with NULL at its beginning', ({ tag, value }) => tlv(tag, NULL, value)),
  twist('one octet short', ({ tag, value }) => (value.length > 0 ? tlv(tag, value.subarray(0, -1)) : undefined)),
  twist('a length of one more', ({ tag, value }) => raw(tag, lengthOf(value.length + 1), value)),
  twist('a length of one less', ({ tag, value }) =>
    value.length > 0 ? raw(tag, lengthOf(value.length - 1), value) : undefined,
  ),
  twist('in a SEQUENCE', (field) => tlv(SEQUENCE, encode(field))),
  twist('in an OCTET STRING', (field) => tlv(OCTETS, encode(field))),
  twist('in two OCTET STRINGs', (field) => tlv(OCTETS, tlv(OCTETS, encode(field)))),
  twist('taken out of what it is in', ({ value }) => value),
  twist('as [3]', ({ value }) => tlv(0xa3, value)),
  twist('as [0]', ({ tag, value }) => tlv(0x80 | (tag & CONSTRUCTED), value)),
  twist('as a SET', ({ value }) => tlv(0x31, value)),
  twist('of the tag that ends what is indefinite', ({ value }) => tlv(0x00, value)),
  twist('another octet at its end', ({ tag, value }) => {
    const other = Buffer.from(value)
    if (other.length > 0) other[other.length - 1] = (other.at(-1) ?? 0) ^ 1
    return tlv(tag, other)
  }),
  only([OCTETS], 'content that is DER by chance', () => tlv(OCTETS, Buffer.from([0x02, 0x01, 0x05]))),
  only([OCTETS], 'content that is nearly DER', ({ value }) => tlv(OCTETS, value, Buffer.from([0x30, 0x01]))),
  only([OCTETS], 'content that is a long form', ({ value }) =>
    tlv(OCTETS, Buffer.from([0x30, 0x82]), Buffer.from(uint16(value.length)), value),
  ),
  only([OCTETS], 'more of itself than the library goes into', ({ value }) => {
    let deep: Buffer = value
    for (let level = 0; level < 105; level += 1) deep = tlv(OCTETS, deep)
    return deep
  }),
]

export const TWISTS: readonly Twist[] = [...OTHER_FORMS, ...OTHER_CONTENT]

/** Twists one field. Undefined where that field, or that twist of it, does not exist or changes nothing. */
export function twisted(der: Buffer, place: Place, { twist }: Twist): Buffer | undefined {
  const other = around(read(der), place, twist)
  return other === undefined || other.length === 0 || other.equals(der) ? undefined : other
}

function around(field: Field, [index, ...inside]: Place, change: Twist['twist']): Buffer | undefined {
  if (index === undefined) return change(field)
  const part = field.parts[index]
  const other = part && around(part, inside, change)
  return other && tlv(field.tag, ...field.parts.map((each, position) => (position === index ? other : encode(each))))
}

/** Of all fields, from the outside in. */
export function placesOf(der: Buffer): Place[] {
  const places = ({ parts }: Field, place: Place): Place[] => [
    place,
    ...parts.flatMap((part, index) => places(part, [...place, index])),
  ]
  return places(read(der), [])
}

function read(der: Buffer): Field {
  const field = ({ tag, value, subs }: ASN1Obj): Field => ({ tag: tag.toDER(), value, parts: subs.map(field) })
  return field(ASN1Obj.parseBuffer(Buffer.from(der)))
}

function encode({ tag, value }: Field): Buffer {
  return tlv(tag, value)
}

export function tlv(tag: number, ...content: readonly Buffer[]): Buffer {
  const value = Buffer.concat(content)
  return raw(tag, lengthOf(value.length), value)
}

function raw(tag: number, length: readonly number[] | Buffer, ...content: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([tag]), Buffer.from(length), ...content])
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const octets = Buffer.alloc(4)
  octets.writeUInt32BE(length)
  const significant = octets.subarray(octets.findIndex((octet) => octet > 0))
  return Buffer.concat([Buffer.from([0x80 | significant.length]), significant])
}

function uint16(value: number): [number, number] {
  return [value >> 8, value & 0xff]
}
