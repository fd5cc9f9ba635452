/**
 * Writes DER (X.690), only the types that occur in the certificates that Fulcio issues.
 *
 * By hand because the bytes matter: a test rebuilds genuine certificates byte for byte, and an encoder that chose other
 * string types or another order of fields than Go's does would make local certificates that only resemble them.
 */

/** One tag-length-value. `tag` is the identifier octet, class and constructed bit included. */
function tlv(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content)
  return Buffer.concat([Buffer.from([tag]), length(body.length), body])
}

/** DER allows one form only: the short one below 128, else the fewest octets. */
function length(value: number): Buffer {
  if (value < 0x80) return Buffer.from([value])
  const octets = Buffer.alloc(4)
  octets.writeUInt32BE(value)
  const significant = withoutLeadingZeros(octets)
  return Buffer.concat([Buffer.from([0x80 | significant.length]), significant])
}

function withoutLeadingZeros(octets: Buffer): Buffer {
  const first = octets.findIndex((octet) => octet !== 0)
  return first === -1 ? Buffer.alloc(1) : octets.subarray(first)
}

export const sequence = (...elements: readonly Buffer[]): Buffer => tlv(0x30, ...elements)
export const set = (...elements: readonly Buffer[]): Buffer => tlv(0x31, ...elements)
export const octetString = (value: Buffer): Buffer => tlv(0x04, value)
export const utf8String = (value: string): Buffer => tlv(0x0c, Buffer.from(value, 'utf8'))
export const printableString = (value: string): Buffer => tlv(0x13, Buffer.from(value, 'latin1'))
export const TRUE: Buffer = tlv(0x01, Buffer.from([0xff]))

/** A non-negative INTEGER from its big-endian octets. A set top bit would read as a minus sign, hence the zero octet. */
export function integer(octets: Buffer): Buffer {
  const magnitude = withoutLeadingZeros(octets)
  return magnitude.readUInt8() < 0x80 ? tlv(0x02, magnitude) : tlv(0x02, Buffer.alloc(1), magnitude)
}

export function bitString(octets: Buffer, unusedBits = 0): Buffer {
  return tlv(0x03, Buffer.from([unusedBits]), octets)
}

/** OBJECT IDENTIFIER: the first two arcs share an octet, the others are base 128 with a continuation bit. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split('.').map(Number)
  return tlv(0x06, Buffer.from([first * 40 + second, ...others.flatMap(base128)]))
}

function base128(arc: number): number[] {
  const septets = [arc & 0x7f]
  for (let rest = arc >>> 7; rest > 0; rest >>>= 7) septets.unshift((rest & 0x7f) | 0x80)
  return septets
}

/** A context-specific tag, `[n]`, implicit around a primitive value or explicit around a constructed one. */
export const implicit = (n: number, content: Buffer): Buffer => tlv(0x80 | n, content)
export const explicit = (n: number, content: Buffer): Buffer => tlv(0xa0 | n, content)

/** RFC 5280, 4.1.2.5: UTCTime until 2049, GeneralizedTime from 2050 on, both in whole seconds and UTC. */
export function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/\.\d+Z$|\D/g, '')
  return date.getUTCFullYear() < 2050
    ? tlv(0x17, Buffer.from(`${digits.slice(2)}Z`, 'latin1'))
    : tlv(0x18, Buffer.from(`${digits}Z`, 'latin1'))
}
