import type { IncomingHttpHeaders } from 'node:http'
import { ok, refuse } from '../codes.ts'
import type { GithubOrigin, LockedPackage } from '../lockfile/types.ts'
import { MAX_BUNDLES } from './bundle-files.ts'
import { buffered, type Client, LIMITS, type Limits, openClient, type Request, Unusable } from './client.ts'
import { asRecord } from './files.ts'
import type { RegistrySettings } from './settings.ts'
import { uncompress } from './snappy.ts'
import type { Evidence, ReleaseSource } from './types.ts'

const API = 'https://api.github.com'

const EXPECTED = "GitHub's attestation of a release"

/**
 * The attestations of releases, from GitHub's API:
 * https://docs.github.com/rest/repos/attestations#list-attestations
 *
 * @param token of GitHub, where there is one. It is sent to the API and to nobody else.
 */
export function githubReleases(
  { options }: RegistrySettings,
  token: string | undefined,
  limits: Limits = LIMITS,
): ReleaseSource['release'] {
  const client = openClient(options, limits)
  return async (pkg, origin, subject) => {
    const listed = await client({
      url: new URL(
        `${API}/repos/${origin.repository}/attestations/${subject}?predicate_type=release&per_page=${MAX_BUNDLES}`,
      ),
      name: pkg.name,
      none: `no attestation of a release about ${subject}`,
      expected: EXPECTED,
      accept: 'application/vnd.github+json',
      authorization: token === undefined ? null : `Bearer ${token}`,
      explain: (status, headers) => explain(status, headers, token !== undefined),
    })
    return listed.ok ? withBundles(listed.value, pkg, origin, client) : listed
  }
}

/** The variables in which GitHub's own tools look for a token. */
export function githubToken(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return env.GH_TOKEN || env.GITHUB_TOKEN || undefined
}

/** A bundle stands in the answer, or at an address that the answer names, compressed. */
async function withBundles(
  answer: unknown,
  pkg: LockedPackage,
  origin: GithubOrigin,
  client: Client,
): Promise<Evidence> {
  const { attestations } = asRecord(answer)
  if (!Array.isArray(attestations)) return ok(answer)
  if (attestations.length === 0)
    return refuse('EVIDENCE_MISSING', `no attestation of a release in ${origin.repository}`, EXPECTED)
  const bundles = await Promise.all(
    attestations.slice(0, MAX_BUNDLES).map(async (each: unknown): Promise<Evidence> => {
      const { bundle, bundle_url } = asRecord(each)
      if (bundle !== undefined && bundle !== null) return ok(bundle)
      const url = typeof bundle_url === 'string' ? URL.parse(bundle_url) : null
      return url?.protocol === 'https:' ? client(bundleAt(url, pkg.name)) : ok(undefined)
    }),
  )
  const failed = bundles.find(({ ok }) => !ok)
  if (failed !== undefined) return failed
  return ok({ attestations: bundles.map((each) => ({ bundle: each.ok ? each.value : undefined })) })
}

/** A signed address of a store, which needs no token and must not get one. */
function bundleAt(url: URL, name: string): Request {
  return {
    url,
    name,
    none: 'no bundle',
    expected: EXPECTED,
    authorization: null,
    accept: '*/*',
    read: async (body) => {
      const bytes = await buffered(body)
      let text: string
      try {
        // A bundle is longer than the 123 bytes that this would mean as the length of what is compressed.
        text = (bytes[0] === 0x7b ? bytes : uncompress(bytes, LIMITS.size)).toString('utf8')
      } catch (error) {
        throw new Unusable((error as Error).message)
      }
      return JSON.parse(text) as unknown
    },
  }
}

function explain(status: number, headers: IncomingHttpHeaders, hasToken: boolean): string | undefined {
  const isLimited = headers['x-ratelimit-remaining'] === '0' || headers['retry-after'] !== undefined || status === 429
  if ((status === 403 || status === 429) && isLimited) {
    const reset = Number(headers['x-ratelimit-reset'])
    const until = Number.isSafeInteger(reset) && reset > 0 ? ` until ${new Date(reset * 1000).toISOString()}` : ''
    const advice = hasToken ? '' : ': without a token it allows 60 requests an hour; set GITHUB_TOKEN'
    return `GitHub limits the rate of requests${until}${advice}`
  }
  if (status === 401) return 'GitHub does not accept the token in GH_TOKEN or GITHUB_TOKEN'
  return status === 403 ? 'GitHub does not allow it; does the token have access to this repository?' : undefined
}
