import { GateError } from '../errors.ts'
import { type Manifests, section } from './dependencies.ts'
import type { Edge, Place } from './npm.ts'
import { type Anew, type Override, whyAnew } from './npm-anew.ts'
import { type Fields, field, isPlain } from './record.ts'

/** What npm would not install as it is locked, by location, with the reason. */
export function takenAnew(
  edges: readonly Edge[],
  places: ReadonlyMap<string, Place>,
  manifests: Manifests,
  bundlers: ReadonlyMap<string, string>,
): ReadonlyMap<string, Anew> {
  const root = places.get('')
  const overrides = overridesOf(manifests.get('.') ?? (root?.kind === 'project' ? root.entry : {}))
  const needs = Map.groupBy(edges, ({ from }) => from)
  const inside = new Map(overrides.map(({ within }) => [within, within && placesFrom(within, needs, places)]))
  const locked = new Map(edges.flatMap((edge) => (edge.isLocked ? [[idOf(edge), edge.dependency.text]] : [])))
  const all = edges.flatMap((edge): [string, Anew][] => {
    const { from, to, dependency, isLocked, project } = edge
    const place = to === undefined ? undefined : places.get(to)
    if (to === undefined || place?.kind !== 'package') return []
    // Peers of other versions are common, where `legacy-peer-deps` lets npm not look at them.
    if (dependency.isPeer && project === undefined && dependency.specifier.kind !== 'other') return []
    const { name, text } = dependency
    // What lies in another's tarball is no matter of overrides.
    const isFor = ({ within }: Override) => within === undefined || (inside.get(within) || NONE).has(from)
    const asked = {
      ...{ name, text, locked: isLocked ? undefined : locked.get(idOf(edge)) },
      overrides: bundlers.has(to) ? [] : overrides.filter(isFor),
    }
    const why = whyAnew(asked, place.entry)
    return why === undefined ? [] : [[to, why]]
  })
  // Of several who ask for it, each has to ask a registry.
  const elsewhere = new Set(all.flatMap(([to, { unlocked }]) => (unlocked === undefined ? [to] : [])))
  return new Map(all.map(([to, anew]) => [to, elsewhere.has(to) ? { ...anew, unlocked: undefined } : anew]))
}

const NONE: ReadonlySet<string> = new Set()

function idOf({ from, dependency: { name } }: Edge): string {
  return JSON.stringify([from, name])
}

/** Where a package of that name lies, and all that it needs, and what that needs. */
function placesFrom(
  name: string,
  needs: ReadonlyMap<string, readonly Edge[]>,
  places: ReadonlyMap<string, Place>,
): ReadonlySet<string> {
  const found = new Set<string>()
  const queue = [...places].flatMap(([location, place]) =>
    place.kind !== 'project' && place.folder === name ? [location] : [],
  )
  for (let location = queue.pop(); location !== undefined; location = queue.pop()) {
    if (found.has(location)) continue
    found.add(location)
    const place = places.get(location)
    if (place?.kind === 'link') queue.push(place.target)
    for (const { to } of needs.get(location) ?? []) if (to !== undefined) queue.push(to)
  }
  return found
}

/** Those of the root project, which alone has any. @throws GateError */
function overridesOf(root: Fields): readonly Override[] {
  const found: Override[] = []
  const queue: { readonly map: Fields; readonly within: string | undefined }[] = []
  const enter = (value: unknown, within: string | undefined) => {
    if (value === undefined || value === null) return
    if (!isPlain(value)) throw new GateError('`overrides` of package.json is not a plain map. Correct the file.')
    queue.push({ map: value, within })
  }
  enter(field(root, 'overrides'), undefined)
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const [key, value] of Object.entries(next.map)) {
      if (key === '.') continue
      const at = key.indexOf('@', 1)
      const [name, range] = at === -1 ? [key, '*'] : [key.slice(0, at), key.slice(at + 1) || '*']
      if (typeof value !== 'string') enter(value ?? {}, name)
      const own = isPlain(value) ? field(value, '.') : value
      const written = typeof own === 'string' && own !== '' ? own : range
      const text = written.startsWith('$') ? referred(root, written.slice(1)) : written
      // That is none: what is asked for stays what it is.
      if (text !== '*') found.push({ name, range, text, within: next.within })
    }
  }
  if (found.length <= MAX_OVERRIDES) return found
  throw new GateError(`package.json has ${found.length} overrides; the gate reads ${MAX_OVERRIDES} at most.`)
}

/** Far more than anybody has: each is compared with each dependency. */
const MAX_OVERRIDES = 1000

/** In the order in which npm looks. */
function referred(root: Fields, name: string): string | undefined {
  for (const key of ['devDependencies', 'optionalDependencies', 'dependencies', 'peerDependencies']) {
    const [, text] = section(root, key, 'package.json').find(([each]) => each === name) ?? []
    if (typeof text === 'string') return text
  }
  return undefined
}
