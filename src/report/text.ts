import type { Verdict } from '../policy/types.ts'
import { escapeText } from '../util/text.ts'
import { type RefusalLines, refusals } from './refusal.ts'
import { renewal, type TrustedFiles } from './renewal.ts'
import { count } from './summary.ts'

/** What is said of so many refusals at most; the rest is counted. */
const MOST = 20

/** Where the refused packages come from: the lockfile as it was, what pnpm has just resolved, or what it has done already. */
export type Origin = 'locked' | 'resolved' | 'late'

/**
 * The message with which a hook stops an install, or undefined where nothing is refused. Plain text: pnpm prints it in
 * its own frame.
 */
export function refusalText(
  verdicts: readonly Verdict[],
  origin: Origin,
  folder: string = process.cwd(),
  trust: TrustedFiles = {},
): string | undefined {
  const refused = refusals(verdicts, folder)
  if (refused.length === 0) return undefined
  const unknown = verdicts.some(
    ({ status, package: pkg, projects }) => status === 'refused' && projects !== undefined && pkg.forAnyone,
  )
  const codes = new Set(refused.map(({ code }) => code))
  const [only] = codes.size === 1 ? codes : []
  const advice = alone(only, trust, folder) ?? (unknown ? UNKNOWN : ADVICE[origin])
  return [`provenance-gate refused ${count(refused.length)}.`, ...blocksOf(refused), advice].join('\n\n')
}

/** What a hook says of packages that it lets pass although their rule warns of them, or undefined where there are none. */
export function warningText(verdicts: readonly Verdict[], folder: string = process.cwd()): string | undefined {
  const warned = refusals(verdicts, folder, 'warned')
  if (warned.length === 0) return undefined
  return [`provenance-gate warns of ${count(warned.length)}, which its rule lets pass.`, ...blocksOf(warned)].join(
    '\n\n',
  )
}

function blocksOf(lines: readonly RefusalLines[]): readonly string[] {
  const blocks = lines
    .slice(0, MOST)
    .map(({ package: name, code, found, expected, rule, neededBy, policyOf }) =>
      [
        `${name}  ${code}`,
        `  found:     ${found}`,
        `  expected:  ${expected}`,
        `  rule:      ${rule}`,
        ...(neededBy === undefined ? [] : [`  needed by: ${neededBy}`]),
        ...(policyOf === undefined ? [] : [`  policy of: ${policyOf}`]),
      ].join('\n'),
    )
  if (lines.length > MOST) blocks.push(`… and ${lines.length - MOST} more: \`provenance-gate verify\` lists them all.`)
  return blocks
}

/** What to do where that is the only reason: nothing bad was found. */
function alone(code: string | undefined, trust: TrustedFiles, folder: string): string | undefined {
  if (code === 'EVIDENCE_UNAVAILABLE')
    return 'The evidence could not be fetched: check the network and the registry, and install again.'
  if (code !== 'EVIDENCE_UNKNOWN') return undefined
  return escapeText(
    `The trust root or this gate is older than the evidence: ${renewal(trust, folder)}. Then install again.`,
  )
}

const UNKNOWN = [
  'Which project needs what, pnpm does not say before the lockfile has it, so all policies of projects were asked. To have',
  'it judged for those alone that do, write the lockfile first, which links and runs nothing, and install then:',
  '  provenance-gate repair install   (or: repair add NAME, repair update NAME)',
].join('\n')

const ADVICE: Readonly<Record<Origin, string>> = {
  locked: [
    'Nothing was linked or run. To move the lockfile off a package without installing it:',
    '  provenance-gate repair update NAME   (or: repair remove NAME)',
    'To allow it, change the rule, in a commit that somebody reviews.',
  ].join('\n'),
  resolved: [
    'It was neither linked nor run. Ask for a version that is proven, in package.json or by `overrides`;',
    'to allow this one, change the rule, in a commit that somebody reviews.',
  ].join('\n'),
  late: [
    'pnpm 12 says so only after it has linked it, and may have run its scripts: look at what they did, and remove it.',
    'To allow it, change the rule, in a commit that somebody reviews.',
  ].join('\n'),
}
