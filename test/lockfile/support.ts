import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { readWantedLockfile } from '@pnpm/lockfile.fs'
import { parseAllDocuments } from 'yaml'
import type { LockedPackage } from '../../src/lockfile/types.ts'

export const FIXTURES = path.join(import.meta.dirname, '../../fixtures/lockfiles')

/** Every fixture whose main document is of version 9, but for the one that is too large to write down what it holds. */
export const CASES: readonly string[] = readdirSync(FIXTURES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !['v13', 'large'].includes(entry.name))
  .map((entry) => entry.name)

export const fixture = (name: string, file = 'pnpm-lock.yaml'): string => path.join(FIXTURES, name, file)

/** The documents of a file as they are written, which is the shape that pnpm 12 hands to hooks. */
export function raw(name: string): readonly Json[] {
  const documents = parseAllDocuments(readFileSync(fixture(name), 'utf8'))
  if (!Array.isArray(documents)) throw new Error(`${name} is empty`)
  return documents.map((document) => document.toJS() as Json)
}

/** The main document as written. */
export function rawMain(name: string): Json {
  return raw(name).at(-1) ?? {}
}

/** The main document as pnpm 10 and 11 hand it to hooks. */
export async function converted(name: string): Promise<unknown> {
  return readWantedLockfile(path.join(FIXTURES, name), { ignoreIncompatible: false })
}

export interface Json {
  [key: string]: unknown
}

/** One entry, as `name@version source origin`. */
export function brief(packages: readonly LockedPackage[]): readonly string[] {
  return packages.map(({ name, version, source, origin }) =>
    [`${name}@${version}`, source, origin].filter(Boolean).join(' '),
  )
}

export const A = `sha512-${Buffer.alloc(64, 1).toString('base64')}`
export const B = `sha512-${Buffer.alloc(64, 2).toString('base64')}`

/** A lockfile in the file's shape with these packages, each with a snapshot, all of them direct dependencies. */
export function lockfile(packages: Record<string, unknown>, more: Json = {}): Json {
  return {
    lockfileVersion: '9.0',
    importers: {},
    packages,
    snapshots: Object.fromEntries(Object.keys(packages).map((key) => [key, {}])),
    ...more,
  }
}

/** The same, as pnpm 10 and 11 hand it over. */
export function merged(packages: Record<string, unknown>, more: Json = {}): Json {
  return { lockfileVersion: '9.0', importers: {}, packages, ...more }
}
