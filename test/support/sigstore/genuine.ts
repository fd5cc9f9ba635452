/** For tests: genuine documents, from the folder that PROVENANCE_GATE_CORPUS names. They are not in the repository. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { X509Certificate } from '@sigstore/core'
import type { SerializedBundleJSON } from './bundle.ts'
import type { AttestationDocument } from './index.ts'
import type { NpmKeysJSON } from './npm-keys.ts'
import type { TrustedRootJSON } from './trusted-root.ts'

const corpus = process.env.PROVENANCE_GATE_CORPUS

/** Why tests with genuine documents cannot run; false where they can. */
export const skipGenuine = corpus ? false : 'PROVENANCE_GATE_CORPUS names no folder of genuine documents'

/** Where the registry's older answers have `null`, newer ones leave the field out; both become the latter. */
function read<T>(...path: string[]): T {
  return JSON.parse(readFileSync(join(corpus ?? '', ...path), 'utf8'), (_, value) => value ?? undefined)
}

export function genuineDocument(packageVersion: string): AttestationDocument {
  return read('attestations', `${packageVersion}.json`)
}

export function genuineBundle(packageVersion: string, kind: 'provenance' | 'publish'): SerializedBundleJSON {
  const { attestations } = genuineDocument(packageVersion)
  return attestations.find(({ predicateType }) => predicateType.includes(kind))?.bundle ?? assert.fail(packageVersion)
}

/** All bundles, those of foreign signers included, each with the name of its file. */
export function genuineBundles(): { file: string; bundle: SerializedBundleJSON }[] {
  return readdirSync(join(corpus ?? '', 'attestations'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => {
      const content = read<AttestationDocument | SerializedBundleJSON>('attestations', file)
      return 'attestations' in content
        ? content.attestations.map(({ bundle }) => ({ file, bundle }))
        : [{ file, bundle: content }]
    })
}

export function genuineTrustedRoot(): TrustedRootJSON {
  return read('trust', 'public-good', 'trusted_root.json')
}

export function genuineNpmKeys(): NpmKeysJSON {
  return read('trust', 'public-good', 'npm-keys.json')
}

/** The public key of the intermediate that has issued since 2022. */
export function genuineIssuerKey(): Buffer {
  const [intermediate] = genuineTrustedRoot().certificateAuthorities.at(-1)?.certChain.certificates ?? []
  return X509Certificate.parse(Buffer.from(intermediate?.rawBytes ?? '', 'base64')).publicKey
}

/** The public key of one of npm's keys. */
export function genuineNpmKey(keyId: string): Buffer {
  const found = genuineNpmKeys().keys.find((key) => key.keyId === keyId)
  return Buffer.from(found?.publicKey.rawBytes ?? assert.fail(keyId), 'base64')
}
