import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Project } from './project.ts'
import { spawnPnpm } from './spawn.ts'
import type { PnpmVersion } from './versions.ts'

/** `cold`: pnpm has never seen any package. `warm`: all of them are in the store, from an earlier ungated install. */
export type StoreState = 'cold' | 'warm'

/**
 * Brings the store into that state, and removes every node_modules of the project. Gates that work by watching
 * downloads are blind to a warm store, so both states have to be tried.
 *
 * @param extra packages that a warm store has as well, for a command that is about to add them
 */
export async function prepareStore(
  version: PnpmVersion,
  project: Project,
  state: StoreState,
  extra: Readonly<Record<string, string>> = {},
): Promise<void> {
  removeModules(project.dir)
  for (const dir of [project.storeDir, project.cacheDir]) rmSync(dir, { recursive: true, force: true })
  if (state === 'warm') await fill(version, project, extra)
}

/** Installs the same in a second folder. No pnpmfile: nothing is gated. No scripts: they would leave marks. */
async function fill(version: PnpmVersion, project: Project, extra: Readonly<Record<string, string>>): Promise<void> {
  const filler = mkdtempSync(join(project.root, 'filler-'))
  cpSync(project.dir, filler, { recursive: true })
  addDependencies(join(filler, 'package.json'), extra)
  const args = ['install', '--ignore-pnpmfile', '--ignore-scripts', '--no-frozen-lockfile']
  const { status, output } = await spawnPnpm(version, args, { cwd: filler, env: project.env })
  if (status !== 0) throw new Error(`the store could not be filled:\n${output}`)
  rmSync(filler, { recursive: true })
}

function addDependencies(path: string, extra: Readonly<Record<string, string>>): void {
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as { dependencies?: Record<string, string> }
  writeFileSync(path, JSON.stringify({ ...manifest, dependencies: { ...manifest.dependencies, ...extra } }))
}

function removeModules(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name)
    if (entry.name === 'node_modules') rmSync(path, { recursive: true })
    else if (entry.isDirectory()) removeModules(path)
  }
}
