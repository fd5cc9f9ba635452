import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { GateError } from '../errors.ts'

/** Far more than any .yarnrc has. */
const MAX_BYTES = 1024 * 1024

/**
 * yarn 1 adds to its command line what a .yarnrc of the folder, or of one above, says in lines that begin with `--`. Two of its
 * options make a lockfile say nothing, also beside `--frozen-lockfile` (tried): with the one yarn takes any bytes and counts
 * their digest for the right one, with the other it does not read the file.
 *
 * @throws GateError where one of them is there
 */
export async function checkYarnrc(folder: string): Promise<void> {
  const names = path.resolve(folder).split(path.sep)
  for (const [index] of names.entries()) {
    const file = [...names.slice(0, index + 1), '.yarnrc'].join(path.sep)
    const [option] = /update-checksums|no-lockfile/.exec(unescaped(await textOf(file))) ?? []
    if (option === undefined) continue
    throw new GateError(
      `${file} has \`${option}\`, with which yarn 1 installs something else than the lockfile says. Remove that line.`,
    )
  }
}

async function textOf(file: string): Promise<string> {
  try {
    const stats = await stat(file)
    // yarn reads none of another kind, and a pipe would be waited for without end.
    if (!stats.isFile()) return ''
    if (stats.size <= MAX_BYTES) return await readFile(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return ''
    throw new GateError(`${file} cannot be read: ${String(error)}. Correct the file, or remove it.`, { cause: error })
  }
  throw new GateError(`${file} has more than ${MAX_BYTES} bytes. Correct the file, or remove it.`)
}

/** Keys may be quoted, with escapes as in JSON. */
function unescaped(text: string): string {
  return text.replaceAll(/\\u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}
