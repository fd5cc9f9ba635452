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
  const left = unsafe.flatMap((setting): readonly string[] => {
    const about = allowed.filter((each) => isAbout(each, setting))
    if (about.some(({ expires }) => now < endOf(expires))) return []
    const [expired] = about
    const end = expired === undefined ? '' : `; ${at(expired)} allowed it until ${expired.expires}`
    return [`${where(setting)} ${setting.why}${end}`]
  })
  if (left.length === 0) return
  const proposed = unsafe.find(
    (setting) => setting.key !== undefined && !allowed.some((each) => isAbout(each, setting)),
  )
  throw new GateError(
    [
      `SETTINGS_UNSAFE: with ${left.length === 1 ? 'this setting' : `these ${left.length} settings`} of ${root} a package manager may install something else than what the gate judges:`,
      ...left.slice(0, MOST),
      ...(left.length > MOST ? [`… and ${left.length - MOST} more`] : []),
      'Remove them. Where you know why one is safe, allow it in the policy:',
      ...(proposed === undefined ? [] : [`allowSettings: [${entryFor(proposed, now)}]`]),
    ].join('\n'),
    { code: 'SETTINGS_UNSAFE' },
  )
}

function isAbout({ file, key, value }: AllowedSetting, setting: UnsafeSetting): boolean {
  return file === setting.file && key === setting.key && (value === undefined || value === setting.value)
}

function where({ file, line, key, value }: UnsafeSetting): string {
  const name = key === undefined ? '' : ` ${quote(key)} = ${shown(value)}`
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
function entryFor({ file, key = '', value }: UnsafeSetting, now: Date): string {
  const expires = new Date(now.getTime() + QUARTER).toISOString().slice(0, 10)
  const isScalar = ['string', 'boolean', 'number'].includes(typeof value) && String(value).length <= 80 && value !== ''
  const exact = isScalar ? `, value: ${typeof value === 'string' ? quote(value) : String(value)}` : ''
  return `{file: ${quote(file)}, key: ${quote(key)}${exact}, reason: "why it is safe here", expires: "${expires}"}`
}
