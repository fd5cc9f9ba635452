import { sha256 } from './keys.ts'

/**
 * The append-only Merkle tree of RFC 6962, section 2.1. It keeps the hash of every complete subtree, so that appending
 * and proving cost O(log n): a benchmark with thousands of entries gets proofs as real as those of a small test.
 */
export class MerkleTree {
  /** `#levels[h][i]` is the hash of the 2^h leaves that begin with leaf i·2^h. */
  readonly #levels: Buffer[][] = []

  get size(): number {
    return this.#levels[0]?.length ?? 0
  }

  /** Appends a leaf and returns its index. */
  append(leaf: Buffer): number {
    const index = this.size
    let node = hashLeaf(leaf)
    for (let height = 0; ; height++) {
      const level = this.#levels[height] ?? []
      this.#levels[height] = level
      const left = level.at(-1)
      level.push(node)
      if (left === undefined || level.length % 2 === 1) return index
      node = hashChildren(left, node)
    }
  }

  /** MTH of RFC 6962: the hash of the tree as it was with `size` leaves. */
  root(size = this.size): Buffer {
    return this.#hash(0, size)
  }

  /** PATH of RFC 6962: the siblings from the leaf up to the root of the tree with `size` leaves. */
  proof(index: number, size = this.size): readonly Buffer[] {
    if (index < 0 || index >= size || size > this.size) throw new RangeError(`no leaf ${index} in a tree of ${size}`)
    return this.#path(index, 0, size)
  }

  #path(index: number, start: number, end: number): Buffer[] {
    if (end - start === 1) return []
    const middle = start + split(end - start)
    return index < middle
      ? [...this.#path(index, start, middle), this.#hash(middle, end)]
      : [...this.#path(index, middle, end), this.#hash(start, middle)]
  }

  #hash(start: number, end: number): Buffer {
    const width = end - start
    const height = Math.log2(width)
    if (Number.isInteger(height)) {
      // Ranges come from splitting at powers of two, so a complete subtree is always an aligned, stored one.
      const stored = this.#levels[height]?.[start / width]
      if (stored === undefined) throw new RangeError(`no leaves ${start} to ${end} in a tree of ${this.size}`)
      return stored
    }
    const middle = start + split(width)
    return hashChildren(this.#hash(start, middle), this.#hash(middle, end))
  }
}

/** The largest power of two that is smaller than `width`. */
function split(width: number): number {
  return 2 ** (31 - Math.clz32(width - 1))
}

// The prefixes keep a node from passing for a leaf: without them a proof could be shortened (second preimage).
function hashLeaf(leaf: Buffer): Buffer {
  return sha256(Buffer.concat([Buffer.from([0x00]), leaf]))
}

function hashChildren(left: Buffer, right: Buffer): Buffer {
  return sha256(Buffer.concat([Buffer.from([0x01]), left, right]))
}
