import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { buffered } from '../evidence/client.ts'
import { type RegistrySettings, statedRegistryOf } from '../evidence/settings.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Verdict } from '../policy/types.ts'
import { escapeText } from '../util/text.ts'
import { fail, forbid, refusalText } from './answers.ts'
import { ARCHIVE_HEADER, isArchive, type Named, namesIn, UNREADABLE } from './archive.ts'
import { makeAuthority } from './authority.ts'
import { atMost, bodyOf, keep, type Patience, patience, peek, spool } from './body.ts'
import { BadGateway } from './errors.ts'
import { type Gate, openJudge } from './judge.ts'
import { type Asked, openKnown } from './known.ts'
import { PROXY_LIMITS, type ProxyLimits } from './limits.ts'
import { listen } from './listener.ts'
import { announced } from './metadata.ts'
import type { FolderOfTag } from './specifier.ts'
import { answered, openUpstream, shown } from './upstream.ts'

export type { Asked } from './known.ts'
export type { ProxyLimits } from './limits.ts'

export interface ProxyOptions {
  readonly gate: Gate
  /** What the lockfile has, where it binds; empty where there is none. */
  readonly locked: readonly LockedPackage[]
  /** What projects and the command itself ask for. */
  readonly asked: readonly Asked[]
  readonly isFolderOfTag: FolderOfTag
  /** Client certificates, authorities, and the user's own proxies. */
  readonly settings: RegistrySettings
  readonly now: Date
  /** From which messages name files. */
  readonly folder: string
  readonly limits?: Partial<ProxyLimits>
}

export interface RunningProxy {
  /** `http://gate:TOKEN@127.0.0.1:PORT`. */
  readonly url: string
  /** PEM, of the authority that vouches for it in this run. */
  readonly authority: string
  /** One for each package that was judged, in the order in which they were. */
  verdicts(): readonly Verdict[]
  /** Why something could not be judged: a package manager may go on without what is optional. */
  failure(): Error | undefined
  /** Ends every connection, and removes what was kept. */
  close(): Promise<void>
}

/**
 * Stands between a package manager and its registries, as its HTTP proxy: a tarball is handed on when its bytes are proven to
 * be what they are said to be, and its rules allow it; until then it is kept here. Metadata is read on its way, for it says
 * what lies where; everything else goes through as it is.
 *
 * A proxy, and not a registry of its own: npm and yarn classic download from the URL that the lockfile names, whatever
 * registry is set, and most package managers write the registry's URL into lockfiles. So nothing of a project is another.
 *
 * @throws GateError where the settings for the connection cannot be used.
 */
