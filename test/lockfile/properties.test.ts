import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { convertToLockfileObject, type LockfileFile } from '@pnpm/lockfile.fs'
import fc from 'fast-check'
import { GateError } from '../../src/errors.ts'
import { packageId } from '../../src/lockfile/dep-path.ts'
import { lockedPackages } from '../../src/lockfile/pnpm.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { A, B, CASES, converted, type Json, lockfile, raw, rawMain } from './support.ts'

const files: readonly Json[] = CASES.flatMap(raw)
const objects = (await Promise.all(CASES.map(converted))) as readonly Json[]
const any = fc.constantFrom(...files, ...objects)

const HOSTILE_KEYS = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', '', '.', '..', '@', 'a@', 'link:'],
  ...['left-pad@1.3.0', 'left-pad@1.3.0(a@1.0.0)', 'left-pad@9.9.9', 'a@work:1.0.0', 'a@file:x', 'node@runtime:1.0.0'],
  ...['resolution', 'version', 'name', 'id', 'type', 'tarball', 'integrity', 'gitHosted', 'path', 'dependencies'],
  ...['packages', 'snapshots', 'importers', 'projects', 'lockfileVersion', '\u0000', '\u202e', '\n', 'A'.repeat(500)],
]
const hostileKey = fc.oneof(fc.constantFrom(...HOSTILE_KEYS), fc.string())
const junk = fc.oneof(
  fc.constantFrom(...[undefined, null, '', 0, 7, true, A, B, 'link:evil', 'file:x.tgz', '1.3.0', 'git', 'directory']),
  fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, withMap: true }),
  fc.dictionary(hostileKey, fc.constantFrom<unknown>('1.3.0', { integrity: B }, {}, null)),
)

/** Every object inside, so that a change may happen anywhere. Arbitrary values may hold themselves. */
function maps(root: Json): readonly Json[] {
  const found = new Set<Json>([root])
  for (const map of found) {
    for (const inner of Object.values(map)) if (typeof inner === 'object' && inner !== null) found.add(inner as Json)
  }
  return [...found]
}

const change = fc.record({
  at: fc.nat(),
  key: fc.nat(),
  what: fc.constantFrom('delete', 'set', 'add', 'rename'),
  name: hostileKey,
  value: junk,
})

function apply(
  document: Json,
  changes: readonly { at: number; key: number; what: string; name: string; value: unknown }[],
): void {
  for (const { at, key, what, name, value } of changes) {
    const all = maps(document)
    const map = all[at % all.length] ?? document
    const keys = Object.keys(map)
    const existing = keys[key % Math.max(keys.length, 1)] ?? name
    const define = (to: string, it: unknown): unknown =>
      // Of a list that throws here, in the test.
      Array.isArray(map) && to === 'length'
        ? undefined
        : Object.defineProperty(map, to, { value: it, enumerable: true, configurable: true, writable: true })
    if (what === 'rename') define(name, map[existing])
    if (what === 'delete' || what === 'rename') delete map[existing]
    if (what === 'set') define(existing, value)
    if (what === 'add') define(name, value)
  }
}

function listOrRefuse(lockfile: unknown): readonly LockedPackage[] | undefined {
  try {
    return lockedPackages(lockfile)
  } catch (error) {
    assert.ok(error instanceof GateError, String(error))
    return undefined
  }
}

const keysOf = (section: unknown): readonly string[] =>
  typeof section === 'object' && section !== null ? Object.keys(section) : []

