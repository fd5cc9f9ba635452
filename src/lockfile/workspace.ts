import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'yaml'
import { GateError } from '../errors.ts'
import { configDependencies } from './config-dependencies.ts'
import { field, isPlain } from './record.ts'
import type { LockedPackage } from './types.ts'

/**
 * The config dependencies that are pinned beside a lockfile, in `pnpm-workspace.yaml` or (pnpm 10) in package.json,
 * without those that the lockfile's first document holds with their digests already. pnpm installs them, and runs their
 * pnpmfiles, before any hook is asked: what is overlooked here runs.
 *
 * @throws GateError where a file is there and cannot be understood, or would be understood otherwise by pnpm
 */
export async function pinnedConfigDependencies(
  folder: string,
  locked: readonly LockedPackage[],
): Promise<readonly LockedPackage[]> {
  const pinned = [
    ...configDependencies(await workspaceManifest(folder)),
    ...configDependencies(await pnpmField(folder)),
  ]
  // pnpm 11 and 12 write a version or a range, without a digest. A range has no version to compare.
  const isLocked = ({ name, version }: LockedPackage) =>
    locked.some((pkg) => pkg.name === name && (version === '' || pkg.version === version))
  return pinned.filter((pkg) => pkg.integrity !== undefined || !isLocked(pkg))
}

/**
 * The lockfiles of a folder: with `gitBranchLockfile` pnpm installs from `pnpm-lock.BRANCH.yaml` where there is one, and
 * a pull request can bring both the setting and the file.
 */
export async function lockfilesOf(lockfile: string): Promise<readonly string[]> {
  const folder = path.dirname(lockfile)
  if (path.basename(lockfile) !== 'pnpm-lock.yaml') return [lockfile]
  const names = await readdir(folder).catch(() => [])
  const branches = names.filter((name) => /^pnpm-lock\..+\.yaml$/.test(name)).sort()
  return [lockfile, ...branches.map((name) => path.join(folder, name))]
}

/** Lone carriage returns and the like: a comment for one YAML parser is a setting for another. */
const DECEPTIVE = /(?![\t\n\r])\p{Cc}|[\p{Bidi_Control}\p{Zl}\p{Zp}]|\r(?!\n)/u

async function workspaceManifest(folder: string): Promise<unknown> {
  const file = path.join(folder, 'pnpm-workspace.yaml')
  const text = await textOf(file)
  if (text === undefined) return undefined
  if (DECEPTIVE.test(text)) {
    throw new GateError(
      `${file} has control characters, with which pnpm reads it otherwise than people do. Remove them.`,
    )
  }
  // pnpm honours merge keys, whatever their version of YAML says.
  const manifest = understood(file, 'YAML', () => parse(text, { merge: true }) as unknown)
  if (isPlain(manifest) && Object.keys(manifest).some((key) => key.includes('${'))) {
    throw new GateError(`${file} has a setting with a variable in its name, which pnpm would expand. Write the name.`)
  }
  return manifest
}

async function pnpmField(folder: string): Promise<unknown> {
  const file = path.join(folder, 'package.json')
  const text = await textOf(file)
  if (text === undefined) return undefined
  const manifest = understood(file, 'JSON', () => JSON.parse(text) as unknown)
  return isPlain(manifest) ? field(manifest, 'pnpm') : undefined
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).replace(/^\uFEFF/, '')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new GateError(`${file} cannot be read (${(error as Error).message}).`, { cause: error })
  }
}

function understood(file: string, format: string, read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    throw new GateError(`${file} is not ${format}: ${(error as Error).message.split('\n')[0]}`, { cause: error })
  }
}
