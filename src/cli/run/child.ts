import type { ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import spawn from 'cross-spawn'
import { GateError } from '../../errors.ts'
import type { Variables } from '../../managers/types.ts'

/** How a command ended. */
export interface Ending {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
}

/** What ends a command from outside. */
const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const

/** Signals to this process, which are the command's from now on. */
export interface Signals {
  /** The command that gets them. One that came before it did is known by `early`. */
  readonly attach: (child: ChildProcess) => void
  readonly early: () => NodeJS.Signals | undefined
  /** They are this process' own again. */
  readonly release: () => void
}

/**
 * From before there is anything to be removed afterwards, until it is: this process lives as long as the command does, and what
 * the command does about a signal is its business. A second SIGTERM ends it.
 */
export function takeSignals(): Signals {
  let child: ChildProcess | undefined
  let early: NodeJS.Signals | undefined
  let terms = 0
  const forward = (signal: NodeJS.Signals) => {
    if (signal === 'SIGTERM') terms += 1
    if (child === undefined) early = signal
    // Ctrl-C reaches everything in the foreground of a terminal by itself: a second one would not be the user's.
    else if ((signal === 'SIGINT' || signal === 'SIGQUIT') && process.stdin.isTTY) return
    else child.kill(terms > 1 ? 'SIGKILL' : signal)
  }
  for (const signal of FORWARDED) process.on(signal, forward)
  return {
    attach: (started) => {
      child = started
    },
    early: () => early,
    release: () => {
      for (const signal of FORWARDED) process.off(signal, forward)
    },
  }
}

/**
 * Runs a command with this process' own terminal, input and output.
 *
 * @throws GateError where it cannot be started
 */
export async function runChild(
  program: string,
  args: readonly string[],
  env: Variables,
  { attach, early }: Signals,
): Promise<Ending> {
  const signal = early()
  if (signal !== undefined) return { status: null, signal }
  const child = spawn(program, [...args], { stdio: 'inherit', env: defined(env) })
  attach(child)
  return new Promise<Ending>((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) => reject(notStarted(program, error)))
    child.on('close', (status, signal) => resolve({ status, signal }))
  })
}

/** Far more than any answer takes. */
const ANSWER_MS = 60_000

/** What a command prints, for questions that take no time. @throws GateError */
export async function answerOf(program: string, args: readonly string[], folder: string, env: Variables) {
  const child = spawn(program, [...args], {
    cwd: folder,
    env: defined(env),
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  // Not `timeout`: of a program that is not there, Node would wait for it all the same.
  const timer = setTimeout(() => child.kill(), ANSWER_MS)
  const chunks: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
  const answer = new Promise<string>((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) => reject(notStarted(program, error)))
    child.on('close', () => resolve(Buffer.concat(chunks).toString('utf8').slice(0, 4096).trim()))
  })
  return answer.finally(() => clearTimeout(timer))
}

/** The status that a shell shows for it. */
export function statusOf({ status, signal }: Ending): number {
  return status ?? 128 + (signal === null ? 0 : constants.signals[signal])
}

function notStarted(program: string, error: NodeJS.ErrnoException): GateError {
  const what = error.code === 'ENOENT' ? 'there is no such program on PATH' : error.message
  return new GateError(
    `${program} could not be started: ${what}. Expected a package manager that is installed here. Install it, or name it by its path.`,
  )
}

function defined(env: Variables): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
