import { type ProcessRun, runProcess } from '../process.ts'
import { type Manager, managerCommand } from './programs.ts'

export interface ManagerRunOptions {
  readonly cwd: string
  /** The whole environment, see `managerEnvironment`. */
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** Thrown, not returned: a test that expects any failure must not take a time-out for the refusal it waits for. */
export class ManagerKilled extends Error {
  override readonly name = 'ManagerKilled'
}

/** Runs a package manager. Any exit status is an answer; only a run that was killed, or took too long, is an error. */
export function runManager(manager: Manager, args: readonly string[], options: ManagerRunOptions): Promise<ProcessRun> {
  return runProcess(
    [...managerCommand(manager), ...args],
    options,
    (why, output) => new ManagerKilled(`${manager} ${args.join(' ')} ${why}:\n${output}`),
  )
}
