import type { Edge } from './npm.ts'
import { type Fields, field } from './record.ts'

/**
 * The entries that are in another package's tarball, by location, with the location of that package. npm fetches none of
 * them into an empty node_modules, and by then their bytes are those of the tarball that holds them.
 *
 * `inBundle: true` alone says nothing: npm 11 and 12 fetch an entry with it from the registry (tried) unless it lies in
 * the folder of a package whose entry has it among its `bundleDependencies`, or of one that such an entry needs. And what has
 * an address or a digest of its own is not what npm writes of a bundled one. All else is judged like every other package.
 */
export function bundlersOf(packages: ReadonlyMap<string, Fields>, edges: readonly Edge[]): ReadonlyMap<string, string> {
  const marked = new Set(
    [...packages].flatMap(([location, entry]) => {
      const isFetched = ['resolved', 'integrity', 'link'].some((key) => field(entry, key) !== undefined)
      return field(entry, 'inBundle') === true && !isFetched ? [location] : []
    }),
  )
  if (marked.size === 0) return new Map()
  const needs = Map.groupBy(edges, ({ from }) => from)
  const inside = Map.groupBy(marked, (location) => holderOf(location) ?? '')
  const bundlers = new Map<string, string>()
  const queue: string[] = []
  const put = (location: string, bundler: string) => {
    if (!marked.has(location) || bundlers.has(location)) return
    bundlers.set(location, bundler)
    queue.push(location)
  }
  for (const location of marked) {
    const holder = holderOf(location)
    const entry = holder === undefined ? undefined : packages.get(holder)
    // What is itself marked is at best in the tarball of another one: `queue` reaches it from there.
    if (holder === undefined || entry === undefined || marked.has(holder) || field(entry, 'link') === true) continue
    const declared = field(entry, 'bundleDependencies')
    if (Array.isArray(declared) && declared.includes(location.slice(`${holder}/node_modules/`.length)))
      put(location, holder)
  }
  for (let location = queue.pop(); location !== undefined; location = queue.pop()) {
    const bundler = bundlers.get(location) ?? ''
    for (const nested of inside.get(location) ?? []) put(nested, bundler)
    // What it needs lies beside it, or is met from further up and is then not in the tarball.
    for (const { to } of needs.get(location) ?? []) if (to !== undefined && holderOf(to) === bundler) put(to, bundler)
  }
  return bundlers
}

/** The package in whose folder something lies; undefined for what lies in a project's. */
function holderOf(location: string): string | undefined {
  const holder = location.slice(0, Math.max(0, location.lastIndexOf('/node_modules/')))
  return /(?:^|\/)node_modules\//.test(holder) ? holder : undefined
}
