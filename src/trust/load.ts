import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { type TrustMaterial, toTrustMaterial, VerificationError } from '@sigstore/verify'
import { DEFAULT_DOMAIN, GITHUB_DOMAIN } from '../domains.ts'
import { GateError } from '../errors.ts'
import type { Thresholds, TrustDomain, TrustDomains } from '../verify/types.ts'
import { GITHUB, NPM_KEYS, PUBLIC_GOOD, PUBLIC_URL, SEED, SEED_EXPIRES, TRUSTED_ROOT } from './instances.ts'
import { type KeyUsage, keyFinder, otherKeys, type RegistryKeys, registryKeys } from './keys.ts'
import { thresholdsOf } from './thresholds.ts'
import type { TufRepository } from './tuf.ts'
import { stateFile } from './tuf-cache.ts'

/** Where a trust root comes from. */
export interface RootFiles {
  /** `trusted_root.json`: https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_trustroot.proto */
  readonly trustedRoot?: string | undefined
  /** A TUF repository of one's own, and the file of its first root. */
  readonly tuf?: { readonly url: string; readonly root: string } | undefined
}

/** A trust domain beside the default one, or no more than what the default one asks for. */
export interface DomainFiles extends RootFiles {
  readonly thresholds?: Partial<Thresholds>
}

/** Where trust material comes from, in place of Sigstore's public good instance. */
export interface TrustFiles extends RootFiles {
  /** `keys.json` of the registry. */
  readonly npmKeys?: string | undefined
  /** The keys of other registries, by the names that rules have for them. */
  readonly registries?: ReadonlyMap<string, string> | undefined
  /** How long after its expiry a trust root is used on where it cannot be renewed, in milliseconds. */
  readonly maxStaleness?: number | undefined
  /** By their names. GitHub's needs no files. */
  readonly domains?: ReadonlyMap<string, DomainFiles> | undefined
}

export interface TrustContext {
  readonly now: Date
  readonly offline?: boolean
  /** Told what does not stop anything. */
  readonly warn?: (text: string) => void
}

/** Two weeks. Sigstore's own timestamp is good for one, so that a machine may be offline for three. */
const MAX_STALENESS = 14 * 86_400_000

/**
 * The trust domains of a run: the authorities of each, its logs and timestamp authorities, and with the default one, which
 * stands first, the registries' keys.
 *
 * From files, where they are named. Else from a TUF repository: the policy's, or that of the public good instance as far as
 * it is kept on this machine (`provenance-gate trust update`); else what `@sigstore/tuf` ships, so that the first run needs
 * no network.
 *
 * @throws GateError where one cannot be read, is not what it should be, or is stale; or where two share an authority
 */
export async function loadDomains(files: TrustFiles, context: TrustContext): Promise<TrustDomains> {
  const { domains = new Map<string, DomainFiles>(), maxStaleness } = files
  const targets = openTargets(files, context)
  const { where, content } = await rootOf(files, targets)
  const keys = await allKeys(files, targets, 'npm:attestations')
  const first = {
    name: DEFAULT_DOMAIN,
    material: materialOf(where, content, keyFinder(keys)),
    registries: new Map(
      [...keys].flatMap(([hint, { registry }]) => (registry === undefined ? [] : [[hint, registry]])),
    ),
    thresholds: thresholdsOf(DEFAULT_DOMAIN, domains.get(DEFAULT_DOMAIN)?.thresholds),
  }
  const others = await Promise.all(
    [...domains]
      .filter(([name]) => name !== DEFAULT_DOMAIN)
      .map(async ([name, { thresholds, ...own }]) => {
        const { where, content } = await domainRoot(name, { ...own, maxStaleness }, context)
        return { name, material: materialOf(where, content, noKeys(name)), thresholds: thresholdsOf(name, thresholds) }
      }),
  )
  const all = [first, ...others] as const
  refuseShared(all)
  return all
}

/** The trust root of a domain that is not the default one. */
async function domainRoot(name: string, files: TrustFiles, context: TrustContext): Promise<Material> {
  if (files.trustedRoot !== undefined) return readJson(files.trustedRoot)
  const found = await openTargets(files, context, name)(TRUSTED_ROOT)
  if (found !== undefined) return found
  throw new GateError(`The trust domain ${JSON.stringify(name)} has no trust root: name one under "trust".`)
}

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

function materialOf(where: string, content: unknown, finder: TrustMaterial['publicKey']): TrustMaterial {
  return usable(where, 'Sigstore trusted root', () => {
    const trustedRoot = TrustedRoot.fromJSON(content)
    if (!trustedRoot.certificateAuthorities.some(({ certChain }) => certChain?.certificates.length)) {
      throw new Error('it names no certificate authority')
    }
    return toTrustMaterial(withoutTimelessLogs(trustedRoot), finder)
  })
}

/** The keys by which the registry signs what it serves (`dist.signatures`). @throws GateError as above */
export function loadSignatureKeys(files: TrustFiles, context: TrustContext): Promise<RegistryKeys> {
  return allKeys(files, openTargets(files, context), 'npm:signatures')
}

async function rootOf(files: TrustFiles, targets: Targets): Promise<Material> {
  if (files.trustedRoot !== undefined) return readJson(files.trustedRoot)
  return (await targets(TRUSTED_ROOT)) ?? embedded('trusted_root.json')
}

