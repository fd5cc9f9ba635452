import type { PreResolutionHookContext } from '@pnpm/hooks.types'

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
}

/** What pnpm 11 and 12 are about to resolve: a name, where one was given, and a specifier, after overrides and catalogs. */
export interface WantedDependency {
  readonly alias?: string | null
  readonly bareSpecifier?: string | null
}

/** pnpm's settings. Changes that an `updateConfig` hook makes give way to the command line. */
export interface PnpmConfig {
  readonly userAgent?: string
  readonly dir?: string
  readonly lockfileDir?: string
  readonly workspaceDir?: string
  readonly sharedWorkspaceLockfile?: boolean
  readonly useGitBranchLockfile?: boolean
  /** pnpm 12. */
  readonly registriesByScope?: Readonly<Record<string, unknown>>
  enableModulesDir?: boolean
  ignoreScripts?: boolean
}

/**
 * pnpm 10 and 11 print an error whose code begins so as a message instead of a stack. pnpm 12 prints message and stack,
 * so the stack is left out.
 */
export function pnpmError(message: string): Error {
  const error = Object.assign(new Error(message), { code: CODE })
  error.stack = ''
  return error
}

const CODE = 'ERR_PNPM_PROVENANCE_GATE'

export function isPnpmError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === CODE
}
