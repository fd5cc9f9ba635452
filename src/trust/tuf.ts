import { createHash } from 'node:crypto'
import { GateError } from '../errors.ts'
import { NPM_KEYS, TRUSTED_ROOT } from './instances.ts'
import { readText, stateFile, writeText } from './tuf-cache.ts'
import { fetchRoot, refreshState } from './tuf-refresh.ts'
import { readState, type TufState, type VerifiedState, verifyState, writeState } from './tuf-state.ts'

/** A TUF repository, and the root by which it is known: its bytes, or their digest (hex), where they are not at hand. */
export interface TufRepository {
  readonly url: string
  readonly pinned: Buffer | { readonly version: number; readonly sha256: string }
}

/** A state that holds. */
export interface Known {
  readonly state: TufState
  readonly verified: VerifiedState
}

export interface TufOptions {
  readonly now: Date
  /** How long after its expiry a state is still used where it cannot be renewed, in milliseconds. */
  readonly maxStaleness: number
  readonly offline: boolean
  /** Told what does not stop anything. A sentence. */
  readonly warn: (text: string) => void
}

/** For all requests of one renewal, in milliseconds: an install waits for it. */
const TIMEOUT = 10_000

/**
 * The target files that a repository vouches for now. No request is made while what is kept is not expired. When it is, it
 * is renewed; where that fails it is used on for `maxStaleness`, with a warning.
 *
 * @returns with when they expire; undefined where nothing is kept and nothing is to be had
 * @throws GateError, TRUST_ROOT_STALE, where what is kept is older than that
 */
export async function trustedFiles(
  repository: TufRepository,
  { now, maxStaleness, offline, warn }: TufOptions,
): Promise<Pick<VerifiedState, 'files' | 'expires'> | undefined> {
  const kept = await keptState(repository).catch((error: unknown) => {
    warn(`What is kept of ${repository.url} is not used: ${reason(error)}.`)
    return undefined
  })
  if (kept !== undefined && now < kept.verified.expires) return kept.verified
  const why = offline
    ? 'no request is made'
    : await updateState(repository, now, warn).then(
        (known) => known,
        (error: unknown) => reason(error),
      )
  if (typeof why !== 'string') return why.verified
  if (kept === undefined) {
    warn(`${repository.url} could not be asked for its trust root (${why}).`)
    return undefined
  }
  const { expires } = kept.verified
  if (now.getTime() - expires.getTime() <= maxStaleness) {
    warn(
      `The trust root of ${repository.url} was good until ${expires.toISOString()}, and could not be renewed (${why}).`,
    )
    return kept.verified
  }
  throw new GateError(
    `TRUST_ROOT_STALE: the trust root of ${repository.url} was good until ${expires.toISOString()}, and could not be renewed (${why}). ` +
      'Go online and run `provenance-gate trust update`; where there is no network, bring it over with `trust export` and `trust import`; or allow more with `maxStaleness` under "trust".',
  )
}

/** What is kept of a repository, verified from its root on; undefined where nothing is. @throws an Error where it does not hold */
export async function keptState(repository: TufRepository): Promise<Known | undefined> {
  const text = await readText(stateFile(repository.url))
  return text === undefined ? undefined : knownFrom(readState(text), repository)
}

async function knownFrom(state: TufState, { pinned }: TufRepository): Promise<Known> {
  return { state, verified: await verifyState(state, Buffer.isBuffer(pinned) ? pinned : rootOf(state, pinned.sha256)) }
}

/** The root that is known by its digest comes along with the state. @throws an Error where it is another */
function rootOf({ first }: Pick<TufState, 'first'>, sha256: string): Buffer {
  if (first === undefined || createHash('sha256').update(first).digest('hex') !== sha256)
    throw new Error('it does not begin with the root by which this repository is known')
  return first
}

/**
 * Renews what is kept, whether or not it is expired. @throws an Error whose message says why not
 *
 * @param warn told where it cannot be kept, if that is no error: what was verified is as good then
 */
export async function updateState(repository: TufRepository, now: Date, warn?: (text: string) => void): Promise<Known> {
  const kept = await keptState(repository).catch(() => undefined)
  const { url, pinned } = repository
  const signal = AbortSignal.timeout(TIMEOUT)
  const first = Buffer.isBuffer(pinned) ? undefined : (kept?.state.first ?? (await fetchRoot(url, pinned, signal)))
  const known = await refreshState(
    {
      url,
      pinned: Buffer.isBuffer(pinned) ? pinned : rootOf({ first }, pinned.sha256),
      names: [TRUSTED_ROOT],
      optional: [NPM_KEYS],
      now,
      signal,
    },
    kept,
  ).then(({ state, verified }) => ({ state: { ...state, first }, verified }))
  await keep(repository, known).catch((error: unknown) => {
    if (warn === undefined) throw error
    warn(`The trust root of ${url} could not be kept on this machine, and is asked for each time (${reason(error)}).`)
  })
  return known
}

/** Takes over a state from elsewhere. @throws an Error where it does not hold, or is older than what is kept */
export async function importState(repository: TufRepository, text: string): Promise<Known> {
  const known = await knownFrom(readState(text), repository)
  const kept = await keptState(repository).catch(() => undefined)
  if (kept !== undefined && !isAtLeast(known, kept)) throw new Error('it is older than what is kept already')
  await keep(repository, known)
  return known
}

/**
 * What is kept is not replaced by something older. Of two processes at once the last one wins: what it keeps may be older,
 * never half a file, and is renewed when it expires.
 */
async function keep(repository: TufRepository, known: Known): Promise<void> {
  const other = await keptState(repository).catch(() => undefined)
  if (other !== undefined && !isAtLeast(known, other)) return
  await writeText(stateFile(repository.url), writeState(known.state))
}

/** A later root may begin the other versions anew: that is how a repository recovers from keys that were stolen. */
function isAtLeast({ verified: a }: Known, { verified: b }: Known): boolean {
  if (a.versions.root !== b.versions.root) return a.versions.root > b.versions.root
  return a.versions.timestamp >= b.versions.timestamp
}

export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  const more =
    cause instanceof Error && !(cause instanceof TypeError)
      ? `: ${cause.message || (cause as NodeJS.ErrnoException).code}`
      : ''
  return `${error.message}${more}`.replace(/\.$/, '')
}
