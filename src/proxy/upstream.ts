import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { credentialsFor } from '../evidence/credentials.ts'
import type { RegistrySettings } from '../evidence/settings.ts'
import { openTransport } from '../evidence/transport.ts'
import { proxyLogin } from '../util/proxy-login.ts'
import { BadGateway } from './errors.ts'
import type { ProxyLimits } from './limits.ts'

export interface UpstreamRequest {
  readonly method: string
  /** As the client has sent them. */
  readonly headers: IncomingHttpHeaders
  readonly body?: Readable | undefined
  readonly signal: AbortSignal
}

/** Asks a server what a client asks of it. @throws BadGateway */
export type Upstream = (url: URL, request: UpstreamRequest) => Promise<IncomingMessage>

/** As many as a mirror in front of a mirror needs; a loop ends. */
const REDIRECTS = 5

/**
 * The way to servers: through the user's own proxies, with the authorities and client certificates of their settings. What
 * the client proves itself with goes to the origin that it asks, and no redirect takes it elsewhere.
 *
 * @throws GateError where the settings for the connection cannot be used.
 */
export function openUpstream({ options }: RegistrySettings, limits: ProxyLimits): Upstream {
  const transport = openTransport(options, limits.concurrency)
  return async (url, { method, headers, body, signal }) => {
    const isRead = method === 'GET' || method === 'HEAD'
    const sent = forwarded(headers, isRead)
    let target = url
    for (let redirects = 0; redirects <= REDIRECTS; redirects += 1) {
      const own = target.origin === url.origin
      const { cert, key } = own ? credentialsFor(target.href, undefined, options) : {}
      const response = await transport(target, {
        method,
        body,
        headers: own ? sent : pick(sent, STRANGERS),
        cert,
        key,
        timeout: limits.stall,
        signal,
      }).catch((error: Error) => {
        throw new BadGateway(`no answer from ${shown(target)}: ${describe(error, signal)}`)
      })
      const status = response.statusCode ?? 0
      const login = proxyLogin(status)
      // Handed on, it would look like an answer of the gate's own proxy.
      if (login !== undefined) {
        response.destroy()
        throw new BadGateway(`no answer from ${shown(target)}: HTTP 407: ${login}`)
      }
      if (!isRead || status < 300 || status > 399) return response
      response.destroy()
      target = redirected(target, status, response.headers.location)
    }
    throw new BadGateway(`more than ${REDIRECTS} redirects from ${shown(url)}`)
  }
}

/**
 * Where any status between success and error leads. Clients do not agree on them: some follow 300 and 304 by themselves, to a
 * place of the server's choice, and npm and bun install the body of a 302 or 399 that leads nowhere.
 */
function redirected(from: URL, status: number, location: string | undefined): URL {
  if (status === 304 || location === undefined)
    throw new BadGateway(`${shown(from)} answers ${status}, which is neither what was asked for nor a way to it`)
  const to = URL.parse(location, from.href)
  if (to === null || (to.protocol !== 'http:' && to.protocol !== 'https:'))
    throw new BadGateway(`${shown(from)} redirects to something that is no http or https URL`)
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw new BadGateway(`${shown(from)} redirects from https to http`)
  // It would be sent as a login, one that whoever redirects has chosen.
  to.username = ''
  to.password = ''
  return to
}

/** What is about one connection, or about the proxy (RFC 9110, 7.6.1). */
const HOP_BY_HOP = [
  ...['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'host', 'expect'],
  ...['proxy-authorization', 'proxy-authenticate', 'proxy-connection'],
]
/** With these an answer might be a part, or none, and could not be looked at. */
const CONDITIONS = ['if-none-match', 'if-modified-since', 'if-match', 'if-unmodified-since', 'if-range', 'range']
/** What anybody may be told. */
const STRANGERS = ['accept', 'accept-encoding', 'user-agent']

function forwarded(headers: IncomingHttpHeaders, isRead: boolean): OutgoingHttpHeaders {
  const dropped = [...hopByHop(headers), ...(isRead ? [...CONDITIONS, 'content-length'] : [])]
  const sent = Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.includes(name)))
  if (!isRead) return sent
  const gzip = /\bgzip\b/i.test(String(headers['accept-encoding'] ?? ''))
  return { ...sent, 'accept-encoding': gzip ? 'gzip' : 'identity' }
}

function hopByHop({ connection }: IncomingHttpHeaders): readonly string[] {
  return [...HOP_BY_HOP, ...(connection ?? '').split(',').map((name) => name.trim().toLowerCase())]
}

function pick(headers: OutgoingHttpHeaders, names: readonly string[]): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => names.includes(name)))
}

/** The headers of an answer that are for the client: all but those of one connection, and of a body that is made anew. */
export function answered(headers: IncomingHttpHeaders, isSame: boolean): OutgoingHttpHeaders {
  const body = ['content-encoding', 'content-length', 'content-range', 'etag', 'last-modified', 'content-md5', 'digest']
  const dropped = [...hopByHop(headers), ...(isSame ? [] : body)]
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.includes(name)))
}

/** A URL may carry a login or a signature; messages end up in logs. */
export function shown({ origin, pathname }: URL): string {
  return `${origin}${pathname}`
}

function describe(error: Error, signal: AbortSignal): string {
  if (signal.aborted) return signal.reason instanceof Error ? signal.reason.message : 'it took too long'
  const login = proxyLogin((error as { readonly statusCode?: unknown }).statusCode)
  if (login !== undefined) return `HTTP 407: ${login}`
  // Node leaves the message empty where several addresses of a host were tried.
  return error.message || ((error as NodeJS.ErrnoException).code ?? error.name)
}
