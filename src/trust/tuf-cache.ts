import path from 'node:path'
import envPaths from 'env-paths'
import { FileError, readBoundedFile } from '../util/files.ts'
import { makeFolder } from '../util/folders.ts'
import { withoutEnd } from '../util/text.ts'
import { replaceFile } from '../write.ts'

/** More than a state has: some hundred kilobytes. */
const MAX_BYTES = 16 << 20

/** Where the state of a repository is kept: one file, which nothing trusts before it is verified. */
export function stateFile(url: string): string {
  const name = encodeURIComponent(withoutEnd(url.replace(/^https?:\/\//, ''), '/'))
  return path.join(envPaths('provenance-gate', { suffix: '' }).cache, 'tuf', `${name}.json`)
}

/** Undefined where there is no such file. @throws an Error where it cannot be read */
export async function readText(file: string): Promise<string | undefined> {
  const bytes = await readBoundedFile(file, MAX_BYTES).catch((error: unknown) => {
    throw error instanceof FileError ? new Error(`${file} ${error.message}`, { cause: error }) : error
  })
  return bytes?.toString('utf8')
}

/** For this user alone. */
export async function writeText(file: string, text: string): Promise<void> {
  makeFolder(path.dirname(file), 0o700)
  await replaceFile(file, text, 0o600)
}
