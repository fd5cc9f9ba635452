import { readFile, stat } from 'node:fs/promises'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import seeds from '@sigstore/tuf/seeds.json' with { type: 'json' }
import { type TrustMaterial, toTrustMaterial } from '@sigstore/verify'
import { GateError } from '../errors.ts'
import { attestationKeys, type RegistryKeys, registryKeys } from './keys.ts'

/** Files that replace the embedded trust material. */
export interface TrustFiles {
  /** `trusted_root.json`: https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_trustroot.proto */
  readonly trustedRoot?: string | undefined
  /** `keys.json` of the registry. */
  readonly npmKeys?: string | undefined
}

/** Sigstore's public good instance, as `@sigstore/tuf` ships it: so the first run needs no network for its trust root. */
const SEED = seeds['https://tuf-repo-cdn.sigstore.dev'].targets

/**
 * The trust material of a run: Fulcio's certificates, the keys of Rekor, of the certificate logs and of the timestamp
 * authorities, and the registry's own keys.
 *
 * @throws GateError where a named file cannot be read or is not what it should be.
 */
export async function loadTrust(files: TrustFiles): Promise<TrustMaterial> {
  const root = await readJson(files.trustedRoot, SEED['trusted_root.json'])
  const finder = await readKeys(files, attestationKeys)
  return usable(files.trustedRoot, 'Sigstore trusted root', () => {
    const trustedRoot = TrustedRoot.fromJSON(root)
    if (!trustedRoot.certificateAuthorities.some(({ certChain }) => certChain?.certificates.length)) {
      throw new Error('it names no certificate authority')
    }
    return toTrustMaterial(withoutTimelessLogs(trustedRoot), finder)
  })
}

/** The keys by which the registry signs what it serves (`dist.signatures`). @throws GateError as above */
export function loadSignatureKeys(files: TrustFiles): Promise<RegistryKeys> {
  return readKeys(files, (keys) => registryKeys(keys, 'npm:signatures'))
}

async function readKeys<T>({ npmKeys }: TrustFiles, read: (keys: unknown) => T): Promise<T> {
  const keys = await readJson(npmKeys, SEED['registry.npmjs.org%2Fkeys.json'])
  return usable(npmKeys, 'keys.json of an npm registry', () => read(keys))
}

/** A log key without a start of validity would be taken as valid since 1970 by the library. It vouches for nothing. */
function withoutTimelessLogs(root: TrustedRoot): TrustedRoot {
  const timed = (log: TrustedRoot['tlogs'][number]) => log.publicKey?.validFor?.start !== undefined
  return { ...root, tlogs: root.tlogs.filter(timed), ctlogs: root.ctlogs.filter(timed) }
}

/** Genuine ones have some kilobytes. */
const MAX_BYTES = 16 << 20

async function readJson(file: string | undefined, seed: string): Promise<unknown> {
  if (file === undefined) return JSON.parse(Buffer.from(seed, 'base64').toString('utf8'))
  let text: string
  try {
    // Before it is opened: a pipe would wait for somebody to write into it.
    const stats = await stat(file)
    if (!stats.isFile()) throw new Error('it is not a file')
    if (stats.size > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`)
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new GateError(`The trust material ${file} cannot be read: ${(error as Error).message}.`)
  }
  return usable(file, 'JSON document', () => JSON.parse(text))
}

function usable<T>(file: string | undefined, what: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    // The library looks into what it is given without asking whether it is there.
    const message = error instanceof TypeError ? 'a part of it is missing' : (error as Error).message
    throw new GateError(`${file ?? 'The embedded trust material'} is not a usable ${what}: ${message}.`)
  }
}
