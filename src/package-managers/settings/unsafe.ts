import { DECEPTIVE } from '../../util/text.ts'
import { expandEntries, type PathKind } from './expand.ts'
import { describeForm, hasForm } from './forms.ts'
import { parseDotenv } from './parse/dotenv.ts'
import { parseJsonSettings } from './parse/json.ts'
import { openWords } from './parse/lines.ts'
import { parseRc } from './parse/rc.ts'
import { parseTomlSettings } from './parse/toml.ts'
import { parseYamlSettings } from './parse/yaml.ts'
import { parseYarnclean } from './parse/yarnclean.ts'
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
  /** It lies outside of the repository, so that nothing of it may be shown. */
  readonly isHidden?: true
}

/**
 * The settings of a file that are not known to be safe, in the file's order. Safe is what each list that knows the setting
 * accepts, with a value of the form that each of them gives, and at least one knows it: which version of the manager will
 * run is not known.
 *
 * @param lists of the managers that may read the file, one for each major version
 */
export function unsafeSettings(text: SettingsText, lists: readonly SettingsList[]): readonly UnsafeSetting[] {
  const found = judge(text, lists)
  return text.isHidden ? found.map((each) => ({ ...each, isHidden: true as const })) : found
}

function judge({ kind, file, text }: SettingsText, lists: readonly SettingsList[]): readonly UnsafeSetting[] {
  const known = lists.flatMap(({ manager, major, files }) => {
    const settings = files[kind]
    return settings === undefined ? [] : [{ by: `${TITLES[manager]} ${major}`, settings: withPatterns(settings) }]
  })
  if (known.length === 0) return []
  const names = openNames(known)
  // In JSON such characters are in texts alone, and escaped or not they are no setting's.
  const hidden = UNCHECKED.has(kind) ? null : DECEPTIVE.exec(text)
  const found =
    hidden === null
      ? parseSettings(kind, text, names.isNamed)
      : { entries: [], unclear: [deceptive(text, hidden.index)] }
  const entries =
    kind === '.env' ? found.entries : expandEntries(found.entries, openWords(text), names.kindOf, MOST_ENTRIES)
  if (entries === undefined || found.unclear.length > MOST_ENTRIES)
    return [{ file, line: 1, why: `more than ${MOST_ENTRIES} settings, as no file of settings has` }]
  return [
    ...found.unclear.map(({ line, what }) => ({ file, line, why: `${what}, which package managers read differently` })),
    ...entries.flatMap((entry) => {
      const why = whyUnsafe(entry, known, names)
      if (why === undefined) return []
      const isValueShown = isKnown(entry, known) && !mayBeSecret(entry)
      return [{ file, ...entry, why, ...(isValueShown && { isValueShown: true as const }) }]
    }),
  ].toSorted((a, b) => a.line - b.line)
}

const MOST_ENTRIES = 5_000

