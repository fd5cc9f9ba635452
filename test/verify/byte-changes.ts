import fc from 'fast-check'

/** A change of bytes that knows nothing of what they mean. */
export interface ByteChange {
  readonly kind: 'flip' | 'insert' | 'delete' | 'duplicate' | 'swap'
  /** Taken modulo the length of what is changed. */
  readonly at: number
  readonly other: number
  readonly length: number
}

export const byteChange: fc.Arbitrary<ByteChange> = fc.record({
  kind: fc.constantFrom('flip', 'insert', 'delete', 'duplicate', 'swap'),
  at: fc.nat({ max: 4_000 }),
  other: fc.nat({ max: 4_000 }),
  length: fc.integer({ min: 1, max: 8 }),
})

export function changeBytes(bytes: Buffer, { kind, at, other, length }: ByteChange): Buffer {
  if (bytes.length === 0) return bytes
  const [from, to] = [at % bytes.length, other % bytes.length]
  const piece = bytes.subarray(from, from + length)
  const without = Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + length)])
  switch (kind) {
    case 'flip': {
      const flipped = Buffer.from(bytes)
      flipped[from] = (bytes[from] ?? 0) ^ (1 << (other % 8))
      return flipped
    }
    case 'insert':
      return Buffer.concat([bytes.subarray(0, from), Buffer.alloc(length, other % 256), bytes.subarray(from)])
    case 'delete':
      return without
    case 'duplicate':
      return Buffer.concat([bytes.subarray(0, from), piece, bytes.subarray(from)])
    case 'swap':
      return Buffer.concat([without.subarray(0, to), piece, without.subarray(to)])
  }
}
