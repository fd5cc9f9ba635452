import { bundleFromJSON } from '@sigstore/bundle'
import { crypto } from '@sigstore/core'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { type Signer, toSignedEntity, toTrustMaterial, VerificationError, Verifier } from '@sigstore/verify'
import type { SerializedBundleJSON } from './bundle.ts'
import type { NpmKeysJSON } from './npm-keys.ts'
import type { TrustedRootJSON } from './trusted-root.ts'

/**
 * For tests and benchmarks: `@sigstore/verify` as it is, with the registry keys that may sign attestations. It judges
 * signatures and logs only, not who signed what. Make one per trust root.
 */
export function stockVerifier(trust: { readonly trustedRoot: TrustedRootJSON; readonly npmKeys: NpmKeysJSON }) {
  const material = toTrustMaterial(TrustedRoot.fromJSON(trust.trustedRoot), (hint) => {
    const found = trust.npmKeys.keys.find((key) => key.keyUsage === 'npm:attestations' && key.keyId === hint)
    if (found === undefined) throw new VerificationError({ code: 'PUBLIC_KEY_ERROR', message: `no key ${hint}` })
    const { rawBytes, validFor } = found.publicKey
    return {
      publicKey: crypto.createPublicKey(Buffer.from(rawBytes, 'base64')),
      validFor: (date) => new Date(validFor.start) <= date && !(validFor.end && new Date(validFor.end) < date),
    }
  })
  const verifier = new Verifier(material)
  return (bundle: SerializedBundleJSON): Signer => verifier.verify(toSignedEntity(bundleFromJSON(bundle)))
}
