import type { PreResolutionHookContext } from '@pnpm/hooks.types'
import { escapeLines } from '../src/util/text.ts'

/** What pnpm hands to hooks and takes from them, as far as the gate uses it. Measured on pnpm 10, 11 and 12. */

export type PreResolutionContext = Pick<PreResolutionHookContext, 'lockfileDir' | 'registries'> & {
  /** A LockfileObject on pnpm 10 and 11, the file's own form on 12, `{}` there without a lockfile. */
  readonly wantedLockfile: unknown
}

/** A manifest on its way through `readPackage`. `dist` is there where pnpm has just resolved it from a registry. */
export interface Manifest {
  readonly name?: string
  readonly version?: string
  readonly dist?: { readonly integrity?: string; readonly tarball?: string }
  readonly dependencies?: Dependencies
  readonly optionalDependencies?: Dependencies
  readonly peerDependencies?: Dependencies
  readonly devDependencies?: Dependencies
}

/** Names and specifiers, as somebody wrote them. */
type Dependencies = Readonly<Record<string, unknown>> | null

/** What pnpm 11 and 12 are about to resolve: a name, where one was given, and a specifier, after overrides and catalogs. */
export interface WantedDependency {
  readonly alias?: string | null
  readonly bareSpecifier?: string | null
}

/** One of pnpm's own fetchers (10, 11). */
export type Fetch = (cafs: unknown, resolution: Resolution, options: FetchOptions) => Promise<unknown>

export interface FetchOptions {
  /** Known of what is in the lockfile, or resolved from a registry. */
  readonly pkg?: { readonly name?: string; readonly version?: string }
  /**
   * Asked by the fetchers of git repositories and of their archives, when they have read a package's own name and before
   * they run its scripts. Its argument begins with that name: `name@git+https://…`, or `name` (pnpm 10.26).
   */
  allowBuild?: AllowBuild
}

export type AllowBuild = (own: string, ...more: readonly unknown[]) => boolean | undefined

/** Where the bytes come from, as a lockfile says it. */
export interface Resolution {
  readonly type?: string
  readonly integrity?: string
  readonly tarball?: string
  readonly gitHosted?: boolean
}

/**
 * pnpm's settings. Changes that an `updateConfig` hook makes give way to the command line. A file of the repository can set
 * each of them, on some version: which pnpm runs and where its root is comes from `running.ts` and `place.ts`.
 */
export interface PnpmConfig {
  readonly dir?: string
  readonly lockfileDir?: string
  readonly workspaceDir?: string
  /** `true` where nothing sets it; whatever the repository says, on pnpm 10 and 11. */
  readonly sharedWorkspaceLockfile?: unknown
  readonly useGitBranchLockfile?: boolean
  /** pnpm 12. */
  readonly registriesByScope?: Readonly<Record<string, unknown>>
  readonly overrides?: Readonly<Record<string, unknown>>
  readonly catalogs?: Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>
  enableModulesDir?: boolean
  ignoreScripts?: boolean
}

/**
 * An error of a hook. Each line of it may have what somebody else wrote, and pnpm prints it as it is.
 *
 * pnpm 10 and 11 print an error whose code begins so as a message instead of a stack. pnpm 12 prints message and stack,
 * so the stack is left out.
 */
export function pnpmError(message: string): Error {
  const error = Object.assign(new Error(escapeLines(message)), { code: CODE })
  error.stack = ''
  return error
}

const CODE = 'ERR_PNPM_PROVENANCE_GATE'

export function isPnpmError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === CODE
}
