/** The genuine packages of the corpus: what a lockfile says of them, and who really published them. */
import { describe, test } from 'node:test'
import { stringify } from 'yaml'
import { lockfileOf } from '../cli/support.ts'

export interface GenuinePackage {
  readonly name: string
  readonly version: string
  readonly integrity: string
  readonly publisher: { readonly repository: string; readonly workflow: string; readonly ref: string }
}

export const GENUINE: readonly GenuinePackage[] = [
  {
    name: 'sigstore',
    version: '0.4.0',
    integrity: 'sha512-KCwMX6k20mQyFkNYG2XT3lwK9u1P36wS9YURFd85zCXPrwrSLZCEh7/vMBFNYcJXRiBtGDS+T4/RZZF493zABA==',
    publisher: {
      repository: 'sigstore/sigstore-js',
      workflow: '.github/workflows/publish.yml',
      ref: 'refs/tags/v0.4.0',
    },
  },
  {
    name: 'sigstore',
    version: '1.3.0',
    integrity: 'sha512-dhdv+jOAi1RgLHw13lxumk3rlgZtumUz9QrCNPTx9MazUnUV3BfAb74oYAMPQQ7uaeogB5vTosbz3POzKbEHUQ==',
    publisher: {
      repository: 'sigstore/sigstore-js',
      workflow: '.github/workflows/release.yml',
      ref: 'refs/heads/main',
    },
  },
  {
    name: 'sigstore',
    version: '2.1.0',
    integrity: 'sha512-kPIj+ZLkyI3QaM0qX8V/nSsweYND3W448pwkDgS6CQ74MfhEkIR8ToK5Iyx46KJYRjseVcD3Rp9zAmUAj6ZjPw==',
    publisher: {
      repository: 'sigstore/sigstore-js',
      workflow: '.github/workflows/release.yml',
      ref: 'refs/heads/main',
    },
  },
  {
    name: 'sigstore',
    version: '2.3.1',
    integrity: 'sha512-8G+/XDU8wNsJOQS5ysDVO0Etg9/2uA5gR9l4ZwijjlwxBcrU6RPfwi2+jJmbP+Ap1Hlp/nVAaEO4Fj22/SL2gQ==',
    publisher: {
      repository: 'sigstore/sigstore-js',
      workflow: '.github/workflows/release.yml',
      ref: 'refs/heads/main',
    },
  },
  {
    name: 'tuf-js',
    version: '1.0.0',
    integrity: 'sha512-1dxsQwESDzACJjTdYHQ4wJ1f/of7jALWKfJEHSBWUQB/5UTJUx9SW6GHXp4mZ1KvdBRJCpGjssoPFGi4hvw8/A==',
    publisher: {
      repository: 'theupdateframework/tuf-js',
      workflow: '.github/workflows/publish.yml',
      ref: 'refs/tags/v1.0.0',
    },
  },
  {
    name: '@playwright/cli',
    version: '0.1.1',
    integrity: 'sha512-9k11ZfDwAfMVDDIuEVW1Wvs8SoDNXIY1dNQ+9C9/SS8ZmElkcxesu5eoL7vNa96ntibUGaq1TM2qQoqvdl/I9g==',
    publisher: {
      repository: 'microsoft/playwright-cli',
      workflow: '.github/workflows/publish.yml',
      ref: 'refs/tags/v0.1.1',
    },
  },
  {
    name: 'gundam-visor',
    version: '1.0.1',
    integrity: 'sha512-jZ15cvZ2UWx1AUqgdOEa5gTZjwtk7Gclph4oOP89qxYhGPpxQz+zHhVQ0wvQ3snQhs4DK5RFe1g5AMUHrPOcQA==',
    publisher: {
      repository: 'ramonpetgrave64/gundam-visor',
      workflow: '.github/workflows/npm-publish.yml',
      ref: 'refs/tags/v1.0.1',
    },
  },
  {
    name: '@laurentsimon/provenance-npm-test',
    version: '1.0.0',
    integrity: 'sha512-KdGfJiM/REEyhBKzT9c+0QTs/vYvFAl4kMzPdFW1IbZcWs/4UYSfqoXIU5WqItQBQ28B86+2GxnHgOkGyIx/IA==',
    publisher: {
      repository: 'laurentsimon/provenance-npm-test',
      workflow: '.github/workflows/release.yml',
      ref: 'refs/heads/main',
    },
  },
  {
    name: '@laurentsimon/provenance-npm-test',
    version: '1.0.3',
    integrity: 'sha512-8pleJWWhUQxweFDYGU+YO5H+YewkPFVRrYScNXJzdotfOlfkS4HMDNNqNLi5MzIr6HHupbBYICvoB+JNyIKBGw==',
    publisher: {
      repository: 'laurentsimon/provenance-npm-test',
      workflow: '.github/workflows/release.yml',
      ref: 'refs/heads/main',
    },
  },
]

/** A policy with one rule for each version. `trust` is left to the command line, or to what is embedded. */
export function policyFor(packages: readonly GenuinePackage[], last = ''): string {
  const rules = packages.map(({ name, version, publisher }) => ({
    packages: `${name}@${version}`,
    require: 'provenance',
    publisher,
  }))
  return stringify({ rules }) + last
}

export function lockfileFor(packages: readonly GenuinePackage[]): string {
  return lockfileOf(packages.map(({ name, version, integrity }) => ({ manifest: { name, version }, integrity })))
}

/** Skipped as one test, not as a suite: the runner's summary does not count suites that it skips. */
export function describeUnless(reason: false | string, name: string, tests: () => void): void {
  if (reason === false) describe(name, tests)
  else test(name, { skip: reason })
}
