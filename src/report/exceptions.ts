import type { Exception, Verdict } from '../policy/types.ts'
import { escapeText, firstOf } from '../util/text.ts'
import { MOST_LINES } from './bounds.ts'
import { shortPath } from './refusal.ts'

/** A line for each exception that excused nothing, so that it is removed before somebody needs it for something else. */
export function unusedExceptions(
  exceptions: readonly Exception[],
  verdicts: readonly Verdict[],
  folder: string,
): readonly string[] {
  const used = new Set(verdicts.flatMap(({ excused }) => excused ?? []))
  const unused = exceptions.filter((exception) => !used.has(exception))
  if (unused.length === 0) return []
  const byVersion = Map.groupBy(verdicts, ({ package: pkg }) => `${pkg.name}@${pkg.version}`)
  const lines = unused.map(({ name, version, integrity, place }) => {
    const those = byVersion.get(`${name}@${version}`) ?? []
    const why =
      those.length === 0
        ? 'the lockfile does not have it'
        : those.some(({ refusal }) => refusal !== undefined)
          ? whyUseless(integrity, those)
          : 'nothing is wrong with it'
    return `unused exception for ${escapeText(`${name}@${version}`)} (${escapeText(shortPath(place.file, folder))}:${place.line}): ${why}. Remove it.`
  })
  // Policies of projects may have one from a file that they share.
  return firstOf([...new Set(lines)], MOST_LINES)
}

function whyUseless(integrity: string | undefined, those: readonly Verdict[]): string {
  if (those.every(({ package: pkg }) => pkg.source !== 'registry'))
    return 'it does not come from a registry, and exceptions are for what does'
  return integrity === undefined ? 'it is over' : 'it is over, or for other bytes'
}
