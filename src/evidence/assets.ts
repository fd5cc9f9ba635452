import { createHash } from 'node:crypto'
import { ok, refuse } from '../codes.ts'
import { LIMITS, type Limits, openClient, Unusable } from './client.ts'
import type { Facts } from './facts.ts'
import type { RegistrySettings } from './settings.ts'
import type { ReleaseSource } from './types.ts'

/** A lockfile's tarball is downloaded twice then: by the gate, which reads it once, and by the package manager. */
const DOWNLOAD: Limits = { ...LIMITS, attempt: 60_000, total: 120_000, size: 512 << 20, concurrency: 4 }

const EXPECTED = 'the bytes of the lockfile, of which GitHub has signed the sha256'

/**
 * Reads the bytes of an asset, for GitHub signs their sha256 and the lockfile has their sha512. What both are is remembered:
 * a pair that was once computed from the same bytes is true for ever.
 *
 * @param facts where that is; undefined where nothing is to be remembered
 * @param offline makes no request
 */
export function assetDigests(
  { options }: RegistrySettings,
  facts: Facts | undefined,
  offline = false,
  limits: Limits = DOWNLOAD,
): ReleaseSource['sha256'] {
  const client = openClient(options, limits)
  return async (pkg, sha512) => {
    const known = await facts?.get('sha256', sha512)
    if (known !== undefined && /^[0-9a-f]{64}$/.test(known)) return ok(known)
    const url = URL.parse(pkg.origin ?? '')
    if (url === null || offline) {
      return refuse(
        'EVIDENCE_UNAVAILABLE',
        'an asset whose bytes were not read here yet, and no request is made',
        EXPECTED,
      )
    }
    const read = await client({
      url,
      name: pkg.name,
      none: 'no such asset',
      expected: EXPECTED,
      accept: '*/*',
      read: async (body, encoding) => {
        if (encoding !== 'identity') throw new Unusable('it is encoded, and so not the bytes of the asset')
        const hashes = { sha256: createHash('sha256'), sha512: createHash('sha512') }
        for await (const chunk of body) for (const hash of Object.values(hashes)) hash.update(chunk)
        return { sha256: hashes.sha256.digest('hex'), sha512: hashes.sha512.digest('hex') }
      },
    })
    // That it is not there says nothing of it: it is the attestation that may be missing.
    if (!read.ok) return refuse('EVIDENCE_UNAVAILABLE', read.refusal.found, EXPECTED)
    const found = read.value as { readonly sha256: string; readonly sha512: string }
    if (found.sha512 !== sha512)
      return refuse(
        'DIGEST_MISMATCH',
        `${pkg.origin} with sha512 ${found.sha512}`,
        `sha512 ${sha512}, as in the lockfile`,
      )
    await facts?.put('sha256', sha512, found.sha256)
    return ok(found.sha256)
  }
}
