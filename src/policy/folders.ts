import { type Refusal, refuse } from '../codes.ts'
import type { LockedPackage, PackageSource } from '../lockfile/types.ts'
import { packageNameProblem, projectNameProblem } from '../util/package-name.ts'
import { quote } from './text.ts'

/**
 * Why a package must not be installed under one of its names, whatever rules say of it; undefined where it may. A package
 * manager makes a path of each name: `./victim` and, where case is folded, `VICTIM` are other names for the folder of
 * `victim`, and the rule for `victim` is not asked about them.
 */
export function folderProblem({
  name,
  aliases = [],
  caseTwins = [],
  source,
  unnamed,
}: LockedPackage): Refusal | undefined {
  const names = unnamed ? aliases : [name, ...aliases]
  for (const each of names) {
    const problem = source === 'workspace' ? projectNameProblem(each) : packageNameProblem(each)
    if (problem === undefined) continue
    return refuse('ALIAS_INVALID', `the name ${quote(each)}: ${problem}`, 'the name of a package').refusal
  }
  if (caseTwins.length === 0) return undefined
  const chosen = OWN_NAMES.includes(source) ? aliases : names
  for (const each of chosen) {
    const twin = caseTwins.find((other) => other !== each && other.toLowerCase() === each.toLowerCase())
    if (twin === undefined) continue
    const found = `the name ${quote(each)}, which differs from ${quote(twin)} by case alone`
    const expected = `one of the two: file systems of macOS and Windows have one folder for both`
    return refuse('ALIAS_INVALID', found, expected).refusal
  }
  return undefined
}

/** Where a package brings its own name, which may have capitals. All others are given one by those who ask for them. */
const OWN_NAMES: readonly PackageSource[] = ['registry', 'bundled', 'runtime']
