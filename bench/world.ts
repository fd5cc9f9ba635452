/**
 * What is measured: packages with provenance and publish attestation by a local Sigstore, made once and kept outside of
 * the repository. A world of another size is a beginning of the same list: dependencies lead to earlier packages of a
 * group only, so every multiple of a group's size is complete.
 */
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createTarball, type PackedPackage } from '../test/support/registry/index.ts'
import { createSigstore, type NpmKeysJSON, type TrustedRootJSON } from '../test/support/sigstore/index.ts'
import { POLICY, REPOSITORY, SIGNED_AT } from '../test/support/world.ts'
import { progress } from './table.ts'

export interface BenchPackage {
  readonly name: string
  readonly version: string
  readonly integrity: string
  readonly dependencies: Readonly<Record<string, string>>
  /** What stands in `dist.signatures`. */
  readonly signature: { readonly keyid: string; readonly sig: string }
}

export interface BenchWorld {
  readonly packages: readonly BenchPackage[]
  /** Documents as `--attestations` reads them. */
  readonly attestations: string
  readonly trustedRoot: TrustedRootJSON
  readonly npmKeys: NpmKeysJSON
}

/** The first of each group depends on the others, over three levels; a project on the first of each. */
export const GROUP = 20
const CHILDREN = 3
const VERSION = '1.0.0'

/** As many packages as asked for, of a world that has at least as many. */
export async function openWorld(count: number): Promise<BenchWorld> {
  if (count < GROUP || count % GROUP !== 0) throw new RangeError(`packages come in groups of ${GROUP}, not ${count}`)
  const folder = path.join(tmpdir(), `provenance-gate-bench-${maker()}`)
  const kept = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => /^\d+$/.test(name) && Number(name) >= count)
        .sort((a, b) => Number(a) - Number(b))
    : []
  return readWorld(path.join(folder, kept[0] ?? (await makeWorld(folder, count))), count)
}

/** A world is good for as long as what makes it is the same. */
function maker(): string {
  const hash = createHash('sha256').update(process.version)
  const support = path.join(import.meta.dirname, '../test/support')
  const folders = ['sigstore', 'registry'].map((name) => path.join(support, name))
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => path.join(folder, name)))
  for (const file of [import.meta.filename, ...files.sort()]) hash.update(readFileSync(file))
  return hash.digest('hex').slice(0, 12)
}

function readWorld(folder: string, count: number): BenchWorld {
  const read = <T>(name: string) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as T
  return {
    packages: read<BenchPackage[]>('packages.json').slice(0, count),
    attestations: path.join(folder, 'attestations'),
    trustedRoot: read('trusted_root.json'),
    npmKeys: read('keys.json'),
  }
}

async function makeWorld(folder: string, count: number): Promise<string> {
  progress(`making ${count} packages with their attestations, once`)
  const sigstore = await createSigstore({ now: SIGNED_AT })
  mkdirSync(folder, { recursive: true })
  const made = mkdtempSync(path.join(folder, 'making-'))
  const packages: BenchPackage[] = []
  for (let index = 0; index < count; index++) {
    const manifest = manifestOf(index)
    const { name, version, dependencies } = manifest
    const { integrity } = pack(manifest)
    const document = await sigstore.document({
      ...{ name, version, integrity, now: SIGNED_AT },
      identity: { repository: REPOSITORY },
    })
    const file = path.join(made, 'attestations', `${name}@${version}.json`)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, JSON.stringify(document))
    packages.push({
      name,
      version,
      integrity,
      dependencies,
      signature: sigstore.signature({ name, version, integrity }),
    })
  }
  writeFileSync(path.join(made, 'packages.json'), JSON.stringify(packages))
  writeFileSync(path.join(made, 'trusted_root.json'), JSON.stringify(sigstore.trustedRoot))
  writeFileSync(path.join(made, 'keys.json'), JSON.stringify(sigstore.npmKeys))
  // All of it or nothing: a run that was stopped leaves no half world.
  const whole = path.join(folder, String(count))
  rmSync(whole, { recursive: true, force: true })
  renameSync(made, whole)
  return String(count)
}

type Manifest = Pick<BenchPackage, 'name' | 'version' | 'dependencies'>

function manifestOf(index: number): Manifest {
  const place = index % GROUP
  const children = Array.from({ length: CHILDREN }, (_, child) => CHILDREN * place + child + 1)
  return {
    name: nameOf(index),
    version: VERSION,
    dependencies: Object.fromEntries(
      children.filter((child) => child < GROUP).map((child) => [nameOf(index - place + child), VERSION]),
    ),
  }
}

/** A quarter is in scopes, each of which is a folder of its own for `--attestations`. */
function nameOf(index: number): string {
  const name = `bench-${String(index).padStart(5, '0')}`
  return index % 4 === 3 ? `@scope-${index % 10}/${name}` : name
}

/** Small, and the same each time: its bytes need not be kept. */
export function pack({ name, version, dependencies }: Manifest): PackedPackage {
  return createTarball({ name, version, dependencies, files: { 'index.js': `module.exports = '${name}'\n` } })
}

/** What a project has that depends on all of these. */
export function projectDependencies(packages: readonly BenchPackage[]): Readonly<Record<string, string>> {
  return Object.fromEntries(packages.filter((_, index) => index % GROUP === 0).map(({ name }) => [name, VERSION]))
}

/** `pnpm-lock.yaml` as pnpm writes it for that project. */
export function lockfileOf(packages: readonly BenchPackage[]): string {
  const byKey = packages.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const quoted = (key: string) => (key.startsWith('@') ? `'${key}'` : key)
  const direct = Object.keys(projectDependencies(packages)).sort()
  return [
    "lockfileVersion: '9.0'\n",
    'settings:\n  autoInstallPeers: true\n  excludeLinksFromLockfile: false\n',
    'importers:\n',
    '  .:\n    dependencies:',
    ...direct.map((name) => `      ${quoted(name)}:\n        specifier: ${VERSION}\n        version: ${VERSION}`),
    '\npackages:\n',
    ...byKey.map(
      ({ name, version, integrity }) =>
        `  ${quoted(`${name}@${version}`)}:\n    resolution: {integrity: ${integrity}}\n`,
    ),
    'snapshots:\n',
    ...byKey.map(({ name, version, dependencies }) => {
      const lines = Object.entries(dependencies)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([dependency, of]) => `      ${quoted(dependency)}: ${of}\n`)
      const key = `  ${quoted(`${name}@${version}`)}:`
      return lines.length === 0 ? `${key} {}\n` : `${key}\n    dependencies:\n${lines.join('')}`
    }),
  ].join('\n')
}

/** The policy and the trust root, as files of a project. */
export function policyFiles({ trustedRoot, npmKeys }: BenchWorld): Readonly<Record<string, string>> {
  return {
    '.sigstorerc': POLICY,
    'trust/trusted_root.json': JSON.stringify(trustedRoot),
    'trust/keys.json': JSON.stringify(npmKeys),
  }
}
