import Range from 'semver/classes/range.js'
import valid from 'semver/functions/valid.js'
import subset from 'semver/ranges/subset.js'
import { type PackagePattern, parsePackagePattern } from './packages.ts'
import { matchesPattern } from './pattern.ts'
import type { Rule } from './types.ts'

/**
 * A pattern that certainly never has an effect. Whoever wrote it believes in a protection (or a permission) that is not
 * there. Found by sound approximation: what is reported is dead for every package that can exist, what is not reported
 * may still be.
 */
export interface DeadPattern {
  readonly rule: number
  readonly pattern: number
  /** Earlier rule that decides everything the pattern matches; the rule itself where its own negations do. */
  readonly by: number
  /** Negated patterns are dead where no positive one of their rule overlaps them: they take out nothing. */
  readonly negated: boolean
}

type RuleLike = Pick<Rule, 'packages' | 'require' | 'source' | 'integrity'>

/** In a rule whose positive patterns are all reported nothing is left to decide: it is unreachable. */
export function deadPatterns(rules: readonly RuleLike[]): readonly DeadPattern[] {
  const parsed = rules.map(({ packages, require, source, integrity }) => {
    const patterns = packages.map(parsePackagePattern)
    return {
      require,
      source,
      integrity,
      patterns,
      positive: patterns.filter((p) => !p.negated),
      negative: patterns.filter((p) => p.negated),
    }
  })
  return parsed.flatMap((rule, index) =>
    rule.patterns.flatMap((pattern, at): DeadPattern[] => {
      const found = { rule: index, pattern: at, negated: pattern.negated }
      if (pattern.negated)
        return rule.positive.every((p) => areDisjoint(p.name, pattern.name)) ? [{ ...found, by: index }] : []
      // Of versions that cannot be compared a rule that asks for proof has more than ranges take out.
      const takesOut = (negation: PackagePattern) =>
        covers(negation, pattern) && (negation.range === undefined || rule.require === 'nothing')
      if (rule.negative.some(takesOut)) return [{ ...found, by: index }]
      const by = parsed.slice(0, index).findIndex((earlier) => decidesAll(earlier, rule, pattern))
      return by < 0 ? [] : [{ ...found, by }]
    }),
  )
}

interface Parsed {
  readonly require: Rule['require']
  readonly source: Rule['source']
  readonly integrity: Rule['integrity']
  readonly positive: readonly PackagePattern[]
  readonly negative: readonly PackagePattern[]
}

/** Whether the earlier rule is about every package that the pattern brings into the later rule. */
function decidesAll(earlier: Parsed, later: Parsed, pattern: PackagePattern): boolean {
  return (
    decidesWherever(earlier, later) &&
    earlier.positive.some(
      (wider) =>
        covers(wider, pattern) &&
        // Ranges in rules that ask for proof also have versions that cannot be compared; others have them not.
        (wider.range === undefined || isComparable(later) || earlier.require !== 'nothing'),
    ) &&
    earlier.negative.every(
      (hole) =>
        areDisjoint(hole.name, pattern.name) ||
        later.negative.some(
          (own) =>
            covers(own, hole) &&
            // Ranges in negations treat versions that cannot be compared by what the rule requires (`packages.ts`).
            (own.range === undefined || earlier.require === later.require),
        ),
    )
  )
}

/** Whether a rule is only about versions that can be compared, as far as its ranges go. One with `integrity` is not. */
function isComparable({ require, integrity }: Parsed): boolean {
  return require === 'nothing' && integrity === undefined
}

/** Whether the earlier rule is about all sources that the later one is about. */
function decidesWherever(earlier: Parsed, later: Parsed): boolean {
  if (earlier.integrity !== undefined) return earlier.integrity === later.integrity
  const places = placesOf(earlier)
  return places === undefined || placesOf(later)?.every((place) => places.includes(place)) === true
}

/** By sources, with what a lockfile has at an address of its own (`outside`) apart; undefined for all. */
function placesOf({ require, source, integrity }: Parsed): readonly string[] | undefined {
  if (integrity !== undefined) return ['registry', 'tarball', 'outside']
  const own = require === 'nothing' ? 'tarball' : 'registry'
  return source?.flatMap((each) => (each === own ? [each, 'outside'] : [each]))
}

/** Whether `wider` certainly matches all that `narrow` does, negation aside. */
function covers(wider: PackagePattern, narrow: PackagePattern): boolean {
  // A glob read as a name: its own `*` is then a character that only a `*` of the wider pattern can stand for.
  if (narrow.name === '**' ? wider.name !== '**' : !matchesPattern(wider.name, narrow.name)) return false
  if (wider.range === undefined) return true
  // Without a range also versions that lie in no range are matched.
  if (narrow.range === undefined) return false
  const ordered = { includePrerelease: true }
  const exact = valid(narrow.range)
  return exact === null ? subset(narrow.range, wider.range, ordered) : new Range(wider.range, ordered).test(exact)
}

/** Whether certainly no name matches both. */
function areDisjoint(a: string, b: string): boolean {
  if (!a.includes('*')) return !matchesPattern(b, a)
  if (!b.includes('*')) return !matchesPattern(a, b)
  if (a === '**' || b === '**') return false
  const [start, other] = [literalStart(a), literalStart(b)]
  return a.split('/').length !== b.split('/').length || !(start.startsWith(other) || other.startsWith(start))
}

function literalStart(glob: string): string {
  return glob.slice(0, glob.indexOf('*'))
}
