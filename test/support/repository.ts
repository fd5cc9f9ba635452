import { execFileSync } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { markedPackage, writeMarkedFolder } from './pnpm/index.ts'
import type { PackageSource, PackedPackage } from './registry/index.ts'

/** A git repository on this machine that holds one package. */
export interface Repository {
  /** `git+file:///…` */
  readonly specifier: string
  dispose(): void
}

/** The package leaves its mark (`postinstallsRun`) as soon as somebody fetches and prepares it. */
export function createRepository(source: PackageSource): Repository {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'repository-')))
  writeMarkedFolder(folder, prepared(source))
  const git = (...args: readonly string[]) =>
    execFileSync('git', ['-c', 'user.name=nobody', '-c', 'user.email=nobody@example.com', ...args], {
      cwd: folder,
      stdio: 'ignore',
    })
  git('init', '--initial-branch=main')
  git('add', '.')
  git('commit', '--message=everything')
  return {
    specifier: `git+${pathToFileURL(folder)}`,
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The same as an archive, as a git host makes one. */
export function preparedPackage(source: PackageSource): PackedPackage {
  return markedPackage(prepared(source))
}

/** Leaves the mark of `markedPackage` when it is prepared, too. */
function prepared(source: PackageSource): PackageSource {
  // Whoever prepares it installs it first, which needs no network as long as npm looks for no news.
  const files = { ...source.files, '.npmrc': 'audit=false\nfund=false\nupdate-notifier=false\n' }
  return { ...source, files, scripts: { ...source.scripts, prepare: 'node postinstall.cjs' } }
}
