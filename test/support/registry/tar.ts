import { Buffer } from 'node:buffer'

/** npm gives every packed file this time, so the same files make the same bytes in any year. */
const PACK_TIME = Math.floor(Date.UTC(1985, 9, 26, 8, 15) / 1000)
const BLOCK = 512

/**
 * Writes a ustar archive of plain files. Everything that usually varies between two machines (owner, time, order,
 * permissions) is fixed: a tarball's digest is what provenance is bound to, so tests need the same bytes each time.
 */
export function tar(files: ReadonlyMap<string, Buffer>): Buffer {
  const blocks: Buffer[] = []
  for (const [path, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    blocks.push(header(path, content.length), content, Buffer.alloc(-content.length & (BLOCK - 1)))
  }
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)])
}

function header(path: string, size: number): Buffer {
  const { prefix, name } = split(path)
  const block = Buffer.alloc(BLOCK)
  const octal = (value: number, offset: number, width: number) =>
    block.write(value.toString(8).padStart(width - 1, '0'), offset, 'latin1')
  block.write(name, 0)
  octal(0o644, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(PACK_TIME, 136, 12)
  block.write('        ', 148)
  block.write('0', 156)
  block.write('ustar\u000000', 257)
  block.write(prefix, 345)
  // The sum is taken with its own field as spaces, and stored as six digits, a NUL and a space.
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148)
  return block
}

/** ustar has 100 bytes for a name; a longer path is split at a slash, its front going into the prefix field. */
function split(path: string): { prefix: string; name: string } {
  if (Buffer.byteLength(path) <= 100) return { prefix: '', name: path }
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    const prefix = path.slice(0, at)
    const name = path.slice(at + 1)
    if (Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100) return { prefix, name }
  }
  throw new RangeError(`path does not fit into a ustar header: ${path}`)
}
