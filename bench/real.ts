/**
 * The lockfile of over a thousand everyday packages that pnpm wrote (fixtures/lockfiles/large). Few of them have provenance
 * really, so the local Sigstore attests all, by the digests of the lockfile. Their tarballs come from the registry that npm
 * is configured to use, once; only installs need them.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import pLimit from 'p-limit'
import pacote from 'pacote'
import { parse } from 'yaml'
import { npmRegistryOptions } from '../test/support/registry/npm-config.ts'
import { progress } from './table.ts'
import { type BenchPackage, type BenchWorld, FOLDER, keep } from './world.ts'

export const REAL = 'real'

interface Locked {
  readonly importers: Readonly<Record<string, Readonly<Record<string, Dependencies>>>>
  readonly packages: Readonly<Record<string, Entry>>
}
type Dependencies = Readonly<Record<string, { readonly specifier: string }>>
interface Entry {
  readonly resolution: { readonly integrity: string }
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
}

const text = readFileSync(path.join(import.meta.dirname, '../fixtures/lockfiles/large/pnpm-lock.yaml'), 'utf8')
const lockfile = parse(text) as Locked

export async function realWorld(): Promise<BenchWorld> {
  const entries = Object.keys(lockfile.packages)
  return {
    ...(await keep(REAL, () => entries.map(packageOf))),
    id: REAL,
    title: `real lockfile, ${entries.length.toLocaleString('en')} packages`,
    lockfile: text,
    manifest: Object.fromEntries(
      Object.entries(lockfile.importers['.'] ?? {}).map(([kind, dependencies]) => [
        kind,
        Object.fromEntries(Object.entries(dependencies).map(([name, { specifier }]) => [name, specifier])),
      ]),
    ),
  }
}

function packageOf(key: string): BenchPackage {
  const at = key.lastIndexOf('@')
  const integrity = lockfile.packages[key]?.resolution.integrity ?? ''
  return { name: key.slice(0, at), version: key.slice(at + 1), integrity }
}

/** The kept tarball of a package; undefined where it was not needed. */
export function tarballOf({ name, version }: Pick<BenchPackage, 'name' | 'version'>): Buffer | undefined {
  const file = tarballFile(`${name}@${version}`)
  return existsSync(file) ? readFileSync(file) : undefined
}

function tarballFile(key: string): string {
  return path.join(FOLDER, 'tarballs', `${key.replace('/', '+')}.tgz`)
}

const AT_ONCE = 8

/** Gets what an install on this machine needs. Undefined, or why that is not to be had. */
export async function fetchTarballs(): Promise<string | undefined> {
  const missing = Object.entries(lockfile.packages)
    .filter(([, { os, cpu }]) => includes(os, process.platform) && includes(cpu, process.arch))
    .map(([key]) => key)
    .filter((key) => !existsSync(tarballFile(key)))
  if (missing.length === 0) return undefined
  progress(`getting ${missing.length} real tarballs, once`)
  mkdirSync(path.join(FOLDER, 'tarballs'), { recursive: true })
  const options = { ...npmRegistryOptions(process.env, process.cwd()), retry: { retries: 1 }, timeout: 60_000 }
  const limit = pLimit(AT_ONCE)
  const get = async (key: string) => {
    // Not those who would still wait when it is known that they cannot be had.
    if (reason !== undefined) return
    try {
      const bytes = await pacote.tarball(key, { ...options, integrity: packageOf(key).integrity })
      const file = tarballFile(key)
      writeFileSync(`${file}.part`, bytes)
      renameSync(`${file}.part`, file)
    } catch (error) {
      // Its message may name the host that is configured here, which is nobody's business.
      reason ??= `the configured registry did not give ${key} (${(error as { code?: string }).code ?? 'no code'})`
    }
  }
  let reason: string | undefined
  await Promise.all(missing.map((key) => limit(() => get(key))))
  return reason
}

/** As in `os` and `cpu` of package.json. */
function includes(list: readonly string[] | undefined, value: string): boolean {
  if (list === undefined) return true
  return list.includes(value) || (list.every((each) => each.startsWith('!')) && !list.includes(`!${value}`))
}
