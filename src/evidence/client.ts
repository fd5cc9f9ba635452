import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { finished } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import pLimit from 'p-limit'
import { ok, refuse } from '../codes.ts'
import { proxyLogin } from '../util/proxy-login.ts'
import { credentialsFor, NO_CREDENTIALS } from './credentials.ts'
import { isSafeRoad } from './files.ts'
import { scopeOf } from './settings.ts'
import { openTransport, type Transport } from './transport.ts'
import type { Evidence } from './types.ts'

/** Bounds on what a registry may cost. Times in milliseconds, sizes in bytes. */
export interface Limits {
  /** One attempt, from the connection to the last byte. */
  readonly attempt: number
  /** All attempts for one package. pnpm 12 gives a `canFetch` hook 30 seconds. */
  readonly total: number
  readonly retries: number
  /** The pause before the first retry; it grows fourfold. */
  readonly pause: number
  /** Of one document, before and after decompression. Genuine ones have 10 to 40 KB. */
  readonly size: number
  /** Requests in flight at once. */
  readonly concurrency: number
}

export const LIMITS: Limits = { attempt: 10_000, total: 25_000, retries: 2, pause: 500, size: 4 << 20, concurrency: 24 }

/** As many as a mirror in front of a mirror needs; a loop ends. */
const REDIRECTS = 5

/** A document that a server has of a package. */
export interface Request {
  readonly url: URL
  /** Of the package: there are credentials for one scope alone. */
  readonly name: string
  /** What is said where it is not there, and what it would have been. */
  readonly none: string
  readonly expected: string
  readonly size?: number | undefined
  /** Default: JSON. */
  readonly accept?: string
  /** In place of npm's credentials, and like them for the URL's own origin only; null for none at all. */
  readonly authorization?: string | null | undefined
  /** What is made of a body that nobody has read yet. Default: it is parsed as JSON. */
  readonly read?: (body: AsyncIterable<Buffer>, encoding: string) => Promise<unknown>
  /** Says more of a status than its number; undefined where there is nothing to say. Then nothing is asked twice. */
  readonly explain?: (status: number, headers: IncomingHttpHeaders) => string | undefined
}

/**
 * Asks for one document. 404 is EVIDENCE_MISSING, whatever else is not a JSON document is EVIDENCE_UNAVAILABLE: it says
 * nothing about the package.
 */
export type Client = (request: Request) => Promise<Evidence>

/**
 * @param options npm's settings for connections and credentials
 * @throws GateError where the settings for the connection cannot be used
 */
export function openClient(options: Readonly<Record<string, unknown>>, limits: Limits): Client {
  const limit = pLimit(limits.concurrency)
  const transport = openTransport(options, limits.concurrency)
  // Where nobody answers, thousands of packages would each wait for their own retries.
  let silent = 0
  /** By origins: another registry is not limited by what this one says. */
  const rates = new Map<string, Rate>()
  return (request) =>
    limit(async () => {
      const rate = rates.get(request.url.origin) ?? { resumeAt: 0 }
      rates.set(request.url.origin, rate)
      const retries = silent < PATIENCE ? limits.retries : 0
      const evidence = await fetchDocument(request, options, transport, { ...limits, retries }, rate)
      silent = !evidence.ok && evidence.refusal.code === 'EVIDENCE_UNAVAILABLE' ? silent + 1 : 0
      return evidence
    })
}

/** After so many packages in a row without an answer, nothing is asked for twice. */
const PATIENCE = 24

/** A server that limits the rate limits it for all requests together. */
interface Rate {
  /** When the next one may be made, by `performance.now()`. */
  resumeAt: number
}

