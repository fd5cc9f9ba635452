/**
 * The pnpm that runs this hook: which program it is, and of which version. No file of a repository can set what is read
 * here. pnpm's own settings can be set so: `userAgent: pnpm/11.0.0` in pnpm-workspace.yaml makes each pnpm call itself that.
 */
import { readlinkSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { readBoundedFileSync } from '../src/util/files.ts'

export interface RunningPnpm {
  /** Hooks share pnpm's process (10, 11), and `afterAllResolved` comes before anything is linked. */
  readonly insidePnpm: boolean
  /** At least this one. Undefined where nothing says it, which is never so inside of pnpm. */
  readonly version: string | undefined
  /** Whether the hooks' own process is one to which pnpm hands `preResolution`, as pnpm does from 12.16 on. */
  readonly handsOverPreResolution: boolean
}

/** What tells one pnpm from another: of this process, and the executable of its parent. */
export interface ProcessFacts {
  readonly argv: readonly string[]
  readonly execArgv: readonly string[]
  readonly execPath: string
  /** How the executable was made, where it is not Node itself: by pkg (pnpm 10), or as Node does it (pnpm 11). */
  readonly bundledBy: 'pkg' | 'sea' | undefined
  /** Undefined where the system does not tell. */
  readonly parentPath: string | undefined
}

/** Found once: it cannot change. */
let found: RunningPnpm | undefined

export function runningPnpm(): RunningPnpm {
  found ??= recognise(processFacts(), askVersion)
  return found
}

/**
 * @param ask runs the executable of pnpm 10, which holds its version where only it can read it. Half a second, and needed
 * only where the executable was copied away from its package
 */
export function recognise(facts: ProcessFacts, ask: (execPath: string) => string | undefined): RunningPnpm {
  const { argv, execArgv, execPath, bundledBy, parentPath } = facts
  const handsOverPreResolution = execArgv.some((word) => HANDS_OVER.test(word))
  if (bundledBy !== undefined) {
    const version = versionBeside(execPath) ?? (bundledBy === 'pkg' ? (ask(execPath) ?? OLDEST.pkg) : OLDEST.sea)
    return { insidePnpm: true, version, handsOverPreResolution }
  }
  const [, script] = argv
  const version = script === undefined ? undefined : versionBeside(script)
  // The package of pnpm 12 has a script, too: it starts the executable, and runs no hooks.
  if (version !== undefined) return { insidePnpm: Number.parseInt(version, 10) < 12, version, handsOverPreResolution }
  const parent = parentPath === undefined ? undefined : versionBeside(parentPath)
  return { insidePnpm: false, version: parent, handsOverPreResolution }
}

/** pnpm made no older executables in these ways that the gate could be loaded by. */
const OLDEST = { pkg: '10.0.0 (or newer)', sea: '11.0.0 (or newer)' } as const

/** Of the script that pnpm 12 gives to Node for its hooks. Those of 12.0 to 12.15 start another process for that hook. */
const HANDS_OVER = /\bhook === ['"]preResolution['"]/

/** pnpm's packages: `pnpm`, `@pnpm/exe`, and those that hold an executable: `@pnpm/linux-x64`, `@pnpm/exe.linux-x64`. */
const PNPM_PACKAGE = /^(?:pnpm|@pnpm\/exe(?:\.[\w-]+)?|@pnpm\/(?:linux|linuxstatic|macos|win)-\w+)$/

/** pnpm's scripts are in `bin` or `dist` of its package, its executables in the package itself. */
const DEPTH = 2
const MAX_BYTES = 1024 * 1024

/** What pnpm's package says that a program belongs to; undefined where it belongs to none. */
function versionBeside(program: string): string | undefined {
  try {
    let folder = path.dirname(realpathSync(program))
    for (let depth = 0; depth < DEPTH; depth += 1) {
      const text = readBoundedFileSync(path.join(folder, 'package.json'), MAX_BYTES)?.toString()
      const { name, version } = (text === undefined ? {} : JSON.parse(text)) as Readonly<Record<string, unknown>>
      if (typeof name === 'string' && PNPM_PACKAGE.test(name)) return typeof version === 'string' ? version : undefined
      folder = path.dirname(folder)
    }
  } catch {
    // Not known is an answer: it is then the strictest that applies.
  }
  return undefined
}

function processFacts(): ProcessFacts {
  const { argv, execArgv, execPath } = process
  return { argv, execArgv, execPath, bundledBy: bundledBy(), parentPath: parentPath() }
}

function bundledBy(): ProcessFacts['bundledBy'] {
  if ('pkg' in process) return 'pkg'
  // As Node makes them, a program's first argument is the program.
  return process.argv[1] === process.execPath ? 'sea' : undefined
}

/** Only asked where Node was given a script and no file: pnpm 10 and 11 say by their own what they are. */
function parentPath(): string | undefined {
  if (process.argv[1] !== undefined) return undefined
  try {
    if (process.platform === 'linux') return readlinkSync(`/proc/${process.ppid}/exe`)
    if (process.platform !== 'darwin') return undefined
    // What it was started as, which is a path unless a shell has found it.
    const command = run('ps', ['-o', 'comm=', '-p', String(process.ppid)])
    return path.isAbsolute(command) ? command : undefined
  } catch {
    return undefined
  }
}

function askVersion(execPath: string): string | undefined {
  try {
    // Not in the project: there it would start the version that package.json names.
    return run(execPath, ['--version'], '/')
  } catch {
    return undefined
  }
}

/** Loaded only here: it would be the slowest part of evaluating the pnpmfile. */
function run(program: string, args: readonly string[], cwd?: string): string {
  const { execFileSync } = childProcess()
  return execFileSync(program, args, {
    encoding: 'utf8',
    timeout: 10_000,
    stdio: ['ignore', 'pipe', 'ignore'],
    ...(cwd === undefined ? {} : { cwd }),
  }).trim()
}

/** The Node in the executable of pnpm 10 is older than `getBuiltinModule`. */
function childProcess(): typeof import('node:child_process') {
  return process.getBuiltinModule?.('node:child_process') ?? process.mainModule?.require('node:child_process')
}
