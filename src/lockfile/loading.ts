/**
 * Whether pnpm loads the gate at all, as far as files of the repository say it. A gate that is not loaded is silent.
 * Measured with pnpm 10.0 to 12.21: docs/hooks.md.
 */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import intersects from 'semver/ranges/intersects.js'
import { GateError } from '../errors.ts'
import { FileError, readBoundedFile } from '../util/files.ts'
import { GATE_NAME } from '../util/gate-name.ts'
import { field, isPlain } from './record.ts'
import { rcSettings } from './workspace.ts'

export interface Loading {
  /** The workspace's root, from which pnpm loads it. */
  readonly root: string
  readonly isConfigDependency: boolean
  /** Folders of the workspace's projects. */
  readonly projects: readonly string[]
  /** The versions of pnpm that the lockfile names. */
  readonly pnpm: readonly string[]
}

/**
 * Refuses what keeps pnpm from loading the gate, where the repository loads it: as a config dependency, or by a pnpmfile.
 * Which pnpmfile does is known by its text alone: it is code, and it names the gate.
 *
 * @throws GateError with the code SETTINGS_UNSAFE
 */
export async function refuseUnloadedGate({ root, isConfigDependency, projects, pnpm }: Loading): Promise<void> {
  const cjs = await pnpmfile(root, '.pnpmfile.cjs')
  const mjs = await pnpmfile(root, '.pnpmfile.mjs')
  const workspace = (await textOf(path.join(root, 'pnpm-workspace.yaml'))) ?? ''
  const isPlugin = isConfigDependency || new RegExp(`\\b${GATE_NAME}\\b`).test(workspace)
  if (!isPlugin && !cjs?.namesGate && !mjs?.namesGate) return
  if (!isPlugin && mjs !== undefined && !mjs.namesGate) {
    throw unsafe(
      `${mjs.file} keeps the gate from being loaded: pnpm 11 and 12 load it in place of ${cjs?.file}, and it does not load the gate. Remove it, or load the gate in it.`,
    )
  }
  const least = isPlugin ? LEAST.plugin : LEAST.pnpmfile
  for (const version of pnpm) refuseVersion(version, path.join(root, 'pnpm-lock.yaml'), least)
  const folders = new Set(projects.map((each) => path.resolve(each)))
  folders.delete(path.resolve(root))
  await refuseVersions(root, least)
  for (const folder of folders) {
    await refuseVersions(folder, least)
    await refuseProjectSettings(folder)
  }
}

/** The first pnpm that loads the gate, and asks it before it installs from a lockfile. */
const LEAST = { plugin: '10.13.0', pnpmfile: '10.10.0' } as const
/** They install from a lockfile and a warm store without asking. */
const UNGUARDED = { from: '12.0.0', before: '12.16.0' } as const

interface Pnpmfile {
  readonly file: string
  readonly namesGate: boolean
}

/** On a file system that folds case, pnpm finds the file under any spelling. */
async function pnpmfile(root: string, name: string): Promise<Pnpmfile | undefined> {
  const names = await readdir(root).catch((): string[] => [])
  const found = names.filter((each) => each.toLowerCase() === name)
  const [file] = found.includes(name) ? [name] : found
  if (file === undefined) return undefined
  const text = await textOf(path.join(root, file))
  return text === undefined ? undefined : { file: path.join(root, file), namesGate: await namesGate(text, root) }
}

