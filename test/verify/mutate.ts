import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'

/** Where in a JSON document: keys and indexes, from the outside in. */
export type Path = readonly (string | number)[]

/** One change of a JSON document. */
export interface Mutation {
  readonly path: Path
  readonly kind: string
  /** The new value; undefined deletes. */
  readonly change: (value: unknown) => unknown
}

/** Every place of a document that holds something, the document itself left out. */
export function placesOf(value: unknown, path: Path = []): Path[] {
  const inside =
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, item]) =>
          placesOf(item, [...path, Array.isArray(value) ? Number(key) : key]),
        )
      : []
  return path.length === 0 ? inside : [path, ...inside]
}

/** What is put in the place of each value: things of all types, and of sizes that would hurt. */
const REPLACEMENTS: readonly [string, (value: unknown) => unknown][] = [
  ['deleted', () => undefined],
  ['null', () => null],
  ['zero', () => 0],
  ['number', () => 4_294_967_295],
  ['true', () => true],
  ['empty text', () => ''],
  ['text', () => 'text'],
  ['base64', () => 'dGV4dA=='],
  ['huge text', () => 'A'.repeat(1_000_000)],
  ['empty list', () => []],
  ['empty object', () => ({})],
  ['object with a length', () => ({ length: 2 ** 32 })],
  ['object that is no text', () => ({ toString: null, valueOf: null })],
  ['object with a prototype', () => JSON.parse('{"__proto__": {"a": 1}, "constructor": 1}')],
  ['in a list', (value) => [value]],
  ['twice in a list', (value) => [value, value]],
  ['in an object', (value) => ({ value })],
  ['as text', (value) => String(value)],
  ['as a number', (value) => Number(value)],
  ['longer', (value) => (typeof value === 'string' ? `${value}A` : value)],
  ['with a line break', (value) => (typeof value === 'string' ? `${value}\n` : value)],
  ['without its end', (value) => (typeof value === 'string' ? value.slice(0, -1) : value)],
  ['in capitals', (value) => (typeof value === 'string' ? value.toUpperCase() : value)],
  ['without its last', (value) => (Array.isArray(value) ? value.slice(0, -1) : value)],
  ['with its first again', (value) => (Array.isArray(value) ? [...value, value[0]] : value)],
  ['relabelled 0.1', (value) => relabelled(value, '+json;version=0.1')],
  ['relabelled 0.2', (value) => relabelled(value, '+json;version=0.2')],
  ['relabelled 0.3', (value) => relabelled(value, '.v0.3+json')],
  ['reversed', (value) => (Array.isArray(value) ? value.toReversed() : value)],
]

function relabelled(value: unknown, version: string): unknown {
  const bundle = 'application/vnd.dev.sigstore.bundle'
  return typeof value === 'string' && value.startsWith(bundle) ? `${bundle}${version}` : value
}

/** All of the above at all places of a document, where they change anything. */
export function everyMutation(document: unknown): Mutation[] {
  return placesOf(document).flatMap((path) => {
    const before = valueAt(document, path)
    return REPLACEMENTS.flatMap(([kind, change]) =>
      isDeepStrictEqual(change(before), before) ? [] : { path, kind, change },
    )
  })
}

/** A changed copy. */
export function mutate(document: unknown, { path, change }: Mutation): unknown {
  const copy: unknown = structuredClone(document)
  const last = path.at(-1) ?? ''
  const holder = valueAt(copy, path.slice(0, -1)) as Record<string | number, unknown>
  const after = change(holder[last])
  if (after !== undefined) holder[last] = after
  else if (Array.isArray(holder)) holder.splice(Number(last), 1)
  else delete holder[last]
  return copy
}

/** Changes of bytes: one bit of a base64 text, or one character of any text. */
export function byteMutation(document: unknown): fc.Arbitrary<Mutation> {
  const texts = placesOf(document).filter((path) => typeof valueAt(document, path) === 'string')
  const path = fc.constantFrom(...texts)
  const flip = fc.tuple(path, fc.nat()).map(([where, bit]) => ({
    path: where,
    kind: `bit ${bit}`,
    change: (value: unknown) => flipBit(String(value), bit),
  }))
  const swap = fc
    .tuple(path, fc.nat(), fc.string({ unit: 'grapheme-ascii', maxLength: 2 }))
    .map(([where, index, by]) => ({
      path: where,
      kind: `'${by}' at ${index}`,
      change: (value: unknown) => splice(String(value), index, by),
    }))
  return fc.oneof({ arbitrary: flip, weight: 3 }, { arbitrary: swap, weight: 1 })
}

export function valueAt(document: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<string | number, unknown>)[key], document)
}

function flipBit(text: string, bit: number): string {
  const bytes = Buffer.from(text, 'base64')
  // What is not base64 (a name, a note) is changed as it stands.
  if (bytes.length === 0 || bytes.toString('base64') !== text)
    return splice(text, bit, String.fromCharCode(97 + (bit % 26)))
  const index = (bit >> 3) % bytes.length
  bytes.writeUInt8(bytes.readUInt8(index) ^ (1 << (bit & 7)), index)
  return bytes.toString('base64')
}

function splice(text: string, index: number, by: string): string {
  const start = text.length === 0 ? 0 : index % text.length
  return text.slice(0, start) + by + text.slice(start + 1)
}
