import { randomBytes } from 'node:crypto'
import { createAuthority, leafContent } from './authority.ts'
import type { SerializedBundleJSON } from './bundle.ts'
import { signCertificate, toBeSigned } from './certificate.ts'
import { type FulcioClaims, workflowClaims } from './claims.ts'
import { IN_TOTO_PAYLOAD, signEnvelope } from './envelope.ts'
import { resolveIdentity, type WorkflowIdentity } from './identity.ts'
import { generateKey, sha256 } from './keys.ts'
import { overrideStatement, type PackageVersion, provenanceStatement, type StatementOverrides } from './statement.ts'
import type { TrustedRootJSON } from './trusted-root.ts'
import { createTimestampAuthority } from './tsa.ts'
import { yearsAfter } from './years.ts'

/**
 * What GitHub signs with its own authorities: no transparency log, no certificate log, one timestamp. Compared with the
 * genuine attestation of `bdehamer/delme@v6`: same media type, same statement, same extensions of the certificate.
 */
export interface LocalGithub {
  /** As GitHub's `trusted_root.json`. */
  readonly trustedRoot: TrustedRootJSON
  release(options: ReleaseOptions): SerializedBundleJSON
  /** Provenance of a build in a private repository. */
  provenance(
    pkg: PackageVersion,
    options: { readonly now: Date; readonly identity?: WorkflowIdentity },
  ): SerializedBundleJSON
}

export interface ReleaseOptions extends StatementOverrides {
  readonly now: Date
  /** `owner/name` */
  readonly repository: string
  readonly tag: string
  /** Of the tag, 40 hexadecimal digits. */
  readonly commit: string
  readonly assets: readonly { readonly name: string; readonly bytes: Buffer }[]
  /** Default: `v0.2`. */
  readonly predicate?: 'v0.1' | 'v0.2'
  /** Of the certificate. Default: that of GitHub's release service. */
  readonly subjectAlternativeName?: string
  readonly claims?: FulcioClaims
}

const SERVICE = 'https://dotcom.releases.github.com'

export function createGithub({ now }: { readonly now: Date }): LocalGithub {
  const validity = { start: yearsAfter(now, -5), end: yearsAfter(now, 5) }
  const authority = createAuthority('GitHub, Inc.', validity, generateKey('P-256'))
  const tsa = createTimestampAuthority(validity, 'GitHub, Inc.')
  const validFor = { start: validity.start.toISOString() }
  const certificates = (chain: readonly Buffer[]) => chain.map((der) => ({ rawBytes: der.toString('base64') }))

  function sign(statement: unknown, at: Date, uri: string, claims: FulcioClaims): SerializedBundleJSON {
    const key = generateKey('P-256')
    const leaf = leafContent({
      serial: randomBytes(16),
      issuer: authority.name,
      issuerSpki: authority.key.spki,
      subject: { uri },
      claims,
      notBefore: at,
      // The service has one key for a year; a build's certificate is no longer lived than elsewhere.
      lifetimeMinutes: claims.size === 0 ? 365 * 24 * 60 : 10,
      spki: key.spki,
    })
    const certificate = signCertificate(toBeSigned(leaf), authority.key)
    const envelope = signEnvelope(Buffer.from(JSON.stringify(statement)), IN_TOTO_PAYLOAD, key, '')
    const signature = Buffer.from(envelope.signatures[0]?.sig ?? '', 'base64')
    return {
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: {
        timestampVerificationData: {
          rfc3161Timestamps: [{ signedTimestamp: tsa.timestamp(signature, at).toString('base64') }],
        },
        certificate: { rawBytes: certificate.toString('base64') },
      } as unknown as SerializedBundleJSON['verificationMaterial'],
      dsseEnvelope: envelope,
    }
  }

  return {
    trustedRoot: {
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [],
      certificateAuthorities: [
        {
          subject: authority.rootName,
          uri: 'fulcio.githubapp.com',
          certChain: { certificates: certificates([authority.intermediate, authority.root]) },
          validFor,
        },
      ],
      ctlogs: [],
      timestampAuthorities: [
        {
          subject: tsa.name,
          uri: 'timestamp.githubapp.com',
          certChain: { certificates: certificates(tsa.chain) },
          validFor,
        },
      ],
    },
    release: (options) => {
      const { subjectAlternativeName = SERVICE, claims = new Map() } = options
      return sign(overrideStatement(releaseStatement(options), options), options.now, subjectAlternativeName, claims)
    },
    provenance: (pkg, { now: at, identity }) => {
      const who = resolveIdentity({ ...identity, visibility: 'private' })
      return sign(provenanceStatement(pkg, who, 'v1'), at, who.subjectAlternativeName, workflowClaims(who, false))
    },
  }
}

/** As GitHub writes it: the tag's commit first, by its package URL, then each asset by its name. */
function releaseStatement({ repository, tag, commit, assets, predicate = 'v0.2' }: ReleaseOptions) {
  const purl = `pkg:github/${repository}@${encodeURIComponent(tag)}`
  const id = predicate === 'v0.1' ? { releaseId: '222158671' } : { databaseId: '222158671', packageId: '905988044' }
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [
      { uri: purl, digest: { sha1: commit } },
      ...assets.map(({ name, bytes }) => ({ name, digest: { sha256: sha256(bytes).toString('hex') } })),
    ],
    predicateType: `https://in-toto.io/attestation/release/${predicate}`,
    predicate: { ownerId: '398027', purl, ...id, repository, repositoryId: '905988044', tag },
  } as unknown as Parameters<typeof overrideStatement>[0]
}
