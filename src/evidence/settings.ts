import { homedir } from 'node:os'
import path from 'node:path'
import { readGivenSync, SETTINGS_BYTES } from '../read.ts'
import {
  asRecord,
  bound,
  expanded,
  readRc,
  readYaml,
  type Settings,
  slashed,
  type Variables,
  withoutVariables,
  withRoad,
  yamlSettings,
} from './files.ts'
import { parseLogins, readLogins, withLogins } from './logins.ts'

/** Where packages come from, and how to speak to those registries. */
export interface RegistrySettings {
  /** Registry URL per scope (`@scope`), and of all others (`default`). Each ends with a slash. */
  readonly registries: Readonly<Record<string, string>>
  /** Registry URL by the name that settings give it, for keys such as `name@work:1.0.0`. Each ends with a slash. */
  readonly named?: ReadonlyMap<string, string>
  /** npm's flat settings for the transport: `//host/path/:_authToken`, `ca`, `https-proxy`, … */
  readonly options: Readonly<Record<string, unknown>>
}

/** What the settings depend on beside files. */
export interface Environment {
  readonly env: Variables
  readonly home: string
  readonly platform: NodeJS.Platform
  /** The program of Node, beside which npm and yarn classic keep settings for all users. Absent: those are not read. */
  readonly execPath?: string
}

export const PUBLIC_REGISTRY = 'https://registry.npmjs.org/'
/** Names that pnpm has for registries where no setting gives them another URL. */
const BUILT_IN_NAMES: ReadonlyMap<string, string> = new Map([
  ['gh', 'https://npm.pkg.github.com/'],
  ['npmjs', PUBLIC_REGISTRY],
])
const BUILT_IN = { default: PUBLIC_REGISTRY, '@jsr': 'https://npm.jsr.io/' }

export function currentEnvironment(): Environment {
  return { env: process.env, home: homedir(), platform: process.platform, execPath: process.execPath }
}

/**
 * Reads the settings that pnpm reads (https://pnpm.io/npmrc), weakest first: pnpm 10's `rc`, the user's `.npmrc`,
 * `auth.ini`, the lockfile folder's `.npmrc`, `npm_config_*` variables, `config.yaml`, `pnpm-workspace.yaml`, and
 * `pnpm_config_*` variables; logins of `_auth` last. Files that are absent count as empty, as in pnpm. One that is
 * there and cannot be read is an error.
 * The order is that of real pnpm, and a test compares them. Of what only some versions read, everything is read.
 */
export function readRegistrySettings(folder: string, { env, home, platform }: Environment): RegistrySettings {
  const config = configFolder(env, home, platform)
  const repository = readYaml(path.join(folder, 'pnpm-workspace.yaml'), 'repository')
  const global = readYaml(path.join(config, 'config.yaml'), 'user')
  const ofUser = (file: string) => bound(expanded(readRc(file, 'user'), env), PUBLIC_REGISTRY)
  const settings: Settings = {
    ...ofUser(path.join(config, 'rc')),
    ...ofUser(userRc(env, home, global)),
    ...ofUser(path.join(config, 'auth.ini')),
    ...withRoad(bound(withoutVariables(readRc(path.join(folder, '.npmrc'), 'repository')), PUBLIC_REGISTRY)),
    ...variables(env, 'npm_config_'),
    ...expanded(yamlSettings(global), env),
    ...withRoad(withoutVariables(yamlSettings(repository))),
    ...variables(env, 'pnpm_config_'),
  }
  const user = readLogins(global._auth, env)
  const operator = parseLogins(env.pnpm_config__auth || env.PNPM_CONFIG__AUTH, env)
  const options = { ...settings, ...user.tokens, ...operator.tokens }
  return {
    named: new Map([
      ...namedRegistries(global, (settings) => expanded(settings, env)),
      ...namedRegistries(repository, withoutVariables),
    ]),
    registries: { ...BUILT_IN, ...withLogins(registriesOf(settings), user, operator) },
    options: { ...options, ...authorities(options), ...proxies(options, env) },
  }
}

