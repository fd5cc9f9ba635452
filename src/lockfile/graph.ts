import type { Claim } from './entry.ts'
import { isOwnFolder, reachedBy } from './importers.ts'
import { mergePackages } from './merge.ts'
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
      const reached = reachedBy({ roots, edges: nodes.map(({ targets }) => targets) })
      const packageOf = (number: number): readonly LockedPackage[] => {
        const node = nodes[number]
        if (node === undefined) return []
        const { key, claims, aliases, bundler } = node
        const importers = reached[number] ?? []
        const bundledIn = bundler === undefined ? undefined : packageOf(bundler)[0]
        return claims.map((claim) => ({
          ...claim,
          ...(bundledIn && { source: 'bundled', integrity: undefined, origin: `in ${bundledIn.key}`, bundledIn }),
          importers,
          // A manager that resolves some of it anew takes what is there: who it then is for nobody can tell.
          ...(importers.length === 0 && { forAnyone: true as const }),
          aliases: [...aliases],
          key,
        }))
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
      return mergePackages(nodes.flatMap((_, number) => (isListed(number) ? packageOf(number) : [])))
    },
  }
}

/** What cannot be understood, or leads nowhere. Under every rule that asks for a proof it is refused. */
export function unknownClaim(name: string, version: string, origin: string): Claim {
  return { name, version, integrity: undefined, source: 'unknown', origin }
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
