import http from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { GateError } from '../errors.ts'

/**
 * Requests over Node's own client, GET unless another method is named. Nothing happens here but one request: no retry, no
 * redirect, no decompression, so that whoever asks can bound each of them. Libraries that do those by themselves read a body faster than it is
 * consumed (a registry that answers 503 without end fills the memory), unpack 64 KB of gzip to 64 MB at a time, send
 * a token on to another port of the same host, and leave a TLS handshake that nobody answers open after its time-out.
 */
export type Transport = (url: URL, request: TransportRequest) => Promise<http.IncomingMessage>

export interface TransportRequest {
  readonly method?: string | undefined
  readonly body?: Readable | undefined
  readonly headers: http.OutgoingHttpHeaders
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** Milliseconds for the tunnel through a proxy, during which Node does not look at the signal. */
  readonly timeout: number
  readonly signal: AbortSignal
}

/** Settings for some hosts alone, as yarn has them. Of several that are about a host the first one with a value counts. */
export interface NetworkSettings {
  /** `*` stands for any characters, dots too. */
  readonly hosts: string
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly 'https-proxy'?: string | undefined
  readonly 'http-proxy'?: string | undefined
}

/**
 * @param options npm's settings for the connection: `ca`, `strict-ssl`, `https-proxy`, `http-proxy`, `no-proxy`; and
 * `networks`, for some hosts.
 * @throws GateError where a proxy cannot be used.
 */
export function openTransport(options: Readonly<Record<string, unknown>>, maxSockets: number): Transport {
  const networks = (options.networks ?? []) as readonly NetworkSettings[]
  for (const each of [options, ...networks]) for (const key of PROXIES) proxy(each[key])
  const opened = new Map<string, ReturnType<typeof openAgents>>()
  const settingsFor = (hostname: string) => networks.filter(({ hosts }) => isAbout(hosts, hostname))
  return (url, { method = 'GET', body, headers, cert, key, timeout, signal }) =>
    new Promise((resolve, reject) => {
      const secure = url.protocol === 'https:'
      const own = settingsFor(url.hostname)
      const [id, client] = [own.map(({ hosts }) => hosts).join(' '), own.find((each) => each.cert && each.key)]
      const agents = opened.get(id) ?? openAgents(Object.assign({}, options, ...own.toReversed()), maxSockets)
      opened.set(id, agents)
      const pair =
        cert !== undefined && key !== undefined ? { cert, key } : client && { cert: client.cert, key: client.key }
      const request = (secure ? https : http).request(url, {
        method,
        agent: secure ? agents['https:'] : agents['http:'],
        headers,
        ...pair,
        timeout,
        signal,
      })
      request.on('response', resolve)
      request.on('error', reject)
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      if (body === undefined) request.end()
      else pipeline(body, request).catch(reject)
    })
}

const PROXIES = ['https-proxy', 'http-proxy'] as const

function isAbout(hosts: string, hostname: string): boolean {
  const [start = '', ...rest] = hosts.toLowerCase().split('*')
  const name = hostname.toLowerCase()
  const end = rest.pop()
  if (end === undefined) return name === start
  if (!name.startsWith(start)) return false
  // Not by a regular expression: a repository could write one that takes hours.
  let at = start.length
  for (const part of rest) {
    const found = name.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return name.length - end.length >= at && name.endsWith(end)
}

function openAgents(options: Readonly<Record<string, unknown>>, maxSockets: number) {
  const { ca } = options
  const common = {
    keepAlive: true,
    maxSockets,
    proxyEnv: {
      HTTPS_PROXY: proxy(options['https-proxy']),
      HTTP_PROXY: proxy(options['http-proxy']),
      NO_PROXY: String(options['no-proxy'] ?? '').replace(/^true$/, '*'),
    },
  }
  return {
    'http:': new http.Agent(common),
    'https:': new https.Agent({
      ...common,
      ...(typeof ca === 'string' || Array.isArray(ca) ? { ca } : {}),
      rejectUnauthorized: String(options['strict-ssl'] ?? true) !== 'false',
    }),
  }
}

function proxy(url: unknown): string | undefined {
  if (typeof url !== 'string' || url === '' || url === 'false') return undefined
  const { protocol, host } = URL.parse(url) ?? { protocol: '', host: '' }
  if (protocol === 'http:' || protocol === 'https:') return url
  // Without user name and password: messages end up in logs.
  throw new GateError(
    `The proxy ${host === '' ? 'of the npm or pnpm settings' : `${protocol}//${host}`} cannot be used: expected an http:// or https:// URL in \`https-proxy\`, \`http-proxy\` or HTTPS_PROXY.`,
  )
}
