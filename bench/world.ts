/**
 * What is measured: packages with provenance and publish attestation by a local Sigstore. Worlds are made once and kept
 * outside of the repository, for as long as what makes them is the same.
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
import { createSigstore, type NpmKeysJSON, type TrustedRootJSON } from '../test/support/sigstore/index.ts'
import { POLICY, REPOSITORY, SIGNED_AT } from '../test/support/world.ts'
import { progress } from './table.ts'

export interface BenchPackage {
  readonly name: string
  readonly version: string
  readonly integrity: string
}

export interface SignedPackage extends BenchPackage {
  /** What stands in `dist.signatures`. */
  readonly signature: { readonly keyid: string; readonly sig: string }
}

/** A lockfile, and what there is about its packages. */
export interface BenchWorld {
  /** By which another process opens it. */
  readonly id: string
  /** For tables: how many packages of which lockfile. */
  readonly title: string
  readonly packages: readonly SignedPackage[]
  /** `pnpm-lock.yaml` as pnpm writes it for a project with these dependencies. */
  readonly lockfile: string
  readonly manifest: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Documents as `--attestations` reads them. */
  readonly attestations: string
  readonly trustedRoot: TrustedRootJSON
  readonly npmKeys: NpmKeysJSON
}

/** What is kept of a world. */
export type Kept = Pick<BenchWorld, 'packages' | 'attestations' | 'trustedRoot' | 'npmKeys'>

/** Where everything is kept. */
export const FOLDER = path.join(tmpdir(), `provenance-gate-bench-${maker()}`)

function maker(): string {
  const hash = createHash('sha256').update(process.version)
  const support = path.join(import.meta.dirname, '../test/support')
  const folders = ['sigstore', 'registry'].map((name) => path.join(support, name))
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => path.join(folder, name)))
  const here = ['world.ts', 'generated.ts', 'real.ts'].map((name) => path.join(import.meta.dirname, name))
  for (const file of [...here, ...files.sort()]) hash.update(readFileSync(file))
  return hash.digest('hex').slice(0, 12)
}

/** Attests packages, if nobody has before. */
export async function keep(name: string, packages: () => readonly BenchPackage[]): Promise<Kept> {
  const folder = path.join(FOLDER, name)
  if (!existsSync(folder)) await make(folder, packages())
  const read = <T>(file: string) => JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as T
  return {
    packages: read('packages.json'),
    attestations: path.join(folder, 'attestations'),
    trustedRoot: read('trusted_root.json'),
    npmKeys: read('keys.json'),
  }
}

async function make(folder: string, packages: readonly BenchPackage[]): Promise<void> {
  progress(`attesting ${packages.length} packages, once`)
  const sigstore = await createSigstore({ now: SIGNED_AT })
  mkdirSync(FOLDER, { recursive: true })
  const made = mkdtempSync(path.join(FOLDER, 'making-'))
  const write = (name: string, content: unknown) => {
    const file = path.join(made, name)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, JSON.stringify(content))
  }
  const signed: SignedPackage[] = []
  for (const { name, version, integrity } of packages) {
    const pkg = { name, version, integrity }
    const document = await sigstore.document({ ...pkg, now: SIGNED_AT, identity: { repository: REPOSITORY } })
    write(`attestations/${name}@${version}.json`, document)
    signed.push({ ...pkg, signature: sigstore.signature(pkg) })
  }
  write('packages.json', signed)
  write('trusted_root.json', sigstore.trustedRoot)
  write('keys.json', sigstore.npmKeys)
  // All of it or nothing: a run that was stopped leaves no half world.
  rmSync(folder, { recursive: true, force: true })
  renameSync(made, folder)
}

/** The policy and the trust root, as files of a project. */
export function policyFiles({ trustedRoot, npmKeys }: BenchWorld): Readonly<Record<string, string>> {
  return {
    '.sigstorerc': POLICY,
    'trust/trusted_root.json': JSON.stringify(trustedRoot),
    'trust/keys.json': JSON.stringify(npmKeys),
  }
}
