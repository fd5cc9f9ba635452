import path from 'node:path'
import { DEFAULT_DOMAIN } from '../domains.ts'
import { GateError } from '../errors.ts'
import { findPolicy } from '../policy/find.ts'
import { loadWithoutLock } from '../policy/load.ts'
import { answer } from '../report/output.ts'
import { repositoryOf } from '../trust/inputs.ts'
import { PUBLIC_GOOD, SEED_EXPIRES } from '../trust/instances.ts'
import { importState, type Known, keptState, reason, type TufRepository, updateState } from '../trust/tuf.ts'
import { readText } from '../trust/tuf-cache.ts'
import { writeState } from '../trust/tuf-state.ts'
import { replaceFile } from '../write.ts'
import type { ExitStatus } from './exit.ts'

export interface TrustOptions {
  readonly policy?: string
  /** Name of a trust domain. */
  readonly domain?: string
}

/** `provenance-gate trust status`: what is kept of the trust root, and until when it is good. 2 where it is over. */
export async function trustStatus(options: TrustOptions, now: Date): Promise<ExitStatus> {
  const repository = await repositoryFor(options)
  const known = await keptState(repository).catch((error: unknown) => {
    throw new GateError(
      `What is kept of ${repository.url} does not hold: ${reason(error)}. Run \`provenance-gate trust update\`.`,
    )
  })
  if (known === undefined) {
    const isEmbedded = repository === PUBLIC_GOOD
    const until = SEED_EXPIRES.toISOString()
    const meanwhile = isEmbedded
      ? `The one that came with the gate is used, which is good until ${until}.`
      : 'It is asked for when it is needed.'
    answer([`${repository.url}: nothing is kept. ${meanwhile} \`provenance-gate trust update\` asks for it.`])
    return isEmbedded && now >= SEED_EXPIRES ? 2 : 0
  }
  answer(lines(repository, known))
  if (now < known.verified.expires) return 0
  answer(['It is over: `provenance-gate trust update` renews it.'])
  return 2
}

/** `provenance-gate trust update`: renews it now. */
export async function trustUpdate(options: TrustOptions, now: Date): Promise<ExitStatus> {
  const repository = await repositoryFor(options)
  const known = await updateState(repository, now).catch(async (error: unknown) => {
    const kept = await keptState(repository).catch(() => undefined)
    throw new GateError(
      `The trust root of ${repository.url} could not be renewed: ${reason(error)}.${meanwhile(repository, kept)}`,
    )
  })
  answer(lines(repository, known))
  return 0
}

/** `provenance-gate trust export FILE`: what is kept, for a machine without network. */
export async function trustExport(file: string, options: TrustOptions): Promise<ExitStatus> {
  const repository = await repositoryFor(options)
  const known = await keptState(repository).catch((error: unknown) => {
    throw new GateError(`What is kept of ${repository.url} does not hold: ${reason(error)}.`)
  })
  if (known === undefined)
    throw new GateError(`Nothing is kept of ${repository.url}: run \`provenance-gate trust update\` first.`)
  await replaceFile(path.resolve(file), writeState(known.state)).catch((error: unknown) => {
    throw new GateError(`${file} cannot be written (${reason(error)}).`)
  })
  answer(lines(repository, known))
  return 0
}

/** `provenance-gate trust import FILE`: takes it over, as far as the root that this machine has vouches for it. */
export async function trustImport(file: string, options: TrustOptions, now: Date): Promise<ExitStatus> {
  const repository = await repositoryFor(options)
  const text = await readText(path.resolve(file)).catch((error: unknown) => {
    throw new GateError(`${file} cannot be read (${reason(error)}).`)
  })
  if (text === undefined) throw new GateError(`${file} cannot be read (there is no such file).`)
  const known = await importState(repository, text).catch((error: unknown) => {
    throw new GateError(`${file} is no trust root of ${repository.url}: ${reason(error)}.`)
  })
  answer(lines(repository, known))
  if (now < known.verified.expires) return 0
  answer(['It is over: export a newer one.'])
  return 2
}

/** That of the policy, if there is one and it names one; else that of the instance behind the domain's name. */
async function repositoryFor({ policy, domain = DEFAULT_DOMAIN }: TrustOptions): Promise<TufRepository> {
  const folder = process.cwd()
  const file = policy === undefined ? await findPolicy(folder) : path.resolve(policy)
  const trust = file === undefined ? undefined : (await loadWithoutLock({ file, folder }, {})).trust
  const files = domain === DEFAULT_DOMAIN ? trust : trust?.domains?.get(domain)
  const isPinned = domain !== DEFAULT_DOMAIN && files?.trustedRoot !== undefined
  const repository = isPinned ? undefined : await repositoryOf(files ?? {}, domain)
  if (repository !== undefined) return repository
  throw new GateError(
    files === undefined
      ? `There is no trust domain ${JSON.stringify(domain)}: a policy names its own under "trust", "domains".`
      : `The trust domain ${JSON.stringify(domain)} is pinned by a file, which is never renewed.`,
  )
}

/** What is used where it cannot be renewed. */
function meanwhile(repository: TufRepository, kept: Known | undefined): string {
  if (kept !== undefined)
    return ` The one that is kept stays in use; it is good until ${kept.verified.expires.toISOString()}.`
  if (repository !== PUBLIC_GOOD) return ''
  return ` The one that came with the gate stays in use; it is good until ${SEED_EXPIRES.toISOString()}.`
}

function lines({ url }: TufRepository, { verified }: Known): readonly string[] {
  const { root, timestamp, snapshot, targets } = verified.versions
  return [
    `${url}: good until ${verified.expires.toISOString()}`,
    `  root ${root}, timestamp ${timestamp}, snapshot ${snapshot}, targets ${targets}`,
    ...[...verified.files.keys()].map((name) => `  ${name}`),
  ]
}
