import type { TrustInputs } from '../trust/inputs.ts'
import type { Verifiers } from './verifiers.ts'

/* What a thread that verifies is told, and what it answers. */

export const THREAD = 'provenance-gate'

export interface ThreadData {
  readonly [THREAD]: TrustInputs
}

export interface Question {
  readonly id: number
  readonly method: keyof Verifiers
  readonly args: readonly unknown[]
}

export type Answer =
  | { readonly id: number; readonly value: unknown }
  | {
      readonly id: number
      readonly error: { readonly name: string; readonly message: string; readonly isGateError: boolean }
    }
