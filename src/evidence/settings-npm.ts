import path from 'node:path'
import { readRc, type Settings, type Variables } from './files.ts'
import { fromHome, globalPrefix, ofRepository, ofUser, variable } from './layers.ts'
import {
  authorities,
  type Environment,
  PUBLIC_REGISTRY,
  proxies,
  type RegistrySettings,
  registriesOf,
} from './settings.ts'

/**
 * Reads the settings that npm reads (https://docs.npmjs.com/cli/configuring-npm/npmrc), weakest first: npm's own `npmrc`,
 * that of the machine, the user's, the project's, and `npm_config_*` variables. pnpm's files and variables are not among
 * them. Credentials without a host, with which npm refuses to start, are nobody's.
 */
export function readNpmSettings(folder: string, environment: Environment): RegistrySettings {
  const { env, home, platform, execPath } = environment
  const prefix = variable(env, 'npm_config_prefix') ?? globalPrefix(env, platform, execPath)
  const user = fromHome(variable(env, 'npm_config_userconfig') ?? '~/.npmrc', home)
  const project = path.join(folder, '.npmrc')
  const builtIn = platform === 'win32' ? 'node_modules/npm/npmrc' : 'lib/node_modules/npm/npmrc'
  const ownPrefix = globalPrefix({}, platform, execPath)
  const machine = variable(env, 'npm_config_globalconfig') ?? (prefix && path.join(prefix, 'etc/npmrc'))
  const settings: Settings = {
    ...(ownPrefix !== undefined && ofUser(readRc(path.join(ownPrefix, builtIn), 'user'), env)),
    ...(machine !== undefined && ofUser(readRc(machine, 'user'), env)),
    ...ofUser(readRc(user, 'user'), env),
    ...(project !== user && ofRepository(readRc(project, 'repository'))),
    ...npmVariables(env),
  }
  return settingsOf(settings, env)
}

/** Reads what deno reads: the user's and the project's `.npmrc`, and NPM_CONFIG_REGISTRY. */
export function readDenoSettings(folder: string, { env, home }: Environment): RegistrySettings {
  const registry = env.NPM_CONFIG_REGISTRY
  return settingsOf(
    {
      ...ofUser(readRc(path.join(home, '.npmrc'), 'user'), env),
      ...ofRepository(readRc(path.join(folder, '.npmrc'), 'repository')),
      ...(registry && { registry }),
    },
    env,
  )
}

function settingsOf(settings: Settings, env: Variables): RegistrySettings {
  return {
    registries: { default: PUBLIC_REGISTRY, ...registriesOf(settings) },
    options: { ...settings, ...authorities(settings), ...proxies(settings, env) },
  }
}

/** `npm_config_registry`, `npm_config_@scope:registry`; what is about a host keeps its case. */
function npmVariables(env: Variables): Settings {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => {
      if (!/^npm_config_/i.test(name) || !value) return []
      const key = name.slice('npm_config_'.length)
      return [[key.startsWith('//') ? key : key.replace(/(?!^)_/g, '-').toLowerCase(), value]]
    }),
  )
}