async function fetchDocument(
  request: Request,
  options: Readonly<Record<string, unknown>>,
  transport: Transport,
  limits: Limits,
  rate: Rate,
): Promise<Evidence> {
  const { size = limits.size, url, expected } = request
  const end = performance.now() + limits.total
  // Else thousands of packages would each wait for all of their time, and for nothing.
  const isTooLate = () => rate.resumeAt >= end
  if (isTooLate()) {
    const seconds = Math.ceil((rate.resumeAt - performance.now()) / 1_000)
    const found = `${url.origin} answers too many requests no more, for another ${seconds} s`
    return refuse('EVIDENCE_UNAVAILABLE', found, expected)
  }
  const deadline = AbortSignal.timeout(limits.total)
  const pause = (time: number) => setTimeout(time, undefined, { signal: deadline }).catch(() => {})
  let failures = 0
  /** Until the server will answer again, and then not all at the same moment. */
  const resumed = async () => {
    const wait = rate.resumeAt - performance.now()
    if (wait > 0) await pause(wait * (1 + Math.random() / 4))
  }
  await resumed()
  for (;;) {
    const { evidence, transient, limited } = await ask(request, options, transport, { ...limits, size }, deadline)
    // A server that says when it will answer is asked again, until the time for this package is over.
    const isLast = limited === undefined ? failures >= limits.retries : limits.retries === 0
    if (!transient || isLast || deadline.aborted) return evidence
    if (limited === undefined) await pause(limits.pause * 4 ** failures++ * (1 + Math.random()))
    else rate.resumeAt = Math.max(rate.resumeAt, performance.now() + limited)
    if (isTooLate()) return evidence
    await resumed()
    if (deadline.aborted) return evidence
  }
}

export async function buffered(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** The answer cannot be used, and asking again would not change that. */
export class Unusable extends Error {}

/**
 * One attempt. `transient`: another one may have more luck. `limited`: for so long (in milliseconds) none is to be made, for
 * there were too many.
 */
async function ask(
  request: Request,
  options: Readonly<Record<string, unknown>>,
  transport: Transport,
  limits: Limits,
  deadline: AbortSignal,
): Promise<{ readonly evidence: Evidence; readonly transient: boolean; readonly limited?: number | undefined }> {
  const { url, none, expected } = request
  const signal = AbortSignal.any([deadline, AbortSignal.timeout(limits.attempt)])
  let type: string | undefined
  try {
    const response = await follow(request, options, transport, limits, signal)
    type = response.headers['content-type']
    const status = response.statusCode ?? 0
    if (status === 200) {
      const encoding = response.headers['content-encoding'] ?? 'identity'
      const read = request.read ?? (async () => JSON.parse(await text(response, limits.size)) as unknown)
      return { evidence: ok(await read(bounded(response, limits.size), encoding)), transient: false }
    }
    await discard(response)
    if (status === 404) {
      const found = `${none} at ${shown(url)} (HTTP 404)`
      return { evidence: refuse('EVIDENCE_MISSING', found, expected), transient: false }
    }
    const explained = proxyLogin(status) ?? request.explain?.(status, response.headers)
    return {
      evidence: refuse(
        'EVIDENCE_UNAVAILABLE',
        `HTTP ${status} from ${shown(url)}${explained === undefined ? '' : `: ${explained}`}`,
        expected,
      ),
      transient: explained === undefined && (status >= 500 || [408, 420, 429].includes(status)),
      limited: [420, 429, 503].includes(status) ? retryAfter(response.headers) : undefined,
    }
  } catch (error) {
    const seconds = (deadline.aborted ? limits.total : limits.attempt) / 1000
    const problem = signal.aborted ? `not complete after ${seconds} s` : describe(error, type)
    return {
      evidence: refuse('EVIDENCE_UNAVAILABLE', `no answer from ${shown(url)}: ${problem}`, expected),
      // A login that is wrong once is wrong again, and proxies lock users out who try too often.
      transient: !(error instanceof Unusable || error instanceof SyntaxError || loginOf(error) !== undefined),
    }
  }
}

/** RFC 9110, 10.2.3: in seconds. A date is as good as nothing, for clocks differ. In milliseconds here. */
function retryAfter({ 'retry-after': seconds = '' }: IncomingHttpHeaders): number | undefined {
  return /^[1-9]\d{0,5}$/.test(seconds) ? Number(seconds) * 1_000 : undefined
}

/** Of a body that nobody needs. It may be endless; a short one is read, for its connection can be used again. */
async function discard(response: IncomingMessage): Promise<void> {
  const length = Number(response.headers['content-length'])
  if (!(length <= SHORT)) {
    response.destroy()
    return
  }
  await finished(response.resume()).catch(() => {})
}

const SHORT = 1 << 16

async function follow(
  { url, name, accept = 'application/json', authorization }: Request,
  options: Readonly<Record<string, unknown>>,
  transport: Transport,
  { attempt: timeout }: Limits,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  let target = url
  for (let redirects = 0; redirects <= REDIRECTS; redirects += 1) {
    // Another origin, be it another port or plain http, must not be told what is meant for this one.
    const own = target.origin === url.origin && isSafeRoad(target, options)
    const { headers, cert, key } = !own
      ? NO_CREDENTIALS
      : authorization === undefined
        ? credentialsFor(target.href, scopeOf(name), options)
        : { ...NO_CREDENTIALS, headers: authorization === null ? {} : { authorization } }
    const response = await transport(target, {
      headers: { accept, 'accept-encoding': 'gzip', 'user-agent': 'provenance-gate', ...headers },
      cert,
      key,
      timeout,
      signal,
    })
    const { location } = response.headers
    if (![301, 302, 303, 307, 308].includes(response.statusCode ?? 0) || location === undefined) return response
    await discard(response)
    const next = URL.parse(location, target.href)
    if (next === null || !isHttp(next)) throw new Unusable('a redirect to something that is no http or https URL')
    if (target.protocol === 'https:' && next.protocol === 'http:') throw new Unusable('a redirect from https to http')
    target = next
  }
  throw new Unusable(`more than ${REDIRECTS} redirects`)
}

async function* bounded(body: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    // Leaving the loop ends the connection.
    if (length > size) throw tooLarge(size)
    yield chunk
  }
}

