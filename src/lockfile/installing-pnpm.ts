import gte from 'semver/functions/gte.js'
import { GateError } from '../errors.ts'
import { isVersion } from './dep-path.ts'
import type { InstallingPnpm } from './identities.ts'
import { field, isPlain } from './record.ts'
import { packageManifest, rcSettings, workspaceManifest } from './workspace.ts'

/**
 * Which pnpm may install in a workspace: by `packageManager` of its package.json, which each pnpm from 10 on starts in its
 * own place, unless a setting keeps it from that.
 *
 * @param folders whose `.npmrc` pnpm 10 reads: the root, and the project in which it is started
 */
export async function installingPnpm(root: string, folders: readonly string[]): Promise<InstallingPnpm> {
  try {
    return await pinnedPnpm(root, folders)
  } catch (error) {
    if (error instanceof GateError) return 'any'
    throw error
  }
}

async function pinnedPnpm(root: string, folders: readonly string[]): Promise<InstallingPnpm> {
  const manifest = await packageManifest(root)
  if (!isPlain(manifest) || field(manifest, 'devEngines') !== undefined) return 'any'
  const pinned = field(manifest, 'packageManager')
  const [, version = ''] = typeof pinned === 'string' ? (/^pnpm@([^+]*)(?:\+.*)?$/s.exec(pinned) ?? []) : []
  if (!isVersion(version) || !gte(version, FIRST)) return 'any'
  const settings = [await workspaceManifest(root), ...(await Promise.all(folders.map(rcSettings)))]
  return settings.some(keepsOwnVersion) ? 'any' : 'from-11.20'
}

/** The first that tells packages of a named registry apart. */
const FIRST = '11.20.0'

/** Whether settings keep pnpm from starting the version that package.json names. */
function keepsOwnVersion(settings: unknown): boolean {
  return Object.entries(isPlain(settings) ? settings : {}).some(([key, value]) => {
    const switching = SWITCHING.get(key.replaceAll(/[-_]/g, '').toLowerCase())
    return switching !== undefined && !switching.includes(value)
  })
}

/** The values with which it does, of pnpm 10 and of 11. */
const SWITCHING: ReadonlyMap<string, readonly unknown[]> = new Map<string, readonly unknown[]>([
  ['managepackagemanagerversions', [true, 'true']],
  ['pmonfail', ['download', 'error']],
])