/** The keys of the default registry, and of those that the policy names. Whose a key is must not depend on their order. */
async function allKeys(files: TrustFiles, targets: Targets, usage: KeyUsage): Promise<RegistryKeys> {
  const own = await keysOf(files, targets)
  const all = new Map(usable(own.where, KEYS, () => registryKeys(own.content, usage)))
  for (const [registry, file] of files.registries ?? []) {
    const { where, content } = await readJson(file)
    for (const [id, key] of usable(where, KEYS, () => otherKeys(content, usage))) {
      if (all.has(id))
        throw new GateError(
          `${where}: the key ${JSON.stringify(id)} is one of another registry already, so that nobody could say who signs with it. Take it out.`,
        )
      all.set(id, { ...key, registry })
    }
  }
  return all
}

const KEYS = 'keys.json of an npm registry'

async function keysOf(files: TrustFiles, targets: Targets): Promise<Material> {
  if (files.npmKeys !== undefined) return readJson(files.npmKeys)
  // Who pins a trust root by a file asks no repository.
  const found = files.trustedRoot === undefined ? await targets(NPM_KEYS) : undefined
  return found ?? embedded('registry.npmjs.org%2Fkeys.json')
}

/** Parsed JSON, and where it is from. */
interface Material {
  readonly where: string
  readonly content: unknown
}

/** A target of the TUF repository; undefined where it has none of that name, or none is asked. */
type Targets = (name: string) => Promise<Material | undefined>

/** Asks the repository at the first target, and for all of them once: it is verified, and may have to be renewed. */
function openTargets(files: TrustFiles, context: TrustContext, domain = DEFAULT_DOMAIN): Targets {
  let asked: ReturnType<typeof askRepository> | undefined
  return async (name) => {
    asked ??= askRepository(files, context, domain)
    const { url, trusted } = await asked
    const bytes = trusted?.get(name)
    const where = `${name} of ${url}`
    return bytes && { where, content: usable(where, 'JSON document', () => JSON.parse(bytes.toString('utf8'))) }
  }
}

async function askRepository(
  files: TrustFiles,
  { now, offline = false, warn = () => {} }: TrustContext,
  domain: string,
): Promise<{ readonly url: string; readonly trusted: ReadonlyMap<string, Buffer> | undefined }> {
  const repository = await repositoryOf(files, domain)
  if (repository === undefined) return { url: '', trusted: undefined }
  // What came with the gate is good for as long as its own root is. Until then the public one is not asked before somebody
  // has asked it: `trust update`.
  const isPublic = repository === PUBLIC_GOOD
  if (isPublic && now < SEED_EXPIRES && !existsSync(stateFile(PUBLIC_URL)))
    return { url: PUBLIC_URL, trusted: undefined }
  const { trustedFiles } = await import('./tuf.ts')
  const { url } = repository
  const options = { now, offline, warn, maxStaleness: files.maxStaleness ?? MAX_STALENESS }
  const trusted = await trustedFiles(repository, options)
  if (trusted === undefined && isPublic) refuseOldSeed(now, options.maxStaleness)
  if (trusted === undefined && !isPublic)
    throw new GateError(
      `The trust root of ${url} is not on this machine, and could not be had. Go online, or bring it over with \`provenance-gate trust export\` and \`trust import\`.`,
    )
  return { url, trusted }
}

/** @throws GateError where what came with the gate is too old */
function refuseOldSeed(now: Date, maxStaleness: number): void {
  if (now.getTime() - SEED_EXPIRES.getTime() <= maxStaleness) return
  throw new GateError(
    `TRUST_ROOT_STALE: the trust root that came with the gate was good until ${SEED_EXPIRES.toISOString()}, and could not be renewed. ` +
      'Go online and run `provenance-gate trust update`; where there is no network, bring it over with `trust export` and `trust import`; or take a newer version of the gate.',
  )
}

/**
 * The TUF repository of a trust domain: the policy's, else that of the instance behind its name; undefined where there is
 * none. @throws GateError where its root cannot be read
 */
export async function repositoryOf({ tuf }: RootFiles, domain = DEFAULT_DOMAIN): Promise<TufRepository | undefined> {
  if (tuf !== undefined) return { url: tuf.url, pinned: Buffer.from(await readFileText(tuf.root)) }
  if (domain === DEFAULT_DOMAIN) return PUBLIC_GOOD
  return domain === GITHUB_DOMAIN ? GITHUB : undefined
}

function embedded(name: keyof (typeof SEED)['targets']): Material {
  return {
    where: 'The embedded trust material',
    content: JSON.parse(Buffer.from(SEED.targets[name], 'base64').toString('utf8')),
  }
}

/** A log key without a start of validity would be taken as valid since 1970 by the library. It vouches for nothing. */
function withoutTimelessLogs(root: TrustedRoot): TrustedRoot {
  const timed = (log: TrustedRoot['tlogs'][number]) => log.publicKey?.validFor?.start !== undefined
  return { ...root, tlogs: root.tlogs.filter(timed), ctlogs: root.ctlogs.filter(timed) }
}

/** Genuine ones have some kilobytes. */
const MAX_BYTES = 16 << 20

async function readJson(file: string): Promise<Material> {
  const text = await readFileText(file)
  return { where: file, content: usable(file, 'JSON document', () => JSON.parse(text)) }
}

async function readFileText(file: string): Promise<string> {
  try {
    // Before it is opened: a pipe would wait for somebody to write into it.
    const stats = await stat(file)
    if (!stats.isFile()) throw new Error('it is not a file')
    if (stats.size > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`)
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new GateError(`The trust material ${file} cannot be read: ${(error as Error).message}.`)
  }
}

function usable<T>(where: string, what: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    // The library looks into what it is given without asking whether it is there.
    const message = error instanceof TypeError ? 'a part of it is missing' : (error as Error).message
    throw new GateError(`${where} is not a usable ${what}: ${message}.`)
  }
}
