import { type Result, refuse } from '../codes.ts'

/** Safety rule 1: whatever is thrown while deciding is a refusal. */
export function guarded<T>(decide: () => Result<T>): Result<T> {
  try {
    return decide()
  } catch (error) {
    const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    return refuse('INTERNAL_ERROR', `an error in the verifier (${what})`, 'none; please report this')
  }
}
