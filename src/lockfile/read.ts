import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readEnvLockfile, readWantedLockfileFile } from '@pnpm/lockfile.fs'
import { GateError } from '../errors.ts'
import { withoutQuotes } from '../read.ts'
import { readLockfileBytes } from './bytes.ts'
import { type Documents, splitDocuments } from './documents.ts'
import type { InstallingPnpm } from './identities.ts'
import { mergePackages } from './merge.ts'
import { lockedPackages } from './pnpm.ts'
import { type Fields, field, isPlain, majorVersion } from './record.ts'
import type { LockedPackage } from './types.ts'
import type { LockedConfigDependencies } from './workspace.ts'

/**
 * Every package of a lockfile on disk, in both of its documents: what pnpm installs before everything else, and the rest.
 *
 * pnpm's own library parses it, so that the gate sees what pnpm sees. That library reads only `pnpm-lock.yaml` in a
 * folder, resolves merge conflicts by itself and ignores a first document that it does not like. Therefore the bytes are
 * read once, checked here, and handed over in a private folder: no other file can take the place of the one checked.
 *
 * @param pnpm which may install from it
 * @throws GateError with a sentence for people, whatever is wrong with the file
 */
export async function readLockfile(file: string, pnpm?: InstallingPnpm): Promise<ReadLockfile> {
  return parseLockfile(await readLockfileBytes(file), file, pnpm)
}

/** The same of what was read; `file` is for messages. */
export async function parseLockfile(
  bytes: Uint8Array,
  file: string,
  pnpm: InstallingPnpm = 'any',
): Promise<ReadLockfile> {
  return withoutQuotes(file, () => parseBytes(bytes, file, pnpm))
}

async function parseBytes(bytes: Uint8Array, file: string, pnpm: InstallingPnpm): Promise<ReadLockfile> {
  const documents = splitDocuments(bytes, file)
  const packages: (readonly LockedPackage[])[] = []
  let configDependencies: LockedConfigDependencies = new Map()
  let projects: readonly string[] = []
  let environment: Environment | undefined
  for (const which of ['environment', 'main'] as const) {
    if (documents[which] === undefined) continue
    const parsed = await readDocument(file, documents, which, pnpm)
    packages.push(parsed.locked)
    if (which === 'main') projects = projectsOf(parsed.document)
    else {
      configDependencies = configDependenciesOf(parsed.document)
      environment = { packages: parsed.locked, pnpm: pnpmVersionsOf(parsed.document) }
    }
  }
  const [only = []] = packages
  return {
    manager: 'pnpm',
    // Those of one document are distinct already.
    packages: packages.length < 2 ? only : mergePackages(packages.flat()),
    configDependencies,
    projects,
    environment,
    lockfileDir: path.dirname(path.resolve(file)),
  }
}

export interface ReadLockfile {
  /** Who installs from it. `yarn` is yarn 1, `berry` yarn 2 and later. */
  readonly manager: 'pnpm' | 'npm' | 'yarn' | 'berry' | 'bun'
  readonly packages: readonly LockedPackage[]
  readonly configDependencies: LockedConfigDependencies
  /** The folders of all projects that it names, relative to `lockfileDir`. */
  readonly projects: readonly string[]
  /** Undefined where pnpm's lockfile has no first document, and of other managers. */
  readonly environment: Environment | undefined
  readonly lockfileDir: string
}

/** pnpm's own document of a lockfile. */
export interface Environment {
  readonly packages: readonly LockedPackage[]
  /** Versions of pnpm itself, to which pnpm 11 and 12 switch. */
  readonly pnpm: readonly string[]
}

function projectsOf(document: Fields): readonly string[] {
  const importers = field(document, 'importers')
  return isPlain(importers) ? Object.keys(importers) : []
}

function pnpmVersionsOf(document: Fields): readonly string[] {
  const declared = rootField(document, 'packageManagerDependencies')
  return Object.entries(declared).flatMap(([name, target]) => {
    const version = isPlain(target) ? field(target, 'version') : undefined
    return /^(?:pnpm|@pnpm\/exe)$/.test(name) && typeof version === 'string' ? [version] : []
  })
}

function rootField(document: Fields, name: string): Fields {
  const importers = field(document, 'importers')
  const root = isPlain(importers) ? field(importers, '.') : undefined
  const value = isPlain(root) ? field(root, name) : undefined
  return isPlain(value) ? value : {}
}

