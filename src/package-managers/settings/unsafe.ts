import { expandEntries, type PathKind } from './expand.ts'
import { describeForm, hasForm } from './forms.ts'
import { parseDotenv } from './parse/dotenv.ts'
import { parseJsonSettings } from './parse/json.ts'
import { parseRc } from './parse/rc.ts'
import { parseTomlSettings } from './parse/toml.ts'
import { parseYamlSettings } from './parse/yaml.ts'
import { parseYarnrc } from './parse/yarnrc.ts'
import type {
  Form,
  KnownSettings,
  ParsedSettings,
  SettingEntry,
  SettingsFile,
  SettingsList,
  UnclearPart,
  UnsafeSetting,
} from './types.ts'

/** A file of settings, as it was read. */
export interface SettingsText {
  readonly kind: SettingsFile
  /** Relative to the lockfile's folder, with `/`. */
  readonly file: string
  readonly text: string
}

/**
 * The settings of a file that are not known to be safe, in the file's order. Safe is what each list that knows the setting
 * accepts, with a value of the form that each of them gives, and at least one knows it: which version of the manager will
 * run is not known.
 *
 * @param lists of the managers that may read the file, one for each major version
 */
export function unsafeSettings(
  { kind, file, text }: SettingsText,
  lists: readonly SettingsList[],
): readonly UnsafeSetting[] {
  const known = lists.flatMap(({ manager, major, files }) => {
    const settings = files[kind]
    return settings === undefined ? [] : [{ by: `${TITLES[manager]} ${major}`, settings }]
  })
  if (known.length === 0) return []
  const hidden = kind === '.env' ? null : DECEPTIVE.exec(text)
  const found = hidden === null ? parse(kind, text) : { entries: [], unclear: [deceptive(text, hidden.index)] }
  const kindOf = (path: string) => kindOfPath(path, known)
  const entries = expandEntries(found.entries, text, kindOf).filter(
    ({ key }) => !(SKIPS.has(kind) && kindOf(key) === 'unknown' && !key.includes('.')),
  )
  return [
    ...found.unclear.map(({ line, what }) => ({ file, line, why: `${what}, which package managers read differently` })),
    ...entries.flatMap((entry) => {
      const why = whyUnsafe(entry, known)
      return why === undefined ? [] : [{ file, ...entry, why }]
    }),
  ].toSorted((a, b) => a.line - b.line)
}

/** Whatever a parser throws, a stack that is too small included, makes the file unclear. */
function parse(kind: SettingsFile, text: string): ParsedSettings {
  try {
    return PARSERS[kind](text)
  } catch (error) {
    const [reason = ''] = String(error).split('\n', 1)
    return { entries: [], unclear: [{ line: 1, what: `a part that cannot be read (${reason.slice(0, 100)})` }] }
  }
}

const TITLES: Readonly<Record<SettingsList['manager'], string>> = {
  pnpm: 'pnpm',
  npm: 'npm',
  yarn: 'yarn',
  berry: 'yarn',
  bun: 'bun',
  deno: 'deno',
}

const PARSERS: Readonly<Record<SettingsFile, (text: string) => ParsedSettings>> = {
  'pnpm-workspace.yaml': parseYamlSettings,
  '.yarnrc.yml': parseYamlSettings,
  '.npmrc': parseRc,
  '.yarnrc': parseYarnrc,
  'bunfig.toml': parseTomlSettings,
  '.env': parseDotenv,
  'package.json': (text) => parseJsonSettings(text.replace(/^\uFEFF/, ''), false),
  'deno.json': (text) => parseJsonSettings(text.replace(/^\uFEFF/, ''), true),
}

/** Files that hold much else: fields at the top that no list names are of no concern here. */
const SKIPS: ReadonlySet<SettingsFile> = new Set(['package.json'])

/** Control characters, and those that make a line look other than it is read; tabs and line ends are none. */
const DECEPTIVE = /(?![\t\n\r])\p{Cc}|[\p{Bidi_Control}\p{Zl}\p{Zp}]|\r(?!\n)/u

function deceptive(text: string, index: number): UnclearPart {
  const line = text.slice(0, index).split('\n').length
  const code = (text.codePointAt(index) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return { line, what: `the character U+${code}` }
}

interface Known {
  /** Manager and major version, for people. */
  readonly by: string
  readonly settings: KnownSettings
}

function kindOfPath(path: string, known: readonly Known[]): PathKind {
  if (known.some(({ settings }) => lookUp(settings, path) !== undefined)) return 'setting'
  const names = known.flatMap(({ settings }) => [...Object.keys(settings.accepted), ...Object.keys(settings.refused)])
  return names.some((name) => name.startsWith(`${path}.`) || goesOn(name, path)) ? 'beginning' : 'unknown'
}

/** Whether a pattern such as `npmScopes.*.npmAuthToken` is about something in `npmScopes.acme`. */
function goesOn(pattern: string, path: string): boolean {
  const at = pattern.indexOf('*')
  return at > 0 && pattern.slice(at).startsWith('*.') && path.startsWith(pattern.slice(0, at))
}

type Word = { readonly refused: string } | { readonly form: Form }

/** Exact names first, then patterns; what is refused first. */
function lookUp({ accepted, refused }: KnownSettings, key: string): Word | undefined {
  if (Object.hasOwn(refused, key)) return { refused: refused[key] ?? '' }
  if (Object.hasOwn(accepted, key)) return { form: accepted[key] ?? [] }
  const [, why] = Object.entries(refused).find(([name]) => matches(name, key)) ?? []
  if (why !== undefined) return { refused: why }
  const [, form] = Object.entries(accepted).find(([name]) => matches(name, key)) ?? []
  return form === undefined ? undefined : { form }
}

function matches(pattern: string, key: string): boolean {
  const at = pattern.indexOf('*')
  if (at < 0) return false
  const [before, after] = [pattern.slice(0, at), pattern.slice(at + 1)]
  return key.length >= before.length + after.length && key.startsWith(before) && key.endsWith(after)
}

function whyUnsafe({ key, value }: SettingEntry, known: readonly Known[]): string | undefined {
  const words = known.flatMap(({ by, settings }) => {
    const word = lookUp(settings, key)
    return word === undefined ? [] : [{ by, word }]
  })
  for (const { by, word } of words) if ('refused' in word) return `${word.refused} (${by})`
  if (words.length === 0) return `is no setting that the gate knows of ${listed(known)}${similar(key, known)}`
  for (const { by, word } of words)
    if ('form' in word && !hasForm(value, word.form)) return `has another value than ${describeForm(word.form)} (${by})`
  return undefined
}

function listed(known: readonly Known[]): string {
  return [...new Set(known.map(({ by }) => by))].join(', ')
}

/** Another spelling of a known setting, which the manager may well take for it. */
function similar(key: string, known: readonly Known[]): string {
  const names = known.flatMap(({ settings }) => [...Object.keys(settings.accepted), ...Object.keys(settings.refused)])
  const meant = names.find((name) => folded(name) === folded(key))
  return meant === undefined ? '' : `; its usual spelling is \`${meant}\``
}

function folded(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '')
}
