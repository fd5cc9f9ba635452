import getAuth from 'npm-registry-fetch/lib/auth.js'
import { certificates } from './settings.ts'

/** What a request to a registry proves itself with. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

export const NO_CREDENTIALS: Credentials = { headers: {} }

/**
 * The credentials that npm's settings give for a URL: those of the longest path that it begins with, and never those
 * of another host. pnpm 11 and 12 know tokens for one scope, `//host/path/:@scope:_authToken`, and try them first. What is
 * for `@*` is for packages of any scope: without `always-auth` yarn sends nothing for the others.
 */
export function credentialsFor(
  url: string,
  scope: string | undefined,
  options: Readonly<Record<string, unknown>>,
): Credentials {
  const plain: Record<string, unknown> = {}
  const scoped: Record<string, unknown> = {}
  const anyScope: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(options)) {
    // Other settings mean something to npm's function, too (`forceAuth`, `spec`), and may come from a repository.
    if (!key.startsWith('//')) continue
    const [, path, owner, name] = /^(.*):(@[^:/]+):([^:]+)$/.exec(key) ?? []
    if (owner === undefined) plain[key] = value
    else if (owner === '@*' && scope !== undefined) anyScope[`${path}:${name}`] = value
    else if (owner === scope) scoped[`${path}:${name}`] = value
  }
  const { token, auth, ...pair } = authAt(url, plain)
  const [own, any] = [authAt(url, scoped), authAt(url, anyScope)]
  return {
    headers: header(own.token, own.auth) ?? header(any.token, any.auth) ?? header(token, auth) ?? {},
    ...pair,
  }
}

interface Found extends Pick<Credentials, 'cert' | 'key'> {
  readonly token: string | null
  readonly auth: string | null
}

/**
 * What the settings for the longest path say. npm's function would read the files of a certificate and its key by itself,
 * whatever a repository has put in their place. So the path is found here, and the function is asked for the rest.
 *
 * @throws GateError where such a file is there and cannot be read
 */
function authAt(url: string, options: Readonly<Record<string, unknown>>): Found {
  const at = longestPath(url, options)
  const files = ['certfile', 'keyfile'].map((name) => `${at}:${name}`)
  const rest = Object.entries(options).filter(([key]) => key.startsWith(`${at}:`) && !files.includes(key))
  const { token, auth } = getAuth(url, Object.fromEntries(rest))
  const [cert, key] = files.map((each) => options[each]).map((file) => (file ? certificates(String(file)) : undefined))
  return { token, auth, ...(cert && key ? { cert, key } : {}) }
}

/** Undefined where nothing is said of a path that the URL begins with. As npm looks for it. */
function longestPath(url: string, options: Readonly<Record<string, unknown>>): string | undefined {
  const { host, pathname } = new URL(url)
  for (let at = `//${host}${pathname}`; at.length > 2; at = shorter(at)) {
    const has = (...names: readonly string[]) => names.every((name) => options[`${at}:${name}`])
    if (has('_authToken') || has('_auth') || has('username', '_password') || has('certfile', 'keyfile')) return at
  }
  return undefined
}

/** Without the slash at its end, or what is behind the last one. */
function shorter(at: string): string {
  return at.endsWith('/') ? at.slice(0, -1) : at.slice(0, at.lastIndexOf('/') + 1)
}

function header(token: string | null, auth: string | null): Record<string, string> | undefined {
  if (token !== null) return { authorization: `Bearer ${token}` }
  return auth === null ? undefined : { authorization: `Basic ${auth}` }
}
