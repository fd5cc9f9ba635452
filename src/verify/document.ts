import type { Bundle } from '@sigstore/bundle'
import { ok, type Result, refuse } from '../codes.ts'
import { parseBundle } from './bundle.ts'

const EXPECTED = 'a document `{attestations: [{predicateType, bundle}]}` of Sigstore bundles'

/** More than any package has. Each attestation costs a few signature checks, so a hostile document is cut short here. */
const MAX_ATTESTATIONS = 16

/**
 * Reads the answer of the registry's attestation endpoint, `{attestations: [{predicateType, bundle}]}`.
 *
 * The outer `predicateType` is not signed by anybody and is not read: what an attestation is about stands in its
 * signed statement only. One attestation that cannot be read says nothing about the others.
 */
export function parseDocument(document: unknown): Result<readonly Result<Bundle>[]> {
  const attestations = isRecord(document) ? document.attestations : undefined
  if (!Array.isArray(attestations)) return refuse('EVIDENCE_MALFORMED', describe(document), EXPECTED)
  if (attestations.length > MAX_ATTESTATIONS) {
    return refuse('EVIDENCE_MALFORMED', `${attestations.length} attestations`, `at most ${MAX_ATTESTATIONS}`)
  }
  return ok(
    Array.from(attestations, (attestation: unknown, index): Result<Bundle> => {
      const bundle = isRecord(attestation) ? attestation.bundle : undefined
      if (!isRecord(bundle)) return refuse('EVIDENCE_MALFORMED', `attestation ${index + 1} has no bundle`, EXPECTED)
      return parseBundle(bundle, `attestation ${index + 1}`)
    }),
  )
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object without a list `attestations`' : `a ${typeof value}`
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
