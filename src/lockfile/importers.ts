import path from 'node:path'
import type { LockedPackage } from './types.ts'

/** The same packages, their projects called as from the folder `to`; the lockfile that names them is in `from`. */
export function importersFrom(packages: readonly LockedPackage[], from: string, to: string): readonly LockedPackage[] {
  if (path.resolve(from) === path.resolve(to)) return packages
  const called = (importer: string) => projectName(to, path.resolve(from, importer))
  return packages.map((pkg) => ({ ...pkg, importers: pkg.importers.map(called) }))
}

/** A project's folder as lockfiles write it, `.` for the base itself. */
export function projectName(base: string, folder: string): string {
  return path.relative(base, folder).split(path.sep).join('/') || '.'
}

/**
 * Whether a path, relative to the lockfile, is that of a folder of the repository itself. It may not lead out of it, and
 * node_modules has what package managers bring from elsewhere.
 */
export function isOwnFolder(folder: string): boolean {
  if (/[\\:]/.test(folder) || path.posix.isAbsolute(folder)) return false
  const pieces = path.posix.normalize(folder).split('/')
  return pieces[0] !== '..' && !pieces.some((piece) => /^(?:node_modules|\.git)$/i.test(piece))
}

/** Who depends on whom, by numbers from 0 up. */
export interface Graph {
  /** The nodes that each workspace project names itself. */
  readonly roots: ReadonlyMap<string, readonly number[]>
  /** The nodes that each node names, by its number. */
  readonly edges: readonly (readonly number[])[]
}

/**
 * The projects that reach each node, by its number, in the order of `roots`; an empty list where none does.
 *
 * One walk per project, without recursion: a lockfile may hold cycles, which are common, and chains as long as an
 * attacker likes. The work is projects × edges that each reaches, which is about the size of the answer.
 */
export function reachedBy({ roots, edges }: Graph): readonly (readonly string[])[] {
  const reached = edges.map((): string[] => [])
  const seenIn = new Int32Array(edges.length).fill(-1)
  for (const [index, [project, nodes]] of [...roots].entries()) {
    const stack = [...nodes]
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (seenIn[node] === index) continue
      seenIn[node] = index
      reached[node]?.push(project)
      for (const target of edges[node] ?? []) if (seenIn[target] !== index) stack.push(target)
    }
  }
  return reached
}
