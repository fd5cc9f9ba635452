import type { Project } from './project.ts'
import { type PnpmRun, spawnPnpm } from './spawn.ts'
import { prepareStore, type StoreState } from './store.ts'
import type { PnpmVersion } from './versions.ts'

export interface RunOptions {
  /** Added to the project's environment. */
  readonly env?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
  /** Kills pnpm and all that it started. */
  readonly signal?: AbortSignal
  /** Prepares the store, and removes node_modules, before pnpm is started. Without it both stay as they are. */
  readonly store?: StoreState
}

/** Runs pnpm in the project's folder. Any exit status is an answer; only a run that was killed, or took too long, is an error. */
export async function runPnpm(
  version: PnpmVersion,
  args: readonly string[],
  project: Project,
  { env, timeoutMs, signal, store }: RunOptions = {},
): Promise<PnpmRun> {
  if (store !== undefined) await prepareStore(version, project, store)
  return spawnPnpm(version, args, { cwd: project.dir, env: { ...project.env, ...env }, timeoutMs, signal })
}