describe('whatever happens to a lockfile', () => {
  it('every entry is listed, or the lockfile is refused with a GateError', () => {
    fc.assert(
      fc.property(any, fc.array(change, { minLength: 1, maxLength: 8 }), (original, changes) => {
        const document = structuredClone(original)
        apply(document, changes)
        const packages = listOrRefuse(document)
        if (packages === undefined) return
        const listed = new Set(packages.map(({ key }) => key))
        for (const key of [...keysOf(document.packages), ...keysOf(document.snapshots)]) {
          assert.ok(listed.has(packageId(key)), JSON.stringify(key))
        }
        for (const { source, integrity, name, version } of packages) {
          assert.equal(typeof name, 'string')
          assert.equal(typeof version, 'string')
          if (source === 'unknown') assert.equal(integrity, undefined)
        }
      }),
      { numRuns: 1500 },
    )
  })

  it('anything at all is listed, or refused with a GateError', () => {
    fc.assert(fc.property(junk, (value) => void listOrRefuse(value)))
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('lockfileVersion', 'packages', 'snapshots', 'importers'), junk),
        (value) => void listOrRefuse(value),
      ),
    )
  })

  it('an entry taken out of a lockfile leaves an unknown one, since something refers to it', () => {
    fc.assert(
      fc.property(any, fc.nat(), (original, index) => {
        const before = lockedPackages(original)
        const entries = before.filter(({ key }) => !key.includes('@link:'))
        const gone = entries[index % Math.max(entries.length, 1)]
        if (gone === undefined) return
        const document = structuredClone(original)
        for (const section of [document.packages, document.snapshots] as (Json | undefined)[]) {
          for (const key of keysOf(section)) if (packageId(key) === gone.key) delete section?.[key]
        }
        const after = new Map(lockedPackages(document).map((pkg) => [pkg.key, pkg]))
        assert.equal(after.get(gone.key)?.source, 'unknown')
        for (const { key } of entries) assert.ok(after.has(key), key)
      }),
    )
  })

  it('another digest, resolution or name is never lost among the others', () => {
    fc.assert(
      fc.property(fc.constantFrom(...CASES), fc.nat(), fc.constantFrom('x', 'left-pad'), (name, index, peer) => {
        const document = structuredClone(rawMain(name))
        const before = lockedPackages(document)
        const keys = keysOf(document.packages)
        const key = keys[index % Math.max(keys.length, 1)]
        if (key === undefined) return
        const added = { [`${key}(${peer}@1.0.0)`]: { resolution: { integrity: B } } }
        Object.assign(document.packages as Json, added)
        const after = lockedPackages(document)
        assert.equal(after.length, before.length + 1)
      }),
    )
  })

  it('the order of keys changes nothing', () => {
    const reversed = (value: unknown): unknown =>
      typeof value !== 'object' || value === null || Array.isArray(value)
        ? value
        : Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([key, inner]) => [key, reversed(inner)]),
          )
    for (const document of [...files, ...objects]) {
      assert.deepEqual(lockedPackages(reversed(document)), lockedPackages(document))
    }
  })

  it('neither is the lockfile changed', () => {
    for (const document of [...files, ...objects]) {
      const before = structuredClone(document)
      lockedPackages(document)
      assert.deepEqual(document, before)
    }
  })
})

describe('keys', () => {
  const part = fc.constantFrom(
    'a',
    '@s/b',
    '@',
    '1.0.0',
    '(',
    ')',
    '(c@2.0.0)',
    '(patch_hash=00)',
    ':',
    '/',
    'file:x',
    ' ',
  )
  const depPath = fc.array(part, { minLength: 1, maxLength: 9 }).map((parts) => parts.join(''))

  it('lose the same suffix as in pnpm', () => {
    fc.assert(
      fc.property(depPath, (key) => {
        const file = lockfile({ [packageId(key)]: { resolution: { integrity: A } } }, { snapshots: { [key]: {} } })
        const { packages } = convertToLockfileObject(file as unknown as LockfileFile)
        assert.deepEqual(
          Object.values(packages ?? {}).map(({ resolution }) => resolution),
          [{ integrity: A }],
        )
      }),
      { numRuns: 1000 },
    )
  })

  it('mean the same in both shapes', () => {
    const resolution = fc.constantFrom<Json>(
      ...[
        { integrity: A },
        { integrity: B, tarball: 'https://x.example/a.tgz' },
        { type: 'git', repo: 'r', commit: 'c' },
      ],
      ...[{ type: 'directory', directory: 'd' }, { type: 'custom:x' }, { tarball: 'file:a.tgz', integrity: A }],
    )
    fc.assert(
      fc.property(fc.dictionary(depPath, resolution, { maxKeys: 5 }), (entries) => {
        const packages = Object.fromEntries(
          Object.entries(entries).map(([key, value]) => [packageId(key), { resolution: value }]),
        )
        const file = lockfile(packages, { snapshots: Object.fromEntries(Object.keys(entries).map((key) => [key, {}])) })
        const object = convertToLockfileObject(structuredClone(file) as unknown as LockfileFile)
        assert.deepEqual(listOrRefuse(object), listOrRefuse(file))
      }),
    )
  })
})
