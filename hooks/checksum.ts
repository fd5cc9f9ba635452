/**
 * pnpm writes a digest of the pnpmfiles into the lockfile (`pnpmfileChecksum`), and a frozen install compares it. Bots
 * resolve with `--ignore-pnpmfile`, which takes it out. What the gate's hooks hand back is what they were given, so a
 * lockfile that was resolved without them is the one that they would have led to.
 */
import { createHash } from 'node:crypto'
import { lstatSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { readBoundedFileSync } from '../src/util/files.ts'

/** In bytes. A file that only loads the gate is smaller, and the gate's own has some tens of thousands. */
const MAX_PNPMFILE = 256 * 1024

/**
 * The digest where the gate's hooks are the only ones; undefined where the project's pnpmfile does more than load the gate,
 * is a link, or cannot be read. Where pnpm has loaded other pnpmfiles too, its own digest differs, and it refuses the lockfile as ever.
 *
 * @param root of the workspace, where pnpm looks for a pnpmfile
 * @param own the gate's pnpmfile
 */
export function checksumOfGate(root: string, own: string): string | undefined {
  try {
    // Node resolves from where a file really is, so the gate does. Of a link that depends on options of Node.
    const pnpmfile = path.join(realpathSync(root), '.pnpmfile.cjs')
    if (lstatSync(pnpmfile, { throwIfNoEntry: false })?.isSymbolicLink()) return undefined
    const text = readBoundedFileSync(pnpmfile, MAX_PNPMFILE)?.toString('utf8')
    if (text !== undefined) return onlyLoads(text, pnpmfile, own) ? digestOf(text) : undefined
    const ownText = readBoundedFileSync(own, MAX_PNPMFILE)?.toString('utf8')
    return ownText === undefined ? undefined : digestOf(ownText)
  } catch {
    return undefined
  }
}

/**
 * Gives the lockfile in pnpm's memory the digest that it lacks. One that is there is left alone: where it is another one,
 * the lockfile was resolved with other hooks. pnpm takes what a `preResolution` hook changes in the lockfile's object.
 */
export function addChecksum(lockfile: unknown, checksumOf: () => string | undefined): void {
  if (!isLockfile(lockfile) || lockfile.pnpmfileChecksum != null) return
  const checksum = checksumOf()
  if (checksum !== undefined) lockfile.pnpmfileChecksum = checksum
}

/** pnpm 12 hands over `{}` where there is no lockfile, and takes nothing else back then. */
function isLockfile(value: unknown): value is { pnpmfileChecksum?: unknown } {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'lockfileVersion')
}

/** Spaces and `//` comments. A comment ends where JavaScript ends a line, which `.` knows. */
const BLANK = String.raw`(?:\s|//.*(?=[\n\r\u2028\u2029]|$))*`
/** It takes linear time: where two neighbours could take the same blanks, a character between them decides. */
const LOADING = new RegExp(
  String.raw`^${BLANK}(?:(?:'use strict'|"use strict")[ \t]*(?:;|\r?\n)${BLANK})?module\.exports\s*=\s*require\(\s*(?:'([^'\\\r\n]+)'|"([^"\\\r\n]+)")\s*\)(?:\s*;)?${BLANK}$`,
)

function onlyLoads(text: string, file: string, own: string): boolean {
  const [, single, double] = LOADING.exec(text) ?? []
  const wanted = single ?? double
  if (wanted === undefined) return false
  const resolved = createRequire(file).resolve(wanted)
  // A module of Node's own is resolved to its name, which is no path.
  return path.isAbsolute(resolved) && realpathSync(resolved) === realpathSync(own)
}

/** As pnpm makes it of one file. */
function digestOf(text: string): string {
  return `sha256-${createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('base64')}`
}
