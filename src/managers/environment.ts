import type { Road, Variables } from './types.ts'

/**
 * A host that no registry has. An empty list of hosts that need no proxy counts as none at all, and then that of a
 * repository's file would hold.
 */
export const NO_HOST = 'none.invalid'

/**
 * Settings as variables with a prefix. Managers read `NPM_CONFIG_PROXY`, `npm_config_https-proxy` and more for the same: each
 * other spelling is taken away, for nobody says which one wins.
 */
export function withSettings(env: Variables, prefix: string, settings: Readonly<Record<string, string>>): Variables {
  const wanted = new Set(Object.keys(settings).map(plain))
  const kept = Object.entries(env).filter(
    ([name]) => !(name.toLowerCase().startsWith(prefix) && wanted.has(plain(name.slice(prefix.length)))),
  )
  const added = Object.entries(settings).map(([key, value]) => [`${prefix}${key}`, value] as const)
  return { ...Object.fromEntries(kept), ...Object.fromEntries(added) }
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '')
}

/** Exactly these, and no other spelling of them: variables of Windows know no case. */
export function withVariables(env: Variables, variables: Readonly<Record<string, string>>): Variables {
  const names = new Set(Object.keys(variables).map((name) => name.toLowerCase()))
  const kept = Object.entries(env).filter(([name]) => !names.has(name.toLowerCase()))
  return { ...Object.fromEntries(kept), ...variables }
}

/**
 * For managers that have no settings of their own and read the variables that every program reads. What they start inherits
 * them (git, curl, other tools), and so has to trust the gate as well.
 */
export function generalProxy(env: Variables, { proxy, bundle, extra }: Road): Variables {
  const pair = (name: string, value: string) => ({ [name]: value, [name.toLowerCase()]: value })
  const names = ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY']
  const general = withoutVariables(env, names)
  return {
    ...general,
    // Both spellings: bun takes the one that is not set from a file `.env` of the repository.
    ...pair('HTTPS_PROXY', proxy),
    ...pair('HTTP_PROXY', proxy),
    ...pair('NO_PROXY', NO_HOST),
    NODE_EXTRA_CA_CERTS: extra,
    SSL_CERT_FILE: bundle,
    GIT_SSL_CAINFO: bundle,
    CURL_CA_BUNDLE: bundle,
  }
}

export function withoutVariables(env: Variables, names: readonly string[]): Variables {
  const gone = new Set(names.map((name) => name.toLowerCase()))
  return Object.fromEntries(Object.entries(env).filter(([name]) => !gone.has(name.toLowerCase())))
}

/**
 * For managers that have settings of their own, and yet ask the general variable which hosts need no proxy (npm does). Set to no
 * host rather than taken away: for what the manager starts, the user's own proxies are still there.
 */
export function withoutExceptions(env: Variables): Variables {
  const names = Object.keys(env).filter((name) => name.toLowerCase() === 'no_proxy')
  return { ...env, ...Object.fromEntries(names.map((name) => [name, NO_HOST])) }
}
