import path from 'node:path'
import { upwards } from '../folders.ts'
import { asRecord, hostKey, readYaml, roadOf, type Settings, type Variables, withRoad } from './files.ts'
import { canonical, fromHome, UNUSABLE, unnamed, variable } from './layers.ts'
import { certificates, type Environment, PUBLIC_REGISTRY, proxies, type RegistrySettings } from './settings.ts'
import type { NetworkSettings } from './transport.ts'

/**
 * Reads the settings that yarn 2 and later read: `YARN_*` variables, `.yarnrc.yml` of the folder and of those above, and of
 * the user, strongest first; mappings of several files are put together. Two things are not as in yarn: a file that the
 * repository may have expands no variables, and a login without a registry is for the registry of those who wrote it, not
 * for whichever a file of the repository names.
 */
export function readBerrySettings(folder: string, { env, home }: Environment): RegistrySettings {
  const name = variable(env, 'yarn_rc_filename') ?? '.yarnrc.yml'
  const userFile = path.join(home, '.yarnrc.yml')
  const files = upwards(folder).map((each) => path.join(each, name))
  const repository = files
    .filter((file) => file !== userFile)
    .map((file) => resolved(readYaml(file, 'repository'), path.dirname(file), home, undefined))
  const user = resolved(readYaml(userFile, 'user'), home, home, env)
  const operator = resolved(variables(env), folder, home, env)
  const all = [operator, ...repository, user]
  const merged = all.reduceRight<Settings>((weaker, stronger) => merge(weaker, stronger), {})
  const isMine = [operator, user]
  const text = (key: string, layers: readonly Settings[] = all) => firstText(layers.map((each) => each[key]))

  const registryOf = (url: unknown) => (typeof url === 'string' ? canonical(url, PUBLIC_REGISTRY) : undefined)
  const usual = registryOf(text('npmRegistryServer')) ?? PUBLIC_REGISTRY
  const scopes = Object.entries(asRecord(merged.npmScopes)).map(
    ([scope, value]) => [`@${scope}`, asRecord(value)] as const,
  )
  const registries = Object.fromEntries(
    scopes.flatMap(([scope, { npmRegistryServer }]) => {
      const url = registryOf(npmRegistryServer)
      return url === undefined ? [] : [[scope, url]]
    }),
  )
  const options: Settings = {}
  const login = (url: string | undefined, login: Settings, scope?: string) => {
    const host = url === undefined ? undefined : hostKey(url.startsWith('//') ? `https:${url}` : url)
    if (host === undefined) return
    const key = scope ?? (String(login.npmAlwaysAuth) === 'true' || login.npmAlwaysAuth === '1' ? undefined : '@*')
    Object.assign(options, loginOf(key === undefined ? host : `${host}:${key}`, login))
  }
  // Weakest first: what nobody binds to a registry, what is for one, what is for a scope.
  const mine = { ...user, ...operator }
  const always = text('npmAlwaysAuth')
  login(registryOf(text('npmRegistryServer', isMine)) ?? unnamed(usual), { ...mine, npmAlwaysAuth: always })
  for (const each of repository.toReversed()) {
    if (text('npmRegistryServer', [each]) !== undefined)
      login(registryOf(each.npmRegistryServer), { ...each, npmAlwaysAuth: always })
  }
  for (const [url, value] of Object.entries(asRecord(merged.npmRegistries))) login(url, asRecord(value))
  for (const [scope, own] of scopes) {
    // A login of the user's is for a registry of the user's: the repository does not choose who gets it.
    const mine = isMine.map((each) => asRecord(asRecord(each.npmScopes)[scope.slice(1)]))
    const isMineAlone = mine.some((each) => each.npmAuthToken !== undefined || each.npmAuthIdent !== undefined)
    const at = firstText(mine.map((each) => each.npmRegistryServer)) ?? text('npmRegistryServer', isMine)
    login(isMineAlone ? (registryOf(at) ?? unnamed(usual)) : (registries[scope] ?? usual), own, scope)
  }
  // Under its name before yarn 3.1, too.
  const ca = contents(text('httpsCaFilePath') ?? text('caFilePath'))
  const strict = text('enableStrictSsl')
  return {
    registries: {
      default: usual,
      ...(registries['@jsr'] === undefined && { '@jsr': 'https://npm.jsr.io/' }),
      ...registries,
    },
    options: {
      ...options,
      ...(strict !== undefined && { 'strict-ssl': strict === 'true' || strict === '1' }),
      ...(ca !== undefined && { ca }),
      ...proxies({ 'https-proxy': text('httpsProxy'), 'http-proxy': text('httpProxy') }, env),
      networks: networksOf(merged),
      ...roadOf(transportIn(repository)),
    },
  }
}

