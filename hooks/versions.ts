import type { PnpmConfig } from './pnpm.ts'
import type { RunningPnpm } from './running.ts'

/*
 * What cannot be guarded is refused, whatever the command. All of it is measured: docs/hooks.md.
 *
 * - pnpm before 10.10 calls no `preResolution`, and 12.0 to 12.15 call no hook at all that could stop them, when they install
 *   from a complete lockfile and a warm store.
 * - pnpm 10 calls `preResolution` only for the root project where each project has a lockfile of its own.
 */

/**
 * Refused as soon as the pnpmfile is evaluated: before 10.8 pnpm knows no `updateConfig`, and each later hook can be one that
 * it does not call.
 */
export function ungatedEarly(pnpm: RunningPnpm): string | undefined {
  if (!pnpm.insidePnpm || isFrom(pnpm, 10, 10)) return undefined
  return [
    `provenance-gate cannot guard pnpm ${pnpm.version}: before 10.10 it asks no hook about what it installs from a lockfile.`,
    WAY_OUT,
  ].join('\n')
}

/** Refused by `updateConfig`, which pnpm 12 calls for every command. */
export function unguarded(pnpm: RunningPnpm, config: PnpmConfig): string | undefined {
  return ungatedEarly(pnpm) ?? ungatedVersion(pnpm) ?? ungatedWorkspace(pnpm, config)
}

export function ungatedVersion(pnpm: RunningPnpm): string | undefined {
  if (pnpm.insidePnpm) return undefined
  if (pnpm.version === undefined) return pnpm.handsOverPreResolution ? undefined : UNKNOWN
  if (isFrom(pnpm, 12, 16)) return undefined
  return [
    `provenance-gate cannot guard pnpm ${pnpm.version}: versions 12.0 to 12.15 link packages from the store without asking any hook.`,
    WAY_OUT,
  ].join('\n')
}

const WAY_OUT = [
  'Use pnpm 12.16 or newer, or pnpm 10 (from 10.13 on) or 11.',
  'Outside of this project, `pnpm self-update` (or `npm install --global pnpm@latest`) installs the newest one;',
  'if the project pins its pnpm, change `packageManager` in package.json.',
].join('\n')

const UNKNOWN = [
  'provenance-gate cannot find out which version of pnpm this is: nothing beside its executable says it,',
  'and its hooks are not run as pnpm 12.16 and newer run them. pnpm 12.0 to 12.15 cannot be guarded.',
  'Install pnpm by npm, corepack or its own script, and use 12.16 or newer; with a later one, use a newer provenance-gate.',
].join('\n')

/** Every value but `true` means separate lockfiles, on pnpm 10: `null`, `0` and an empty text do, others are no values. */
function ungatedWorkspace(pnpm: RunningPnpm, { sharedWorkspaceLockfile: shared }: PnpmConfig): string | undefined {
  if (!pnpm.insidePnpm || isFrom(pnpm, 11, 0) || shared === true || shared === undefined) return undefined
  return [
    `provenance-gate cannot guard pnpm ${pnpm.version} with \`sharedWorkspaceLockfile: ${shown(shared)}\`: it asks no hook about the lockfiles below the root.`,
    'Use pnpm 11 or newer, or one lockfile for the whole workspace: remove the setting from pnpm-workspace.yaml and .npmrc.',
  ].join('\n')
}

/**
 * pnpm before 10.26 runs the scripts of a git repository as soon as it has fetched it, and asks nobody: what the
 * repository calls itself is known too late. One that the lockfile has already has been judged by that name.
 */
export function unguardedRepository(pnpm: RunningPnpm, origin: string): string | undefined {
  if (!pnpm.insidePnpm || isFrom(pnpm, 10, 26)) return undefined
  return [
    `provenance-gate cannot guard a git repository that is new to the lockfile (${origin}) with pnpm ${pnpm.version}:`,
    'before 10.26 it runs the scripts of a repository before the gate can know its name.',
    'Use pnpm 10.26 or newer.',
  ].join('\n')
}

/** Whether it knows packages of a named registry by their whole keys, as pnpm does from 11.20 on. */
export function tellsRegistriesApart(pnpm: RunningPnpm): boolean {
  return !pnpm.insidePnpm || isFrom(pnpm, 11, 20)
}

/** Whether it is that version or a newer one. What has no numbers is not. */
function isFrom({ version }: RunningPnpm, major: number, minor: number): boolean {
  const [, own, ownMinor] = /^(\d+)\.(\d+)\./.exec(version ?? '') ?? []
  return Number(own) > major || (Number(own) === major && Number(ownMinor) >= minor)
}

function shown(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 40) ?? typeof value
}
