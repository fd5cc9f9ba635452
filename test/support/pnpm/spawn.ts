import { type ProcessOptions, type ProcessRun, runProcess } from '../process.ts'
import { type PnpmVersion, pnpmScript } from './versions.ts'

export type PnpmRun = ProcessRun

/** Thrown, not returned: a test that expects any failure must not take a time-out for the refusal it waits for. */
export class PnpmKilled extends Error {
  override readonly name = 'PnpmKilled'
}

export function spawnPnpm(version: PnpmVersion, args: readonly string[], options: ProcessOptions): Promise<PnpmRun> {
  return runProcess(
    [process.execPath, pnpmScript(version), ...args],
    options,
    (why, output) => new PnpmKilled(`pnpm ${version} ${args.join(' ')} ${why}:\n${output}`),
  )
}
