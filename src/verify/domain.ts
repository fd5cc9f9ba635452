import type { Bundle } from '@sigstore/bundle'
import { X509Certificate } from '@sigstore/core'
import { type TrustMaterial, Verifier } from '@sigstore/verify'
import { kept } from './certificate.ts'
import type { TrustDomain, TrustDomains } from './types.ts'

/** A domain, and the one verifier that it has in a run. */
export interface OpenDomain extends TrustDomain {
  readonly verifier: Verifier
}

export function openDomain(domain: TrustDomain): OpenDomain {
  const { logEntries, certificateTimestamps } = domain.thresholds
  const options = { tlogThreshold: logEntries, ctlogThreshold: certificateTimestamps, timestampThreshold: 1 }
  const material = {
    ...domain.material,
    certificateAuthorities: domain.material.certificateAuthorities.map(withKept),
    timestampAuthorities: domain.material.timestampAuthorities.map(withKept),
  }
  return { ...domain, material, verifier: new Verifier(material, options) }
}

function withKept(authority: Authority): Authority {
  return { ...authority, certChain: authority.certChain.map(kept) }
}

type Authority = TrustMaterial['certificateAuthorities'][number]

/** The default one first. */
export type OpenDomains = readonly [OpenDomain, ...OpenDomain[]]

export function openDomains([first, ...others]: TrustDomains): OpenDomains {
  return [openDomain(first), ...others.map(openDomain)]
}

/**
 * The domain that has to vouch for a bundle: the one with the authority that its certificate names as its issuer. The name is
 * not verified here, and a lie leads to a domain that refuses. What names nobody's is for the first one to judge, which
 * says what is wrong with it; so is what is signed by a key.
 */
export function domainOf(bundle: Bundle, domains: OpenDomains): OpenDomain {
  const issuer = domains.length === 1 ? undefined : issuerKeyId(bundle)
  return domains.find(({ material }) => issuer !== undefined && hasAuthority(material, issuer)) ?? domains[0]
}

/** Whether no domain has the authority that a certificate names. */
export function isOfStranger(bundle: Bundle, domains: readonly OpenDomain[]): boolean {
  const issuer = issuerKeyId(bundle)
  return issuer !== undefined && !domains.some(({ material }) => hasAuthority(material, issuer))
}

function issuerKeyId(bundle: Bundle): Buffer | undefined {
  const { content } = bundle.verificationMaterial
  if (content.$case === 'publicKey') return undefined
  const leaf = content.$case === 'certificate' ? content.certificate : content.x509CertificateChain.certificates[0]
  try {
    return leaf && X509Certificate.parse(Buffer.from(leaf.rawBytes)).extAuthorityKeyID?.keyIdentifier
  } catch {
    return undefined
  }
}

function hasAuthority({ certificateAuthorities }: TrustMaterial, keyId: Buffer): boolean {
  return certificateAuthorities.some(({ certChain }) =>
    certChain.some((certificate) => certificate.extSubjectKeyID?.keyIdentifier.equals(keyId)),
  )
}
