import { GateError } from '../errors.ts'
import { withoutQuotes } from '../read.ts'
import { bunPackages } from './bun.ts'
import { strictJson } from './json.ts'
import { type Format, lockfileFolder } from './kinds.ts'
import { copiedManifests, readManifests, workspaceManifests } from './manifests.ts'
import { npmPackages, npmProjects } from './npm.ts'
import { parseLockfile, type ReadLockfile } from './read.ts'
import { type Fields, field, isPlain } from './record.ts'
import { dialectOf, readSyml } from './syml.ts'
import { lockfileText } from './text.ts'
import { yarnBerryPackages } from './yarn-berry.ts'
import { yarnClassicPackages } from './yarn-classic.ts'

/**
 * Every package of a lockfile of any format. With npm's and yarn 1's the manifests of the projects are read as well: those
 * managers take from there what a project needs, and their lockfiles say it late or not at all.
 *
 * @throws GateError with a sentence for people, whatever is wrong with the file
 */
export async function parseAny(format: Format, bytes: Uint8Array, file: string): Promise<ReadLockfile> {
  return withoutQuotes(file, () => parse(format, bytes, file))
}

async function parse(format: Format, bytes: Uint8Array, file: string): Promise<ReadLockfile> {
  if (format === 'pnpm') return parseLockfile(bytes, file)
  const lockfileDir = lockfileFolder(file)
  try {
    const read = await READERS[format](bytes, file, lockfileDir)
    return { ...read, configDependencies: new Map(), environment: undefined, lockfileDir }
  } catch (error) {
    if (error instanceof GateError) throw new GateError(named(error.message, file), { cause: error })
    throw new GateError(`${file} could not be understood: ${String(error)}`, { cause: error })
  }
}

type Read = Pick<ReadLockfile, 'manager' | 'packages' | 'projects'>

const READERS: Readonly<
  Record<Exclude<Format, 'pnpm'>, (bytes: Uint8Array, file: string, folder: string) => Promise<Read>>
> = {
  npm: async (bytes, file, folder) => {
    const anew = '`npm install --package-lock-only`'
    const document = strictJson(lockfileText(bytes, file, anew), file, { anew })
    const projects = npmProjects(document)
    return { manager: 'npm', packages: npmPackages(document, await readManifests(folder, projects)), projects }
  },
  yarn: async (bytes, file, folder) => {
    const text = lockfileText(bytes, file, '`yarn install`')
    const dialect = dialectOf(text, file)
    const document = readSyml(text, file, dialect)
    if (dialect === 'berry') {
      return { manager: 'berry', packages: yarnBerryPackages(document), projects: berryProjects(document) }
    }
    const { manifests, folders } = await workspaceManifests(folder)
    return {
      manager: 'yarn',
      packages: yarnClassicPackages(
        document,
        manifests,
        await copiedManifests(folder, manifests, Object.keys(document)),
      ),
      projects: folders,
    }
  },
  bun: async (bytes, file) => {
    const anew = '`bun install --lockfile-only`'
    const document = strictJson(lockfileText(bytes, file, anew), file, { anew, trailingCommas: true })
    return { manager: 'bun', packages: bunPackages(document), projects: bunProjects(document) }
  },
}

function berryProjects(document: Fields): readonly string[] {
  return Object.values(document).flatMap((entry) => {
    const resolution = isPlain(entry) ? field(entry, 'resolution') : undefined
    const [, folder] = /@workspace:(.*)$/s.exec(typeof resolution === 'string' ? resolution : '') ?? []
    return folder === undefined ? [] : [folder]
  })
}

function bunProjects(document: unknown): readonly string[] {
  const workspaces = isPlain(document) ? field(document, 'workspaces') : undefined
  return isPlain(workspaces) ? Object.keys(workspaces) : []
}

/** What is wrong is said with the file's name, once. */
function named(message: string, file: string): string {
  return message.includes(file) ? message : `${file}: ${message}`
}
