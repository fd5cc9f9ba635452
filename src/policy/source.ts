import { type Refusal, refuse } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import { parsePackagePattern } from './packages.ts'
import { either, quote } from './text.ts'
import type { Rule, RuleSource } from './types.ts'

/** What `source` of a rule can say. Nothing says `unknown`, and what is `bundled` ends as its bundler. */
export const RULE_SOURCES = ['registry', 'workspace', 'tarball', 'git', 'directory', 'runtime'] as const

/** What a rule that requires nothing covers, where it says neither `source` nor `integrity`. */
const IMPLIED: readonly RuleSource[] = ['registry', 'workspace']

/**
 * The source by which a rule knows a package; undefined where no `source` can name it. An address that is not of the
 * registry of the settings makes a package a tarball, except for a rule that asks for proof: that one has its digest.
 */
export function sourceFor(
  { require }: Pick<Rule, 'require'>,
  { source, outside }: Pick<LockedPackage, 'source' | 'outside'>,
): RuleSource | undefined {
  if (source === 'unknown' || source === 'bundled') return undefined
  return source === 'registry' && outside !== undefined && require === 'nothing' ? 'tarball' : source
}

type FromRule = Pick<Rule, 'packages' | 'require' | 'source' | 'integrity'>

/** Whether what a rule says with `source` or `integrity` is so. Where it is not, the next rule is asked. */
export function isFrom(rule: FromRule, pkg: LockedPackage): boolean {
  if (rule.integrity !== undefined) return hasBytes(pkg, rule.integrity)
  if (rule.source === undefined) return true
  const source = sourceFor(rule, pkg)
  return source !== undefined && rule.source.includes(source)
}

/** Whether a rule that requires nothing covers where a package comes from. What it does not cover it refuses. */
export function covers(rule: FromRule, pkg: LockedPackage): boolean {
  if (rule.require !== 'nothing' || rule.source !== undefined || rule.integrity !== undefined) return true
  const source = sourceFor(rule, pkg)
  return source !== undefined && IMPLIED.includes(source)
}

/** The package that a rule with `integrity` is about. */
export function pinnedBy({ packages }: Pick<Rule, 'packages'>): { readonly name: string; readonly version: string } {
  const { name, range = '' } = parsePackagePattern(packages[0] ?? '')
  return { name, version: range }
}

/**
 * Whether a package is these very bytes. Managers compare the digest of what they download as a tarball, and of nothing
 * else: what comes out of a git repository is packed by its own scripts.
 */
export function hasBytes({ source, integrity }: LockedPackage, wanted: string): boolean {
  return (source === 'registry' || source === 'tarball') && integrity === wanted
}

const WORDS: Readonly<Record<LockedPackage['source'], string>> = {
  registry: 'a package of the registry',
  workspace: 'a project of the workspace',
  tarball: 'a tarball',
  git: 'a git repository',
  directory: 'a folder',
  runtime: 'a runtime',
  bundled: "part of another package's tarball",
  unknown: 'something of unknown source',
}

/** Where a package comes from, for people. */
export function describeSource({ source, origin, outside }: LockedPackage): string {
  const where = origin === undefined ? '' : ` (${origin})`
  if (outside === undefined || source !== 'registry') return `${WORDS[source]}${where}`
  const registry = outside === '' ? 'a registry that the settings give' : `${outside}, which the settings give for it`
  return `${WORDS.tarball}${where} that is not of ${registry}`
}

/** What a rule covers, for people. */
export function describeCovered({ source = IMPLIED, integrity }: FromRule): string {
  return integrity === undefined ? either(source.map((each) => WORDS[each])) : `the bytes ${integrity}`
}

/** The rule that would permit it; undefined where none can. */
export function ruleThatPermits(names: readonly string[], source: RuleSource | undefined): string | undefined {
  if (source === undefined) return undefined
  return `{ packages: [${names.map(quote).join(', ')}], source: ${source}, require: nothing }`
}

/** @param rules all that name the package and do not cover where it comes from; the first decides what is said */
export function refuseSource(pkg: LockedPackage, rules: readonly [Rule, ...Rule[]]): Refusal {
  const [{ place }] = rules
  const covered = [...new Set(rules.map(describeCovered))].join(', or ')
  const permitting = ruleThatPermits([pkg.name], sourceFor({ require: 'nothing' }, pkg))
  const advice =
    permitting === undefined
      ? 'no rule permits what is of unknown source: correct the lockfile'
      : `if it is meant, write before the rule at line ${place.line} of ${place.file}, indented as that rule is (between brackets without the dash, and with a comma behind it): - ${permitting}`
  return refuse('SOURCE_NOT_ALLOWED', describeSource(pkg), `${covered}; ${advice}`).refusal
}
