import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { DEFAULT_DOMAIN, GITHUB_DOMAIN } from '../domains.ts'
import { GateError } from '../errors.ts'
import { FileError, readBoundedFile } from '../util/files.ts'
import { mistakenForm } from '../util/sigstore-forms.ts'
import type { Thresholds } from '../verify/types.ts'
import { GITHUB, NPM_KEYS, PUBLIC_GOOD, SEED, SEED_EXPIRES, TRUSTED_ROOT } from './instances.ts'
import { thresholdsOf } from './thresholds.ts'
import type { TufRepository } from './tuf.ts'
import { stateFile } from './tuf-cache.ts'
import { PUBLIC_URL } from './urls.ts'
import { usable } from './usable.ts'

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

/** Parsed JSON, and where it is from. Nothing of it is looked at yet. */
export interface Material {
  readonly where: string
  readonly content: unknown
}

/** All that is trusted in a run, as data that can be handed to another thread. */
export interface TrustInputs {
  /** The default domain first. */
  readonly domains: readonly { readonly name: string; readonly root: Material; readonly thresholds: Thresholds }[]
  /** The default registry's keys first; `registry` is the name of another. */
  readonly keys: readonly { readonly registry?: string; readonly keys: Material }[]
  /** Until when nobody has to be asked again: when the first of the TUF repositories expires. Undefined where none was asked. */
  readonly until: Date | undefined
}

/**
 * What the trust domains of a run are made of: the trust root of each, and the registries' keys.
 *
 * From files, where they are named. Else from a TUF repository: the policy's, or that of the public good instance as far as
 * it is kept on this machine (`provenance-gate trust update`); else what `@sigstore/tuf` ships, so that the first run needs
 * no network.
 *
 * @throws GateError where one cannot be read, or is stale
 */
export async function readTrust(files: TrustFiles, context: TrustContext): Promise<TrustInputs> {
  const { domains = new Map<string, DomainFiles>(), maxStaleness } = files
  const first = openTargets(files, context)
  const others = [...domains].filter(([name]) => name !== DEFAULT_DOMAIN)
  const targets = others.map(([name, { thresholds: _, ...own }]) =>
    openTargets({ ...own, maxStaleness }, context, name),
  )
  const roots = [
    { name: DEFAULT_DOMAIN, root: await rootOf(files, first) },
    ...(await Promise.all(
      others.map(async ([name, own], index) => ({ name, root: await domainRoot(name, own, targets[index] ?? first) })),
    )),
  ]
  const keys = [
    { keys: await keysOf(files, first) },
    ...(await Promise.all(
      [...(files.registries ?? [])].map(async ([registry, file]) => ({ registry, keys: await readJson(file) })),
    )),
  ]
  const ends = await Promise.all([first, ...targets].map(({ until }) => until()))
  const times = ends.flatMap((end) => (end === undefined ? [] : [end.getTime()]))
  return {
    domains: roots.map(({ name, root }) => ({
      name,
      root,
      thresholds: thresholdsOf(name, domains.get(name)?.thresholds),
    })),
    keys,
    until: times.length === 0 ? undefined : new Date(Math.min(...times)),
  }
}

/** SHA-256 (hex) of all that can make a difference to what is proven. */
export function digestOf({ domains, keys }: TrustInputs): string {
  const said = {
    domains: domains.map(({ name, root, thresholds }) => [name, root.content, thresholds]),
    keys: keys.map(({ registry, keys: { content } }) => [registry ?? null, content]),
  }
  return createHash('sha256').update(JSON.stringify(said)).digest('hex')
}

/** The trust root of a domain that is not the default one. */
async function domainRoot(name: string, files: RootFiles, targets: Targets): Promise<Material> {
  if (files.trustedRoot !== undefined) return readRoot(files.trustedRoot)
  const found = await targets.find(TRUSTED_ROOT)
  if (found !== undefined) return found
  throw new GateError(`The trust domain ${JSON.stringify(name)} has no trust root: name one under "trust".`)
}

async function rootOf(files: TrustFiles, targets: Targets): Promise<Material> {
  if (files.trustedRoot !== undefined) return readRoot(files.trustedRoot)
  return (await targets.find(TRUSTED_ROOT)) ?? embedded('trusted_root.json')
}

