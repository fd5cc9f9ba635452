import { GateError } from '../errors.ts'
import type { UnsafeSetting } from '../package-managers/settings/types.ts'
import { quote } from './text.ts'
import { endOf } from './time.ts'
import type { AllowedSetting } from './types.ts'

/** More settings than a person reads at once. */
const MOST = 20

/** In milliseconds: how long the entry that a message proposes holds. */
const QUARTER = 90 * 86_400_000

/**
 * Refuses settings that can make a package manager install something else than what was judged, unless the policy allows
 * them: by file and key, by value where it gives one, and until its day is over.
 *
 * @param root the lockfile's folder, for the message
 * @throws GateError with the code SETTINGS_UNSAFE
 */
export function refuseUnsafeSettings(
  unsafe: readonly UnsafeSetting[],
  allowed: readonly AllowedSetting[],
  root: string,
  now: Date,
): void {
  const refused = unsafe.filter(
    (setting) => !allowed.some((each) => isAbout(each, setting) && now < endOf(each.expires)),
  )
  if (refused.length === 0) return
  const lines = [...new Set(refused.map((setting) => lineFor(setting, allowed)))]
  throw new GateError(
    [
      `${root} has ${lines.length === 1 ? 'a setting' : `${lines.length} settings`} with which a package manager may install something that the gate has not judged:`,
      ...lines.slice(0, MOST),
      ...(lines.length > MOST ? [`… and ${lines.length - MOST} more`] : []),
      ...adviceFor(refused, allowed, now),
    ].join('\n'),
    { code: 'SETTINGS_UNSAFE' },
  )
}

function lineFor(setting: UnsafeSetting, allowed: readonly AllowedSetting[]): string {
  const expired = allowed.find((each) => isAbout(each, setting))
  const end = expired === undefined ? '' : `; ${at(expired)} allowed it until ${expired.expires}`
  if (setting.isHidden)
    return `${quote(setting.file).slice(1, -1)}: has a setting that is not known to be safe. The file lies outside of the repository, so nothing of it is shown${end}`
  return `${where(setting)} ${setting.why}${end}`
}

/** What to do, as a person can do it: not every setting can be allowed, and an entry that has ended needs no second one. */
function adviceFor(
  refused: readonly UnsafeSetting[],
  allowed: readonly AllowedSetting[],
  now: Date,
): readonly string[] {
  const isExpired = (setting: UnsafeSetting) => allowed.some((each) => isAbout(each, setting))
  const proposed = refused.find((setting) => setting.key !== undefined && !setting.isHidden && !isExpired(setting))
  const versions = 'The brackets name a version that it is about: the gate does not know which version will run.'
  if (proposed !== undefined) {
    return [
      versions,
      'Remove it. If you know why it is safe here, allow it in the policy:',
      `allowSettings: [${entryFor(proposed, now)}]`,
    ]
  }
  return refused.some(isExpired)
    ? ['Remove it, or give its entry in the policy a later day.']
    : ['No policy can allow that. Correct the file.']
}

function isAbout({ file, key, value }: AllowedSetting, setting: UnsafeSetting): boolean {
  return file === setting.file && key === setting.key && (value === undefined || value === setting.value)
}

function where({ file, line, key, value, isValueShown }: UnsafeSetting): string {
  const written = value === undefined ? '' : ` = ${isValueShown ? shown(value) : '(not shown)'}`
  const name = key === undefined ? '' : ` ${quote(key)}${written}`
  return `${quote(file).slice(1, -1)}:${line}${name}:`
}

function at({ place }: AllowedSetting): string {
  return `${place.file}:${place.line}`
}

/** Bounded, whatever is in it. */
function shown(value: unknown): string {
  if (typeof value === 'string') return quote(value.slice(0, 80))
  return typeof value === 'object' && value !== null ? (Array.isArray(value) ? '[…]' : '{…}') : String(value)
}

/** In flow style: YAML, and JSON's values. */
function entryFor({ file, key = '', value, isValueShown }: UnsafeSetting, now: Date): string {
  const expires = new Date(now.getTime() + QUARTER).toISOString().slice(0, 10)
  const isScalar =
    isValueShown && ['string', 'boolean', 'number'].includes(typeof value) && String(value).length <= 80 && value !== ''
  const exact = isScalar ? `, value: ${typeof value === 'string' ? quote(value) : String(value)}` : ''
  return `{file: ${quote(file)}, key: ${quote(key)}${exact}, reason: "why it is safe here", expires: "${expires}"}`
}
