import { ok, refuse } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import { isHttp, LIMITS, type Limits, openClient, type Request } from './client.ts'
import { credentialsFor } from './credentials.ts'
import { asRecord } from './files.ts'
import { UNUSABLE } from './layers.ts'
import { signaturesOfManifest, signaturesOfPackument } from './metadata.ts'
import { type RegistrySettings, registryOf, scopeOf } from './settings.ts'
import type { Evidence, EvidenceSource } from './types.ts'

/**
 * Evidence from the registry that a package comes from, or from another that has it: the digest in the lockfile decides what
 * evidence is about, not the host that has served it.
 *
 * - attestations: `GET {registry}/-/npm/v1/attestations/{name}@{version}`;
 * - signatures: `GET {registry}/{name}/{version}`, in `dist`; where there is no such document, or the time is asked for,
 *   `GET {registry}/{name}`.
 *
 * @throws GateError where the settings for the connection cannot be used.
 */
export function registryEvidence(settings: RegistrySettings, limits: Limits = LIMITS): EvidenceSource {
  const client = openClient(settings.options, limits)
  const fetch = async (
    pkg: LockedPackage,
    { path, ...document }: Document,
    from: string | undefined,
  ): Promise<Evidence> => {
    const registry = from ?? registryOf(settings, pkg) ?? ''
    const url = urlOf(registry, path, pkg)
    const problem = registry.startsWith(UNUSABLE)
      ? `the registry of ${pkg.name} depends on a variable, which is not set, or is named in a file of the repository (docs/registries.md)`
      : `no http or https URL set as the registry of ${pkg.name}`
    return url === undefined
      ? refuse('EVIDENCE_UNAVAILABLE', problem, document.expected)
      : withoutError(
          await client({ url, name: pkg.name, explain: explainer(url, pkg, settings), ...document }),
          url,
          document,
        )
  }
  return {
    attestations: (pkg, from) => fetch(pkg, ATTESTATIONS, from),
    signatures: async (pkg, withTime, from) => {
      const manifest = withTime ? undefined : await fetch(pkg, MANIFEST, from)
      if (manifest?.ok) return ok(signaturesOfManifest(manifest.value))
      if (manifest !== undefined && manifest.refusal.code !== 'EVIDENCE_MISSING') return manifest
      const packument = await fetch(pkg, { ...PACKUMENT, size: PACKUMENT_SIZE }, from)
      return packument.ok ? ok(signaturesOfPackument(packument.value, pkg.version)) : packument
    },
  }
}

/** Some servers say 200 and what is wrong: that is no document, and says nothing about the package. */
function withoutError(evidence: Evidence, url: URL, { expected }: Pick<Document, 'expected'>): Evidence {
  const { error, attestations, dist, versions } = asRecord(evidence.ok ? evidence.value : undefined)
  if (error === undefined || [attestations, dist, versions].some((each) => each !== undefined)) return evidence
  const found = `no answer from ${url.origin}${url.pathname}: an error in the place of a document`
  return refuse('EVIDENCE_UNAVAILABLE', found, expected)
}

/** What to do about a status. It names no more of the settings than the address that a login is for. */
function explainer(url: URL, { name }: LockedPackage, { options }: RegistrySettings): NonNullable<Request['explain']> {
  return (status) => {
    if (status === 401 || status === 403) {
      const { headers } = credentialsFor(url.href, scopeOf(name), options)
      const isSent = headers.authorization !== undefined || url.username !== ''
      return isSent
        ? `the registry does not accept the login that the settings have for //${url.host}/ for this: renew it, or give it the right to read (docs/registries.md)`
        : `the registry wants a login, and the user's settings have none for //${url.host}/, such as //${url.host}/:_authToken in .npmrc (docs/registries.md)`
    }
    return NOT_SERVED.includes(status)
      ? 'this registry does not serve such documents: name the one that does with "evidenceFrom" in the rule, or a mirror (docs/registries.md)'
      : undefined
  }
}

/** By these, servers say that they do not know the endpoint. That is not that there is no evidence. */
const NOT_SERVED: readonly number[] = [400, 405, 406, 501]

/** Of all versions of a package. The largest have some tens of megabytes. */
const PACKUMENT_SIZE = 128 << 20

/** A document that the registry has of a package. */
interface Document {
  /** From the registry's URL. The parts are encoded. */
  readonly path: (name: string, version: string) => string
  readonly none: string
  readonly expected: string
  readonly size?: number
}

const ATTESTATIONS: Document = {
  path: (name, version) => `-/npm/v1/attestations/${name}@${version}`,
  none: 'no attestations',
  expected: 'an attestation document',
}
const MANIFEST: Document = {
  path: (name, version) => `${name}/${version}`,
  none: 'no metadata',
  expected: 'the metadata of that version',
}
const PACKUMENT: Document = { path: (name) => name, none: 'no metadata', expected: 'the metadata of the package' }

/** Name and version come from the lockfile, which an attacker may have written: neither can leave its path segment. */
function urlOf(registry: string, path: Document['path'], pkg: LockedPackage): URL | undefined {
  // `toWellFormed`, because half of a surrogate pair is an exception here.
  const [name = '', version = ''] = [pkg.name, pkg.version].map((part) => encodeURIComponent(part.toWellFormed()))
  const relative = path(name.replace('%40', '@').replace('%2F', '%2f'), version)
  // Alone between two slashes, dots lead elsewhere.
  if (relative.split('/').some((segment) => /^\.*$/.test(segment))) return undefined
  const url = URL.parse(relative, registry)
  return url !== null && isHttp(url) ? url : undefined
}
