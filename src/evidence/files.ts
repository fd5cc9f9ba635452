import path from 'node:path'
import { envReplace } from '@pnpm/config.env-replace'
import ini from 'ini'
import { type Owner, settingsText } from '../read.ts'
import { readYaml as parseYaml } from '../util/yaml.ts'

/** Settings in npm's spelling: `registry`, `@scope:registry`, `//host/path/:_authToken`, `strict-ssl`, … */
export type Settings = Record<string, unknown>

export type Variables = Readonly<Record<string, string | undefined>>

/** An `.npmrc`. One that is absent counts as empty, as in pnpm. @throws GateError where it cannot be read */
export function readRc(file: string, owner: Owner): Settings {
  const settings = parsed(settingsText(file, owner), ini.parse)
  const { cafile } = settings
  return typeof cafile === 'string' && cafile !== '' && !cafile.includes('${')
    ? { ...settings, cafile: path.resolve(path.dirname(file), cafile) }
    : settings
}

/** A `config.yaml` or `pnpm-workspace.yaml`. One that is absent counts as empty. @throws GateError where it cannot be read */
export function readYaml(file: string, owner: Owner): Settings {
  return parsed(settingsText(file, owner), (text) => asRecord(parseYaml(text, { maxAliases: MAX_ALIASES })))
}

const MAX_ALIASES = 100

/** What is not of that format counts as empty. */
export function parsed(text: string, parse: (text: string) => Settings): Settings {
  try {
    return parse(text)
  } catch {
    return {}
  }
}

const YAML_KEYS: Readonly<Record<string, string>> = {
  registry: 'registry',
  httpsProxy: 'https-proxy',
  httpProxy: 'http-proxy',
  proxy: 'proxy',
  noProxy: 'no-proxy',
  noproxy: 'noproxy',
  strictSsl: 'strict-ssl',
}

/**
 * What a YAML file says about registries, in npm's spelling. `registries` has two forms: `{default: url, '@scope': url}`,
 * and since pnpm 11 `{url: {scopes: ['@', '@scope']}}`. A `registry` beside it wins, as in pnpm 11 and 12.
 */
export function yamlSettings(manifest: Settings): Settings {
  const settings: Settings = {}
  const route = (scope: string, url: unknown) => {
    settings[scope === 'default' || scope === '@' ? 'registry' : `${scope}:registry`] = url
  }
  for (const [key, value] of Object.entries(asRecord(manifest.registries))) {
    const { scopes } = asRecord(value)
    if (typeof value === 'string') route(key, value)
    else if (Array.isArray(scopes)) for (const scope of scopes) route(String(scope), key)
  }
  for (const [key, name] of Object.entries(YAML_KEYS)) {
    if (manifest[key] !== undefined && manifest[key] !== null) settings[name] = manifest[key]
  }
  return settings
}

/** Expands `${NAME}` in files of the user. A setting whose variable is not set is left out. */
export function expanded(settings: Settings, env: Variables): Settings {
  const result: Settings = {}
  for (const [key, value] of Object.entries(settings)) {
    try {
      result[expand(key, env)] = typeof value === 'string' ? expand(value, env) : value
    } catch {}
  }
  return result
}

/** @throws an Error where a variable is not set. `${NAME?}` may be missing, `${NAME-else}` has another value then. */
export function expand(text: string, env: Variables): string {
  const optional = [...text.matchAll(/\$\{([^${}?]*[^${}?-])\?\}/g)].map(([, name = '']) => name)
  // Without them `env` goes in as it is: on Windows `process.env` finds names in any case, a copy does not.
  if (optional.length === 0) return envReplace(text, env)
  return envReplace(text, { ...env, ...Object.fromEntries(optional.map((name) => [`${name}?`, env[name] ?? ''])) })
}

/**
 * Leaves out settings of the repository that mention a variable, as pnpm does since 10.34.2: a pull request could
 * otherwise have a secret of the environment sent to a host of its choice.
 */
export function withoutVariables(settings: Settings): Settings {
  return Object.fromEntries(
    Object.entries(settings).filter((entry) => !entry.some((part) => typeof part === 'string' && part.includes('${'))),
  )
}

/**
 * What a repository says of the way to registries: who may vouch for hosts, or that nobody has to, and who passes things on.
 * Whoever a pull request names for the one can read all that is sent, for the other what is sent in the clear. So no
 * secret of the user's or of the environment goes that way, see client.ts. No file has these keys.
 */
const ROADS = ['tls-of-the-repository', 'proxy-of-the-repository'] as const

/** Adds that to settings, in npm's spelling, of a file that the repository may have. */
export function withRoad(settings: Settings): Settings {
  const has = (...keys: readonly string[]) => keys.some((key) => Object.hasOwn(settings, key))
  const isLax = has('strict-ssl') && String(settings['strict-ssl']) !== 'true'
  const [tls, proxy] = ROADS
  const { [tls]: _, [proxy]: __, ...rest } = settings
  return {
    ...rest,
    ...((isLax || has('ca', 'cafile')) && { [tls]: true }),
    ...(has('proxy', 'https-proxy', 'http-proxy') && { [proxy]: true }),
  }
}

/** That alone. */
export function roadOf(settings: Settings): Settings {
  return Object.fromEntries(ROADS.flatMap((key) => (settings[key] === true ? [[key, true]] : [])))
}

/** Whether secrets may be sent to an address. */
export function isSafeRoad({ protocol }: URL, options: Readonly<Record<string, unknown>>): boolean {
  const [tls, proxy] = ROADS
  return options[tls] !== true && (options[proxy] !== true || protocol === 'https:')
}

const UNSCOPED = ['_authToken', '_auth', 'username', '_password']

/**
 * Binds credentials without a host (`_authToken=…`) to the registry that the same file names, as pnpm does: another
 * file, which may be a repository's, must not choose who gets them.
 */
export function bound(settings: Settings, otherwise: string): Settings {
  const { registry = otherwise } = settings
  const host = typeof registry === 'string' ? hostKey(registry) : undefined
  const result: Settings = {}
  for (const [key, value] of Object.entries(settings)) {
    if (!UNSCOPED.includes(key)) result[key] = value
    else if (host !== undefined) result[`${host}:${key}`] ??= value
  }
  return result
}

/** `//host/path/`, which npm's settings for one registry begin with. */
export function hostKey(url: string): string | undefined {
  const parsed = URL.parse(slashed(url))
  return parsed === null || parsed.host === '' ? undefined : `//${parsed.host}${parsed.pathname}`
}

export function slashed(url: string): string {
  return url.endsWith('/') ? url : `${url}/`
}

export function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}