/** Replaces registries by those that pnpm itself has resolved and handed to a hook: they include its command line. */
export function withRegistries(
  settings: RegistrySettings,
  registries: Readonly<Record<string, unknown>>,
): RegistrySettings {
  const given = Object.entries(registries).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return {
    ...settings,
    registries: { ...settings.registries, ...Object.fromEntries(given.map(([scope, url]) => [scope, slashed(url)])) },
  }
}

/** What is known of where a package comes from. */
export interface Whence {
  readonly name: string
  /** Its key in the lockfile. */
  readonly key: string
  /** Where pnpm is about to download it, if that is all that is known. */
  readonly tarball?: string
}

/**
 * The registry that a package comes from: one that its key names, or that its tarball lies in, else by its scope. Undefined
 * for a name that neither the settings nor pnpm have: no other registry is told of such a package.
 */
export function registryOf(settings: RegistrySettings, pkg: Whence): string | undefined {
  return registryNameOf(pkg) === undefined
    ? unnamedRegistryOf(settings, pkg, () => [...allNames(settings).values()])
    : namedRegistryOf(settings, pkg)
}

/** The registry that the key of a package names; undefined where it names none, or one that nobody knows. */
export function namedRegistryOf(settings: RegistrySettings, pkg: Whence): string | undefined {
  const name = registryNameOf(pkg)
  if (name === undefined || settings.named === undefined) return undefined
  return settings.named.get(name) ?? BUILT_IN_NAMES.get(name)
}

/** Of managers whose keys name no registries there are none. */
function allNames({ named }: RegistrySettings): ReadonlyMap<string, string> {
  return new Map(named && [...BUILT_IN_NAMES, ...named])
}

/** What is known of who asks for a package. */
export interface AskedWhence extends Whence {
  /** The name by which its registry is asked for, if it is. */
  readonly askedOf?: string
}

/**
 * The same as far as settings, and who asks for the package, say it. A lockfile alone can name a registry in a key, and so
 * choose who is asked for the bytes: where nobody asks for it by that name, it is the registry that the settings give.
 *
 * @param pkg has a `tarball` only where pnpm itself has just resolved it
 */
export function statedRegistryOf(settings: RegistrySettings, { askedOf, ...pkg }: AskedWhence): string | undefined {
  const { named = new Map() } = settings
  const name = registryNameOf(pkg)
  if (askedOf !== undefined && askedOf !== name) return named.get(askedOf) ?? BUILT_IN_NAMES.get(askedOf)
  if (name === undefined) return unnamedRegistryOf(settings, pkg, () => [...named.values()])
  if (!named.has(name) && !BUILT_IN_NAMES.has(name)) return undefined
  return (askedOf === undefined ? undefined : named.get(askedOf)) ?? usualRegistryOf(settings, pkg.name)
}

/** @param named the registries with names, in any of which its tarball may lie */
function unnamedRegistryOf(settings: RegistrySettings, pkg: Whence, named: () => readonly string[]): string {
  const usual = usualRegistryOf(settings, pkg.name)
  const { tarball } = pkg
  if (tarball === undefined || tarball.startsWith(usual)) return usual
  return named().find((url) => tarball.startsWith(url)) ?? usual
}

function usualRegistryOf({ registries }: RegistrySettings, name: string): string {
  const scope = scopeOf(name)
  return (scope === undefined ? undefined : registries[scope]) ?? registries.default ?? PUBLIC_REGISTRY
}

/** `work` of a key `name@work:1.0.0`. */
function registryNameOf({ name, key }: Whence): string | undefined {
  return key.startsWith(`${name}@`) ? NAMED.exec(key.slice(name.length))?.[1] : undefined
}

/** `@work:1.0.0`, behind the name. */
const NAMED = /^@([A-Za-z][\w.-]*):\d/

/** `@scope` of `@scope/name`. */
export function scopeOf(name: string): string | undefined {
  return /^(@[^/]+)\//.exec(name)?.[1]
}

/**
 * What a YAML file calls registries: `namedRegistries: {work: URL}`, and since pnpm 11.23 `registries: {URL: {prefix: work}}`,
 * which is the stronger one.
 *
 * @param safe leaves out what may not be taken
 */
