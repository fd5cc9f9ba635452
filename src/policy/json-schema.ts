import { toJsonSchema } from '@valibot/to-json-schema'
import { LockSchema } from './lock-schema.ts'
import { PolicySchema } from './schema.ts'

/**
 * JSON schemas (draft 07) of the two files that people write and review, for editors. Made from the definitions by which
 * the files are read, so that they cannot drift; what a schema cannot say (patterns, what belongs together) is left to
 * the gate, which says it better.
 */
export function jsonSchemas(): Readonly<Record<'policy' | 'provenance-lock', object>> {
  const options = { typeMode: 'input', errorMode: 'ignore' } as const
  return {
    policy: { title: 'provenance-gate: .sigstorerc', ...toJsonSchema(PolicySchema, options) },
    'provenance-lock': { title: 'provenance-gate: provenance-lock.yaml', ...toJsonSchema(LockSchema, options) },
  }
}
