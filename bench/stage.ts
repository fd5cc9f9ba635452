import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { createProject, type Project } from '../test/support/pnpm/index.ts'
import { CLI } from '../test/support/world.ts'
import { type NodeProcess, runNode, type Sample } from './measure.ts'
import { type BenchWorld, lockfileOf, policyFiles, projectDependencies } from './world.ts'

/** A project that depends on the packages of a world, under a policy that wants proof of all of them. */
export function stage(world: BenchWorld, registry: string, options: { readonly pnpmfile?: string } = {}): Project {
  return createProject({
    registry,
    dependencies: projectDependencies(world.packages),
    ...options,
    files: { ...policyFiles(world), 'pnpm-lock.yaml': lockfileOf(world.packages) },
  })
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

const HOOK = path.join(import.meta.dirname, 'hook.cjs')