function namedRegistries(
  manifest: Settings,
  safe: (settings: Settings) => Settings,
): readonly (readonly [string, string])[] {
  const declared = Object.entries(safe(asRecord(manifest.registries))).map(([url, value]): [unknown, unknown] => [
    asRecord(value).prefix,
    url,
  ])
  return [...Object.entries(safe(asRecord(manifest.namedRegistries))), ...declared].flatMap(([name, url]) =>
    typeof name === 'string' && typeof url === 'string' && url !== '' ? [[name, slashed(url)] as const] : [],
  )
}

/** Out of `registry` and `@scope:registry`. */
export function registriesOf(settings: Settings): Record<string, string> {
  const registries: Record<string, string> = {}
  for (const [key, value] of Object.entries(settings)) {
    if (typeof value !== 'string' || value === '') continue
    if (key === 'registry') registries.default = slashed(value)
    else if (key.startsWith('@') && key.endsWith(':registry'))
      registries[key.slice(0, -':registry'.length)] = slashed(value)
  }
  return registries
}

/** https://pnpm.io/cli/config: the folder of pnpm's user-level settings. */
function configFolder(env: Variables, home: string, platform: NodeJS.Platform): string {
  if (env.XDG_CONFIG_HOME) return path.join(env.XDG_CONFIG_HOME, 'pnpm')
  if (platform === 'darwin') return path.join(home, 'Library/Preferences/pnpm')
  if (platform === 'win32' && env.LOCALAPPDATA) return path.join(env.LOCALAPPDATA, 'pnpm/config')
  return path.join(home, '.config/pnpm')
}

/** Empty variables count as not set. */
function userRc(env: Variables, home: string, global: Settings): string {
  const file =
    env.pnpm_config_npmrc_auth_file ||
    env.PNPM_CONFIG_NPMRC_AUTH_FILE ||
    env.pnpm_config_userconfig ||
    env.PNPM_CONFIG_USERCONFIG ||
    (typeof global.npmrcAuthFile === 'string' && global.npmrcAuthFile) ||
    env.npm_config_userconfig ||
    env.NPM_CONFIG_USERCONFIG ||
    '~/.npmrc'
  return path.resolve(file.replace(/^~(?=[/\\])/, () => home))
}

function variables(env: Variables, prefix: string): Settings {
  const result: Settings = {}
  for (const [name, value] of Object.entries(env)) {
    if (!name.toLowerCase().startsWith(prefix) || value === undefined || value === '') continue
    const key = name.slice(prefix.length)
    // `npm_config_registry`, `npm_config_https_proxy`; keys with a host or a scope in them are kept as they are.
    result[/^[/@]/.test(key) ? key : key.toLowerCase().replaceAll('_', '-')] = value
  }
  return result
}

/**
 * `ca` out of `cafile`. One that is not there counts as not set, as in pnpm: then TLS fails, and says why. Who named it is not
 * known here: it is read like a file of the repository.
 *
 * @throws GateError where it is there and cannot be read
 */
export function authorities({ ca, cafile }: Settings): Settings {
  if (ca !== undefined || typeof cafile !== 'string' || cafile === '') return {}
  const text = certificates(cafile)
  return text === undefined ? {} : { ca: text }
}

/** The text of a file with certificates or keys; undefined where there is none. @throws GateError */
export function certificates(file: string): string | undefined {
  return readGivenSync(file, SETTINGS_BYTES)?.toString('utf8')
}

/** pnpm's choice of proxies: its own settings first, then the usual variables. `false` means none. */
export function proxies(settings: Settings, env: Variables): Settings {
  const of = (key: string) => (settings[key] === '' || settings[key] === null ? undefined : settings[key])
  const variable = (name: string) => env[name] || env[name.toUpperCase()]
  const setting = of('https-proxy') ?? of('proxy')
  const off = String(setting) === 'false'
  const secure = off ? undefined : (setting ?? variable('https_proxy'))
  return {
    'https-proxy': secure,
    'http-proxy': of('http-proxy') ?? (off ? undefined : (secure ?? variable('http_proxy') ?? variable('proxy'))),
    'no-proxy': of('no-proxy') ?? of('noproxy') ?? variable('no_proxy'),
  }
}
