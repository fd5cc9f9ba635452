import { GateError } from '../errors.ts'
import { isPackageName } from '../util/package-name.ts'
import { type Fields, field, isPlain } from './record.ts'
import { type Specifier, specifierOf } from './specifier.ts'

/** One dependency of a record: of an entry of a lockfile, or of a package.json. */
export interface Dependency {
  readonly name: string
  /** As written; '' where it is not a text. */
  readonly text: string
  readonly specifier: Specifier
  /** Whether a lockfile without it would be incomplete: neither optional nor a peer, or no name of a package. */
  readonly isRequired: boolean
  readonly isPeer: boolean
}

/** Manifests of projects, by their folder relative to the lockfile; `.` is the root. */
export type Manifests = ReadonlyMap<string, Fields>

/**
 * @param where names the record, in a message
 * @param isProject whether its devDependencies are installed as well
 * @throws GateError where something stands in the place of a map of dependencies
 */
export function dependenciesOf(record: Fields, where: string, isProject: boolean): readonly Dependency[] {
  type Section = { name: (typeof INSTALLED)[number]; entries: ReturnType<typeof section> }
  const sections = INSTALLED.map((name): Section => ({ name, entries: section(record, name, where) }))
  if (isProject) sections.push({ name: 'dependencies', entries: section(record, 'devDependencies', where) })
  const optional = new Set(sections.flatMap(({ name, entries }) => (name === 'dependencies' ? [] : entries.map(first))))
  return sections.flatMap(({ name: kind, entries }) =>
    entries.map(([name, value]) => {
      const text = typeof value === 'string' ? value : ''
      const specifier: Specifier = typeof value === 'string' ? specifierOf(text) : { kind: 'other' }
      return {
        name,
        text,
        specifier,
        isRequired: !optional.has(name) || !isPackageName(name),
        isPeer: kind === 'peerDependencies',
      }
    }),
  )
}

const INSTALLED = ['dependencies', 'optionalDependencies', 'peerDependencies'] as const

/** The same map of a lockfile or a manifest; bun and npm leave out what is empty. */
export function section(record: Fields, name: string, where: string): readonly (readonly [string, unknown])[] {
  const value = field(record, name)
  if (value === undefined || value === null) return []
  if (!isPlain(value)) {
    throw new GateError(`\`${name}\` of ${where} is not a plain map. Restore the file, or write it anew.`)
  }
  return Object.entries(value)
}

function first([name]: readonly [string, unknown]): string {
  return name
}
