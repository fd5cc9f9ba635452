import { UNDECIDED } from '../codes.ts'
import type { Verdict } from '../policy/types.ts'

/** 0: all allowed. 1: something refused. 2: the gate could not do its job. */
export type ExitStatus = 0 | 1 | 2

export function exitStatus(verdicts: readonly Verdict[]): ExitStatus {
  const refused = verdicts.filter((verdict) => verdict.status === 'refused')
  const undecided = refused.filter(({ refusal }) => refusal !== undefined && UNDECIDED.has(refusal.code))
  return statusFor(refused.length - undecided.length, undecided.length)
}

/**
 * A run in which nothing bad was found, but something could not be found out, is 2: whoever runs it again later may get
 * an answer. As soon as one package is refused for what was found, it is 1.
 */
export function statusFor(bad: number, undecided: number): ExitStatus {
  if (bad > 0) return 1
  return undecided > 0 ? 2 : 0
}
