import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { envReplace } from '@pnpm/config.env-replace'
import { parse } from 'ini'

/**
 * The settings that say which registry npm would ask, and with what credentials, in the form that pacote takes: the
 * environment wins over the project's npmrc, that over the user's, that over the global one. No registry is named
 * here; where nothing is configured pacote's own default holds.
 */
export function npmRegistryOptions(env: NodeJS.ProcessEnv, cwd: string): Record<string, string> {
  const variables = fromEnvironment(env)
  const globalrc = variables.globalconfig ?? join(dirname(dirname(process.execPath)), 'etc', 'npmrc')
  const userrc = variables.userconfig ?? join(env.HOME ?? homedir(), '.npmrc')
  const settings = {
    ...fromFile(globalrc, env),
    ...fromFile(userrc, env),
    ...fromFile(join(cwd, '.npmrc'), env),
    ...variables,
  }
  return Object.fromEntries(Object.entries(settings).filter(([key]) => isAboutRegistries(key)))
}

/** Everything else (caches, proxies, log levels) stays behind. Credentials are keyed by host: `//host/:_authToken`. */
function isAboutRegistries(key: string): boolean {
  return key === 'registry' || key.startsWith('//') || (key.startsWith('@') && key.endsWith(':registry'))
}

/** `npm_config_*` in any case, as npm reads it. */
function fromEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => {
      const [, key] = /^npm_config_(.+)$/i.exec(name) ?? []
      return key === undefined || !value
        ? []
        : [[key.startsWith('/') || key.startsWith('@') ? key : key.toLowerCase(), value]]
    }),
  )
}

function fromFile(path: string, env: NodeJS.ProcessEnv): Record<string, string> {
  const entries = Object.entries(parse(readIfPresent(path)))
  return Object.fromEntries(
    entries.flatMap(([key, value]) => (typeof value === 'string' ? [[key, envReplace(value, env)]] : [])),
  )
}

function readIfPresent(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}
