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

/**
 * Runs a command with this process' own terminal, input and output, and lives as long as it does: signals go to it, and what
 * it does about them is its business. A second SIGTERM ends it.
 *
 * @throws GateError where it cannot be started
 */
export async function runChild(program: string, args: readonly string[], env: Variables): Promise<Ending> {
  const child = spawn(program, [...args], { stdio: 'inherit', env: defined(env) })
  let terms = 0
  const forward = (signal: NodeJS.Signals) => {
    // Ctrl-C reaches everything in the foreground of a terminal by itself: a second one would not be the user's.
    if ((signal === 'SIGINT' || signal === 'SIGQUIT') && process.stdin.isTTY) return
    if (signal === 'SIGTERM') terms += 1
    child.kill(terms > 1 ? 'SIGKILL' : signal)
  }
  for (const signal of FORWARDED) process.on(signal, forward)
  try {
    return await new Promise<Ending>((resolve, reject) => {
      child.on('error', (error: NodeJS.ErrnoException) => reject(notStarted(program, error)))
      child.on('close', (status, signal) => resolve({ status, signal }))
    })
  } finally {
    for (const signal of FORWARDED) process.off(signal, forward)
  }
}

/** What a command prints, for questions that take no time. @throws GateError */
export async function answerOf(program: string, args: readonly string[], folder: string, env: Variables) {
  const child = spawn(program, [...args], {
    cwd: folder,
    env: defined(env),
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 60_000,
  })
  const chunks: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
  return new Promise<string>((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) => reject(notStarted(program, error)))
    child.on('close', () => resolve(Buffer.concat(chunks).toString('utf8').slice(0, 4096).trim()))
  })
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