/** Of files that the repository may have, also for some hosts alone. */
function transportIn(repository: readonly Settings[]): Settings {
  const all = repository.flatMap((each) => [each, ...Object.values(asRecord(each.networkSettings)).map(asRecord)])
  const has = (...keys: readonly string[]) => all.some((each) => keys.some((key) => Object.hasOwn(each, key)))
  const strict = all.map(({ enableStrictSsl }) => String(enableStrictSsl ?? true))
  return withRoad({
    ...(has('httpsCaFilePath', 'caFilePath') && { cafile: true }),
    ...(strict.some((each) => each !== 'true') && { 'strict-ssl': false }),
    ...(has('httpProxy', 'httpsProxy') && { proxy: true }),
  })
}

function loginOf(key: string, { npmAuthToken: token, npmAuthIdent: ident }: Settings): Settings {
  if (typeof token === 'string' && token !== '') return { [`${key}:_authToken`]: token }
  if (typeof ident !== 'string' || ident === '') return {}
  return { [`${key}:_auth`]: ident.includes(':') ? Buffer.from(ident).toString('base64') : ident }
}

function firstText(values: readonly unknown[]): string | undefined {
  const found = values.find((value) => ['string', 'boolean', 'number'].includes(typeof value))
  return found === undefined ? undefined : String(found)
}

/** Own keys of both, mappings put together; the second wins. */
function merge(weaker: Settings, stronger: Settings): Settings {
  const result: Settings = { ...weaker }
  for (const [key, value] of Object.entries(stronger)) {
    const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (key !== '__proto__') result[key] = isMapping ? merge(asRecord(result[key]), asRecord(value)) : value
  }
  return result
}

const PATHS = ['httpsCaFilePath', 'caFilePath', 'httpsCertFilePath', 'httpsKeyFilePath']

/** With variables of the environment; without one, what mentions them is left out, and a registry that does is none that is known. */
function resolved(settings: Settings, folder: string, home: string, env: Variables | undefined): Settings {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([key, value]) => {
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        return [[key, resolved(asRecord(value), folder, home, env)]]
      const text = typeof value === 'string' ? withVariables(value, env) : value
      if (text === undefined) return key === 'npmRegistryServer' ? [[key, UNUSABLE]] : []
      const isPath = PATHS.includes(key) && typeof text === 'string'
      return [[key, isPath ? path.resolve(folder, fromHomeOrAsIs(text, home)) : text]]
    }),
  )
}

function fromHomeOrAsIs(file: string, home: string): string {
  return file.startsWith('~/') ? fromHome(file, home) : file
}

/** `${NAME}`, `${NAME-else}`, `${NAME:-else}`, of which `else` may have variables itself. Undefined where one is not known. */
export function withVariables(text: string, env: Variables | undefined): string | undefined {
  if (!text.includes('${')) return text
  if (env === undefined) return undefined
  // The innermost first, and no more often than there are variables: one that says its own name would never end.
  const count = text.split('${').length - 1
  let result: string | undefined = text
  for (let round = 0; round < count && result !== undefined; round += 1) {
    const current: string = result
    const found = /\$\{([A-Za-z]\w*)(?:(:?-)([^${}]*))?\}/.exec(current)
    if (found === null) return undefined
    const [whole, name = '', operator, otherwise] = found
    const value = env[name]
    const isThere = value !== undefined && !(operator === ':-' && value === '')
    const chosen = isThere ? value : operator === undefined ? undefined : otherwise
    result =
      chosen === undefined
        ? undefined
        : current.slice(0, found.index) + chosen + current.slice(found.index + whole.length)
  }
  return result
}

/** `YARN_NPM_AUTH_TOKEN` is `npmAuthToken`. */
function variables(env: Variables): Settings {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => {
      const [, rest] = /^yarn_(\w+)$/i.exec(name) ?? []
      if (rest === undefined || !value) return []
      return [[rest.toLowerCase().replace(/_+(\w)/g, (_, letter: string) => letter.toUpperCase()), value]]
    }),
  )
}

/** What is for the longest pattern comes first, as in yarn. */
function networksOf(merged: Settings): readonly NetworkSettings[] {
  const own = Object.entries(asRecord(merged.networkSettings)).map(([hosts, value]) => ({
    hosts,
    settings: asRecord(value),
  }))
  const client = { hosts: '*', settings: merged }
  return [...own.toSorted((a, b) => b.hosts.length - a.hosts.length), client].map(({ hosts, settings }) => {
    const text = (key: string) => firstText([settings[key]])
    const isOwn = settings !== merged
    return {
      hosts,
      ...(isOwn && defined('https-proxy', text('httpsProxy'))),
      ...(isOwn && defined('http-proxy', text('httpProxy'))),
      ...(isOwn && defined('ca', contents(text('httpsCaFilePath')))),
      ...defined('cert', contents(text('httpsCertFilePath'))),
      ...defined('key', contents(text('httpsKeyFilePath'))),
    }
  })
}

function defined(key: string, value: string | undefined): Readonly<Record<string, string>> {
  return value === undefined ? {} : { [key]: value }
}

/** Of a file. One that is not there counts as not set: then TLS fails, and says why. @throws GateError where it cannot be read */
function contents(file: string | undefined): string | undefined {
  return file === undefined ? undefined : certificates(file)
}
