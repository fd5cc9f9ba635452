import type { SignatureDocument } from './types.ts'

/*
 * Of the metadata of a package, what is about the registry's signatures. Nothing here is judged: whatever is not where it
 * should be is left out.
 */

/** Of `GET {registry}/{name}/{version}`. */
export function signaturesOfManifest(manifest: unknown): SignatureDocument {
  const { integrity, signatures } = record(record(manifest).dist)
  return { integrity, signatures }
}

/** Of `GET {registry}/{name}`, which has all versions, and when each was published. */
export function signaturesOfPackument(packument: unknown, version: string): SignatureDocument {
  const { versions, time } = record(packument)
  const document = signaturesOfManifest(own(versions, version))
  const published = own(time, version)
  return published === undefined ? document : { ...document, published }
}

/** A version is a key that an attacker may have chosen. */
function own(value: unknown, key: string): unknown {
  const fields = record(value)
  return Object.hasOwn(fields, key) ? fields[key] : undefined
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
