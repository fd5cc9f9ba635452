import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { GateError } from '../../errors.ts'
import { upwards } from '../../folders.ts'
import { workspacesOf } from '../../managers/asked.ts'
import type { Call, Manager } from '../../managers/types.ts'
import { readGivenSync } from '../../read.ts'
import { realPath } from '../../util/links.ts'

/** Of a project's own files, yarn's lockfile among them. */
const MOST_BYTES = 64 * 1024 * 1024

/**
 * Undefined where there is none. Some are looked for in all folders above: one that lies in the user's own is the user's.
 *
 * @throws GateError where it is there and cannot be read
 */
export function readText(file: string): string | undefined {
  const owner = path.dirname(file) === homedir() ? 'user' : 'repository'
  return readGivenSync(file, MOST_BYTES, owner)?.toString('utf8')
}

/**
 * The lockfiles that a manager could mean, by folder, nearest first. Of several in one folder it is the manager's version that
 * decides: npm 12 takes package-lock.json where npm 11 takes npm-shrinkwrap.json.
 */
export function lockfilesAbove(manager: Manager, folder: string): readonly (readonly string[])[] {
  return upwards(folder)
    .map((each) => lockfilesIn(manager, each))
    .filter((files) => files.length > 0)
}

export function lockfilesIn({ lockfiles }: Manager, folder: string): readonly string[] {
  return lockfiles.map((name) => path.join(folder, name)).filter((file) => existsSync(file))
}

/** pnpm takes the first that is there. */
export const MANIFESTS = ['package.json', 'package.json5', 'package.yaml'] as const

/** The nearest folder with a manifest, as package managers look for it. */
export function projectAbove(folder: string): string {
  return upwards(folder).find((each) => MANIFESTS.some((name) => existsSync(path.join(each, name)))) ?? folder
}

/**
 * The folders that a manager could take for the root of what it installs, nearest first: that of the nearest lockfile, or the
 * project's own; and every one above that says it has a workspace. Whether the project is a part of that one is for the
 * manager to say, and a pull request can put one above a project that has a lockfile of its own.
 */
export function rootsAbove(manager: Manager, folder: string): readonly [string, ...string[]] {
  const [[nearest] = []] = lockfilesAbove(manager, folder)
  const first = nearest === undefined ? projectAbove(folder) : path.dirname(nearest)
  // Without a lockfile, yarn 2 and later take the highest folder that has a package.json.
  const isAny = manager.name === 'berry' && nearest === undefined
  // Where the folder is a link, a manager may see where it leads to, and what is above that.
  const above = [...new Set([...upwards(folder), ...upwards(realPath(folder))])].filter((each) => {
    if (manager.name === 'pnpm') return existsSync(path.join(each, 'pnpm-workspace.yaml'))
    const text = readText(path.join(each, 'package.json'))
    return text !== undefined && (isAny || workspacesOf(text).length > 0)
  })
  return [first, ...above.filter((each) => each !== first)]
}

/**
 * npm takes versions, addresses and aliases from a yarn.lock where it has no lockfile of its own, and bun from those of all
 * others, each as it understands them.
 *
 * @throws GateError
 */
export function refuseAdopted(manager: Manager, call: Call, roots: readonly string[]): void {
  const names = manager.adopts?.(call) ?? []
  for (const root of roots.filter((each) => lockfilesIn(manager, each).length === 0)) {
    const file = names.map((name) => path.join(root, name)).find((each) => existsSync(each))
    if (file === undefined) continue
    throw new GateError(
      `${manager.title} installs from ${file} where it has no lockfile of its own, and reads there what nobody else does. Expected ${manager.lockfiles.join(' or ')} beside it, or neither. Use the package manager that the file is of, or remove it.`,
    )
  }
}
