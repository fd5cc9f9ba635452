import type { Bundle } from '@sigstore/bundle'
import { ok, type Result, refuse } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import { show } from '../util/text.ts'
import { certificateClaims } from './claims.ts'
import { parseDocument } from './document.ts'
import { type OpenDomain, type OpenDomains, openDomains } from './domain.ts'
import { type AttestationFinding, judgeEach, nothingProven, refusedStep } from './findings.ts'
import { guarded } from './guard.ts'
import { checkProvenance, checkPublish, PROVENANCE_V1, PROVENANCE_V02, PUBLISH } from './predicate.ts'
import { verifyInDomain } from './signature.ts'
import { parseStatement } from './statement.ts'
import { checkSubject, isOfOtherBytes, lockedDigest } from './subject.ts'
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

type Proven =
  | { readonly kind: 'provenance'; readonly value: ProvenProvenance }
  | { readonly kind: 'publish'; readonly value: ProvenPublish }

function verifyDocument(pkg: LockedPackage, document: unknown, context: Context): Result<Proof> {
  const digest = lockedDigest(pkg)
  if (!digest.ok) return digest
  const attestations = parseDocument(document)
  if (!attestations.ok) return attestations
  const findings = judgeEach(attestations.value, (bundle) => verifyAttestation(pkg, digest.value, bundle, context))
  if (!findings.ok) return findings

  const { proven, leftOut } = findings.value
  const provenance = proven.flatMap((each) => (each.kind === 'provenance' ? [each.value] : []))
  const publish = latestOfEach(proven.flatMap((each) => (each.kind === 'publish' ? [each.value] : [])))
  if (provenance.length === 0 && publish.length === 0) {
    const others = leftOut.length === 0 ? 'an empty list of attestations' : 'attestations, but no provenance among them'
    return nothingProven(leftOut, refuse('EVIDENCE_MISSING', others, 'a provenance attestation').refusal)
  }
  return ok({ provenance, publish, ...(leftOut.length > 0 && { leftOut }) })
}

/** Of several that a registry has made: an age that counts from it must not be had by adding an older one. */
function latestOfEach(published: readonly ProvenPublish[]): readonly ProvenPublish[] {
  const sorted = published.toSorted((a, b) => Date.parse(b.signedAt) - Date.parse(a.signedAt))
  return sorted.filter(({ registry }, index) => sorted.findIndex((each) => each.registry === registry) === index)
}

function verifyAttestation(
  pkg: LockedPackage,
  digest: string,
  bundle: Bundle,
  context: Context,
): AttestationFinding<Proven> {
  const signature = verifyInDomain(bundle, context.domains, context.now)
  if (!signature.ok) return refusedStep(signature)
  const statement = parseStatement(bundle)
  if (!statement.ok) return refusedStep(statement)
  const { certificate, signedAt, domain } = signature.value
  const subject = checkSubject(pkg, digest, statement.value)
  if (!subject.ok) {
    if (isOfOtherBytes(pkg, digest, statement.value)) return { contradicts: subject.refusal }
    const isUnread = certificate === undefined && subject.refusal.code === 'DIGEST_MISMATCH'
    return isUnread ? unknownForm('a subject without a sha512') : { isNothing: subject.refusal }
  }

  const { predicateType } = statement.value
  switch (predicateType) {
    case PUBLISH: {
      // Anybody can have such a statement signed by Fulcio under a name of their own. Only the registry can publish.
      if (certificate !== undefined) {
        const { refusal } = refuse(
          'CERTIFICATE_UNTRUSTED',
          `a publish attestation signed by ${show(certificate.subjectAltName ?? 'a certificate without a name')}`,
          "one signed by the registry's own key",
        )
        return { isNothing: refusal }
      }
      const checked = checkPublish(statement.value, pkg.name, pkg.version)
      if (!checked.ok) return { contradicts: checked.refusal }
      const registry = registryOf(bundle, context.domains[0])
      const value = { signedAt: signedAt.toISOString(), ...(registry !== undefined && { registry }) }
      return { proves: { kind: 'publish', value } }
    }
    case PROVENANCE_V02:
    case PROVENANCE_V1: {
      // The registry's key says who published, not where it was built. Nobody else has that key, so nobody else has said it.
      if (certificate === undefined) {
        const { refusal } = refuse(
          'CERTIFICATE_UNTRUSTED',
          "a provenance signed by the registry's key",
          'one signed by a Fulcio certificate',
        )
        return { contradicts: refusal }
      }
      const certified = certificateClaims(certificate)
      if (!certified.ok) return { contradicts: certified.refusal }
      const claims = { ...certified.value, domain }
      const checked = checkProvenance(statement.value, claims)
      // Of people and service accounts no repository is known with which the predicate could disagree.
      if (!checked.ok) {
        return claims.repository === undefined ? { isNothing: checked.refusal } : { contradicts: checked.refusal }
      }
      const said = checked.value === undefined ? claims : { ...claims, delegatedBuilder: checked.value }
      return {
        proves: { kind: 'provenance', value: { predicateType, claims: said, signedAt: signedAt.toISOString() } },
      }
    }
    default: {
      if (certificate === undefined) return unknownForm(`the type ${show(predicateType)}`)
      const found = `an attestation of the type ${show(predicateType)}`
      return { isNothing: refuse('EVIDENCE_MISSING', found, 'a provenance or a publish attestation').refusal }
    }
  }
}

/**
 * About this package, by the registry's own key, and nothing that this gate can read: a registry may publish so by now. Of what a
 * certificate signs, nothing can be a publish attestation.
 */
function unknownForm(what: string): AttestationFinding<never> {
  return {
    isNothing: refuse(
      'EVIDENCE_UNKNOWN',
      `an attestation by the registry's key with ${what}, which this gate does not know`,
      `a publish attestation of the type ${PUBLISH}; a newer gate may know others`,
    ).refusal,
  }
}

/** Whose key has signed, where it is not the default registry's. To be called where the signature was verified by it. */
function registryOf({ verificationMaterial: { content } }: Bundle, { registries }: OpenDomain): string | undefined {
  return content.$case === 'publicKey' ? registries?.get(content.publicKey.hint) : undefined
}