/** Only what the first document itself calls a config dependency, and what it was resolved from. */
function configDependenciesOf(document: Fields): LockedConfigDependencies {
  return new Map(
    Object.entries(rootField(document, 'configDependencies')).flatMap(([name, target]) => {
      const specifier = isPlain(target) ? field(target, 'specifier') : undefined
      return typeof specifier === 'string' ? [[name, specifier] as const] : []
    }),
  )
}

type Which = 'environment' | 'main'

async function readDocument(
  file: string,
  documents: Documents,
  which: Which,
  pnpm: InstallingPnpm,
): Promise<{ readonly document: Fields; readonly locked: readonly LockedPackage[] }> {
  const parsed = await parse(file, documents, which)
  if (which === 'environment' && parsed === null) {
    throw new GateError(
      `The first document of ${file} is not pnpm's own (with \`lockfileVersion\`, \`importers\`, \`packages\` and ` +
        '`snapshots`), so pnpm would ignore it. Restore the file, or regenerate it with pnpm.',
    )
  }
  if (!isPlain(parsed)) throw new GateError(`${file} is not a lockfile: it holds no map. Regenerate it with pnpm.`)
  if (majorVersion(parsed) !== 9) throw new GateError(`${file} ${wrongVersion(parsed)}`)

  const locked = lockedPackages(parsed, pnpm)
  const [entries, snapshots] = [field(parsed, 'packages') ?? {}, field(parsed, 'snapshots') ?? {}]
  const isCut = size(entries) === 0 ? locked.some(({ source }) => source === 'unknown') : size(snapshots) === 0
  if (!isCut) return { document: parsed, locked }
  throw new GateError(
    `${file} names packages but ends before it describes them: it is cut off. Restore it, or regenerate it with pnpm.`,
  )
}

function size(section: unknown): number {
  return isPlain(section) ? Object.keys(section).length : 0
}

/** Parses one document with pnpm's library and returns it in the file's own shape, which leaves nothing out. */
async function parse(file: string, documents: Documents, which: Which): Promise<unknown> {
  // Empty lines stand for the file's lines before this document, so that the parser counts as people do.
  const text = '\n'.repeat(documents.linesBefore[which]) + documents[which]
  try {
    return await inPrivateFolder(async (folder) => {
      const copy = path.join(folder, 'pnpm-lock.yaml')
      await writeFile(copy, which === 'main' ? text : `---\n${text}\n---\n`, { mode: 0o600 })
      return which === 'main' ? readWantedLockfileFile(folder, { ignoreIncompatible: false }) : readEnvLockfile(folder)
    })
  } catch (error) {
    if (error instanceof GateError) throw error
    throw new GateError(`${file} is not a lockfile: ${reasonOf(error)}. Restore it, or regenerate it with pnpm.`, {
      cause: error,
    })
  }
}

async function inPrivateFolder<T>(action: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'provenance-gate-')).catch((error: Error) => {
    throw new GateError(
      `The folder for temporary files cannot be written (${error.message}). Set TMPDIR to one that can.`,
    )
  })
  try {
    return await action(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function wrongVersion(parsed: Fields): string {
  const version = field(parsed, 'lockfileVersion')
  if (version === undefined) return 'has no `lockfileVersion`, so it is not a lockfile of pnpm. Name another file.'
  const found = JSON.stringify(version).slice(0, 40)
  if (majorVersion(parsed) === 13) {
    return (
      `is of version ${found}, the experimental \`lockfile.format: v13\` of pnpm 12. The gate reads version 9.0 here: ` +
      'remove that setting and run `pnpm install --lockfile-only`.'
    )
  }
  return (
    `is of version ${found}. The gate reads version 9.0, which pnpm 9 and newer write: ` +
    'run `pnpm install --lockfile-only` with pnpm 10 or newer.'
  )
}

/** The first line of what went wrong, without the path of the private folder. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const [line = ''] = message.replace(/^.*? is broken: /, '').split('\n')
  if (line.includes('Maximum call stack size exceeded')) return 'it is nested too deeply'
  // JavaScript's words about pnpm's code ("Cannot destructure property …") tell nobody what is wrong with the file.
  return /^Cannot |undefined|is not (?:iterable|a function)/.test(line) ? 'its parts are not what pnpm expects' : line
}
