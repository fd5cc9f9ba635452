/** For tests that `run` stops what would be installed as something else than it is proven to be. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { marks, type Runner, type RunProject, through, without } from './support.ts'

export const WORKSPACE = 'dangerouslyAllowAllBuilds: true\nsideEffectsCache: false\npmOnFail: ignore\nfetchRetries: 0\n'
export const PNPMS = ['pnpm10', 'pnpm11', 'pnpm12'] as const

export function manifest(name: string, dependencies: object, more: object = {}): string {
  return JSON.stringify({ name, version: '1.0.0', private: true, allowScripts: { bare: true }, dependencies, ...more })
}

/** Where the package is that nobody has proven, by the name that it has itself. */
export function places({ dir }: RunProject): readonly string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((file) => /node_modules.*[/\\]package\.json$/.test(file))
    .filter((file) => JSON.parse(readFileSync(path.join(dir, file), 'utf8')).name === 'bare')
}

interface Extra {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export async function assertStopped(
  runner: Runner,
  project: RunProject,
  says: RegExp,
  extra: Extra = {},
): Promise<void> {
  const { args = ['install'], ...rest } = extra
  const { status, output, stderr } = await through(runner, args, project, rest)
  assert.ok(status === 1 || status === 2, `${status}: ${output}`)
  assert.match(stderr, says)
  assert.deepEqual([places(project), marks(project)], [[], []], output)
}

/** An install without the gate, of which caches and a lockfile stay. */
export async function installBefore(runner: Runner, project: RunProject, folder = project.dir): Promise<void> {
  const run = await without(runner, ['install'], { ...project, dir: folder })
  assert.equal(run.status, 0, run.output)
  rmSync(path.join(folder, 'node_modules'), { recursive: true, force: true })
  for (const mark of readdirSync(project.markersDir)) rmSync(path.join(project.markersDir, mark))
}
