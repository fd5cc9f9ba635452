import { isPackageName } from '../util/package-name.ts'
import type { Dependency } from './dependencies.ts'
import type { Claim } from './entry.ts'
import { type Graph, isOwnFolder, reachedBy } from './importers.ts'
import { type Entry, mergeEntries } from './merge.ts'
import type { LockedPackage } from './types.ts'

/** One entry of a lockfile, and who it leads to. A project of the workspace has no claims: it is no package. */
export interface GraphNode {
  readonly key: string
  readonly claims: readonly (Claim & { readonly unbound?: true })[]
  readonly targets: number[]
  readonly aliases: Set<string>
  /** The number of the node whose tarball holds it; its claims then are about nothing that is fetched. */
  bundler?: number
  /** Whether it is the link to a project of the workspace that managers write whether or not somebody needs it. */
  isProject?: boolean
}

/** A lockfile as a graph: what a format has to find out, and all that is the same for each of them. */
export interface LockGraph {
  readonly nodes: readonly GraphNode[]
  add(key: string, claims: GraphNode['claims']): number
  connect(from: number, to: number): void
  /** One node for all of that name, where it cannot be told which is meant; undefined where there is none. */
  anyOf(name: string): number | undefined
  /** Says that a node is of that name, for `anyOf`. */
  name(node: number, name: string): void
  /** What is needed by `project`, named by its folder. */
  need(project: string, node: number): void
  /** All of it, but for projects of the workspace that nothing depends on: those are no packages. */
  packages(): readonly LockedPackage[]
}

export function openGraph(): LockGraph {
  const nodes: GraphNode[] = []
  const roots = new Map<string, number[]>()
  const hubs = new Map<string, number>()
  const graph = (): Graph => ({ roots, edges: nodes.map(({ targets }) => targets) })
  return {
    nodes,
    add: (key, claims) => nodes.push({ key, claims, targets: [], aliases: new Set() }) - 1,
    anyOf: (name) => hubs.get(name),
    name: (node, name) => {
      const hub = hubs.get(name) ?? nodes.push({ key: '', claims: [], targets: [], aliases: new Set() }) - 1
      hubs.set(name, hub)
      nodes[hub]?.targets.push(node)
    },
    connect: (from, to) => void nodes[from]?.targets.push(to),
    need: (project, node) => {
      const known = roots.get(project)
      if (known === undefined) roots.set(project, [node])
      else known.push(node)
    },
    packages: () => {
      const entriesOf = (number: number): readonly Entry[] => {
        const node = nodes[number]
        if (node === undefined) return []
        const { key, claims, aliases, bundler } = node
        const bundledIn = bundler === undefined ? undefined : bundlerAt(bundler)
        return claims.map((claim) => ({
          node: number,
          pkg: {
            ...claim,
            ...(bundledIn && { source: 'bundled', integrity: undefined, origin: `in ${bundledIn.key}`, bundledIn }),
            aliases: [...aliases],
            key,
          },
        }))
      }
      const hasBundled = nodes.some(({ bundler }) => bundler !== undefined)
      const reached = hasBundled ? reachedBy(graph()) : []
      /** What brings something is listed as an entry of its own as well. */
      const bundlerAt = (number: number): LockedPackage | undefined => {
        const [first] = entriesOf(number)
        const importers = reached[number] ?? []
        return first && { ...first.pkg, importers, ...(importers.length === 0 && { forAnyone: true as const }) }
      }
      const hubNodes = new Set(hubs.values())
      // What a name stands for is not needed by that alone.
      const used = new Set([
        ...[...roots.values()].flat(),
        ...nodes.flatMap(({ targets }, number) => (hubNodes.has(number) ? [] : targets)),
      ])
      const needed = new Set([
        ...used,
        ...[...hubNodes].flatMap((hub) => (used.has(hub) ? (nodes[hub]?.targets ?? []) : [])),
      ])
      const isListed = (number: number) => nodes[number]?.isProject !== true || needed.has(number)
      const entries = nodes.flatMap((_, number) => (isListed(number) ? entriesOf(number) : []))
      return mergeEntries(entries, graph(), 'anyone')
    },
  }
}

/** What cannot be understood, or leads nowhere. Under every rule that asks for a proof it is refused. */
export function unknownClaim(name: string, version: string, origin: string): Claim {
  return { name, version, integrity: undefined, source: 'unknown', origin }
}

/** What is needed, and for which the lockfile has no entry. */
export function missingClaim(
  { name, text, specifier }: Pick<Dependency, 'name' | 'text' | 'specifier'>,
  why: string,
): Claim {
  const claim = unknownClaim(name, '', why)
  return specifier.kind !== 'other' && isPackageName(name) ? { ...claim, unlocked: text } : claim
}

/** A project of the lockfile. One that lies outside of this repository is a folder like others. */
export function projectClaim(name: string, folder: string): Claim {
  return { ...folderClaim(name, `workspace:${folder}`), source: isOwnFolder(folder) ? 'workspace' : 'directory' }
}

/** A folder in the place of a package. */
export function folderClaim(name: string, origin: string): Claim {
  return { name, version: '', integrity: undefined, source: 'directory', origin }
}

/** The package that a project asks for, where the lockfile gives it another one in its place, see pnpm.ts. */
export function swappedClaim(name: string, by: string): Claim {
  return unknownClaim(name, '', `replaced by ${by}`)
}
