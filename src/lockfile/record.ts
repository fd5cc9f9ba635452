/**
 * Reading fields of objects that an attacker wrote. A lockfile arrives in a pull request, and pnpm copies its objects
 * with `Object.assign` and `object[key] = value` before a hook sees them. A key `__proto__` then becomes no key but
 * replaces the object's prototype: `Object.keys` does not list the entries in it, and a look-up by name finds them.
 * Tried: pnpm 10.34.9 installs a package that only such an entry of `snapshots` describes.
 */
export type Fields = Readonly<Record<string, unknown>>

/** A plain object: no array, no replaced prototype, and no own key that would replace the prototype of a copy. */
export function isPlain(value: unknown): value is Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return hasPlainPrototype(value) && !Object.hasOwn(value, '__proto__')
}

/** The value of an own field, never an inherited one: `record.constructor` is not something the lockfile says. */
export function field(record: Fields, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

/**
 * `Object.prototype` of this realm or another one. What an attacker can put in its place comes out of YAML or JSON,
 * and neither can hold a function.
 */
function hasPlainPrototype(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return true
  if (typeof prototype !== 'object' || Object.getPrototypeOf(prototype) !== null) return false
  return typeof Object.getOwnPropertyDescriptor(prototype, 'hasOwnProperty')?.value === 'function'
}

/** Code unit order: the same on every machine, whatever its locale. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The major number of `lockfileVersion`, which YAML makes a number if nobody quotes it. NaN for anything else. */
export function majorVersion(lockfile: Fields): number {
  const version = field(lockfile, 'lockfileVersion')
  const text = typeof version === 'string' || typeof version === 'number' ? String(version) : ''
  return /^\d+(?:\.\d+)?$/.test(text) ? Math.floor(Number(text)) : Number.NaN
}
