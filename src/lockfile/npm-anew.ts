import satisfies from 'semver/functions/satisfies.js'
import validRange from 'semver/ranges/valid.js'
import { type Fields, field } from './record.ts'
import { specifierOf } from './specifier.ts'

/** What package.json says under `overrides` of one name: what is asked for in the place of what packages ask for. */
export interface Override {
  readonly name: string
  /** `name@^1.0.0`: of those alone that ask for some of these. */
  readonly range: string
  /** `$name` led to what the project asks for itself; undefined where it leads nowhere. */
  readonly text: string | undefined
  /** The package for whose dependencies alone it is, and for theirs. */
  readonly within: string | undefined
}

interface Asked {
  readonly name: string
  readonly text: string
  /** What the lockfile says that is asked for, where it is package.json that asks. */
  readonly locked: string | undefined
  /** Those that are for whoever asks, by whatever name. */
  readonly overrides: readonly Override[]
}

/** Why npm looks for a dependency, and by which text it asks a registry; undefined where something else is asked. */
export interface Anew {
  readonly why: string
  readonly unlocked: string | undefined
}

/**
 * Why npm would not take what stands in the lockfile for a dependency, but look for it anew; undefined where it takes it. `npm ci`
 * installs what it then finds without a word, if only its manifest is of the same version: whatever bytes an address, or the registry
 * that an .npmrc names, has to offer (npm 11 and 12, tried).
 */
export function whyAnew(asked: Asked, entry: Fields): Anew | undefined {
  const rules = asked.overrides.filter(({ name }) => name === asked.name)
  const version = String(field(entry, 'version'))
  // What is not of the range that a rule is for stays as it was asked for.
  const isKept = rules.every(({ range }) => !isIn(version, range))
  const texts = [...(isKept ? [asked.text] : []), ...rules.map(({ text }) => text)]
  const reasons = texts.map((text) =>
    text === undefined ? 'an override leads nowhere' : mismatch({ ...asked, text }, entry, version),
  )
  const [why] = reasons
  if (why === undefined || reasons.includes(undefined)) return undefined
  const isOfRegistry = texts.every((text) => text !== undefined && specifierOf(text).kind !== 'other')
  return { why, unlocked: isOfRegistry ? texts[0] : undefined }
}

function mismatch({ text, locked }: Asked, entry: Fields, version: string): string | undefined {
  const resolved = field(entry, 'resolved')
  const address = typeof resolved === 'string' ? resolved : ''
  const { kind } = specifierOf(text)
  const found = field(entry, 'version') === undefined ? 'locked without a version' : `locked as ${version}`
  const place = address === '' ? '' : ` at ${address}`
  const other = `asked for as ${text}, and ${found}${place}: npm would look for it anew`
  if (kind !== 'other') {
    const range = (kind === 'alias' ? /^npm:.[^@]*@?(.*)$/s.exec(text)?.[1] : text.replace(/^npm:/, ''))?.trim() ?? ''
    if (range === '' || range === '*') return undefined
    // Of a tag npm only wants to know that something was fetched.
    const fits = validRange(range, LOOSE) === null ? /^https?:/i.test(address) : isIn(version, range)
    return fits ? undefined : other
  }
  if (/^https?:/i.test(address)) return text === address ? undefined : other
  const [is, wanted] = [repositoryOf(address), repositoryOf(text)]
  // Of other hosts nothing is proven, whatever is cloned.
  if (is === undefined) return undefined
  if (wanted === undefined || wanted.name !== is.name) return other
  if (/^[0-9a-f]{40,64}$/i.test(wanted.ref)) return wanted.ref === is.ref ? undefined : other
  // A branch has moved or not, as far as npm knows; another branch is looked up.
  return locked === undefined || repositoryOf(locked)?.ref === wanted.ref ? undefined : other
}

const LOOSE = { loose: true }

function isIn(version: string, range: string): boolean {
  return range === '*' || satisfies(version, range, LOOSE)
}

const GITHUB = [
  /^(?:github:)?([^@/\s:#.][^@/\s:#]*\/[^/\s:#]+)(?:#(.*))?$/s,
  /^(?:git\+)?(?:https?|ssh|git):\/\/(?:[^@/#]*@)?(?:www\.)?github\.com(?::\d+)?[/:]([^/#]+\/[^/#]+)\/?(?:#(.*))?$/is,
  /^(?:git\+ssh:\/\/)?git@github\.com:([^/#]+\/[^/#]+)(?:#(.*))?$/is,
]

function repositoryOf(text: string): { readonly name: string; readonly ref: string } | undefined {
  for (const pattern of GITHUB) {
    const [, name, ref = ''] = pattern.exec(text) ?? []
    if (name !== undefined) return { name: name.replace(/\.git$/i, '').toLowerCase(), ref }
  }
  return undefined
}
