import type { Form } from './types.ts'

const NAMES: Readonly<Record<Exclude<Form, readonly unknown[]>, string>> = {
  boolean: 'true or false',
  number: 'a whole number',
  text: 'one line of text without variables',
  texts: 'texts without variables',
  url: 'an https:// or http:// URL without variables',
  registries: 'scopes with URLs, or URLs with scopes, prefix and options of npm registries, without variables',
  'registry-names': 'names with URLs, without variables',
  inside: 'a relative path inside of its folder',
  'skill-folders': 'a list of folders such as .claude/skills',
  plugins: 'a list of relative paths inside of its folder, each alone or with a spec and a checksum',
  'node-flags': 'options of Node that load no code',
  'package-manager': 'a package manager and its version, such as pnpm@10.1.0',
  'classic-yarn': 'no yarn from 2.0.0 on',
  'modern-yarn': 'no yarn before 2.0.0',
  secret: 'one line of text',
  plain: 'a value without variables',
}

/** A form for people. */
export function describeForm(form: Form): string {
  return typeof form === 'string' ? NAMES[form] : form.map((each) => JSON.stringify(each)).join(' or ')
}

/** Whether a value is of a form. Total: it never throws, however deep the value is. */
export function hasForm(value: unknown, form: Form): boolean {
  switch (form) {
    case 'boolean':
      return typeof value === 'boolean'
    case 'number':
      return (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) || isDigits(value)
    case 'text':
      return isText(value)
    case 'texts':
      return Array.isArray(value) ? value.every(isText) : isText(value)
    case 'url':
      return isText(value) && isWebUrl(value)
    case 'registries':
      return isMapOf(value, isRegistryEntry)
    case 'registry-names':
      return isMapOf(value, ([name, url]) => REGISTRY_NAME.test(name) && hasForm(url, 'url'))
    case 'inside':
      return isText(value) && isInside(value)
    case 'skill-folders':
      return Array.isArray(value) && value.every((each) => typeof each === 'string' && SKILLS.test(each))
    case 'plugins':
      return value === null || (Array.isArray(value) && value.every(isPlugin))
    case 'node-flags':
      return isText(value) && isNodeFlags(value)
    case 'package-manager':
      return typeof value === 'string' && /^[a-z]+@\d+\.\d+\.\d+(?:[-+][\w.+-]*)?$/.test(value)
    case 'classic-yarn':
      return hasForm(value, 'package-manager') && !/^yarn@(?!1\.)/.test(String(value))
    case 'modern-yarn':
      return hasForm(value, 'package-manager') && !/^yarn@1\./.test(String(value))
    case 'secret':
      return typeof value === 'string' && value !== '' && !CONTROL.test(value)
    case 'plain':
      return isPlainData(value)
    default:
      return form.some((each) => each === value)
  }
}

const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('${') && !CONTROL.test(value)
}

const SKILLS = /^\.[a-z][\w-]*\/skills\/?$/i

/** Those that are common, and load nothing: not `--require`, `--import`, `--loader`, `--env-file`, `--inspect`. */
const NODE_FLAG =
  /^--(?:no-(?:warnings|deprecation|experimental-[a-z-]+)|trace-[a-z-]+|enable-source-maps|max-(?:old-space|semi-space)-size=\d+|stack-trace-limit=\d+|unhandled-rejections=[a-z-]+|disable-warning=\w+)$/

function isNodeFlags(text: string): boolean {
  return text
    .replace(/\s#.*$/, '')
    .split(/\s+/)
    .every((flag) => NODE_FLAG.test(flag))
}

function isDigits(value: unknown): boolean {
  return typeof value === 'string' && /^(?:0|[1-9]\d{0,14})$/.test(value)
}

function isWebUrl(text: string): boolean {
  const url = /^https?:\/\//.test(text) ? URL.parse(text) : null
  return url !== null && url.host !== ''
}

function isMapOf(value: unknown, isEntry: (entry: readonly [string, unknown]) => boolean): boolean {
  return value === null || (isMap(value) && Object.entries(value).every(isEntry))
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const REGISTRY_NAME = /^[A-Za-z][\w.-]*$/
const SCOPE = /^@[\w.~-]*$/

/** Where packages come from, and as what; neither a login nor packages of another language. */
function isRegistryEntry([key, value]: readonly [string, unknown]): boolean {
  if (!isMap(value)) return (key === 'default' || SCOPE.test(key)) && hasForm(value, 'url')
  return (
    hasForm(key, 'url') &&
    Object.entries(value).every(([name, each]) => {
      const isOption = REGISTRY_OPTIONS.get(name)
      return isOption !== undefined && (each === null || isOption(each))
    })
  )
}

const REGISTRY_OPTIONS: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ['scopes', (value) => Array.isArray(value) && value.every((each) => isLike(each, SCOPE))],
  ['prefix', (value) => isLike(value, REGISTRY_NAME)],
  ['serverType', (value) => hasForm(value, ['npm', 'artifactory', 'pnpr'])],
  ['supportsTimeField', (value) => hasForm(value, 'boolean')],
  ['networkConcurrency', (value) => hasForm(value, 'number')],
  ['ecosystem', (value) => hasForm(value, ['npm'])],
])

function isLike(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value)
}

function isInside(text: string): boolean {
  return (
    !/^(?:[/~]|[A-Za-z]:)|\\/.test(text) && text.split('/').every((segment) => segment !== '..') && text.trim() === text
  )
}

function isPlugin(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return hasForm(value, 'inside')
  const { path, ...notes } = value as Readonly<Record<string, unknown>>
  return (
    hasForm(path, 'inside') &&
    Object.entries(notes).every(([key, note]) => ['spec', 'checksum'].includes(key) && isText(note))
  )
}

/** A stack of its own: a file may nest deeper than the engine's. An anchor of YAML may lead back to what holds it. */
function isPlainData(value: unknown): boolean {
  const open: unknown[] = [value]
  const seen = new Set<object>()
  while (open.length > 0) {
    const each = open.pop()
    if (typeof each === 'string') {
      if (each.includes('${')) return false
    } else if (typeof each === 'object' && each !== null) {
      if (seen.has(each)) continue
      seen.add(each)
      for (const [key, inner] of Object.entries(each)) {
        if (key.includes('${')) return false
        open.push(inner)
      }
    } else if (!['number', 'boolean', 'undefined'].includes(typeof each) && each !== null) return false
  }
  return value !== undefined
}
