import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'yaml'
import { GateError } from '../errors.ts'
import { configDependencies } from './config-dependencies.ts'
import type { LockedPackage } from './types.ts'

/**
 * The config dependencies that `pnpm-workspace.yaml` pins beside a lockfile, without those that the lockfile's first
 * document holds with their digests already. pnpm installs and loads them before any hook is asked.
 *
 * @throws GateError where the file is there and cannot be understood
 */
export async function pinnedConfigDependencies(
  folder: string,
  locked: readonly LockedPackage[],
): Promise<readonly LockedPackage[]> {
  const file = path.join(folder, 'pnpm-workspace.yaml')
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new GateError(`${file} cannot be read (${(error as Error).message}).`, { cause: error })
  }
  let manifest: unknown
  try {
    manifest = parse(text)
  } catch (error) {
    throw new GateError(`${file} is not YAML: ${(error as Error).message.split('\n')[0]}`, { cause: error })
  }
  // pnpm 11 and 12 write a version or a range here, without a digest. A range has no version to compare.
  const isLocked = ({ name, version }: LockedPackage) =>
    locked.some((pkg) => pkg.name === name && (version === '' || pkg.version === version))
  return configDependencies(manifest).filter((pkg) => pkg.integrity !== undefined || !isLocked(pkg))
}
