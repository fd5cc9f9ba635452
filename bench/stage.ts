import { hash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { createProject, type Project } from '../test/support/pnpm/index.ts'
import { CLI } from '../test/support/world.ts'
import { type NodeProcess, runNode, type Sample } from './measure.ts'
import { type BenchWorld, policyFiles } from './world.ts'

/** A project with the lockfile of a world, under a policy that wants proof of all of it. */
export function stage(world: BenchWorld, registry: string, { pnpmfile, isHooked = false }: StageOptions = {}): Project {
  // As pnpm has it in the lockfile, which otherwise is not up to date: nothing would be frozen.
  const checksum = isHooked ? `\npnpmfileChecksum: sha256-${hash('sha256', pnpmfile ?? '', 'base64')}\n` : ''
  return createProject({
    registry,
    manifest: world.manifest,
    ...(pnpmfile === undefined ? {} : { pnpmfile }),
    files: { ...policyFiles(world), 'pnpm-lock.yaml': world.lockfile + checksum },
  })
}

export interface StageOptions {
  readonly pnpmfile?: string
  /** Whether it has hooks that change what pnpm resolves, or could. */
  readonly isHooked?: boolean
}

/** Forgets whatever the gate has kept: documents, proven claims, trust roots, and the key that vouches for them. */
export function forget({ env }: Project): void {
  for (const folder of [env.XDG_CACHE_HOME, env.XDG_DATA_HOME, env.XDG_STATE_HOME]) {
    if (folder === undefined) continue
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder)
  }
}

/** The built command line in a project. */
export function cli(project: Project, args: readonly string[], options: Partial<NodeProcess> = {}): Promise<Sample> {
  return runNode({ args: [CLI, ...args], cwd: project.dir, env: project.env, ...options })
}

/** The option by which the command line remembers, where it has to be told to; the hook does so by itself. */
export async function remembering(project: Project): Promise<readonly string[]> {
  const { output } = await cli(project, ['verify', '--help'])
  return /--cache[ =]/.test(output) ? ['--cache', path.join(project.env.XDG_CACHE_HOME ?? '', 'provenance-gate')] : []
}

/** `verify` with evidence that is on disk, by a gate that remembers nothing. */
export function verifyCold(world: BenchWorld, project: Project, options: Partial<NodeProcess> = {}): Promise<Sample> {
  forget(project)
  return cli(project, ['verify', '--offline', '--attestations', world.attestations], options)
}

/** What any process of Node takes. */
export function emptyNode(project: Project, options: Partial<NodeProcess> = {}): Promise<Sample> {
  return runNode({ args: ['-e', '0'], cwd: project.dir, env: project.env, ...options })
}

export function copyFolder(from: string, to: string): void {
  if (existsSync(to)) rmSync(to, { recursive: true })
  cpSync(from, to, { recursive: true })
}

/** Evaluates a pnpmfile, and calls its `preResolution` where there is a context for it. Its output is how long that took. */
export function hook(project: Project, pnpmfile: string, context?: string): Promise<Sample> {
  const args = [HOOK, pnpmfile, ...(context === undefined ? [] : [context])]
  return runNode({ args, cwd: project.dir, env: project.env })
}

/** The times that `hook` has measured within its processes. */
export function insideOf(samples: readonly Sample[]): readonly Sample[] {
  return samples.map((sample) => ({ ...sample, wall: Number(sample.output) }))
}

const HOOK = path.join(import.meta.dirname, 'hook.cjs')
