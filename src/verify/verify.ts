import type { Bundle } from '@sigstore/bundle'
import { ok, type Result, refuse } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import { certificateClaims } from './claims.ts'
import { parseDocument } from './document.ts'
import { type OpenDomain, type OpenDomains, openDomains } from './domain.ts'
import { guarded } from './guard.ts'
import { checkProvenance, checkPublish, PROVENANCE_V1, PROVENANCE_V02, PUBLISH } from './predicate.ts'
import { verifyInDomain } from './signature.ts'
import { parseStatement } from './statement.ts'
import { checkSubject, lockedDigest } from './subject.ts'
import type { Proof, ProvenProvenance, ProvenPublish, TrustDomains } from './types.ts'

/** Judges an attestation document against one lockfile entry. Pure, and never throws. */
export type DocumentVerifier = (pkg: LockedPackage, document: unknown, now: Date) => Result<Proof>

/** Makes the one verifier of a run. The first domain is the default, which has the registry's keys. */
export function createDocumentVerifier(trust: TrustDomains): DocumentVerifier {
  const domains = openDomains(trust)
  return (pkg, document, now) => guarded(() => verifyDocument(pkg, document, { domains, now }))
}

interface Context {
  readonly domains: OpenDomains
  readonly now: Date
}

/** What one attestation, taken alone, proves. `undefined`: of a kind that the gate does not use. */
type Proven =
  | { readonly kind: 'provenance'; readonly value: ProvenProvenance }
  | { readonly kind: 'publish'; readonly value: ProvenPublish }
  | undefined

function verifyDocument(pkg: LockedPackage, document: unknown, context: Context): Result<Proof> {
  const digest = lockedDigest(pkg)
  if (!digest.ok) return digest
  const bundles = parseDocument(document)
  if (!bundles.ok) return bundles

  const provenance: ProvenProvenance[] = []
  let publish: ProvenPublish | undefined
  for (const bundle of bundles.value) {
    const proven = verifyAttestation(pkg, digest.value, bundle, context)
    // One attestation that does not hold spoils the document: whoever could change it could have changed the others.
    if (!proven.ok) return proven
    if (proven.value?.kind === 'provenance') provenance.push(proven.value.value)
    if (proven.value?.kind === 'publish') publish ??= proven.value.value
  }
  if (provenance.length === 0 && publish === undefined) {
    const others =
      bundles.value.length === 0 ? 'an empty list of attestations' : 'attestations, but no provenance among them'
    return refuse('EVIDENCE_MISSING', others, 'a provenance attestation')
  }
  return ok({ provenance, publish })
}

function verifyAttestation(pkg: LockedPackage, digest: string, bundle: Bundle, context: Context): Result<Proven> {
  const signature = verifyInDomain(bundle, context.domains, context.now)
  if (!signature.ok) return signature
  const statement = parseStatement(bundle)
  if (!statement.ok) return statement
  const subject = checkSubject(pkg, digest, statement.value)
  if (!subject.ok) return subject

  const { certificate, signedAt, domain } = signature.value
  const { predicateType } = statement.value
  switch (predicateType) {
    case PUBLISH: {
      // Anybody can have such a statement signed by Fulcio under a name of their own. Only the registry can publish.
      if (certificate !== undefined) {
        return refuse(
          'CERTIFICATE_UNTRUSTED',
          `a publish attestation signed by ${certificate.subjectAltName ?? 'a certificate without a name'}`,
          "one signed by the registry's own key",
        )
      }
      const checked = checkPublish(statement.value, pkg.name, pkg.version)
      if (!checked.ok) return checked
      const registry = registryOf(bundle, context.domains[0])
      const value = { signedAt: signedAt.toISOString(), ...(registry !== undefined && { registry }) }
      return ok({ kind: 'publish', value })
    }
    case PROVENANCE_V02:
    case PROVENANCE_V1: {
      // The registry's key says who published, not where it was built.
      if (certificate === undefined) {
        return refuse(
          'CERTIFICATE_UNTRUSTED',
          "a provenance signed by the registry's key",
          'one signed by a Fulcio certificate',
        )
      }
      const certified = certificateClaims(certificate)
      if (!certified.ok) return certified
      const claims = { ...certified.value, domain }
      const checked = checkProvenance(statement.value, claims)
      if (!checked.ok) return checked
      const said = checked.value === undefined ? claims : { ...claims, delegatedBuilder: checked.value }
      return ok({ kind: 'provenance', value: { predicateType, claims: said, signedAt: signedAt.toISOString() } })
    }
    default:
      return ok(undefined)
  }
}

/** Whose key has signed, where it is not the default registry's. To be called where the signature was verified by it. */
function registryOf({ verificationMaterial: { content } }: Bundle, { registries }: OpenDomain): string | undefined {
  return content.$case === 'publicKey' ? registries?.get(content.publicKey.hint) : undefined
}
