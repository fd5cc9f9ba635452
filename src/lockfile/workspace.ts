import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { GateError } from '../errors.ts'
import { readGiven, withoutQuotes } from '../read.ts'
import { DECEPTIVE } from '../util/text.ts'
import { configDependencies } from './config-dependencies.ts'
import { field, isPlain } from './record.ts'
import type { LockedPackage } from './types.ts'

/** What the lockfile's first document has as config dependencies: by name, the specifier that it was resolved from. */
export type LockedConfigDependencies = ReadonlyMap<string, string>

/**
 * The config dependencies that are pinned beside a lockfile, in `pnpm-workspace.yaml` or (pnpm 10) in package.json,
 * without those that the lockfile's first document holds with their digests already. pnpm installs them, and runs their
 * pnpmfiles, before any hook is asked: what is overlooked here runs.
 *
 * @throws GateError where a file is there and cannot be understood, or would be understood otherwise by pnpm
 */
export async function pinnedConfigDependencies(
  folder: string,
  locked: LockedConfigDependencies,
): Promise<readonly LockedPackage[]> {
  const manifest = await workspaceManifest(folder)
  const pnpm = await pnpmField(folder)
  // pnpm 11 and 12 write a version or a range, without a digest. Where the lockfile was made from another one they
  // resolve it anew.
  const isLocked = ({ name, version, key }: LockedPackage) =>
    locked.get(name) === (version || key.slice(name.length + 1))
  return [...configDependencies(manifest), ...configDependencies(pnpm)].filter(
    (pkg) => pkg.integrity !== undefined || !isLocked(pkg),
  )
}

/** The lockfiles that pnpm could install from, where it is meant to install from this one. */
export async function lockfilesOf(lockfile: string): Promise<readonly string[]> {
  const folder = path.dirname(lockfile)
  if (path.basename(lockfile) !== 'pnpm-lock.yaml') return [lockfile]
  const own = await lockfilesIn(folder)
  const below = (await hasSeveralLockfiles(folder)) ? await lockfilesBelow(folder) : []
  // The root has none where it has no dependencies.
  return below.length > 0 ? [...own, ...below] : [lockfile, ...own.filter((file) => file !== lockfile)]
}

/**
 * With `gitBranchLockfile` pnpm installs from `pnpm-lock.BRANCH.yaml` where there is one, and a pull request can bring both
 * the setting and the file.
 */
async function lockfilesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => [])
  return names
    .filter((name) => /^pnpm-lock\.(?:.+\.)?yaml$/.test(name))
    .sort()
    .map((name) => path.join(folder, name))
}

/**
 * `sharedWorkspaceLockfile: false` in pnpm-workspace.yaml: each project of the workspace has one of its own. Every pnpm reads
 * it there, and puts it before `.npmrc`; none reads it in package.json. Tried with pnpm 10.9, 10.34, 11 and 12.
 */
export async function hasSeveralLockfiles(folder: string): Promise<boolean> {
  const manifest = await workspaceManifest(folder)
  return isPlain(manifest) && field(manifest, 'sharedWorkspaceLockfile') === false
}

/**
 * Where pnpm-workspace.yaml does not say it, pnpm 10 takes it from the `.npmrc` of the root or of the project in which it is
 * started; pnpm 11 and 12 do not. They then install from different lockfiles, and nothing says which pnpm will run.
 *
 * @param projects folders of the workspace's projects
 * @throws GateError with the code SETTINGS_UNSAFE
 */
export async function refuseUnclearLockfiles(root: string, projects: readonly string[]): Promise<void> {
  const manifest = await workspaceManifest(root)
  if (manifest === undefined) return
  if (isPlain(manifest) && typeof field(manifest, 'sharedWorkspaceLockfile') === 'boolean') return
  for (const folder of new Set([root, ...projects])) {
    const settings = await rcSettings(folder)
    const value = isPlain(settings) ? (field(settings, SHARED) ?? true) : true
    if (value === true || value === 'true') continue
    const file = path.join(folder, '.npmrc')
    const lines = (await textOf(file))?.split('\n') ?? []
    throw new GateError(
      `${file}:${lines.findIndex((line) => line.includes(SHARED)) + 1 || 1} sets \`${SHARED}\`, which pnpm 10 reads there and pnpm 11 and 12 do not, so they install from different lockfiles. ` +
        `Remove it, and write \`sharedWorkspaceLockfile: false\` in ${path.join(root, 'pnpm-workspace.yaml')} where each project has a lockfile of its own.`,
      { code: 'SETTINGS_UNSAFE' },
    )
  }
}

