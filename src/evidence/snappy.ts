/**
 * Raw snappy, in which GitHub's store has bundles: https://github.com/google/snappy/blob/main/format_description.txt
 *
 * Its own, because what npm has of it was not made for strangers' bytes: snappyjs 0.7.0 goes round for ever on a literal
 * whose length has its highest bit set, and the others are native code or carry a WebAssembly module.
 *
 * @throws an Error where the bytes are no snappy, or stand for more than `limit` bytes
 */
export function uncompress(bytes: Uint8Array, limit: number): Buffer {
  let at = 0
  const next = (count: number): number => {
    let value = 0
    for (let index = 0; index < count; index += 1, at += 1) value += byteAt(bytes, at) * 2 ** (8 * index)
    return value
  }
  let length = 0
  for (let shift = 0; ; shift += 7) {
    const byte = next(1)
    length += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
    if (shift > 28) throw new Error('snappy of no length')
  }
  if (length > limit) throw new Error(`snappy of more than ${limit} bytes`)
  const output = Buffer.alloc(length)
  let filled = 0
  while (at < bytes.length) {
    const tag = next(1)
    if ((tag & 3) === 0) {
      const size = (tag >> 2 < 60 ? tag >> 2 : next((tag >> 2) - 59)) + 1
      if (at + size > bytes.length || filled + size > length) throw new Error('snappy that ends too early, or too late')
      output.set(bytes.subarray(at, at + size), filled)
      at += size
      filled += size
      continue
    }
    const isShort = (tag & 3) === 1
    const size = isShort ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1
    const back = isShort ? (tag >> 5) * 256 + next(1) : next((tag & 3) === 2 ? 2 : 4)
    if (back === 0 || back > filled || filled + size > length) throw new Error('snappy that copies what is not there')
    // Byte by byte: a copy may overlap with what it makes.
    for (let end = filled + size; filled < end; filled += 1) output[filled] = byteAt(output, filled - back)
  }
  if (filled !== length) throw new Error('snappy that ends too early')
  return output
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]
  if (byte === undefined) throw new Error('snappy that ends too early')
  return byte
}
