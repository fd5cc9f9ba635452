import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { type PnpmVersion, type Project, type ProjectOptions, runPnpm } from '../support/pnpm/index.ts'
import { pnpmScript } from '../support/pnpm/versions.ts'
import type { PackageSource } from '../support/registry/index.ts'
import { CLI, POLICY, type World } from '../support/world.ts'

export const VERSIONS: readonly PnpmVersion[] = [10, 11, 12]

const ANYWHERE = 'source: [registry, workspace, tarball, git, directory, runtime]\n    require: nothing'

export const PERMISSIVE = `rules:\n  - packages: "**"\n    ${ANYWHERE}\n`

/** `POLICY` for all packages but these, which need no proof, wherever they come from. */
export function permitting(...packages: readonly string[]): string {
  return POLICY.replace('rules:', `rules:\n  - packages: ${JSON.stringify(packages)}\n    ${ANYWHERE}`)
}

/** Signed for a workflow that `POLICY` does not name. */
export const FOREIGN = { identity: { workflow: '.github/workflows/other.yml' } } as const

/** A project whose lockfile was made while the policy allowed everything, and which is under `POLICY` from now on. */
export async function lockedProject(
  world: World,
  version: PnpmVersion,
  options: Omit<ProjectOptions, 'registry' | 'pnpmfile'>,
): Promise<Project> {
  const project = world.gatedProject({ ...options, policy: PERMISSIVE })
  const { status, output } = await runPnpm(version, ['install', '--lockfile-only'], project)
  assert.equal(status, 0, output)
  writeFileSync(path.join(project.dir, '.sigstorerc'), POLICY)
  return project
}

/** Everything that is linked, directly or in the virtual store: `name`, and `name@version` of the store's folders. */
export function linked(project: Project): readonly string[] {
  const modules = path.join(project.dir, 'node_modules')
  const list = (dir: string) => (existsSync(dir) ? readdirSync(dir) : [])
  return [...list(modules), ...list(path.join(modules, '.pnpm')), ...list(path.join(modules, '.pnpm', 'node_modules'))]
}

/** Runs the built command line in a project, with that version of pnpm as the `pnpm` on PATH. */
export async function runCli(
  version: PnpmVersion,
  args: readonly string[],
  project: Project,
): Promise<{ status: number; output: string }> {
  const bin = path.join(project.root, 'bin')
  mkdirSync(bin, { recursive: true })
  const script = `#!/bin/sh\nexec '${process.execPath}' '${pnpmScript(version)}' "$@"\n`
  writeFileSync(path.join(bin, 'pnpm'), script, { mode: 0o755 })
  const env = { ...project.env, PATH: `${bin}${path.delimiter}${project.env.PATH}` }
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [CLI, ...args], { cwd: project.dir, env })
    return { status: 0, output: stdout + stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { status: code, output: stdout + stderr }
  }
}

export const good = (name: string, version = '1.0.0'): PackageSource => ({ name, version })