/** By its name, or as the file that it loads: `require('./path/to/pnpmfile.cjs')`. */
async function namesGate(text: string, root: string): Promise<boolean> {
  if (NAME.test(text)) return true
  const files = [...text.matchAll(/(['"`])([./][^'"`\n]*\.[cm]?js)\1/g)].map(([, , file = '']) =>
    path.resolve(root, file),
  )
  for (const file of files.slice(0, MOST_FILES)) {
    const loaded = await readBoundedFile(file, MAX_BYTES).catch(() => undefined)
    if (loaded !== undefined && NAME.test(loaded.toString())) return true
  }
  return false
}

const NAME = /provenance-gate/
const MOST_FILES = 20

/** `packageManager` and `devEngines` of a package.json: pnpm and corepack start the pnpm that they name. */
async function refuseVersions(folder: string, least: string): Promise<void> {
  const file = path.join(folder, 'package.json')
  const text = await textOf(file)
  if (text === undefined) return
  const manifest = parsed(text, file)
  if (!isPlain(manifest)) return
  const pinned = field(manifest, 'packageManager')
  const [, named] = typeof pinned === 'string' ? (/^pnpm@([^+]+)/.exec(pinned) ?? []) : []
  if (named !== undefined) refuseVersion(named, `${file}:${lineOf(text, 'packageManager')}`, least)
  const engines = field(manifest, 'devEngines')
  const managers = isPlain(engines) ? field(engines, 'packageManager') : undefined
  for (const each of Array.isArray(managers) ? managers : [managers]) {
    if (!isPlain(each) || field(each, 'name') !== 'pnpm') continue
    const version = field(each, 'version')
    if (typeof version === 'string') refuseVersion(version, `${file}:${lineOf(text, 'devEngines')}`, least)
  }
}

/** @param version a version, or a range: then it must leave pnpm one that loads the gate */
function refuseVersion(version: string, where: string, least: string): void {
  const good = `>=${least} <${UNGUARDED.from}-0 || >=${UNGUARDED.before}`
  let isGood: boolean
  try {
    isGood = intersects(version, good, { includePrerelease: true })
  } catch {
    // A tag, such as `latest`, or what pnpm does not understand either.
    isGood = true
  }
  if (isGood) return
  throw unsafe(
    `${where} names pnpm ${version.slice(0, 40)}, which does not ask the gate: before ${least} pnpm does not load it or calls no hook for a lockfile, and 12.0 to 12.15 call none. Name pnpm ${least} or newer, and of 12 at least 12.16.`,
  )
}

/** pnpm that is started in a project's folder reads the `.npmrc` there (10), and takes a pnpm-workspace.yaml for the root. */
async function refuseProjectSettings(folder: string): Promise<void> {
  const settings = await rcSettings(folder)
  for (const [key, value] of Object.entries(isPlain(settings) ? settings : {})) {
    if (key.replaceAll(/[-_]/g, '').toLowerCase() !== 'ignorepnpmfile' || value === false || value === 'false') continue
    throw unsafe(
      `${path.join(folder, '.npmrc')} sets \`${key}\`: pnpm 10 then loads no gate when it is started in that folder, and installs the whole workspace. Remove it.`,
    )
  }
  const nested = path.join(folder, 'pnpm-workspace.yaml')
  if ((await textOf(nested)) === undefined) return
  throw unsafe(
    `${nested} makes another workspace of a project: pnpm that is started there loads no gate, and installs from a lockfile in that folder. Remove it, or take the project out of the workspace and verify it by itself.`,
  )
}

const MAX_BYTES = 4 * 1024 * 1024

async function textOf(file: string): Promise<string | undefined> {
  try {
    return (await readBoundedFile(file, MAX_BYTES))?.toString().replace(/^\uFEFF/, '')
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    throw unsafe(`${file} ${error.message}, so nobody can say whether pnpm loads the gate. Remove it.`, error)
  }
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new GateError(`${file} is not JSON: ${(error as Error).message.split('\n')[0]}`, { cause: error })
  }
}

/** Of two keys of one name the last one counts. */
function lineOf(text: string, key: string): number {
  const [at = 0] = [...text.matchAll(new RegExp(`"${key}"\\s*:`, 'g'))].map(({ index }) => index).slice(-1)
  return text.slice(0, at).split('\n').length
}

function unsafe(message: string, cause?: unknown): GateError {
  return new GateError(message, { code: 'SETTINGS_UNSAFE', cause })
}
