import type { Bundle } from '@sigstore/bundle'
import { X509Certificate } from '@sigstore/core'
import { type TrustMaterial, Verifier } from '@sigstore/verify'
import { kept } from './certificate.ts'
import type { TrustDomain, TrustDomains } from './types.ts'

/** A domain, and the one verifier that it has in a run. */
export interface OpenDomain extends TrustDomain {
  readonly verifier: Verifier
  /** The names of all domains of the run: a certificate that is of none of them could be of any. */
  readonly among: readonly string[]
}

export function openDomain(domain: TrustDomain, among: readonly string[] = [domain.name]): OpenDomain {
  const { logEntries, certificateTimestamps } = domain.thresholds
  const options = { tlogThreshold: logEntries, ctlogThreshold: certificateTimestamps, timestampThreshold: 1 }
  const material = {
    ...domain.material,
    certificateAuthorities: domain.material.certificateAuthorities.map(withKept),
    timestampAuthorities: domain.material.timestampAuthorities.map(withKept),
  }
  return { ...domain, material, verifier: new Verifier(material, options), among }
}

function withKept(authority: Authority): Authority {
  return { ...authority, certChain: authority.certChain.map(kept) }
}

type Authority = TrustMaterial['certificateAuthorities'][number]

/** The default one first. */
export type OpenDomains = readonly [OpenDomain, ...OpenDomain[]]

export function openDomains([first, ...others]: TrustDomains): OpenDomains {
  const names = [first, ...others].map(({ name }) => name)
  return [openDomain(first, names), ...others.map((each) => openDomain(each, names))]
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

function issuerKeyId(bundle: Bundle): Buffer | undefined {
  try {
    const leaf = leafOf(bundle)
    return leaf && authorityKeyId(leaf)
  } catch {
    return undefined
  }
}

/** @throws what the library does where it cannot be read */
function leafOf({ verificationMaterial: { content } }: Bundle): X509Certificate | undefined {
  if (content.$case === 'publicKey') return undefined
  const leaf = content.$case === 'certificate' ? content.certificate : content.x509CertificateChain.certificates[0]
  return leaf && X509Certificate.parse(Buffer.from(leaf.rawBytes))
}

/** Whether a certificate says that GitHub's own instance issued it. By a name that is not verified: for advice alone. */
export function namesGithub(bundle: Bundle): boolean {
  try {
    return leafOf(bundle)?.issuer.includes('GitHub, Inc.') === true
  } catch {
    return false
  }
}

/** How a certificate names the authority that issued it. */
export function authorityKeyId(certificate: X509Certificate): Buffer | undefined {
  return certificate.extAuthorityKeyID?.keyIdentifier
}

export function hasAuthority({ certificateAuthorities }: TrustMaterial, keyId: Buffer): boolean {
  return certificateAuthorities.some(({ certChain }) =>
    certChain.some((certificate) => certificate.extSubjectKeyID?.keyIdentifier.equals(keyId)),
  )
}