const SHARED = 'shared-workspace-lockfile'

async function lockfilesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const folders = entries
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules' && entry.name !== '.git')
    .map(({ name }) => path.join(folder, name))
  const found: string[] = []
  for (const each of folders) found.push(...(await lockfilesIn(each)), ...(await lockfilesBelow(each)))
  return found
}

/** The pnpm-workspace.yaml of a folder; undefined where there is none. @throws GateError where it cannot be understood */
export async function workspaceManifest(folder: string): Promise<unknown> {
  const file = path.join(folder, 'pnpm-workspace.yaml')
  const text = await textOf(file)
  if (text === undefined) return undefined
  if (DECEPTIVE.test(text)) {
    throw new GateError(
      `${file} has control characters, with which pnpm reads it otherwise than people do. Remove them.`,
    )
  }
  const { readYaml } = await import('../util/yaml.ts')
  // pnpm honours merge keys, whatever their version of YAML says.
  const manifest = await understood(file, 'YAML', () =>
    readYaml(text, { merge: true, stringKeys: true, maxAliases: MAX_ALIASES }),
  )
  if (isPlain(manifest) && Object.keys(manifest).some((key) => key.includes('${'))) {
    throw new GateError(`${file} has a setting with a variable in its name, which pnpm would expand. Write the name.`)
  }
  return manifest
}

async function pnpmField(folder: string): Promise<unknown> {
  const manifest = await packageManifest(folder)
  return isPlain(manifest) ? field(manifest, 'pnpm') : undefined
}

/** The package.json of a folder; undefined where there is none. @throws GateError where it cannot be understood */
export async function packageManifest(folder: string): Promise<unknown> {
  const file = path.join(folder, 'package.json')
  const text = await textOf(file)
  if (text === undefined) {
    // pnpm reads these in its place, and pnpm 10 their config dependencies, too.
    for (const other of ['package.json5', 'package.yaml']) {
      if ((await textOf(path.join(folder, other))) === undefined) continue
      throw new GateError(
        `${path.join(folder, other)} stands in the place of package.json, which the gate reads. Write package.json.`,
      )
    }
    return undefined
  }
  return understood(file, 'JSON', () => JSON.parse(text) as unknown)
}

/** The `.npmrc` of a folder, with the variables in its keys that pnpm expands. */
export async function rcSettings(folder: string): Promise<unknown> {
  const text = await textOf(path.join(folder, '.npmrc'))
  if (text === undefined) return undefined
  const [{ default: ini }, { envReplace }] = await Promise.all([import('ini'), import('@pnpm/config.env-replace')])
  /** What pnpm cannot expand it leaves out or takes as it is: neither is one of the settings that are looked for. */
  const expanded = (key: string): string => {
    try {
      return envReplace(key, process.env)
    } catch {
      return key
    }
  }
  return Object.fromEntries(Object.entries(ini.parse(text)).map(([key, value]) => [expanded(key), value]))
}

/** Each is looked up in the whole file. */
const MAX_ALIASES = 100

/** Of a package.json too, which is the largest of them. */
const MAX_BYTES = 4 * 1024 * 1024

async function textOf(file: string): Promise<string | undefined> {
  return (await readGiven(file, MAX_BYTES))?.toString('utf8').replace(/^\uFEFF/, '')
}

function understood(file: string, format: string, read: () => unknown): Promise<unknown> {
  return withoutQuotes(file, () => {
    try {
      return read()
    } catch (error) {
      throw new GateError(`${file} is not ${format}: ${(error as Error).message.split('\n')[0]}`, { cause: error })
    }
  })
}