function tooLarge(size: number): Unusable {
  return new Unusable(`the answer has more than ${size} bytes`)
}

async function text(response: IncomingMessage, size: number): Promise<string> {
  const body = await buffered(bounded(response, size))
  const encoding = response.headers['content-encoding'] ?? 'identity'
  if (encoding === 'identity') return body.toString('utf8')
  if (encoding !== 'gzip' && encoding !== 'x-gzip') throw new Unusable('a content-encoding that was not asked for')
  try {
    // Bounded while it is unpacked: a few hundred KB of gzip can stand for gigabytes.
    return (await promisify(gunzip)(body, { maxOutputLength: size })).toString('utf8')
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
      ? tooLarge(size)
      : new Unusable('broken gzip')
  }
}

export function isHttp({ protocol }: URL): boolean {
  return protocol === 'http:' || protocol === 'https:'
}

/** A registry URL may carry a user name and a password; messages end up in logs. */
function shown(url: URL): string {
  return `${url.origin}${url.pathname}`
}

/** A tunnel that the proxy refuses to make is an error of Node's, with the proxy's status. */
function loginOf(error: unknown): string | undefined {
  return proxyLogin((error as { readonly statusCode?: unknown } | undefined)?.statusCode)
}

function describe(error: unknown, type = ''): string {
  if (error instanceof SyntaxError) {
    return /^text\/html\b/i.test(type)
      ? 'the answer is not JSON but a web page: of a portal, a login, or a server that has no such documents'
      : 'the answer is not JSON'
  }
  if (!(error instanceof Error)) return String(error)
  const login = loginOf(error)
  if (login !== undefined) return `HTTP 407: ${login}`
  // Node leaves the message empty where several addresses of a host were tried.
  return error.message || (error as NodeJS.ErrnoException).code || error.name
}
