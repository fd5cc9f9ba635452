import { type ChildProcess, spawn } from 'node:child_process'

export interface ProcessRun {
  /** Exit status; null if a signal ended it. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
  /** Both, in the order in which they came. */
  readonly output: string
  /** The output on one line, to look for sentences: pnpm 12 wraps messages at 80 columns, and draws a frame. */
  readonly flat: string
}

export interface ProcessOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs?: number | undefined
  /** Kills everything when aborted, as a runner's cancel button does. */
  readonly signal?: AbortSignal | undefined
}

/** Far more than any install here needs, on a machine that is busy with other tests. */
const TIMEOUT_MS = 120_000

/**
 * Runs a program to its end, in a process group of its own, so that lifecycle scripts can be ended together with it.
 *
 * @param killed the error for a run that took too long or was killed. Thrown, not returned: a test that expects any
 * failure must not take a time-out for the refusal it waits for.
 */
export function runProcess(
  command: readonly [string, ...string[]],
  { cwd, env, timeoutMs = TIMEOUT_MS, signal }: ProcessOptions,
  killed: (why: string, output: string) => Error,
): Promise<ProcessRun> {
  const [program, ...args] = command
  const child = spawn(program, args, {
    cwd,
    env,
    detached: process.platform !== 'win32',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = { stdout: '', stderr: '', output: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
      text.output += chunk
    })
  }
  const { promise, resolve, reject } = Promise.withResolvers<ProcessRun>()
  const timeout = AbortSignal.timeout(timeoutMs)
  const ended = signal === undefined ? timeout : AbortSignal.any([timeout, signal])
  const kill = () => killTree(child)
  ended.addEventListener('abort', kill)
  if (ended.aborted) kill()
  child.on('error', reject)
  // `close`, unlike `exit`, comes when all who share the output have gone: nothing that a script prints is lost.
  child.on('close', (status) => {
    ended.removeEventListener('abort', kill)
    // What it left running with its output closed must not outlive the test either.
    kill()
    const why = timeout.aborted ? `did not end in ${timeoutMs} ms` : 'was killed by the test'
    if (ended.aborted) reject(killed(why, text.output))
    else resolve({ status, ...text, flat: text.output.replace(/[\s│×╰─▶]+/g, ' ') })
  })
  return promise
}

function killTree(child: ChildProcess): void {
  if (child.pid === undefined) return
  if (process.platform === 'win32') {
    child.kill('SIGKILL')
    return
  }
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    // Everything in the group has ended already.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
