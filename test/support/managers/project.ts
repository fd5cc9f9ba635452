import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { bareEnvironment } from '../environment.ts'

export interface ManagerProjectOptions {
  readonly registry: string
  /** Fields of package.json beside its name and version. */
  readonly manifest?: Readonly<Record<string, unknown>>
  /** Further files by their path in the project. */
  readonly files?: Readonly<Record<string, string>>
}

/** A project in a folder of its own, on a machine that has never seen a package manager before. */
export interface ManagerProject {
  readonly root: string
  readonly dir: string
  /** The whole environment that a manager is given. */
  readonly env: Readonly<Record<string, string>>
  /** Adds files, or replaces them. */
  write(files: Readonly<Record<string, string>>): void
  /** Removes all of it. */
  dispose(): void
}

/** With settings for every manager: the one registry, no scripts of dependencies held back, no request but of an install. */
export function createManagerProject({ registry, manifest, files }: ManagerProjectOptions): ManagerProject {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'manager-project-')))
  const dir = join(root, 'project')
  const write: ManagerProject['write'] = (added) => {
    for (const [path, content] of Object.entries(added)) {
      mkdirSync(dirname(join(dir, path)), { recursive: true })
      writeFileSync(join(dir, path), content)
    }
  }
  write({
    'package.json': JSON.stringify({ name: 'project', version: '0.0.0', private: true, ...manifest }, null, 2),
    '.npmrc': `registry=${registry}\n`,
    '.yarnrc': `registry "${registry}"\n`,
    '.yarnrc.yml': yarnSettings(registry),
    'bunfig.toml': `[install]\nregistry = "${registry}"\n`,
    ...files,
  })
  return {
    root,
    dir,
    env: managerEnvironment(root),
    write,
    dispose: () => rmSync(root, { recursive: true, force: true, maxRetries: 5 }),
  }
}

function yarnSettings(registry: string): string {
  return [
    `npmRegistryServer: "${registry.replace(/\/$/, '')}"`,
    'unsafeHttpWhitelist: ["127.0.0.1"]',
    'enableTelemetry: false',
    'enableGlobalCache: true',
    'enableScripts: true',
    'nodeLinker: node-modules',
    'httpRetry: 0',
    '',
  ].join('\n')
}

/** `bareEnvironment`, with the caches of every package manager in folders below `root`. */
export function managerEnvironment(root: string): Readonly<Record<string, string>> {
  const folder = (name: string) => {
    mkdirSync(join(root, name), { recursive: true })
    return join(root, name)
  }
  const bare = bareEnvironment(folder)
  return {
    ...bare,
    npm_config_cache: folder('npm-cache'),
    npm_config_globalconfig: join(bare.HOME ?? '', 'global-npmrc'),
    npm_config_userconfig: join(bare.HOME ?? '', '.npmrc'),
    npm_config_update_notifier: 'false',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_fetch_retries: '0',
    YARN_CACHE_FOLDER: folder('yarn-cache'),
    YARN_GLOBAL_FOLDER: folder('yarn-global'),
    // In CI yarn 4 keeps to its lockfile by itself. No file of a repository may change that.
    YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
    YARN_IGNORE_PATH: '1',
    BUN_INSTALL: folder('bun'),
    BUN_INSTALL_CACHE_DIR: folder('bun-cache'),
    DO_NOT_TRACK: '1',
  }
}
