import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { loadDomains } from '../../src/trust/load.ts'
import { createDocumentVerifier, type DocumentVerifier } from '../../src/verify/verify.ts'
import type { AttestationDocument } from '../support/sigstore/index.ts'
import { bundlesOf, integrityOf, locked, statementOf } from './support.ts'

// Genuine documents are not ours to republish: they are read from a folder outside of the repository, where there is one.

const folder = process.env.PROVENANCE_GATE_CORPUS || undefined

/** Why the tests over genuine documents are skipped, or false. */
export const skip: string | false =
  folder === undefined
    ? 'PROVENANCE_GATE_CORPUS does not name a folder of genuine attestations'
    : existsSync(folder)
      ? false
      : `PROVENANCE_GATE_CORPUS names ${folder}, which does not exist`

/** A time after every genuine document. */
export const LATER = new Date('2026-11-01T00:00:00Z')

export function corpusFile(...parts: readonly string[]): string {
  return path.join(folder ?? assert.fail('no corpus'), ...parts)
}

export function readCorpus<T = AttestationDocument>(...parts: readonly string[]): T {
  return JSON.parse(readFileSync(corpusFile(...parts), 'utf8'))
}

/** Names in a folder of the corpus, sorted. */
export function listCorpus(...parts: readonly string[]): string[] {
  return readdirSync(corpusFile(...parts)).sort()
}

export interface Genuine {
  readonly name: string
  readonly version: string
  /** As the npm registry's metadata has it today; undefined for what has left the registry. */
  readonly integrity?: string
  /** In `tarballs/`. */
  readonly tarball?: string
  readonly predicateType: string
  readonly repository: string
  readonly workflow: string
  readonly ref: string
  readonly commit: string
  readonly signedAt: string
  /** Whether a publish attestation stands beside the provenance. */
  readonly publish: boolean
  /** The workflow that a delegator vouches for in the predicate; undefined where the certificate names the one that builds. */
  readonly delegatedBuilder?: string
  /** Where the document is, below the corpus; `attestations` where it is left out. */
  readonly folder?: string
}

const V02 = 'https://slsa.dev/provenance/v0.2'
const V1 = 'https://slsa.dev/provenance/v1'
const SIGSTORE_JS = 'https://github.com/sigstore/sigstore-js'
const PROVENANCE_TEST = 'https://github.com/laurentsimon/provenance-npm-test'
const RELEASE = '.github/workflows/release.yml'
const PUBLISH = '.github/workflows/publish.yml'
const MAIN = 'refs/heads/main'

