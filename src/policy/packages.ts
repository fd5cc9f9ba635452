import Range from 'semver/classes/range.js'
import valid from 'semver/functions/valid.js'
import validRange from 'semver/ranges/valid.js'
import type { LockedPackage } from '../lockfile/types.ts'
import { matchesPattern, patternProblem } from './pattern.ts'
import { quote } from './text.ts'
import type { Rule } from './types.ts'

/**
 * Which packages a rule is about. Patterns: `name`, `@scope/name`; `*` inside a segment as in `pattern.ts`, so
 * `@scope/*` is all of a scope and `*` all packages without one; `**` is every package; `name@range` narrows a name to
 * versions; `!` in front takes packages out again. Order inside a list has no meaning: a package is in when a positive
 * pattern matches it and no negated one does.
 *
 * A range stands only behind an exact name: versions of different packages have nothing to do with each other.
 */
export interface PackagePattern {
  readonly negated: boolean
  /** Exact name or glob. */
  readonly name: string
  readonly range: string | undefined
}

/** Takes a pattern apart. It judges nothing: patterns of a loaded policy have passed `packageProblem`. */
export function parsePackagePattern(text: string): PackagePattern {
  const negated = text.startsWith('!')
  const rest = negated ? text.slice(1) : text
  const at = rest.indexOf('@', 1)
  return { negated, name: at < 0 ? rest : rest.slice(0, at), range: at < 0 ? undefined : rest.slice(at + 1) }
}

/**
 * Prereleases are versions like any other here, ordered as semver orders them. By npm's own reading `^1.0.0` leaves out
 * 1.5.0-rc.1, which would fall through the rule for `^1.0.0` to a later, perhaps weaker one, and whoever publishes
 * chooses whether a version is a prerelease.
 */
const ORDERED = { includePrerelease: true }

/** Whether a rule is about a package. */
export function matchesPackage(
  rule: Pick<Rule, 'packages' | 'require'>,
  pkg: Pick<LockedPackage, 'name' | 'version'>,
): boolean {
  const hits = ({ name, range }: Compiled, ifIncomparable: boolean) => {
    if (!matchesPattern(name, pkg.name)) return false
    if (range === undefined) return true
    const version = valid(pkg.version)
    return version === null ? ifIncomparable : range.test(version)
  }
  const patterns = compile(rule.packages)
  // Whether a version that cannot be compared (git, `file:`, what is installed under another name) lies in a range is
  // answered on the safe side: a rule that permits loses the package, a rule that asks for proof has it. Otherwise
  // whoever puts something else in a package's place would step over the rule for its versions.
  return (
    patterns.some((pattern) => !pattern.negated && hits(pattern, rule.require !== 'nothing')) &&
    !patterns.some((pattern) => pattern.negated && hits(pattern, rule.require === 'nothing'))
  )
}

/** Why a rule is not about a package, for people. */
export function whyNotAbout(
  rule: Pick<Rule, 'packages' | 'require'>,
  pkg: Pick<LockedPackage, 'name' | 'version'>,
): string {
  const named = rule.packages.map(parsePackagePattern).filter(({ name }) => matchesPattern(name, pkg.name))
  const written = ({ negated, name, range }: PackagePattern) =>
    quote(`${negated ? '!' : ''}${name}${range === undefined ? '' : `@${range}`}`)
  const [negation] = named.filter(({ negated }) => negated)
  const [positive] = named.filter(({ negated }) => !negated)
  if (positive === undefined) return 'no pattern is about this name'
  const version = pkg.version === '' ? 'it has no version to compare' : `version ${pkg.version}`
  if (
    negation !== undefined &&
    matchesPackage({ ...rule, packages: rule.packages.filter((each) => !each.startsWith('!')) }, pkg)
  ) {
    return `${written(negation)} takes it out`
  }
  return `${version}, which is not in ${written(positive)}`
}

interface Compiled {
  readonly negated: boolean
  readonly name: string
  readonly range: Range | undefined
}

const known = new WeakMap<readonly string[], readonly Compiled[]>()

/** Ranges are parsed once per rule, not once per package. */
function compile(patterns: readonly string[]): readonly Compiled[] {
  let made = known.get(patterns)
  if (made === undefined) {
    made = patterns.map(parsePackagePattern).map((pattern) => ({
      ...pattern,
      range: pattern.range === undefined ? undefined : new Range(pattern.range, ORDERED),
    }))
    known.set(patterns, made)
  }
  return made
}

/** `$` in front: projects of a workspace may be called so. Elsewhere it is an error: people write it for the end of a name. */
const SEGMENT = /^\$?[A-Za-z0-9_~*-][A-Za-z0-9._~*-]*$/
const LEADING = /^((?:@[^/]*\/)?)\$(?=.)/

/** What is wrong with a package pattern; undefined where nothing is. */
export function packageProblem(text: string): string | undefined {
  const { name, range } = parsePackagePattern(text)
  const shown = quote(text)
  if (name.startsWith('!')) return `${shown} is negated twice: write one "!" or none`
  if (name === '') return `${shown} names no package`
  const problem = patternProblem(name.replace(LEADING, '$1')) ?? nameProblem(name)
  if (problem !== undefined) return problem
  if (range === undefined) return undefined
  if (name.includes('*'))
    return `${shown} has a version range behind a pattern of several packages: write it behind each exact name, such as "name@^1.0.0"`
  if (range.trim() === '')
    return `${shown} has no version range behind the "@": write "${name}", or a range such as "${name}@^1.0.0"`
  if (range.split('||').some((part) => part.trim() === '')) {
    return `${shown} has an alternative without a version, which would be every version: remove the "||"`
  }
  if (range !== range.trim() || validRange(range) === null) {
    return `${quote(range)} is not a version range as in package.json: write one such as "${name}@^1.0.0" or "${name}@>=2 <4". Tags such as "latest" move, so they cannot be used`
  }
  return undefined
}

/** What is wrong with `name@1.0.0`, where exactly one version of exactly one package is meant. */
export function versionProblem(text: string): string | undefined {
  const { negated, name, range } = parsePackagePattern(text)
  const shown = quote(text)
  const example = 'such as "name@1.0.0" or "@scope/name@1.0.0"'
  if (range === undefined) return `${shown} names no version: write exactly one, ${example}`
  if (negated || name.includes('*')) return `${shown} is not one package: write its name, ${example}`
  const problem = nameProblem(name)
  if (problem !== undefined) return problem
  return valid(range) === range
    ? undefined
    : `${shown} is not exactly one version: write it as in the lockfile, ${example}`
}

function nameProblem(name: string): string | undefined {
  const shown = quote(name)
  if (name === '**') return undefined
  const segments = name.split('/')
  const [first = '', second] = segments
  if (second === undefined && first.startsWith('@'))
    return `${shown} is a scope: write "${first}/*" for all its packages`
  if (segments.includes('**'))
    return `${shown} has "**" beside other segments: write "${first}/*" for a scope, or "**" alone for every package`
  if (segments.length > 2) return `${shown} has too many slashes for a package name`
  if (second !== undefined && !first.startsWith('@'))
    return `${shown} has a slash but no scope: did you mean "@${name}"?`
  const parts = second === undefined ? [first] : [first.slice(1), second]
  return parts.every((part) => SEGMENT.test(part))
    ? undefined
    : `${shown} is not a package name: write it as in package.json, such as "name" or "@scope/name", or "*" for parts of it`
}

/** Whether packages can be called that, whatever a registry takes today. */
export function isPackageName(name: string): boolean {
  return /^(?:@[^\s/@]+\/)?[^\s/@]+$/.test(name)
}
