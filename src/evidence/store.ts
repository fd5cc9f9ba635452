import { createHash, randomUUID } from 'node:crypto'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { readBoundedFileSync } from '../util/files.ts'
import { makeFolder } from '../util/folders.ts'

/*
 * Evidence that has proven something, kept by the digest of its bytes. Nothing of it is believed: what is read is verified
 * like what comes over the network. Therefore it needs no key, and may be carried from one machine to another.
 *
 *   documents/ab/<sha256 of the bytes>.json
 *   names/ab/<sha256 of what it is about>    the digest of the document about it
 *
 * Synchronous: it is used by threads that have nothing else to do, and there twice as fast.
 */

/** What a document is about, as text; by it the document is found again. */
export function storedName(about: readonly unknown[]): string {
  return sha256(JSON.stringify(about))
}

/** The digest (hex) of the document about that; undefined where none is kept. Never throws. */
export function storedDigest(cache: string, name: string): string | undefined {
  const text = read(fileOf(cache, 'names', name))?.toString('latin1')
  return text !== undefined && DIGEST.test(text) ? text : undefined
}

/** The document with that digest; undefined where it is not there, or is not what its name says. Never throws. */
export function readStored(cache: string, digest: string): unknown {
  const bytes = read(fileOf(cache, 'documents', digest))
  // Half of a file, or another: a disk that was full, a machine that has lost its power.
  if (bytes === undefined || sha256(bytes) !== digest) return undefined
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

/** Keeps a document, if that is possible. Returns its digest (hex) where it is one that can be written. Never throws. */
export function store(cache: string, name: string, document: unknown): string | undefined {
  const text = textOf(document)
  if (text === undefined) return undefined
  const digest = sha256(text)
  // The document first: what a name leads to is there.
  if (write(fileOf(cache, 'documents', digest), text)) write(fileOf(cache, 'names', name), digest)
  return digest
}

/** Undefined of what is nested too deeply: a registry may say more than what is looked at. */
function textOf(document: unknown): string | undefined {
  try {
    return JSON.stringify(document)
  } catch {
    return undefined
  }
}

const DIGEST = /^[0-9a-f]{64}$/

function fileOf(cache: string, what: 'documents' | 'names', name: string): string {
  return path.join(cache, 'evidence', what, name.slice(0, 2), what === 'documents' ? `${name}.json` : name)
}

/** As much as is read from a registry, and then some: what JSON writes differently. */
const MAX_BYTES = 8 << 20

function read(file: string): Buffer | undefined {
  try {
    return readBoundedFileSync(file, MAX_BYTES)
  } catch {
    return undefined
  }
}

function write(file: string, text: string): boolean {
  const temporary = `${file}.${randomUUID()}.tmp`
  try {
    return replace(file, temporary, text)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return false
  }
  try {
    makeFolder(path.dirname(file), 0o700)
    return replace(file, temporary, text)
  } catch {
    return false
  }
}

function replace(file: string, temporary: string, text: string): boolean {
  try {
    writeFileSync(temporary, text, { flag: 'wx', mode: 0o600 })
    renameSync(temporary, file)
    return true
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
