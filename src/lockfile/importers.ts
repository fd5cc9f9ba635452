import path from 'node:path'
import { componentsOf } from './components.ts'
import { openProjectSets, SET_BOUNDS, type SetBounds } from './project-sets.ts'
import { compare } from './record.ts'
import type { LockedPackage } from './types.ts'

/** The same packages, their projects called as from the folder `to`; the lockfile that names them is in `from`. */
export function importersFrom(packages: readonly LockedPackage[], from: string, to: string): readonly LockedPackage[] {
  if (path.resolve(from) === path.resolve(to)) return packages
  const called = (importer: string) => projectName(to, path.resolve(from, importer))
  return mapImporters(packages, (importers) => importers.map(called))
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
 * The projects that reach each node, by its number, sorted; an empty list where none does. Nodes that the same projects
 * reach have one list.
 *
 * One walk over the graph for all projects: nodes in a circle are reached by the same ones, and from there it goes downwards
 * only. What it costs is bounded by `bounds`; see there for what comes beyond.
 */
export function reachedBy({ roots, edges }: Graph, bounds: SetBounds = SET_BOUNDS): readonly (readonly string[])[] {
  const needing = [...roots].filter(([, nodes]) => nodes.length > 0).sort(([a], [b]) => compare(a, b))
  const sets = openProjectSets(
    needing.map(([project]) => project),
    bounds,
  )
  const components = componentsOf(edges)
  const lists = () => Array.from({ length: components.count }, (): number[] => [])
  const [own, sources] = [lists(), lists()]
  for (const [index, [, nodes]] of needing.entries())
    for (const component of new Set(nodes.map((node) => components.of[node] ?? -1))) own[component]?.push(index)
  for (const [node, targets] of edges.entries()) {
    const from = components.of[node] ?? -1
    for (const target of targets) {
      const to = components.of[target] ?? -1
      if (to !== from) sources[to]?.push(from)
    }
  }
  const reaching = new Int32Array(components.count)
  for (let component = components.count - 1; component >= 0; component--) {
    const others = (sources[component] ?? []).map((source) => reaching[source] ?? sets.none)
    reaching[component] = sets.union(own[component] ?? [], others)
  }
  return edges.map((_, node) => sets.names(reaching[components.of[node] ?? -1] ?? sets.none))
}

/** All projects that need something, each once. Packages share their lists, so no list is looked at twice. */
export function projectsIn(packages: readonly LockedPackage[]): ReadonlySet<string> {
  const projects = new Set<string>()
  for (const list of new Set(packages.map(({ importers }) => importers))) for (const each of list) projects.add(each)
  return projects
}

/** The projects that need one of several entries, sorted; the list of the only one as it is. */
export function unitedImporters(entries: readonly LockedPackage[]): readonly string[] {
  const [first = [], ...rest] = new Set(entries.map(({ importers }) => importers))
  return rest.length === 0 ? first : [...projectsIn(entries)].sort(compare)
}

/** The same packages with other projects. Those that share a list share the changed one, too. */
export function mapImporters(
  packages: readonly LockedPackage[],
  change: (importers: readonly string[]) => readonly string[],
): readonly LockedPackage[] {
  const changed = new Map<readonly string[], readonly string[]>()
  return packages.map((pkg) => {
    const importers = changed.get(pkg.importers) ?? change(pkg.importers)
    changed.set(pkg.importers, importers)
    return importers === pkg.importers ? pkg : { ...pkg, importers }
  })
}
