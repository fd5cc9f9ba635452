import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'ini'
import { GateError } from '../errors.ts'
import { upwards } from '../folders.ts'

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
  for (const each of upwards(path.resolve(folder)).toReversed()) {
    const file = path.join(each, '.yarnrc')
    const [option] = /update-checksums|no-lockfile/.exec(unescaped(await textOf(file))) ?? []
    if (option === undefined) continue
    throw new GateError(
      `${file} has \`${option}\`, with which yarn 1 installs something else than the lockfile says. Remove that line.`,
    )
  }
}

/** Those that check what is fetched against the digests of the lockfile. */
const STRATEGIES: readonly unknown[] = ['hoisted', 'nested', 'shallow']

/**
 * With `install-strategy=linked` npm 11 and 12 compare no digest of the lockfile with what they fetch (tried).
 *
 * @throws GateError where the .npmrc of the project says so
 */
export async function checkNpmrc(folder: string): Promise<void> {
  const file = path.join(folder, '.npmrc')
  const settings: Readonly<Record<string, unknown>> = parse(await textOf(file))
  // `${NAME?}` is nothing where there is no such variable, and a name that nobody has is easily found.
  const plain = (text: string) => text.replaceAll(/\$\{[^${}]*\}/g, '')
  for (const [key, value] of Object.entries(settings)) {
    if (plain(key) !== 'install-strategy' || STRATEGIES.includes(value)) continue
    throw new GateError(
      `${file} sets \`install-strategy\` to ${JSON.stringify(value)?.slice(0, 80)}. With \`linked\` npm does not compare what it installs with ` +
        'the digests of the lockfile. Set it to hoisted, nested or shallow, or remove that line.',
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
