import { parsePackagePattern, versionProblem } from './packages.ts'
import { RULE_SOURCES } from './source.ts'
import { either, quote } from './text.ts'

interface SourceFields {
  readonly packages: string | readonly string[]
  readonly require: RuleRequire
  readonly source?: string | readonly string[]
  readonly integrity?: string
}

type RuleRequire = 'provenance' | 'signature' | 'nothing'

/** What of these sources can be proven at all. */
const PROVABLE: Readonly<Record<RuleRequire, readonly string[]>> = {
  provenance: ['registry', 'tarball', 'git'],
  signature: ['registry'],
  nothing: RULE_SOURCES,
}

/** Rules that would not be about what their writers believe, by where packages come from. */
export function sourceProblems(rule: SourceFields): readonly { readonly key: string; readonly message: string }[] {
  const { require, integrity } = rule
  const [packages, sources] = [[rule.packages].flat(), rule.source === undefined ? undefined : [rule.source].flat()]
  if (integrity !== undefined) {
    const problem = packages.length === 1 ? versionProblem(packages[0] ?? '') : 'here are several patterns'
    return [
      ...(problem === undefined
        ? []
        : [{ key: 'packages', message: `"integrity" is about one version of one package: ${problem}` }]),
      ...(require === 'nothing'
        ? []
        : [{ key: 'integrity', message: `this rule requires ${quote(require)}, which names the bytes: remove it` }]),
      ...(sources === undefined
        ? []
        : [
            { key: 'source', message: '"integrity" covers these bytes from wherever they come: remove one of the two' },
          ]),
    ]
  }
  if (sources === undefined) return []
  if (!sources.some((source) => PROVABLE[require].includes(source))) {
    const message = `${quote(require)} can never be met by what comes from ${either(sources)}: write "require": "nothing", or name a source of which something can be proven`
    return [{ key: 'source', message }]
  }
  const ranged = packages.find((pattern) => parsePackagePattern(pattern).range !== undefined)
  if (require !== 'nothing' || ranged === undefined || sources.some((each) => VERSIONED.includes(each))) return []
  const message = `${quote(ranged)} has a version range, and what comes from ${either(sources)} has no version that can be trusted: remove the range`
  return [{ key: 'packages', message }]
}

/** Sources of which the version is more than what the package says of itself. */
const VERSIONED: readonly string[] = ['registry', 'runtime']
