import { extname } from 'node:path'
import { GateError } from '../errors.ts'
import { FileError, readBoundedFile } from '../util/files.ts'
import { quote } from './text.ts'

const LIMIT = 1024 * 1024
const EXECUTABLE = new Set(['.js', '.cjs', '.mjs', '.jsx', '.ts', '.cts', '.mts', '.tsx'])

/** A policy is data. Asked of a file's name alone, before anything opens it. */
export function refuseExecutable(file: string): void {
  if (!EXECUTABLE.has(extname(file).toLowerCase())) return
  throw new GateError(
    `${file}: a policy that is a program is refused. A policy is data: it can be read and reviewed as what it is, while a program could decide differently on each machine, and whoever can change what it imports would rule over every install before a single package is checked. Write the rules as YAML or JSON in .sigstorerc, and remove this file`,
  )
}

/** Reads a policy file strictly: a regular file of bounded size, in UTF-8 (a byte order mark is dropped). */
export async function readPolicyText(file: string, limit: number = LIMIT, what = 'the policy'): Promise<string> {
  const bytes = await readBoundedFile(file, limit).catch((cause: unknown) => {
    throw unreadable(file, limit, what, cause)
  })
  if (bytes === undefined) throw cannotBeRead(file, what, 'no such file')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new GateError(`${file}: not UTF-8 text, so different readers would see different rules. Save it as UTF-8`, {
      cause,
    })
  }
}

function unreadable(file: string, limit: number, what: string, cause: unknown): GateError {
  if (!(cause instanceof FileError)) return cannotBeRead(file, what, String(cause), cause)
  const { problem, code } = cause
  if (problem === 'unreadable') return cannotBeRead(file, what, code ?? cause.message, cause)
  if (problem === 'large')
    return new GateError(
      `${file}: too many bytes for a policy, at most ${limit} are read. Name packages by patterns such as "@scope/*" to make it shorter`,
      { cause },
    )
  return new GateError(
    `${file}: ${problem === 'folder' ? 'a directory' : 'not a regular file'}, where ${what} should be a file. Correct the path, or write it to a file of this name`,
    { cause },
  )
}

function cannotBeRead(file: string, what: string, why: string, cause?: unknown): GateError {
  return new GateError(
    `${file}: ${what} cannot be read (${why}). Without it nothing can be checked. Correct the name or the file's permissions`,
    { cause },
  )
}

/** Whether the text of a package.json holds a policy: the key alone decides, whatever its value. */
export function holdsPolicy(text: string, file: string, key: string): boolean {
  try {
    // Editors put a byte order mark there, and pnpm drops it.
    const manifest: unknown = JSON.parse(text.replace(/^\uFEFF/, ''))
    return typeof manifest === 'object' && manifest !== null && Object.hasOwn(manifest, key)
  } catch (cause) {
    throw new GateError(
      `${file}: not JSON, so it cannot be told whether it holds a policy under ${quote(key)}. Correct it`,
      { cause },
    )
  }
}
