import path from 'node:path'
import { parse } from 'smol-toml'
import { type Owner, settingsText } from '../read.ts'
import { asRecord, hostKey, parsed, readRc, roadOf, type Settings, slashed, type Variables, withRoad } from './files.ts'
import { fromHome, ofRepository, ofUser, UNUSABLE, unnamed, variable } from './layers.ts'
import {
  authorities,
  type Environment,
  PUBLIC_REGISTRY,
  proxies,
  type RegistrySettings,
  registriesOf,
} from './settings.ts'

/**
 * Reads the settings that bun reads, strongest first: BUN_CONFIG_REGISTRY and NPM_CONFIG_REGISTRY, the project's `bunfig.toml`,
 * the user's `.bunfig.toml`, the project's and the user's `.npmrc`.
 */
export function readBunSettings(folder: string, { env, home }: Environment): RegistrySettings {
  const rc = {
    ...ofUser(readRc(fromHome(variable(env, 'npm_config_userconfig') ?? '~/.npmrc', home), 'user'), env),
    ...ofRepository(readRc(path.join(folder, '.npmrc'), 'repository')),
  }
  const user = readBunfig(path.join(env.XDG_CONFIG_HOME || home, '.bunfig.toml'), env)
  const project = readBunfig(path.join(folder, 'bunfig.toml'))
  const url = env.BUN_CONFIG_REGISTRY || env.NPM_CONFIG_REGISTRY || env.npm_config_registry
  const token = env.BUN_CONFIG_TOKEN || env.NPM_CONFIG_TOKEN || env.npm_config_token
  // A token is the operator's, and so is the registry that it is for: the repository does not choose who gets it.
  const trusted =
    url ?? user.registries.default ?? registriesOf(ofUser(readRc(path.join(home, '.npmrc'), 'user'), env)).default
  const registries = {
    default: PUBLIC_REGISTRY,
    ...registriesOf(rc),
    ...user.registries,
    ...project.registries,
    ...(url && { default: slashed(url) }),
  }
  const host = token && hostKey(trusted ?? unnamed(registries.default))
  const authority = { ca: rc.ca, cafile: rc.cafile, ...user.authorities, ...project.authorities }
  return {
    registries,
    options: {
      ...rc,
      ...user.logins,
      ...project.logins,
      ...roadOf(withRoad(project.authorities)),
      ...(host && { [`${host}:_authToken`]: token }),
      ...authority,
      ...authorities(authority),
      ...proxies({}, env),
    },
  }
}

interface Bunfig {
  readonly registries: Readonly<Record<string, string>>
  /** In npm's spelling. */
  readonly logins: Settings
  /** `ca` and `cafile`. */
  readonly authorities: Settings
}

/** @param env absent of a file that the repository has: then what is taken from a variable is not known */
function readBunfig(file: string, env?: Variables): Bunfig {
  const install = asRecord(readToml(file, env === undefined ? 'repository' : 'user').install)
  const registries: Record<string, string> = {}
  const logins: Settings = {}
  const entries = [
    ['default', install.registry] as const,
    ...Object.entries(asRecord(install.scopes)).map(([scope, value]) => [scope.replace(/^@?/, '@'), value] as const),
  ]
  const textOf = (value: unknown) => (typeof value === 'string' ? valueIn(value, env) : undefined)
  for (const [scope, value] of entries) {
    const { url, token, username, password } = typeof value === 'string' ? { url: value } : asRecord(value)
    if (typeof url !== 'string' || url === '') continue
    const registry = textOf(url)
    registries[scope] = registry === undefined ? UNUSABLE : slashed(registry)
    const host = registry === undefined ? undefined : hostKey(registry)
    if (host === undefined) continue
    const key = scope === 'default' ? host : `${host}:${scope}`
    const [secret, user, pass] = [token, username, password].map(textOf)
    if (secret !== undefined) logins[`${key}:_authToken`] = secret
    else if (user !== undefined && pass !== undefined)
      logins[`${key}:_auth`] = Buffer.from(`${user}:${pass}`).toString('base64')
  }
  const { ca, cafile } = install
  const isText = (each: unknown) => typeof each === 'string'
  return {
    registries,
    logins,
    authorities: {
      ...((isText(ca) || (Array.isArray(ca) && ca.every(isText))) && { ca }),
      ...(isText(cafile) && cafile !== '' && { cafile: path.resolve(path.dirname(file), cafile) }),
    },
  }
}

/** A text that is `$NAME` as a whole. Undefined where the variable is not set, or none may be looked at. */
function valueIn(text: string, env: Variables | undefined): string | undefined {
  const [, name] = /^\$(\w+)$/.exec(text) ?? []
  return name === undefined ? text : env?.[name]
}

/** One that is absent counts as empty. @throws GateError where it cannot be read */
function readToml(file: string, owner: Owner): Settings {
  return parsed(settingsText(file, owner), (text) => asRecord(parse(text)))
}
