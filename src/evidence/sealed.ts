import { createHmac, timingSafeEqual } from 'node:crypto'
import path from 'node:path'
import { readBoundedFile } from '../util/files.ts'
import { makeFolder } from '../util/folders.ts'
import { replaceFile } from '../write.ts'

/*
 * Files that only this user can have written: behind a line with an HMAC-SHA256 over what the file is about and its text,
 * by a key that lies outside of the cache.
 */

const MAC_LENGTH = 64

/** Undefined where there is none, or it was not written with this key about this. Never throws. */
export async function readSealed(
  file: string,
  key: Buffer,
  about: readonly string[],
  maxBytes: number,
): Promise<string | undefined> {
  try {
    const bytes = await readBoundedFile(file, maxBytes)
    return bytes && unsealed(bytes, key, about)
  } catch {
    return undefined
  }
}

/** The text in the bytes of such a file; undefined where they were not written with this key about this. */
export function unsealed(bytes: Buffer, key: Buffer, about: readonly string[]): string | undefined {
  if (bytes[MAC_LENGTH] !== LINE_END) return undefined
  const body = bytes.subarray(MAC_LENGTH + 1)
  const given = Buffer.from(bytes.toString('latin1', 0, MAC_LENGTH), 'hex')
  const expected = mac(key, about, body)
  return given.length === expected.length && timingSafeEqual(given, expected) ? body.toString('utf8') : undefined
}

const LINE_END = 0x0a

/** Whole or not at all. Never throws: what is not remembered is found out again. */
export async function writeSealed(file: string, key: Buffer, about: readonly string[], text: string): Promise<void> {
  try {
    makeFolder(path.dirname(file), 0o700)
    await replaceFile(file, sealed(key, about, text), 0o600)
  } catch {}
}

/** What such a file says. */
export function sealed(key: Buffer, about: readonly string[], text: string): string {
  return `${mac(key, about, Buffer.from(text)).toString('hex')}\n${text}`
}

/**
 * A name for what comes from lockfiles, and that nobody else can foretell. No signature over anything: whoever fills the
 * cache sees the names, and could write them into files.
 */
export function sealedName(key: Buffer, about: readonly string[]): string {
  return createHmac('sha256', key).update('name:').update(JSON.stringify(about)).digest('hex')
}

/** What it is about is a list, so that no two are signed as one text, and its length stands before it. */
function mac(key: Buffer, about: readonly string[], body: Buffer): Buffer {
  const list = Buffer.from(JSON.stringify(about))
  return createHmac('sha256', key).update(`${list.length}:`).update(list).update(body).digest()
}
