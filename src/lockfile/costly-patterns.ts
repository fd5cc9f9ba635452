import { GateError } from '../errors.ts'
import { readGiven } from '../read.ts'
import { costlyPattern } from '../util/pattern-cost.ts'
import { quoteText } from '../util/text.ts'

const MAX_BYTES = 4 * 1024 * 1024
const SHOWN = 60

/** @throws GateError for the first pattern of a workspace that would take long to look for */
export async function refuseCostlyPatterns(patterns: readonly string[], file: string): Promise<void> {
  const costly = costlyPattern(patterns)
  if (costly === undefined) return
  const text = (await readGiven(file, MAX_BYTES))?.toString('utf8') ?? ''
  const before = text.slice(0, Math.max(0, text.indexOf(costly.pattern)))
  throw new GateError(
    `${file}:${before.split('\n').length}: the workspace pattern ${quoteText(costly.pattern, SHOWN)} ${costly.why}, so it could take very long to find its folders. ` +
      'Name the folders, or use `*` for any name.',
  )
}
