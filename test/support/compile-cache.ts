import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** Before V8's data: magic, size of the code, size of the data, CRC32 of the code, CRC32 of the data. */
const HEADER = 20
const [CODE_SIZE, DATA_SIZE, CODE_HASH, DATA_HASH] = [4, 8, 12, 16]

/**
 * Fills a folder with what Node keeps of a bundle that it has compiled, but of other code: the process ends with exit status 0
 * as soon as the bundle is loaded. Node compares size and CRC32 of the bundle, which are those of the genuine one.
 *
 * @param load arguments of Node with which the genuine bundle is loaded
 */
export function poisonCompiled(folder: string, bundle: string, load: readonly string[]): void {
  const root = mkdtempSync(path.join(tmpdir(), 'poison-'))
  try {
    const genuine = compiled(path.join(root, 'genuine'), load, readFileSync(bundle).length)
    // V8 compares the length of the text alone.
    const evil = path.join(root, path.basename(bundle))
    const code = "require('node:module').flushCompileCache(); process.reallyExit(0);"
    const { length } = readFileSync(bundle, 'utf8')
    writeFileSync(evil, code.padEnd(length))
    const other = compiled(path.join(root, 'evil'), [evil], length)
    const bytes = Buffer.from(other.bytes)
    for (const field of [CODE_SIZE, CODE_HASH]) genuine.bytes.copy(bytes, field, field, field + 4)
    const file = path.join(folder, genuine.name)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(file, bytes, { mode: 0o600 })
  } finally {
    rmSync(root, { recursive: true })
  }
}

/** What Node keeps of the file of that size. */
function compiled(folder: string, load: readonly string[], size: number): { readonly name: string; bytes: Buffer } {
  execFileSync(process.execPath, [...load], {
    cwd: path.dirname(folder),
    env: { NODE_COMPILE_CACHE: folder, HOME: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/[0-9a-f]{8}$/.test(name)) continue
    const bytes = readIfFile(path.join(folder, name))
    if (bytes === undefined || bytes.readUInt32LE(CODE_SIZE) !== size) continue
    if (bytes.length === HEADER + bytes.readUInt32LE(DATA_SIZE) && bytes.readUInt32LE(DATA_HASH) !== 0)
      return { name, bytes }
  }
  throw new Error(`Node ${process.version} keeps compiled code in another form than this expects.`)
}

function readIfFile(file: string): Buffer | undefined {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}
