import { asRecord, expand, hostKey, type Settings, slashed, type Variables } from './files.ts'

/** What `_auth` says: `{url: {'@': {authToken}, '@scope': {authToken}}}`, in `config.yaml` or `pnpm_config__auth`. */
export interface Logins {
  /** `//host/path/:_authToken`, and `//host/path/:@scope:_authToken` for one scope. */
  readonly tokens: Settings
  /** A login for a scope says where that scope is. */
  readonly scopes: Readonly<Record<string, string>>
  /** Registries of a login for `@`: each of them may be the one for everything else. */
  readonly defaults: readonly string[]
}

/** pnpm 11 and 12 keep logins so. Entries of another form are passed over. */
export function readLogins(auth: unknown, env: Variables): Logins {
  const tokens: Settings = {}
  const scopes: Record<string, string> = {}
  const defaults: string[] = []
  for (const [url, entries] of Object.entries(asRecord(auth))) {
    const host = hostKey(url)
    if (host === undefined) continue
    for (const [scope, entry] of Object.entries(asRecord(entries))) {
      const { authToken } = asRecord(entry)
      if (typeof authToken !== 'string' || !/^@[^:/]*$/.test(scope)) continue
      try {
        tokens[scope === '@' ? `${host}:_authToken` : `${host}:${scope}:_authToken`] = expand(authToken, env)
      } catch {
        continue
      }
      if (scope === '@') defaults.push(slashed(url))
      else scopes[scope] = slashed(url)
    }
  }
  return { tokens, scopes, defaults }
}

/** As {@link readLogins}, of a variable that holds JSON. */
export function parseLogins(json: string | undefined, env: Variables): Logins {
  try {
    return readLogins(JSON.parse(json ?? '{}'), env)
  } catch {
    return readLogins({}, env)
  }
}

/**
 * Adds registries that are known by a login only. One in the user's file fills what nothing declares; one in the
 * environment is the operator's word, and wins. A login at the registry of a scope does not make it that of all others.
 */
export function withLogins(
  declared: Readonly<Record<string, string>>,
  user: Logins,
  operator: Logins,
): Record<string, string> {
  const isForScope = (url: string) =>
    Object.entries(declared).some(([scope, other]) => scope !== 'default' && other === url)
  const last = user.defaults.filter((url) => !isForScope(url)).at(-1)
  const candidates = operator.defaults.filter((url) => !isForScope(url))
  const chosen =
    candidates.length > 1 && declared.default !== undefined
      ? candidates.find((url) => url === declared.default)
      : candidates.at(-1)
  return {
    ...user.scopes,
    ...(last === undefined ? {} : { default: last }),
    ...declared,
    ...operator.scopes,
    ...(chosen === undefined ? {} : { default: chosen }),
  }
}
