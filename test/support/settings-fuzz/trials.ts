import { stringify as toml } from 'smol-toml'
import { listsOf } from '../../../src/package-managers/settings/find.ts'
import type { Form, SettingsFile, SettingsManager } from '../../../src/package-managers/settings/types.ts'

/** A setting in a file, with a value, as a pull request could write it. */
export interface Trial {
  readonly file: SettingsFile
  readonly key: string
  readonly value: unknown
  /** The file's whole text. */
  readonly text: string
}

const URL_OF_NOBODY = 'http://127.0.0.1:9/'
/** For each key, whatever it is. */
const VALUES: readonly unknown[] = [true, false, null, './elsewhere', URL_OF_NOBODY, 1]

const OF_FORM: Readonly<Record<Exclude<Form, readonly unknown[]>, readonly unknown[]>> = {
  boolean: [],
  number: [0, 100],
  text: ['word'],
  texts: [['word'], '*'],
  url: ['http://127.0.0.1:9/x/'],
  registries: [
    { default: 'http://127.0.0.1:9/x/', '@acme': URL_OF_NOBODY },
    { [URL_OF_NOBODY]: { prefix: 'work', scopes: ['@'] } },
  ],
  'registry-names': [{ work: URL_OF_NOBODY }, { npmjs: URL_OF_NOBODY }],
  inside: ['elsewhere/file.cjs'],
  'skill-folders': [['.claude/skills']],
  plugins: [['elsewhere/file.cjs'], [{ path: 'elsewhere/file.cjs', spec: `${URL_OF_NOBODY}x.js` }]],
  'node-flags': ['--no-warnings'],
  'package-manager': ['pnpm@10.0.0'],
  'classic-yarn': ['yarn@1.22.22'],
  'modern-yarn': ['yarn@4.1.0'],
  secret: ['word'],
  plain: [{ dep: '1.1.0' }, ['dep'], { dep: { dependencies: { extra: '1.0.0' } } }],
}

/** Every setting that a list of the manager knows, with each of the values, and those that its form allows. */
export function trialsFor(manager: SettingsManager, registry: string): readonly Trial[] {
  const names = new Map<string, { readonly file: SettingsFile; readonly key: string; readonly values: Set<unknown> }>()
  for (const { files } of listsOf(manager)) {
    for (const [file, { accepted, refused }] of Object.entries(files) as [
      SettingsFile,
      (typeof files)[SettingsFile] & object,
    ][]) {
      for (const [name, form] of [
        ...Object.entries(accepted),
        ...Object.keys(refused).map((each) => [each, undefined] as const),
      ]) {
        const key = name.replace('*', file === '.env' ? 'X' : name.startsWith('//') ? '127.0.0.1/' : 'acme')
        const known = names.get(`${file} ${key}`) ?? { file, key, values: new Set(VALUES) }
        for (const value of form === undefined ? [] : typeof form === 'string' ? OF_FORM[form] : form)
          known.values.add(value)
        names.set(`${file} ${key}`, known)
      }
    }
  }
  return [...names.values()].flatMap(({ file, key, values }) =>
    [...values].flatMap((value) => {
      const text = write(file, key, value, registry)
      return text === undefined ? [] : [{ file, key, value, text }]
    }),
  )
}

/** Undefined where the file has no way to say it. */
function write(file: SettingsFile, key: string, value: unknown, registry: string): string | undefined {
  const isFlat = typeof value !== 'object' || value === null
  switch (file) {
    case '.npmrc':
      if (Array.isArray(value)) return `registry=${registry}\n${value.map((each) => `${key}[]=${each}\n`).join('')}`
      return isFlat ? `${key === 'registry' ? '' : `registry=${registry}\n`}${key}=${value}\n` : undefined
    case '.yarnrc':
      return isFlat
        ? `registry "${registry}"\n${key === 'registry' ? '' : `${key} ${JSON.stringify(String(value))}\n`}`
        : undefined
    case '.env':
      return isFlat ? `${key}=${value}\n` : undefined
    case 'bunfig.toml':
      return value === null ? undefined : toml(merge({ install: { registry } }, nested(key, value)))
    case 'package.json':
      return JSON.stringify(nested(key, value))
    default:
      return `${JSON.stringify(nested(key, value), null, 2)}\n`
  }
}

function nested(key: string, value: unknown): Record<string, unknown> {
  return key.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as Record<string, unknown>
}

/** Of mappings of mappings. */
export function merge(a: Record<string, unknown>, b: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...a }
  for (const [key, value] of Object.entries(b)) {
    const own = merged[key]
    merged[key] = isMapping(own) && isMapping(value) ? merge(own, value) : value
  }
  return merged
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
