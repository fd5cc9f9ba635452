import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { stringify } from 'yaml'
import { bareEnvironment } from '../environment.ts'
import { storeLock } from './locks.ts'

export interface ProjectOptions {
  readonly registry: string
  readonly dependencies?: Readonly<Record<string, string>>
  /** Further fields of package.json. */
  readonly manifest?: Readonly<Record<string, unknown>>
  /** Source of `.pnpmfile.cjs`. */
  readonly pnpmfile?: string
  /** Further files by their path in the project: pnpm-lock.yaml, packages of a workspace. */
  readonly files?: Readonly<Record<string, string>>
  /** Lines added to .npmrc, such as a token. */
  readonly npmrc?: string
  /** Settings of pnpm-workspace.yaml, over those of `SETTINGS`. */
  readonly workspace?: Readonly<Record<string, unknown>>
}

/** A project in a folder of its own, on a machine that has never seen pnpm before. */
export interface Project {
  /** Holds everything below, and the home folder. */
  readonly root: string
  readonly dir: string
  readonly storeDir: string
  readonly cacheDir: string
  /** Where postinstall scripts leave their marks. */
  readonly markersDir: string
  /** The whole environment that pnpm is given. */
  readonly env: Readonly<Record<string, string>>
  /** Removes all of it. */
  dispose(): void
}

/**
 * What all versions take: 11 and 12 warn of a setting that is not theirs. The release age keeps its default. A test
 * that lets pnpm 10 or 11 remove node_modules (`fetch` after `install`) adds `confirmModulesPurge: false`.
 */
const SETTINGS = {
  // Tests must see postinstall scripts run, or their absence would prove nothing.
  dangerouslyAllowAllBuilds: true,
  // Otherwise a script that once ran is not run again with the same store.
  sideEffectsCache: false,
  // No request but those of the install itself, and no other pnpm than the one that was started.
  updateNotifier: false,
  pmOnFail: 'ignore',
  // A registry that misbehaves does so at once: retries only wait.
  fetchRetries: 0,
}

export function createProject(options: ProjectOptions): Project {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'pnpm-project-')))
  const folder = (name: string) => {
    mkdirSync(join(root, name))
    return join(root, name)
  }
  const dir = folder('project')
  const storeDir = folder('store')
  const cacheDir = folder('cache')
  const markersDir = folder('markers')
  writeFiles(dir, {
    'package.json': JSON.stringify(
      {
        name: 'project',
        version: '0.0.0',
        private: true,
        dependencies: options.dependencies ?? {},
        ...options.manifest,
      },
      null,
      2,
    ),
    '.npmrc': `registry=${options.registry}\n${options.npmrc ?? ''}`,
    'pnpm-workspace.yaml': stringify({ ...SETTINGS, ...options.workspace }),
    ...(options.pnpmfile === undefined ? {} : { '.pnpmfile.cjs': options.pnpmfile }),
    ...options.files,
  })
  return {
    root,
    dir,
    storeDir,
    cacheDir,
    markersDir,
    env: { ...environment(folder), ...userFolders(storeDir, cacheDir), POSTINSTALL_MARKERS: markersDir },
    dispose: () => {
      rmSync(root, { recursive: true, force: true, maxRetries: 5 })
      rmSync(storeLock(storeDir), { force: true })
    },
  }
}

/** As a user sets them: a repository that brings a store is refused. pnpm 10 reads the first two, 11 and 12 the others. */
function userFolders(storeDir: string, cacheDir: string): Record<string, string> {
  return {
    npm_config_store_dir: storeDir,
    npm_config_cache_dir: cacheDir,
    pnpm_config_store_dir: storeDir,
    pnpm_config_cache_dir: cacheDir,
  }
}

function environment(folder: (name: string) => string): Record<string, string> {
  const bare = bareEnvironment(folder)
  return {
    ...bare,
    // For pnpm 10, which alone reads `npm_config_*`: no switching to another pnpm (it does not know pmOnFail), and no
    // npmrc from beside the Node installation.
    npm_config_manage_package_manager_versions: 'false',
    npm_config_globalconfig: join(bare.HOME ?? '', 'global-npmrc'),
  }
}

function writeFiles(dir: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), content)
  }
}
