/** What the tests of this folder share: a world of one's own per test, lockfiles made behind the gate, and what "refused" means. */
import assert from 'node:assert/strict'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import type { RefusalCode } from '../../src/codes.ts'
import { type PnpmRun, type PnpmVersion, type Project, postinstallsRun, runPnpm } from '../support/pnpm/index.ts'
import { POLICY, startWorld, type World } from '../support/world.ts'

export const VERSIONS = [10, 11, 12] as const satisfies readonly PnpmVersion[]

/** Nothing has to be proven. Lockfiles are made behind it: a lockfile holds the digest of its pnpmfile. */
export const PERMISSIVE = 'rules:\n  - packages: "**"\n    require: nothing\n'

/** `POLICY`, but these names may come from anywhere. */
export function permitting(...names: readonly string[]): string {
  return POLICY.replace('rules:', `rules:\n  - packages: ${JSON.stringify(names)}\n    require: nothing`)
}

export async function worldFor(t: TestContext): Promise<World> {
  const world = await startWorld()
  t.after(() => world.close())
  return world
}

type GatedOptions = Parameters<World['gatedProject']>[0]

export function gatedProject(t: TestContext, world: World, options: GatedOptions): Project {
  const project = world.gatedProject(options)
  t.after(() => project.dispose())
  return project
}

export interface LockedOptions extends GatedOptions {
  /** What makes the lockfile. Default: `install --lockfile-only`. */
  readonly lock?: readonly string[]
  /** Done before the lockfile is made. */
  readonly prepare?: (project: Project) => void
}

/** A project with a complete lockfile, which may hold what its policy refuses. Nothing is installed. */
export async function lockedProject(
  t: TestContext,
  world: World,
  version: PnpmVersion,
  { policy, lock = ['install', '--lockfile-only'], prepare, ...options }: LockedOptions,
): Promise<Project> {
  const project = gatedProject(t, world, { ...options, policy: PERMISSIVE })
  prepare?.(project)
  await passes(version, lock, project)
  setPolicy(project, policy)
  return project
}

export function setPolicy({ dir }: Project, policy: string = POLICY): void {
  writeFileSync(join(dir, '.sigstorerc'), policy)
}

export function removeLockfile({ dir }: Project): void {
  rmSync(join(dir, 'pnpm-lock.yaml'))
}

/** The same project, with pnpm run in a folder of it or above it. */
export function within(project: Project, ...segments: readonly string[]): Project {
  return { ...project, dir: join(project.dir, ...segments) }
}

type Options = Parameters<typeof runPnpm>[3]

export async function passes(
  version: PnpmVersion,
  args: readonly string[],
  project: Project,
  options?: Options,
): Promise<PnpmRun> {
  const run = await runPnpm(version, args, project, options)
  assert.equal(run.status, 0, run.output)
  return run
}

/** Fails with a refusal of that package, and leaves nothing of it behind. */
export async function isRefused(
  version: PnpmVersion,
  args: readonly string[],
  project: Project,
  id: string,
  code: RefusalCode,
  options?: Options,
): Promise<PnpmRun> {
  const run = await runPnpm(version, args, project, options)
  assertRefused(run, id, code)
  assertAbsent(project, id)
  return run
}

export function assertRefused({ status, flat }: PnpmRun, id: string, code: RefusalCode): void {
  assert.notEqual(status, 0, flat)
  assert.ok(
    flat.replaceAll(' ', '').includes(`${id}${code}found:`.replaceAll(' ', '')),
    `no ${code} of ${id} in:\n${flat}`,
  )
  assert.match(flat, /rule: +\S*\.sigstorerc:\d+/)
}

/** Its scripts never ran, and no node_modules has it, nor any virtual store. */
export function assertAbsent(project: Project, id: string): void {
  const name = id.slice(0, id.lastIndexOf('@'))
  assert.deepEqual(
    postinstallsRun(project).filter((each) => each.startsWith(`${name}@`)),
    [],
  )
  assert.deepEqual(
    linkedIn(project.root).filter((each) => each === name || each.startsWith(`${name.replace('/', '+')}@`)),
    [],
  )
}

/** Names of packages in every node_modules below a folder, and `name@version` of those in virtual stores. Sorted. */
export function linkedIn(root: string): readonly string[] {
  const found = new Set<string>()
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isDirectory() && !entry.isSymbolicLink()) continue
    const holder = basename(entry.parentPath)
    const scoped = holder.startsWith('@') && basename(dirname(entry.parentPath)) === 'node_modules'
    if (scoped) found.add(`${holder}/${entry.name}`)
    else if (holder === 'node_modules' || holder === '.pnpm') found.add(entry.name)
  }
  return [...found].filter((name) => !name.startsWith('.') && name !== 'node_modules').sort()
}
