import path from 'node:path'
import { upwards } from '../folders.ts'
import { type Owner, settingsText } from '../read.ts'
import { bound, readRc, roadOf, type Settings, type Variables, withRoad } from './files.ts'
import { canonical, fromHome, globalPrefix, ofRepository, ofUser, unnamed } from './layers.ts'
import {
  authorities,
  type Environment,
  PUBLIC_REGISTRY,
  proxies,
  type RegistrySettings,
  registriesOf,
} from './settings.ts'

/**
 * Reads the settings that yarn classic reads: `.npmrc` and `.yarnrc` of the project, the user, the machine and the folders
 * above, and `yarn_*` and `npm_config_*` variables. What `.npmrc` says wins, whatever `.yarnrc` says; logins are in `.npmrc`
 * only, and are sent for packages of a scope, and for others with `always-auth`.
 */
export function readYarnSettings(folder: string, environment: Environment): RegistrySettings {
  const { env, home } = environment
  const ofYarn = variables(env, 'yarn_')
  const operator = { ...ofYarn, ...variables(env, 'npm_config_') }
  const userconfig = typeof operator.userconfig === 'string' ? fromHome(operator.userconfig, home) : undefined
  const read = (file: string, isUsers: boolean) =>
    isUsers ? ofUser(readRc(file, 'user'), { ...env, HOME: home }) : ofRepository(readRc(file, 'repository'))
  const said = { ...layers(folder, environment, 'npmrc', userconfig, read), ...operator }
  const yarn: Settings = {
    // Yarn itself expands nothing here.
    ...layers(folder, environment, 'yarnrc', undefined, (file, isUsers) =>
      isUsers ? readYarnrc(file, 'user') : withRoad(readYarnrc(file, 'repository')),
    ),
    ...ofYarn,
  }
  const registries = Object.fromEntries(
    Object.entries({ default: PUBLIC_REGISTRY, ...registriesOf(yarn), ...registriesOf(said) }).map(([scope, url]) => [
      scope,
      canonical(url, PUBLIC_REGISTRY),
    ]),
  )
  const otherwise = unnamed(registries.default)
  const npm: Settings = {
    ...layers(folder, environment, 'npmrc', userconfig, (...file) => bound(read(...file), otherwise)),
    ...operator,
  }
  const settings: Settings = { ...npm, ...yarn }
  return {
    registries,
    options: {
      ...logins(npm),
      ...('strict-ssl' in settings && { 'strict-ssl': settings['strict-ssl'] }),
      ...roadOf(settings),
      ...('ca' in settings && { ca: settings.ca }),
      ...authorities(settings),
      ...proxies(settings, env),
    },
  }
}

/** The files of that name, each once, so that the strongest comes last: the project's, the user's, the machine's, those above. */
function layers(
  folder: string,
  { env, home, platform, execPath }: Environment,
  name: string,
  userFile: string | undefined,
  read: (file: string, isUsers: boolean) => Settings,
): Settings {
  const user = userFile ?? path.join(home, `.${name}`)
  const prefix = globalPrefix(env, platform, execPath)
  const [own = folder, ...above] = upwards(folder).map((each) => path.join(each, `.${name}`))
  const machine = prefix === undefined ? [] : [path.join(prefix, 'etc', name)]
  const files = [...new Set([own, user, ...machine, ...above])]
  return Object.assign({}, ...files.toReversed().map((file) => read(file, file === user || machine.includes(file))))
}

/** `key value` or `"key" "value"` on each line. One that is absent counts as empty. @throws GateError where it cannot be read */
export function readYarnrc(file: string, owner: Owner): Settings {
  const settings: Settings = {}
  for (const line of settingsText(file, owner).split(/\r?\n/)) {
    const [, key, value] =
      /^("(?:[^"\\]|\\.)*"|[^\s":#]+)[ \t]+("(?:[^"\\]|\\.)*"|[^\s"#]+)[ \t]*(?:#.*)?$/.exec(line) ?? []
    if (key !== undefined && value !== undefined) settings[unquoted(key)] = unquoted(value)
  }
  const { cafile } = settings
  return typeof cafile === 'string' ? { ...settings, cafile: path.resolve(path.dirname(file), cafile) } : settings
}

function unquoted(text: string): string {
  if (!text.startsWith('"')) return text
  try {
    return String(JSON.parse(text))
  } catch {
    return text
  }
}

/** As yarn reads them: in any case, and `_` for `-`. */
function variables(env: Variables, prefix: string): Settings {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => {
      const key = name.toLowerCase()
      if (!key.startsWith(prefix) || !value) return []
      return [[key.slice(prefix.length).replace(/([^_])_/g, '$1-'), value]]
    }),
  )
}

/** For one host each, and for packages of a scope alone where yarn does not always send them. */
function logins(npm: Settings): Settings {
  const isAlways = (host: string) =>
    [npm[`${host}:always-auth`], npm['always-auth']].some((each) => String(each) === 'true')
  return Object.fromEntries(
    Object.entries(npm).flatMap(([key, value]) => {
      const [, host, name] = /^(?:https?:)?(\/\/.*):([^:]+)$/.exec(key) ?? []
      if (host === undefined || name === undefined) return []
      const slashedHost = host.endsWith('/') ? host : `${host}/`
      return [[isAlways(host) ? `${slashedHost}:${name}` : `${slashedHost}:@*:${name}`, value]]
    }),
  )
}
