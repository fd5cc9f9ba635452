import { GateError } from './errors.ts'
import { FileError, readBoundedFile, readBoundedFileSync, readUserFileSync } from './util/files.ts'
import { leadsOut } from './util/links.ts'

/** Far more than any settings file or bundle of certificates has. */
export const SETTINGS_BYTES = 1024 * 1024

/** Who can put something in the place of a file: a pull request, or only the user of this machine. */
export type Owner = 'repository' | 'user'

/** The bytes of a file that a repository can bring; undefined where there is none. @throws GateError that names the file */
export async function readGiven(file: string, maxBytes: number): Promise<Buffer | undefined> {
  return readBoundedFile(file, maxBytes).catch((error: unknown) => fail(file, maxBytes, error))
}

/** The same at once. @throws GateError */
export function readGivenSync(file: string, maxBytes: number, owner: Owner = 'repository'): Buffer | undefined {
  try {
    return (owner === 'user' ? readUserFileSync : readBoundedFileSync)(file, maxBytes)
  } catch (error) {
    return fail(file, maxBytes, error)
  }
}

/**
 * The text of a settings file; '' where there is none, as for package managers. A device, a folder, or a file that is too
 * large or not readable is an error: read as empty, it could hide what the package manager reads there.
 *
 * @throws GateError
 */
export function settingsText(file: string, owner: Owner): string {
  return readGivenSync(file, SETTINGS_BYTES, owner)?.toString('utf8') ?? ''
}

/**
 * Reads what a file says. Where the file lies outside of the repository, an error says no more than that: its message would
 * quote what the file has, and a pull request can choose the file.
 *
 * @param folder in the repository, where that is not the file's own
 * @throws GateError
 */
export async function withoutQuotes<T>(file: string, read: () => T | Promise<T>, folder?: string): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (!leadsOut(file, folder)) throw error
    // Without its cause, too.
    throw new GateError(
      `${file} cannot be used: it lies outside of the repository, or is a link that leads out. Nothing of it is shown, for it may be a secret. Put a file of the repository in its place.`,
      error instanceof GateError && error.code !== undefined ? { code: error.code } : {},
    )
  }
}

function fail(file: string, maxBytes: number, error: unknown): never {
  if (!(error instanceof FileError)) throw error
  throw new GateError(
    `${file} ${error.message}. Expected a regular file of at most ${maxBytes} bytes that this user can read, or none. Correct or remove it.`,
    { cause: error },
  )
}
