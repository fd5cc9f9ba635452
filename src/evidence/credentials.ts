import getAuth from 'npm-registry-fetch/lib/auth.js'

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
  const { token, auth, cert, key } = getAuth(url, plain)
  const [own, any] = [getAuth(url, scoped), getAuth(url, anyScope)]
  return {
    headers: header(own.token, own.auth) ?? header(any.token, any.auth) ?? header(token, auth) ?? {},
    ...(cert === null || key === null ? {} : { cert, key }),
  }
}

function header(token: string | null, auth: string | null): Record<string, string> | undefined {
  if (token !== null) return { authorization: `Bearer ${token}` }
  return auth === null ? undefined : { authorization: `Basic ${auth}` }
}
