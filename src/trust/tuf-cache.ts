import { mkdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import envPaths from 'env-paths'
import { replaceFile } from '../write.ts'

/** More than a state has: some hundred kilobytes. */
const MAX_BYTES = 16 << 20

/** Where the state of a repository is kept: one file, which nothing trusts before it is verified. */
export function stateFile(url: string): string {
  const name = encodeURIComponent(url.replace(/^https?:\/\//, '').replace(/\/+$/, ''))
  return path.join(envPaths('provenance-gate', { suffix: '' }).cache, 'tuf', `${name}.json`)
}

/** Undefined where there is no such file. @throws an Error where it cannot be read */
export async function readText(file: string): Promise<string | undefined> {
  const stats = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
  if (stats === undefined) return undefined
  if (!stats.isFile()) throw new Error(`${file} is not a file`)
  if (stats.size > MAX_BYTES) throw new Error(`${file} has more than ${MAX_BYTES} bytes`)
  return readFile(file, 'utf8')
}

/** For this user alone. */
export async function writeText(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  await replaceFile(file, text, 0o600)
}
