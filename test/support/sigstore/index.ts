/**
 * A Sigstore of one's own: certificate authority, certificate log, transparency log and registry keys. It makes
 * attestations that a stock verifier accepts and, on request, ones that it, or only this project, must refuse.
 *
 * `@sigstore/mock` does this for clients that sign, and cannot serve here: it issues every certificate from a self-signed
 * root and under the same serial number, each of its log entries is alone in its tree, its clock stands still, and a
 * certificate takes 7 ms. Here a whole attestation takes 2 ms, and what can be compared with genuine documents (leaf
 * certificates, log entries, statements) is the same byte for byte.
 *
 * There is no clock: each attestation is told when it is made.
 */
import { attest, type Services, signBlob } from './attest.ts'
import { createAuthority } from './authority.ts'
import type { BlobBundleJSON, SerializedBundleJSON } from './bundle.ts'
import { resolveIdentity } from './identity.ts'
import { generateKey } from './keys.ts'
import { createNpmKey, type NpmKeyOptions, type NpmKeysJSON, npmKeysJSON, registrySignature } from './npm-keys.ts'
import type { BlobOptions, DocumentOptions, ProvenanceOptions, PublishOptions } from './options.ts'
import { TransparencyLog } from './rekor.ts'
import { overrideStatement, type PackageVersion, provenanceStatement, publishStatement } from './statement.ts'
import { type TrustedRootJSON, trustedRootJSON } from './trusted-root.ts'
import { yearsAfter } from './years.ts'

export type { BlobBundleJSON, BundleVersion, SerializedBundleJSON } from './bundle.ts'
export type { ClaimOverrides } from './claims.ts'
export type { EntryKind } from './entry.ts'
export type { WorkflowIdentity } from './identity.ts'
export type { NpmKeyOptions, NpmKeysJSON, NpmKeyUsage } from './npm-keys.ts'
export type {
  BlobOptions,
  CertificateOptions,
  DocumentOptions,
  ProvenanceOptions,
  PublishOptions,
  SigningOptions,
} from './options.ts'
export type { Override, PackageVersion, PredicateVersion, Statement, StatementOverrides } from './statement.ts'
export type { TrustedRootJSON } from './trusted-root.ts'

export interface SigstoreOptions {
  /** At this time the services are five years old, and their certificates are good for five more. */
  readonly now: Date
  /** The services are named after subdomains of its host. Nothing listens there. Default: `https://sigstore.test`. */
  readonly baseUrl?: string | undefined
  /** The registry's keys, oldest first. Default: one, as old as the services and without an end. */
  readonly npmKeys?: readonly NpmKeyOptions[] | undefined
}

export interface LocalSigstore {
  /** As the public `trusted_root.json`. */
  readonly trustedRoot: TrustedRootJSON
  /** As the registry's `keys.json`. */
  readonly npmKeys: NpmKeysJSON
  provenance(options: ProvenanceOptions): Promise<SerializedBundleJSON>
  publish(options: PublishOptions): Promise<SerializedBundleJSON>
  document(options: DocumentOptions): Promise<AttestationDocument>
  blob(bytes: Buffer, options: BlobOptions): Promise<BlobBundleJSON>
  /** What stands in `dist.signatures` of a package's metadata. `key` as `npmKey` of the attestations. */
  signature(pkg: PackageVersion, key?: number): { keyid: string; sig: string }
}

/** What the registry's attestation endpoint answers. */
export interface AttestationDocument {
  /** `predicateType` is the registry's word, not signed: it repeats the truth even where a statement was overridden. */
  attestations: { predicateType: string; bundle: SerializedBundleJSON }[]
}

export async function createSigstore({ now, baseUrl, npmKeys }: SigstoreOptions): Promise<LocalSigstore> {
  const start = yearsAfter(now, -5)
  const { protocol, host } = new URL(baseUrl ?? 'https://sigstore.test')
  const ctLog = { baseUrl: `${protocol}//ctfe.${host}/2022`, key: generateKey('P-256') }
  const services: Services = {
    authority: createAuthority(host, { start, end: yearsAfter(now, 5) }, ctLog.key),
    log: new TransparencyLog(`${protocol}//rekor.${host}`),
    npmKeys: (npmKeys ?? [{ start }]).map(createNpmKey),
  }
  return {
    trustedRoot: trustedRootJSON({ start, rekor: services.log, ctLog, fulcio: fulcioOf(services, protocol, host) }),
    npmKeys: npmKeysJSON(services.npmKeys),
    provenance: async (options) => provenance(services, options).bundle,
    publish: async (options) => publish(services, options).bundle,
    signature: (pkg, key) => registrySignature(services.npmKeys, pkg, key),
    blob: async (bytes, options) => signBlob(services, bytes, options),
    document: async (options) => ({
      attestations: [publish(services, publishOptions(options)), provenance(services, options)],
    }),
  }
}

function provenance(services: Services, options: ProvenanceOptions) {
  const { bundleVersion = '0.3', signWith = 'certificate' } = options
  const statement = provenanceStatement(options, resolveIdentity(options.identity), options.predicate ?? 'v1')
  const bundle = attest(services, overrideStatement(statement, options), { ...options, bundleVersion, signWith })
  return { predicateType: statement.predicateType, bundle }
}

function publish(services: Services, options: PublishOptions) {
  const { bundleVersion = '0.2', signWith = 'registry-key' } = options
  const statement = publishStatement(options, options.registry ?? 'https://registry.npmjs.org')
  const bundle = attest(services, overrideStatement(statement, options), { ...options, bundleVersion, signWith })
  return { predicateType: statement.predicateType, bundle }
}

/** The registry's bundles stayed at 0.2 when the clients' went on to 0.3. */
function publishOptions({ publish, ...options }: DocumentOptions): PublishOptions {
  const { name, version, integrity, now, entryKind } = options
  const bundleVersion = options.bundleVersion === '0.1' ? '0.1' : '0.2'
  return { name, version, integrity, now, entryKind, bundleVersion, ...publish }
}

function fulcioOf({ authority }: Services, protocol: string, host: string) {
  return {
    baseUrl: `${protocol}//fulcio.${host}`,
    subject: authority.rootName,
    chain: [authority.intermediate, authority.root],
  }
}
