import type { Verdict } from '../policy/types.ts'
import { MOST_NAME } from './bounds.ts'
import { renewal, type TrustedFiles } from './renewal.ts'

/**
 * What to do after a table of refusals, a line for each; none where nothing is refused. Not made safe for a terminal yet.
 *
 * @param options words that the next command needs as well
 */
export function nextSteps(
  verdicts: readonly Verdict[],
  trust: TrustedFiles,
  folder: string,
  options: readonly string[],
): readonly string[] {
  const refused = verdicts.filter(({ status }) => status === 'refused')
  if (refused.length === 0) return []
  const isOld = refused.some(({ refusal }) => refusal?.code === 'EVIDENCE_UNKNOWN')
  const named = refused.map(({ package: pkg }) => (pkg.version === '' ? pkg.key : `${pkg.name}@${pkg.version}`))
  // What a lockfile has may be meant for the shell of whoever copies it.
  const plain = named.find((name) => name.length <= MOST_NAME && isPlain(name)) ?? 'NAME'
  const words = options.map((word) =>
    isPlain(word) || word.startsWith('--') ? word : `'${word.replaceAll("'", `'\\''`)}'`,
  )
  return [
    ...(isOld
      ? [
          `EVIDENCE_UNKNOWN: the trust root or this gate is older than the evidence. To find out, ${renewal(trust, folder)}.`,
        ]
      : []),
    `What was found, and what would make it pass: ${['provenance-gate explain', plain, ...words].join(' ')}`,
  ]
}

/** Whether every shell takes it as it is, and no command takes it for an option. */
function isPlain(word: string): boolean {
  return /^[\w@./][\w@./+:-]*$/.test(word)
}
