import { TrustedRoot } from '@sigstore/protobuf-specs'
import { type TrustMaterial, toTrustMaterial, VerificationError } from '@sigstore/verify'
import { DEFAULT_DOMAIN } from '../domains.ts'
import { GateError } from '../errors.ts'
import type { TrustDomain, TrustDomains } from '../verify/types.ts'
import type { Material, TrustContext, TrustFiles, TrustInputs } from './inputs.ts'
import { type KeyUsage, keyFinder, keyIds, otherKeys, type RegistryKeys, registryKeys } from './keys.ts'
import { usable } from './usable.ts'

/** @throws GateError as `readTrust` and `openTrust` */
export async function loadDomains(files: TrustFiles, context: TrustContext): Promise<TrustDomains> {
  const { readTrust } = await import('./inputs.ts')
  return openTrust(await readTrust(files, context))
}

/**
 * The trust domains of a run: the authorities of each, its logs and timestamp authorities, and with the default one, which
 * stands first, the registries' keys.
 *
 * @throws GateError where one is not what it should be; or where two share an authority
 */
export function openTrust(inputs: TrustInputs): TrustDomains {
  const keys = keysFor(inputs, 'npm:attestations')
  const registries = new Map(
    [...keys].flatMap(([hint, { registry }]) => (registry === undefined ? [] : [[hint, registry]])),
  )
  const allIds = openKeyIds(inputs)
  const [first, ...others] = inputs.domains.map(({ name, root, thresholds }): TrustDomain => {
    const isDefault = name === DEFAULT_DOMAIN
    const material = materialOf(root, isDefault ? keyFinder(keys) : noKeys(name))
    return { name, material, thresholds, ...(isDefault && { registries, keyIds: allIds }) }
  })
  if (first === undefined) throw new TypeError('no trust domain')
  const all = [first, ...others] as const
  refuseShared(all)
  return all
}

/** The keys by which registries sign what they serve (`dist.signatures`). @throws GateError as above */
export function openSignatureKeys(inputs: TrustInputs): RegistryKeys {
  return keysFor(inputs, 'npm:signatures')
}

/** The ids of all keys that the trust root has, for whatever use. */
function openKeyIds({ keys }: TrustInputs): ReadonlySet<string> {
  return new Set(keys.flatMap(({ keys: { content } }) => keyIds(content)))
}

/** The keys of the default registry, and of those that the policy names. Whose a key is must not depend on their order. */
function keysFor({ keys }: TrustInputs, usage: KeyUsage): RegistryKeys {
  const all: Map<string, RegistryKeys extends ReadonlyMap<string, infer Key> ? Key : never> = new Map()
  for (const { registry, keys: material } of keys) {
    const read = registry === undefined ? registryKeys : otherKeys
    for (const [id, key] of usable(material.where, KEYS, () => read(material.content, usage))) {
      if (all.has(id))
        throw new GateError(
          `${material.where}: the key ${JSON.stringify(id)} is one of another registry already, so that nobody could say who signs with it. Take it out.`,
        )
      all.set(id, registry === undefined ? key : { ...key, registry })
    }
  }
  return all
}

const KEYS = 'keys.json of an npm registry'

/** The registry's keys belong to the default domain. */
function noKeys(domain: string): TrustMaterial['publicKey'] {
  return (hint) => {
    throw new VerificationError({
      code: 'PUBLIC_KEY_ERROR',
      message: `no key ${JSON.stringify(hint)} in the trust domain ${JSON.stringify(domain)}`,
    })
  }
}

/** A certificate of an authority that two domains have would hold in both, and the rules could not tell them apart. */
function refuseShared(domains: readonly TrustDomain[]): void {
  const owners = new Map<string, string>()
  for (const { name, material } of domains) {
    // By it a certificate says whose it is.
    const nameless = material.certificateAuthorities.some(({ certChain: [issuing] }) => !issuing?.extSubjectKeyID)
    if (nameless && domains.length > 1)
      throw new GateError(
        `The trust domain ${JSON.stringify(name)} has a certificate authority without a subject key identifier, so that it cannot be told from those of other domains.`,
      )
    const keys = material.certificateAuthorities.flatMap(({ certChain }) => certChain.map((each) => each.publicKey))
    for (const key of new Set(keys.map((each) => each.toString('hex')))) {
      const other = owners.get(key)
      if (other !== undefined)
        throw new GateError(
          `The trust domains ${JSON.stringify(other)} and ${JSON.stringify(name)} have a certificate authority in common, so that nobody could say in which one its certificates hold. Take it out of one of them.`,
        )
      owners.set(key, name)
    }
  }
}

function materialOf({ where, content }: Material, finder: TrustMaterial['publicKey']): TrustMaterial {
  return usable(where, 'Sigstore trusted root', () => {
    const trustedRoot = TrustedRoot.fromJSON(content)
    if (!trustedRoot.certificateAuthorities.some(({ certChain }) => certChain?.certificates.length)) {
      throw new Error('it names no certificate authority')
    }
    return toTrustMaterial(withoutTimelessLogs(trustedRoot), finder)
  })
}

/** A log key without a start of validity would be taken as valid since 1970 by the library. It vouches for nothing. */
function withoutTimelessLogs(root: TrustedRoot): TrustedRoot {
  const timed = (log: TrustedRoot['tlogs'][number]) => log.publicKey?.validFor?.start !== undefined
  return { ...root, tlogs: root.tlogs.filter(timed), ctlogs: root.ctlogs.filter(timed) }
}