export async function openProxy({
  gate,
  locked,
  asked,
  isFolderOfTag,
  settings,
  now,
  folder,
  limits,
}: ProxyOptions): Promise<RunningProxy> {
  const bounds = { ...PROXY_LIMITS, ...limits }
  const upstream = openUpstream(settings, bounds)
  const known = openKnown(locked, asked, isFolderOfTag)
  const judge = openJudge(gate, known, (pkg) => statedRegistryOf(settings, pkg))
  const authority = await makeAuthority(now)
  const spoolFolder = await mkdtemp(path.join(tmpdir(), 'provenance-gate-'))

  const inTurn = oneAtATime()
  let failure: Error | undefined

  async function handle(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const time = patience(bounds)
    response.on('close', time.stop)
    const { method = 'GET', headers } = request
    try {
      const isRead = method === 'GET' || method === 'HEAD'
      const answer = await upstream(url, {
        ...{ method, headers, signal: time.signal },
        ...(isRead ? {} : { body: request.on('data', time.alive) }),
      })
      // Of others than GET nothing is installed.
      if (method === 'GET' && isSuccess(answer)) await look(url, answer, response, time)
      else await handOn(answer, response, time)
    } catch (error) {
      if (error instanceof BadGateway) return fail(response, `${shown(url)}: ${error.message}`)
      // Whoever has left is told nothing, and has broken nothing.
      if (response.destroyed) return
      failure ??= error instanceof Error ? error : new Error(String(error))
      forbid(response, `provenance-gate could not judge it: ${escapeText(failure.message)}`)
    }
  }

  async function look(url: URL, answer: IncomingMessage, response: ServerResponse, time: Patience): Promise<void> {
    const isTarball = [known.at(url), known.askedAs(url), known.lockedAs(url, [])].some(({ length }) => length > 0)
    const body = bodyOf(answer, time)
    const { start, whole } = await peek(
      body,
      (seen) => isTarball || (seen.length >= ARCHIVE_HEADER && (seen.length > VERY_BLANK || !isBlank(seen))),
    )
    if (isTarball || isArchive(start)) return judgeTarball(url, answer, whole, response)
    if (isBlank(start) || /^[\s\uFEFF]*[[{]/.test(start.toString('utf8')))
      return readMetadata(url, answer, whole, response)
    time.extend()
    response.writeHead(answer.statusCode ?? 502, answered(answer.headers, false))
    await pipeline(whole, response)
  }

  async function judgeTarball(
    url: URL,
    answer: IncomingMessage,
    body: AsyncIterable<Buffer>,
    response: ServerResponse,
  ): Promise<void> {
    const spooled = await spool(atMost(body, bounds.tarball), spoolFolder)
    try {
      const { digests } = spooled
      // Whoever asks for a URL reads in the tarball itself what it depends on.
      const isAsked = known.askedAs(url).length > 0
      const isKnown = !isAsked && (known.at(url).length > 0 || known.lockedAs(url, digests).length > 0)
      const named = isKnown ? [] : await namesIn(spooled, bounds.unpacked).catch(() => UNKNOWN)
      const verdicts = await judge.tarball(url, digests, named)
      if (verdicts.some(({ status }) => status === 'refused')) return forbid(response, refusalText(verdicts, folder))
      response.writeHead(answer.statusCode ?? 502, {
        ...answered(answer.headers, false),
        'content-length': spooled.size,
      })
      await pipeline(spooled.read(), response)
    } finally {
      await spooled.discard()
    }
  }

  /** Written anew: what the client reads is what was read here, also where a document has a name twice. */
  async function readMetadata(
    url: URL,
    answer: IncomingMessage,
    body: AsyncIterable<Buffer>,
    response: ServerResponse,
  ): Promise<void> {
    const { accept } = response.req.headers
    const kept = await keep(atMost(body, bounds.metadata), spoolFolder)
    try {
      // One at a time: as many as there are requests would fill the memory.
      const { text, said } = await inTurn(async () => {
        const bytes = await buffered(kept.read())
        const document = parsed(bytes)
        if (document === undefined && /json/i.test(accept ?? '')) throw new BadGateway('the answer is not JSON')
        const said = announced(document, url.pathname)
        known.learn(said)
        return { text: document === undefined ? bytes : Buffer.from(JSON.stringify(document)), said }
      })
      // What is a name for one client replaces the prototype for another. In a text, the second quote would be escaped.
      if (text.includes('"__proto__":')) throw new BadGateway('metadata with a key `__proto__`')
      const verdicts = await judge.announced(said)
      if (verdicts.some(({ status }) => status === 'refused')) return forbid(response, refusalText(verdicts, folder))
      response.writeHead(answer.statusCode ?? 502, {
        ...answered(answer.headers, false),
        'content-length': text.length,
      })
      response.end(text)
    } finally {
      await kept.discard()
    }
  }

  const token = randomBytes(24).toString('base64url')
  const listener = await listen(`gate:${token}`, authority, handle)
  return {
    url: `http://gate:${token}@127.0.0.1:${listener.port}`,
    authority: authority.certificate,
    verdicts: judge.verdicts,
    failure: () => failure,
    close: async () => {
      await listener.close()
      // A download that is ending may still make a file.
      await rm(spoolFolder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const done = last.then(work)
    last = done.catch(() => {})
    return done
  }
}

/** A tarball that nobody can look into: of no name. */
const UNKNOWN: readonly Named[] = [UNREADABLE]

function isSuccess({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300
}

/** So many bytes of blanks are metadata, too: there may be some behind them. */
const VERY_BLANK = 4096

function isBlank(bytes: Buffer): boolean {
  return /^[\s\uFEFF]*$/.test(bytes.toString('utf8'))
}

/** Undefined where it is no JSON. */
function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8').replace(/^\uFEFF/, ''))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** As it came: nobody installs anything from it. */
async function handOn(answer: IncomingMessage, response: ServerResponse, { alive, extend }: Patience): Promise<void> {
  extend()
  answer.on('data', alive)
  response.writeHead(answer.statusCode ?? 502, answered(answer.headers, true))
  await pipeline(answer, response)
}
