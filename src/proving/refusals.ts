import { CODES, type Refusal, type Result, refuse } from '../codes.ts'
import { GateError } from '../errors.ts'
import type { Evidence } from '../evidence/types.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Proof } from '../verify/types.ts'

/** Safety rule 1: whatever is thrown while deciding is a refusal; but for what is no package's fault. */
export async function guarded<T>(run: () => Promise<T>): Promise<T | ReturnType<typeof broken>> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof GateError) throw error
    return broken(error)
  }
}

/** A source that refuses without a reason is broken. Nobody could tell what the refusal is about. */
export function sound(evidence: Evidence): Evidence {
  if (evidence.ok || Object.hasOwn(CODES, evidence.refusal.code)) return evidence
  throw new TypeError('the source of evidence gave no reason')
}

export function broken(error: unknown): { readonly ok: false; readonly refusal: Refusal } {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return refuse('INTERNAL_ERROR', `an error while deciding (${what})`, 'none; please report this')
}

export function unprovable({ source, origin }: LockedPackage): Result<Proof> {
  // A dependency that the lockfile leaves out comes from nowhere, and no rule can mend that.
  if (source === 'unknown')
    return refuse(
      'EVIDENCE_MISSING',
      `an entry of unknown source${origin === undefined ? '' : ` (${origin})`}`,
      'an entry that says which package it is, and where it comes from: correct the lockfile',
    )
  return refuse(
    'EVIDENCE_MISSING',
    `a dependency from ${SOURCES[source]}${origin === undefined ? '' : ` (${origin})`}`,
    'a package of a registry, or of a release that GitHub has signed (docs/policy.md)',
  )
}

/** Where a signature of the registry would have done as well, and there was none either. */
export function withoutSignature(proof: Result<Proof>): Result<Proof> {
  if (proof.ok || proof.refusal.code !== 'EVIDENCE_MISSING') return proof
  const { found, expected } = proof.refusal
  const both = {
    found: `${found}, and no signature of the registry`,
    expected: `${expected}, or a signature of the registry`,
  }
  return { ok: false, refusal: { ...proof.refusal, ...both } }
}

const SOURCES: Readonly<Record<LockedPackage['source'], string>> = {
  registry: 'a registry',
  workspace: 'a project of the workspace',
  tarball: 'a tarball URL or file',
  git: 'a git repository',
  directory: 'a folder',
  runtime: 'a runtime download',
  bundled: "another package's tarball",
  unknown: 'an unknown source',
}
