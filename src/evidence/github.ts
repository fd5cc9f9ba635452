import type { IncomingHttpHeaders } from 'node:http'
import { ok, refuse } from '../codes.ts'
import type { GithubOrigin, LockedPackage } from '../lockfile/types.ts'
import { MAX_BUNDLES } from './bundle-files.ts'
import { buffered, type Client, LIMITS, type Limits, openClient, type Request, Unusable } from './client.ts'
import { asRecord, isSafeRoad } from './files.ts'
import type { RegistrySettings } from './settings.ts'
import { uncompress } from './snappy.ts'
import type { Evidence, ReleaseSource } from './types.ts'

const API = 'https://api.github.com'

const EXPECTED = "GitHub's attestation of a release"

/** A token of github.com, and the variable that has it. */
export interface GithubToken {
  readonly variable: string
  readonly value: string
}

/**
 * The attestations of releases, from GitHub's API:
 * https://docs.github.com/rest/repos/attestations#list-attestations
 *
 * What is public is public without a token, too, and a token can be in the way: it is revoked, or its organisation has not
 * authorised it. So what GitHub does not show with the token is asked for once more without it.
 *
 * @param token where there is one. It is sent to the API and to nobody else.
 */
export function githubReleases(
  { options }: RegistrySettings,
  token: GithubToken | undefined,
  limits: Limits = LIMITS,
): ReleaseSource['release'] {
  const client = openClient(options, limits)
  /** What is wrong with the token, by owner of a repository. It is not sent there again: GitHub locks out clients that do. */
  const rejected = new Map<string, string>()
  return async (pkg, origin, subject) => {
    const url = new URL(
      `${API}/repos/${origin.repository}/attestations/${subject}?predicate_type=release&per_page=${MAX_BUNDLES}`,
    )
    const request: Request = {
      url,
      name: pkg.name,
      none: `no attestation of a release about ${subject}`,
      expected: EXPECTED,
      accept: 'application/vnd.github+json',
      authorization: null,
    }
    const found = async (listed: Evidence) => (listed.ok ? withBundles(listed.value, pkg, origin, client) : listed)
    const anonymous = (advice: string) =>
      client({ ...request, explain: (status, headers) => limited(status, headers, advice) ?? forbidden(status) })

    if (token === undefined) return found(await anonymous('; set GITHUB_TOKEN'))
    if (!isSafeRoad(url, options)) {
      const why = `the token in ${token.variable} is not sent, for a file of the repository names a proxy or who vouches for hosts`
      return found(await anonymous(`, and ${why}`))
    }

    const [owner = ''] = origin.repository.toLowerCase().split('/')
    let problem = rejected.get(EVERY_OWNER) ?? rejected.get(owner) ?? malformed(token)
    if (problem === undefined) {
      const first = await client({
        ...request,
        authorization: `Bearer ${token.value}`,
        explain: (status, headers) => {
          const limit = limited(status, headers)
          if (limit !== undefined) return limit
          problem = refusedToken(status, headers, token, owner)
          if (problem !== undefined) rejected.set(status === 401 ? EVERY_OWNER : owner, problem)
          return problem
        },
      })
      if (first.ok) return found(first)
      if (first.refusal.code === 'EVIDENCE_MISSING') {
        // To a token that an organisation has not authorised, GitHub may also say that there is nothing.
        const second = await anonymous('')
        return second.ok ? found(second) : first
      }
      if (problem === undefined) return first
    }
    const second = await anonymous('')
    if (second.ok) return found(second)
    // It may be private: then it is there, and only not shown.
    return refuse('EVIDENCE_UNAVAILABLE', `${problem}. Without the token: ${second.refusal.found}`, EXPECTED)
  }
}

/** No owner is called so. */
const EVERY_OWNER = ''

/** The variables in which GitHub's own tools look for a token. */
const VARIABLES = ['GH_TOKEN', 'GITHUB_TOKEN'] as const

/**
 * The first of them that has one for github.com. A runner of another GitHub server has a token of that server, which is
 * nothing that github.com should see: `GITHUB_TOKEN` is of the server that the runner names, and `GH_TOKEN` of github.com,
 * or of the server that `GH_HOST` names (https://cli.github.com/manual/gh_help_environment).
 */
export function githubToken(env: Readonly<Record<string, string | undefined>>): GithubToken | undefined {
  const isOurs = {
    GH_TOKEN: isGithub(env.GH_HOST),
    GITHUB_TOKEN: [env.GH_HOST, env.GITHUB_SERVER_URL, env.GITHUB_API_URL].every(isGithub),
  }
  for (const variable of VARIABLES) {
    const value = env[variable]?.trim() ?? ''
    if (value !== '' && isOurs[variable]) return { variable, value }
  }
  return undefined
}

/** Of a host or a URL, where one is named. */
function isGithub(server: string | undefined): boolean {
  if (server === undefined || server.trim() === '') return true
  const host = URL.parse(server.includes('://') ? server : `https://${server.trim()}`)?.host
  return host === 'github.com' || host === 'api.github.com'
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

/** @param advice what there is to do, where no token was sent */
function limited(status: number, headers: IncomingHttpHeaders, advice?: string): string | undefined {
  const isLimited = headers['x-ratelimit-remaining'] === '0' || headers['retry-after'] !== undefined || status === 429
  if ((status !== 403 && status !== 429) || !isLimited) return undefined
  const reset = Number(headers['x-ratelimit-reset'])
  const isTime = Number.isSafeInteger(reset) && reset > 0 && reset < LAST_SECOND
  const until = isTime ? ` until ${new Date(reset * 1000).toISOString()}` : ''
  const why = advice === undefined ? '' : `: without a token it allows 60 requests an hour${advice}`
  return `GitHub limits the rate of requests${until}${why}`
}

/** Of dates. A later one would be an exception. */
const LAST_SECOND = 8_640_000_000_000

function forbidden(status: number): string | undefined {
  return status === 401 || status === 403 ? 'GitHub does not show it without a token that may read it' : undefined
}

/** What to do about a token. GitHub's own words are not shown: they can have an address that lets one in. */
function refusedToken(
  status: number,
  headers: IncomingHttpHeaders,
  { variable }: GithubToken,
  owner: string,
): string | undefined {
  const refused = `GitHub refuses the token in ${variable} (HTTP ${status})`
  if (status === 401) return `${refused}: it has expired, was revoked or is mistyped. Renew it, or unset ${variable}`
  if (status !== 403) return undefined
  return headers['x-github-sso'] === undefined
    ? `${refused}: it may not read what ${owner} has. Give it that right at https://github.com/settings/tokens, or unset ${variable}`
    : `${refused}: the organisation ${owner} has not authorised it. Choose "Configure SSO" for it at https://github.com/settings/tokens and authorise it for ${owner}, or unset ${variable}`
}

/** What cannot be in a header is no token, and would make every request fail. */
function malformed({ variable, value }: GithubToken): string | undefined {
  return /^[\x21-\x7e]+$/.test(value)
    ? undefined
    : `what ${variable} has is no token: it has spaces, line breaks or other characters that none has. Correct it, or unset ${variable}`
}
