import { GateError } from '../errors.ts'
import { bunPackages } from './bun.ts'
import { strictJson } from './json.ts'
import { type Format, lockfileFolder } from './kinds.ts'
import { readManifests, workspaceManifests } from './manifests.ts'
import { npmPackages, npmProjects } from './npm.ts'
import { checkNpmrc, checkYarnrc } from './rc.ts'
import { parseLockfile, type ReadLockfile } from './read.ts'
import { dialectOf, readSyml } from './syml.ts'
import { lockfileText } from './text.ts'
import type { LockedPackage } from './types.ts'
import { yarnBerryPackages } from './yarn-berry.ts'
import { yarnClassicPackages } from './yarn-classic.ts'

/**
 * Every package of a lockfile of any format. With npm's and yarn 1's the manifests of the projects are read as well: those
 * managers take from there what a project needs, and their lockfiles say it late or not at all.
 *
 * @throws GateError with a sentence for people, whatever is wrong with the file
 */
export async function parseAny(format: Format, bytes: Uint8Array, file: string): Promise<ReadLockfile> {
  if (format === 'pnpm') return parseLockfile(bytes, file)
  const lockfileDir = lockfileFolder(file)
  try {
    const packages = await READERS[format](bytes, file, lockfileDir)
    return { packages, configDependencies: new Map(), lockfileDir }
  } catch (error) {
    if (error instanceof GateError) throw new GateError(named(error.message, file), { cause: error })
    throw new GateError(`${file} could not be understood: ${String(error)}`, { cause: error })
  }
}

type Reader = (bytes: Uint8Array, file: string, folder: string) => Promise<readonly LockedPackage[]>

const READERS: Readonly<Record<Exclude<Format, 'pnpm'>, Reader>> = {
  npm: async (bytes, file, folder) => {
    const anew = '`npm install --package-lock-only`'
    const document = strictJson(lockfileText(bytes, file, anew), file, { anew })
    await checkNpmrc(folder)
    return npmPackages(document, await readManifests(folder, npmProjects(document)))
  },
  yarn: async (bytes, file, folder) => {
    const text = lockfileText(bytes, file, '`yarn install`')
    const dialect = dialectOf(text, file)
    const document = readSyml(text, file, dialect)
    if (dialect === 'berry') return yarnBerryPackages(document)
    await checkYarnrc(folder)
    return yarnClassicPackages(document, await workspaceManifests(folder))
  },
  bun: async (bytes, file) => {
    const anew = '`bun install --lockfile-only`'
    return bunPackages(strictJson(lockfileText(bytes, file, anew), file, { anew, trailingCommas: true }))
  },
}

/** What is wrong is said with the file's name, once. */
function named(message: string, file: string): string {
  return message.includes(file) ? message : `${file}: ${message}`
}
