import path from 'node:path'
import { expanded, type Settings, slashed, type Variables, withoutVariables, withRoad } from './files.ts'
import { PUBLIC_REGISTRY } from './settings.ts'

/*
 * What the readers of several package managers share: files of the repository and of the user, in layers.
 */

/**
 * In the place of a registry that is not known here. No URL begins so: to ask the public registry instead would tell it
 * the names of private packages.
 */
export const UNUSABLE = 'variable:'

/**
 * Settings of a file that the repository may have. What mentions a variable is left out, though npm, yarn and bun expand
 * it: a pull request could have a secret of the environment sent to a host of its choice, before anybody has looked at it.
 */
export function ofRepository(settings: Settings): Settings {
  return withRoad(keepingRegistries(settings, withoutVariables(settings)))
}

/** Settings of a file of the user, with variables of the environment. */
export function ofUser(settings: Settings, env: Variables): Settings {
  return keepingRegistries(settings, expanded(settings, env))
}

/** Which packages come from elsewhere is still known where it is not known from where. */
function keepingRegistries(before: Settings, after: Settings): Settings {
  const lost = Object.keys(before).filter(
    (key) => (key === 'registry' || key.endsWith(':registry')) && !key.includes('${') && !Object.hasOwn(after, key),
  )
  return { ...after, ...Object.fromEntries(lost.map((key) => [key, UNUSABLE])) }
}

/** `~` is the user's folder. */
export function fromHome(file: string, home: string): string {
  return path.resolve(file.replace(/^~(?=[/\\])/, () => home))
}

/** Where npm and yarn classic keep settings for all users of a machine; undefined where that is not known. */
export function globalPrefix(
  env: Variables,
  platform: NodeJS.Platform,
  execPath: string | undefined,
): string | undefined {
  if (env.PREFIX) return env.PREFIX
  if (execPath === undefined) return undefined
  if (platform === 'win32') return path.dirname(execPath)
  return path.join(env.DESTDIR ?? '', path.dirname(path.dirname(execPath)))
}

/** The value of a variable whose name counts in any case; empty ones are none. */
export function variable(env: Variables, name: string): string | undefined {
  const wanted = name.toLowerCase()
  return Object.entries(env).find(([each, value]) => each.toLowerCase() === wanted && value)?.[1]
}

/**
 * registry.yarnpkg.com is another name of npm's registry, which yarn uses by default. Evidence is asked for under its own
 * name: the digest decides, not the host.
 */
export function canonical(url: string, publicRegistry: string): string {
  return URL.parse(url)?.host === 'registry.yarnpkg.com' ? publicRegistry : slashed(url)
}

/**
 * For which registry a login is that names none, and in whose file none is named: npm's, where packages come from there. Of
 * a project with another one it may be a login for that, which neither that one (a file of the repository has chosen it) nor
 * npm's is told.
 */
export function unnamed(registry: string | undefined): string {
  return registry === PUBLIC_REGISTRY ? PUBLIC_REGISTRY : UNUSABLE
}
