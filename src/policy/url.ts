import type { Problem } from './parts.ts'
import { quote } from './text.ts'

export function urlProblem(url: string): Problem {
  const { protocol, hostname, search, hash, username, password } = URL.parse(url) ?? {}
  const isLocal = hostname === '127.0.0.1' || hostname === 'localhost' || hostname === '[::1]'
  if (protocol !== 'https:' && !(protocol === 'http:' && isLocal)) return `${quote(url)} is no https:// URL`
  return search || hash || username || password ? `${quote(url)} has more than host and path: remove it` : undefined
}

/** Of a registry: npm's endpoints are looked for below it, so nothing but its path may stand behind the host. */
export function registryProblem(url: string): Problem {
  const problem = urlProblem(url)
  if (problem !== undefined) return problem
  const [, path] = /^https?:\/\/[^/\\?#{}]+((?:\/[^/\\?#{}]+)*)\/?$/.exec(url) ?? []
  return path?.split('/').every((segment) => !/^\.+$/.test(segment))
    ? undefined
    : `${quote(url)} is not the URL of a registry: write host and path only, such as "https://registry.npmjs.org/"`
}

/**
 * A URL with `{name}` and `{version}` in its path. Names come from the lockfile: a host that is made of one would be
 * anybody's.
 */
export function templateProblem(template: string): Problem {
  if (!/^https?:\/\/[^/]/.test(template)) return `${quote(template)} is no https:// URL`
  const path = template.indexOf('/', template.indexOf('://') + '://'.length)
  const [origin, rest] = path < 0 ? [template, ''] : [template.slice(0, path), template.slice(path)]
  if (/[{}]/.test(origin)) return `${quote(template)} has a placeholder outside of its path: write the host itself`
  const named = [...rest.matchAll(/\{([^{}]*)\}/g)].map(([, key = '']) => key)
  const unknown = named.find((key) => !PLACEHOLDERS.includes(key))
  if (unknown !== undefined) return `${quote(`{${unknown}}`)} is not a placeholder: there are {name} and {version}`
  if (/[{}]/.test(rest.replace(/\{[^{}]*\}/g, '')))
    return `${quote(template)} has a brace that belongs to no placeholder`
  const missing = PLACEHOLDERS.find((key) => !named.includes(key))
  const problem = urlProblem(template)
  if (problem !== undefined) return problem
  if (missing !== undefined)
    return `${quote(template)} is the same for several packages: add {${missing}}, as in https://mirror.example/{name}@{version}.json`
  return template.includes('\\') ||
    rest
      .slice(1)
      .split('/')
      .some((segment) => /^\.*$/.test(segment))
    ? `${quote(template)} is not read by everybody alike: write its path without "\\", "//" and segments of dots`
    : undefined
}

const PLACEHOLDERS: readonly string[] = ['name', 'version']