/** Every genuine document and what it must prove. Read with openssl from the certificates, not by this project. */
export const GENUINE: readonly Genuine[] = [
  {
    name: 'sigstore',
    version: '0.4.0',
    integrity: 'sha512-KCwMX6k20mQyFkNYG2XT3lwK9u1P36wS9YURFd85zCXPrwrSLZCEh7/vMBFNYcJXRiBtGDS+T4/RZZF493zABA==',
    predicateType: V02,
    repository: SIGSTORE_JS,
    workflow: PUBLISH,
    ref: 'refs/tags/v0.4.0',
    commit: '8a2ee2fd20dda58ffa4a8d808a65cb1e04711c03',
    signedAt: '2023-01-11T17:31:52.000Z',
    publish: true,
  },
  {
    name: 'sigstore',
    version: '1.3.0',
    integrity: 'sha512-dhdv+jOAi1RgLHw13lxumk3rlgZtumUz9QrCNPTx9MazUnUV3BfAb74oYAMPQQ7uaeogB5vTosbz3POzKbEHUQ==',
    predicateType: V02,
    repository: SIGSTORE_JS,
    workflow: RELEASE,
    ref: MAIN,
    commit: 'dae8bd8eb433a4147b4655c00fe73e0f22bc0fb1',
    signedAt: '2023-04-18T17:45:12.000Z',
    publish: true,
  },
  {
    name: 'sigstore',
    version: '2.1.0',
    integrity: 'sha512-kPIj+ZLkyI3QaM0qX8V/nSsweYND3W448pwkDgS6CQ74MfhEkIR8ToK5Iyx46KJYRjseVcD3Rp9zAmUAj6ZjPw==',
    predicateType: V1,
    repository: SIGSTORE_JS,
    workflow: RELEASE,
    ref: MAIN,
    commit: '26d16513386ffaa790b1c32f927544f1322e4194',
    signedAt: '2023-08-29T15:40:23.000Z',
    publish: false,
  },
  {
    name: 'sigstore',
    version: '2.3.1',
    integrity: 'sha512-8G+/XDU8wNsJOQS5ysDVO0Etg9/2uA5gR9l4ZwijjlwxBcrU6RPfwi2+jJmbP+Ap1Hlp/nVAaEO4Fj22/SL2gQ==',
    predicateType: V1,
    repository: SIGSTORE_JS,
    workflow: RELEASE,
    ref: MAIN,
    commit: '46e7056ff9912ebfee5298d94024895a9fea76c0',
    signedAt: '2024-05-16T17:12:03.000Z',
    publish: true,
  },
  {
    name: 'tuf-js',
    version: '1.0.0',
    integrity: 'sha512-1dxsQwESDzACJjTdYHQ4wJ1f/of7jALWKfJEHSBWUQB/5UTJUx9SW6GHXp4mZ1KvdBRJCpGjssoPFGi4hvw8/A==',
    predicateType: V02,
    repository: 'https://github.com/theupdateframework/tuf-js',
    workflow: PUBLISH,
    ref: 'refs/tags/v1.0.0',
    commit: '99624cc7ce39872e6bd08a0df59229a48562dbca',
    signedAt: '2023-02-09T17:38:25.000Z',
    publish: true,
  },
  {
    name: '@playwright/cli',
    version: '0.1.1',
    integrity: 'sha512-9k11ZfDwAfMVDDIuEVW1Wvs8SoDNXIY1dNQ+9C9/SS8ZmElkcxesu5eoL7vNa96ntibUGaq1TM2qQoqvdl/I9g==',
    predicateType: V1,
    repository: 'https://github.com/microsoft/playwright-cli',
    workflow: PUBLISH,
    ref: 'refs/tags/v0.1.1',
    commit: 'd1c6d1113932ddcee243e8b111b6d4aea553df20',
    signedAt: '2026-02-14T23:28:43.000Z',
    publish: true,
  },
  {
    name: 'gundam-visor',
    version: '1.0.1',
    tarball: 'gundam-visor-1.0.1.tgz',
    predicateType: V1,
    repository: 'https://github.com/ramonpetgrave64/gundam-visor',
    workflow: '.github/workflows/npm-publish.yml',
    ref: 'refs/tags/v1.0.1',
    commit: '599500821344b070902a7a5666064bfdaba715df',
    signedAt: '2024-06-03T22:17:59.000Z',
    publish: true,
  },
  {
    name: '@laurentsimon/provenance-npm-test',
    version: '1.0.0',
    predicateType: V02,
    repository: PROVENANCE_TEST,
    workflow: RELEASE,
    ref: MAIN,
    commit: '16babffb9153811e193c019939391357372b25ce',
    signedAt: '2023-02-15T19:33:32.000Z',
    publish: true,
  },
  {
    name: '@laurentsimon/provenance-npm-test',
    version: '1.0.3',
    tarball: 'laurentsimon-provenance-npm-test-1.0.3.tgz',
    predicateType: V02,
    repository: PROVENANCE_TEST,
    workflow: RELEASE,
    ref: MAIN,
    commit: 'b38894f2dda4355ea5606fccb166e61565e12a14',
    signedAt: '2023-04-20T17:17:18.000Z',
    publish: true,
  },
  {
    name: '@laurentsimon/provenance-npm-test',
    version: '1.0.5',
    folder: 'field/npm',
    predicateType: V02,
    repository: PROVENANCE_TEST,
    workflow: '.github/workflows/release-slsa3.yml',
    ref: MAIN,
    commit: '34490b44db557f009617bcb92b8780f972c189ab',
    signedAt: '2023-05-18T17:57:53.000Z',
    publish: true,
    delegatedBuilder:
      'https://github.com/slsa-framework/slsa-github-generator/.github/workflows/builder_nodejs_slsa3.yml@refs/tags/v1.6.0',
  },
]

/** The file of a document, below the corpus. */
export function fileOf({ name, version, folder = 'attestations' }: Genuine): string {
  return `${folder}/${name}@${version}.json`
}

/** The lockfile entry of a genuine document: its digest is the tarball's, or the one that the registry serves. */
export function lockedGenuine(genuine: Genuine): LockedPackage {
  const { name, version, tarball } = genuine
  if (tarball !== undefined) {
    return locked({ name, version, integrity: integrityOf(readFileSync(corpusFile('tarballs', tarball))) })
  }
  return locked({ name, version, integrity: genuine.integrity ?? subjectIntegrity(genuine) })
}

/**
 * The sha512 that the document itself names, for packages that are neither in the registry nor in the corpus.
 * That is circular as to the bytes, and shows only that the rest of the document holds. That a document proves no other
 * bytes than those that it names is shown by all others.
 */
function subjectIntegrity(genuine: Genuine): string {
  const [bundle] = bundlesOf(readCorpus(fileOf(genuine)))
  const sha512 = statementOf(bundle ?? assert.fail()).subject[0]?.digest.sha512 ?? assert.fail()
  return `sha512-${Buffer.from(sha512, 'hex').toString('base64')}`
}

/** The public good instance, from files of the corpus. */
export async function corpusVerifier(trustedRoot = 'trust/public-good/trusted_root.json'): Promise<DocumentVerifier> {
  const trust = { trustedRoot: corpusFile(trustedRoot), npmKeys: corpusFile('trust/public-good/npm-keys.json') }
  return createDocumentVerifier(await loadDomains(trust, { now: LATER }))
}

/** The public good instance, as it is embedded. */
export async function seedVerifier(): Promise<DocumentVerifier> {
  return createDocumentVerifier(await loadDomains({}, { now: LATER }))
}
