import type { PnpmConfig } from './pnpm.ts'

/**
 * What cannot be guarded is refused, whatever the command, by `updateConfig`: the one hook that is always called.
 *
 * - pnpm 12.0 to 12.15 calls no hook that could stop it when it installs from a complete lockfile and a warm store.
 * - pnpm 10 calls `preResolution` only for the root project where each project has a lockfile of its own.
 *
 * Both are measured: docs/hooks.md.
 */
export function unguarded(config: PnpmConfig): string | undefined {
  return ungatedVersion(config.userAgent) ?? ungatedWorkspace(config)
}

export function ungatedVersion(userAgent: string | undefined): string | undefined {
  const { version, major, minor } = parse(userAgent)
  if (major !== 12 || minor >= 16) return undefined
  return [
    `provenance-gate cannot guard pnpm ${version}: versions 12.0 to 12.15 link packages from the store without asking any hook.`,
    'Use pnpm 12.16 or newer, or pnpm 10 or 11.',
    'Outside of this project, `pnpm self-update` (or `npm install --global pnpm@latest`) installs the newest one;',
    'if the project pins its pnpm, change `packageManager` in package.json.',
  ].join('\n')
}

function ungatedWorkspace({ userAgent, sharedWorkspaceLockfile }: PnpmConfig): string | undefined {
  const { version, major } = parse(userAgent)
  if (major > 10 || sharedWorkspaceLockfile !== false) return undefined
  return [
    `provenance-gate cannot guard pnpm ${version} with \`sharedWorkspaceLockfile: false\`: it asks no hook about the lockfiles below the root.`,
    'Use pnpm 11 or newer, or one lockfile for the whole workspace.',
  ].join('\n')
}

/** Whether hooks run in pnpm's own process, and `afterAllResolved` before anything is linked. */
export function runsHooksInside(userAgent: string | undefined): boolean {
  return parse(userAgent).major < 12
}

/**
 * pnpm before 10.26 runs the scripts of a git repository as soon as it has fetched it, and asks nobody: what the
 * repository calls itself is known too late. One that the lockfile has already has been judged by that name.
 */
export function unguardedRepository(userAgent: string | undefined, origin: string): string | undefined {
  const { version, major, minor } = parse(userAgent)
  if (major !== 10 || minor >= 26) return undefined
  return [
    `provenance-gate cannot guard a git repository that is new to the lockfile (${origin}) with pnpm ${version}:`,
    'before 10.26 it runs the scripts of a repository before the gate can know its name.',
    'Use pnpm 10.26 or newer.',
  ].join('\n')
}

/** `pnpm/12.21.0 npm/? node/? linux x64`. What is not of that form has no numbers: every comparison with them fails. */
function parse(userAgent: string | undefined): { version: string; major: number; minor: number } {
  const [, version = '', major, minor] = /^pnpm\/((\d+)\.(\d+)\.\S+)/.exec(userAgent ?? '') ?? []
  return { version, major: Number(major), minor: Number(minor) }
}