async function keysOf(files: TrustFiles, targets: Targets): Promise<Material> {
  if (files.npmKeys !== undefined) return readJson(files.npmKeys)
  // Who pins a trust root by a file asks no repository.
  const found = files.trustedRoot === undefined ? await targets.find(NPM_KEYS) : undefined
  return found ?? embedded('registry.npmjs.org%2Fkeys.json')
}

/** A TUF repository, asked at the first question, and once for all of them: it is verified, and may have to be renewed. */
interface Targets {
  /** Undefined where it has no target of that name, or none is asked. */
  find(name: string): Promise<Material | undefined>
  /** When what it has said expires; undefined where it was not asked. */
  until(): Promise<Date | undefined>
}

function openTargets(
  files: RootFiles & Pick<TrustFiles, 'maxStaleness'>,
  context: TrustContext,
  domain = DEFAULT_DOMAIN,
): Targets {
  let asked: ReturnType<typeof askRepository> | undefined
  return {
    find: async (name) => {
      asked ??= askRepository(files, context, domain)
      const { url, trusted } = await asked
      const bytes = trusted?.get(name)
      const where = `${name} of ${url}`
      return bytes && { where, content: usable(where, 'JSON document', () => JSON.parse(bytes.toString('utf8'))) }
    },
    until: async () => (await asked)?.until,
  }
}

async function askRepository(
  files: RootFiles & Pick<TrustFiles, 'maxStaleness'>,
  { now, offline = false, warn = () => {} }: TrustContext,
  domain: string,
): Promise<{ readonly url: string; readonly trusted?: ReadonlyMap<string, Buffer>; readonly until?: Date }> {
  const repository = await repositoryOf(files, domain)
  if (repository === undefined) return { url: '' }
  // What came with the gate is good for as long as its own root is. Until then the public one is not asked before somebody
  // has asked it: `trust update`.
  const isPublic = repository === PUBLIC_GOOD
  if (isPublic && now < SEED_EXPIRES && !existsSync(stateFile(PUBLIC_URL)))
    return { url: PUBLIC_URL, until: SEED_EXPIRES }
  const { trustedFiles } = await import('./tuf.ts')
  const { url } = repository
  const options = { now, offline, warn, maxStaleness: files.maxStaleness ?? MAX_STALENESS }
  const trusted = await trustedFiles(repository, options)
  if (trusted === undefined && isPublic) refuseOldSeed(now, options.maxStaleness)
  if (trusted === undefined && !isPublic)
    throw new GateError(
      `The trust root of ${url} is not on this machine, and could not be had. Go online, or bring it over with \`provenance-gate trust export\` and \`trust import\`.`,
    )
  return trusted === undefined ? { url, until: now } : { url, trusted: trusted.files, until: trusted.expires }
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
  if (tuf !== undefined) return { url: tuf.url, pinned: await readTrustFile(tuf.root) }
  if (domain === DEFAULT_DOMAIN) return PUBLIC_GOOD
  return domain === GITHUB_DOMAIN ? GITHUB : undefined
}

function embedded(name: keyof (typeof SEED)['targets']): Material {
  return {
    where: 'The embedded trust material',
    content: JSON.parse(Buffer.from(SEED.targets[name], 'base64').toString('utf8')),
  }
}

/** Genuine ones have some kilobytes. */
const MAX_BYTES = 16 << 20

async function readJson(file: string): Promise<Material> {
  return jsonOf(file, await readTrustFile(file))
}

function jsonOf(file: string, bytes: Buffer): Material {
  return { where: file, content: usable(file, 'JSON document', () => JSON.parse(bytes.toString('utf8'))) }
}

/** Of trusted roots there are other forms, and other files have names that are alike. */
async function readRoot(file: string): Promise<Material> {
  const bytes = await readTrustFile(file)
  const mistaken = mistakenForm('trusted root', bytes, file)
  if (mistaken === undefined) return jsonOf(file, bytes)
  throw new GateError(
    `${file} is not a usable Sigstore trusted root: it is ${mistaken.found}. Expected ${mistaken.advice}.`,
  )
}

async function readTrustFile(file: string): Promise<Buffer> {
  const bytes = await readBoundedFile(file, MAX_BYTES).catch((error: unknown) => {
    const why = error instanceof FileError ? `it ${error.message}` : String(error)
    throw new GateError(`The trust material ${file} cannot be read: ${why}.`, { cause: error })
  })
  if (bytes === undefined) throw new GateError(`The trust material ${file} cannot be read: there is no such file.`)
  return bytes
}