/** Whatever a parser throws, a stack that is too small included, makes the file unclear. */
export function parseSettings(
  kind: SettingsFile,
  text: string,
  isNamed: (key: string) => boolean = () => true,
): ParsedSettings {
  if (WITHOUT_MARK.has(kind) && text.startsWith('\uFEFF')) {
    const { entries, unclear } = parseSettings(kind, text.slice(1), isNamed)
    return { entries, unclear: [{ line: 1, what: MARK }, ...unclear] }
  }
  try {
    return PARSERS[kind](text, isNamed)
  } catch (error) {
    const [said = ''] = String(error).split('\n', 1)
    const reason = error instanceof RangeError ? 'it is nested too deeply' : said.slice(0, 100)
    return { entries: [], unclear: [{ line: 1, what: `a part that cannot be read (${reason})` }] }
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

const PARSERS: Readonly<Record<SettingsFile, (text: string, isNamed: (key: string) => boolean) => ParsedSettings>> = {
  'pnpm-workspace.yaml': parseYamlSettings,
  '.yarnrc.yml': parseYamlSettings,
  '.npmrc': parseRc,
  '.yarnrc': parseYarnrc,
  'bunfig.toml': parseTomlSettings,
  '.env': parseDotenv,
  '.corepack.env': parseDotenv,
  'package.json': (text, isNamed) => parseJsonSettings(text.replace(/^\uFEFF/, ''), false, isNamed),
  // Whatever is in it.
  'yarn.json': () => ({ entries: [{ line: 1, key: 'yarn.json', value: undefined }], unclear: [] }),
  '.yarnclean': parseYarnclean,
  'deno.json': (text) => parseJsonSettings(text.replace(/^\uFEFF/, ''), true, () => true),
}

/** npm and pnpm leave a byte order mark out; for yarn 1 it is a part of the first key or pattern. */
const WITHOUT_MARK: ReadonlySet<SettingsFile> = new Set(['.npmrc', '.yarnrc', '.yarnclean'])
const MARK = 'a byte order mark (save the file as UTF-8 without one)'

const UNCHECKED: ReadonlySet<SettingsFile> = new Set([
  '.env',
  '.corepack.env',
  'package.json',
  'deno.json',
  'yarn.json',
])

function deceptive(text: string, index: number): UnclearPart {
  const line = text.slice(0, index).split('\n').length
  const code = (text.codePointAt(index) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return { line, what: `the character U+${code}` }
}

interface Known {
  /** Manager and major version, for people. */
  readonly by: string
  readonly settings: Searched
}

/** With the names that are patterns, apart: a file may ask for thousands of keys. */
interface Searched extends KnownSettings {
  readonly patterns: {
    readonly accepted: readonly (readonly [string, Form])[]
    readonly refused: readonly (readonly [string, string])[]
  }
}

function withPatterns({ accepted, refused }: KnownSettings): Searched {
  const isPattern = ([name]: readonly [string, unknown]) => name.includes('*')
  const patterns = {
    accepted: Object.entries(accepted).filter(isPattern),
    refused: Object.entries(refused).filter(isPattern),
  }
  return { accepted, refused, patterns }
}

/** The names of all lists, looked at once for a file. */
interface Names {
  kindOf(path: string): PathKind
  /** Whether a key at the top is a setting, or a section with settings. */
  isNamed(key: string): boolean
  /** The usual spelling of a known setting that is written otherwise. */
  usualOf(key: string): string | undefined
}

function openNames(known: readonly Known[]): Names {
  const names = [
    ...new Set(known.flatMap(({ settings }) => [...Object.keys(settings.accepted), ...Object.keys(settings.refused)])),
  ]
  const sections = new Set(names.flatMap(sectionsOf))
  const open = names.filter((name) => name.indexOf('*.') > 0)
  const usual = new Map(names.toReversed().map((name) => [folded(name), name]))
  const kindOf = (path: string): PathKind => ({
    isSetting: known.some(({ settings }) => lookUp(settings, path) !== undefined),
    isSection: sections.has(path) || open.some((name) => path.startsWith(name.slice(0, name.indexOf('*')))),
  })
  return {
    kindOf,
    isNamed: (key) => {
      const { isSetting, isSection } = kindOf(key)
      return isSetting || isSection
    },
    usualOf: (key) => usual.get(folded(key)),
  }
}

/** `install` and `install.cache` of `install.cache.dir`. */
function sectionsOf(name: string): readonly string[] {
  const pieces = name.split('.')
  return pieces.slice(1).map((_, index) => pieces.slice(0, index + 1).join('.'))
}

type Word = { readonly refused: string } | { readonly form: Form }

/** Exact names first, then patterns; what is refused first. */
function lookUp({ accepted, refused, patterns }: Searched, key: string): Word | undefined {
  if (Object.hasOwn(refused, key)) return { refused: refused[key] ?? '' }
  if (Object.hasOwn(accepted, key)) return { form: accepted[key] ?? [] }
  const [, why] = patterns.refused.find(([name]) => matches(name, key)) ?? []
  if (why !== undefined) return { refused: why }
  const [, form] = patterns.accepted.find(([name]) => matches(name, key)) ?? []
  return form === undefined ? undefined : { form }
}

function matches(pattern: string, key: string): boolean {
  const at = pattern.indexOf('*')
  if (at < 0) return false
  const [before, after] = [pattern.slice(0, at), pattern.slice(at + 1)]
  return key.length >= before.length + after.length && key.startsWith(before) && key.endsWith(after)
}

function whyUnsafe({ key, value }: SettingEntry, known: readonly Known[], names: Names): string | undefined {
  const words = known.flatMap(({ by, settings }) => {
    const word = lookUp(settings, key)
    return word === undefined ? [] : [{ by, word }]
  })
  for (const { by, word } of words) if ('refused' in word) return `${word.refused} (${by})`
  if (words.length === 0) return `is no setting that the gate knows of ${listed(known)}${similar(key, names)}`
  for (const { by, word } of words)
    if ('form' in word && !hasForm(value, word.form)) return `has another value than ${describeForm(word.form)} (${by})`
  return undefined
}

function isKnown({ key }: SettingEntry, known: readonly Known[]): boolean {
  return known.some(({ settings }) => lookUp(settings, key) !== undefined)
}

/** Logins, and addresses with one. The name of a file (`cafile`, `//host/:keyfile`) is none. */
function mayBeSecret({ key, value }: SettingEntry): boolean {
  return (SECRET.test(key) && !/file$/i.test(key)) || (typeof value === 'string' && /:\/\/[^/]*@/.test(value))
}

const SECRET = /^\/\/|auth|pass|secret|token|username|mail|login|ident|cert|otp|(?:^|[^a-z])key$|^ca$/i

function listed(known: readonly Known[]): string {
  return [...new Set(known.map(({ by }) => by))].join(', ')
}

/** Another spelling of a known setting, which the manager may well take for it. */
function similar(key: string, names: Names): string {
  const meant = names.usualOf(key)
  return meant === undefined ? '' : `; its usual spelling is \`${meant}\``
}

function folded(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '')
}
