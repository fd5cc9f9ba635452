import { readFileSync } from 'node:fs'
import path from 'node:path'
import { REPAIR_VARIABLE } from '../src/repair.ts'

/** Whether the variable is set with which `provenance-gate repair` starts pnpm. Anybody may have exported it. */
export function repairing(): boolean {
  return process.env[REPAIR_VARIABLE] === '1'
}

const REPAIRING = new Set(['update', 'remove', 'add', 'install'])

/**
 * Whether the command line is the one that `provenance-gate repair` writes, with which pnpm itself links and runs nothing.
 * The variable alone proves nothing: settings of a hook give way to the command line (11, 12), a hoisted linker (10, 11)
 * or a global virtual store (11, 12) link in spite of them, and so do `fetch` and `rebuild`.
 */
export function writesLockfileOnly(argv: readonly string[]): boolean {
  const mentions = argv.filter((word) => /lockfile-?only/i.test(word))
  const command = commandOf(argv)
  return (
    command !== undefined &&
    REPAIRING.has(command) &&
    mentions.length === 1 &&
    mentions[0] === '--lockfile-only' &&
    // Behind it that word would be the name of a package.
    !argv.includes('--')
  )
}

/**
 * The command that pnpm runs, such as `install`; undefined where that is not beyond doubt. Known only if it stands right
 * behind pnpm's own script or binary: an option before it could have a value that looks like a command
 * (`--filter update install`), and a wrong guess would be a hole.
 */
export function commandOf(argv: readonly string[]): string | undefined {
  const [runtime = '', first = '', second] = argv
  if (isPnpm(runtime)) return first
  return isPnpm(first) ? second : undefined
}

function isPnpm(file: string): boolean {
  // `pnpm-native` is what corepack starts for pnpm 12.
  return /^(pnpm|pn|pnpm-native)(\.[cm]?js|\.exe)?$/.test(path.basename(file))
}

/** The command line of the process that hooks run for: this one on pnpm 10 and 11, its parent on pnpm 12. */
export function pnpmArguments(insidePnpm: boolean): readonly string[] {
  if (insidePnpm) return process.argv
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${process.ppid}/cmdline`, 'utf8').split('\0')
    // Words are joined by blanks here. A path with a blank in it is then not recognised, which is the safe side.
    if (process.platform === 'darwin')
      // Loaded only here: it would be the slowest part of evaluating the pnpmfile.
      return process
        .getBuiltinModule('node:child_process')
        .execFileSync('ps', ['-o', 'args=', '-p', String(process.ppid)], { encoding: 'utf8' })
        .trim()
        .split(' ')
  } catch {}
  return []
}

const FROZEN = new Set(['ci', 'clean-install', 'ic', 'install-clean'])

/**
 * Whether the command line says that the lockfile stays as it is. Settings of the repository undo it without a word: `dedupe`,
 * `fixLockfile` and `update` make pnpm resolve, and `packageLock` makes it ignore the lockfile.
 */
export function keepsLockfile(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  const words = end === -1 ? argv : argv.slice(0, end)
  if (words.some((word) => /^--(?:no-frozen-lockfile|frozen-lockfile=(?!true$))/.test(word))) return false
  const command = commandOf(argv)
  const isSaid = words.some((word) => /^--frozen-lockfile(?:=true)?$/.test(word))
  return isSaid || (command !== undefined && FROZEN.has(command))
}

const REPLACING = new Set(['update', 'up', 'upgrade', 'remove', 'rm', 'uninstall', 'un'])

/**
 * Commands that always resolve anew, so that `afterAllResolved` judges their result (before linking, on pnpm 10 and 11).
 * What they are about to replace need not be judged first: a lockfile that holds a refused package is repaired by them.
 */
export function replacesPackages(command: string | undefined): boolean {
  return command !== undefined && REPLACING.has(command)
}

const RESOLVING = new Set([...REPLACING, 'install', 'i', 'add', 'dedupe', 'rebuild', 'rb'])

/** Commands for which pnpm 12 calls `preResolution` (measured: docs/hooks.md). It does not for `fetch`. */
export function callsPreResolution(command: string | undefined): boolean {
  return command !== undefined && RESOLVING.has(command)
}

/** Whether this may be `pnpm fetch`, whatever stands before the word. All other commands that link call `preResolution`. */
export function mayFetch(argv: readonly string[]): boolean {
  return argv.includes('fetch') && !callsPreResolution(commandOf(argv))
}
