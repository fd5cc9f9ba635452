import http from 'node:http'
import https from 'node:https'
import { GateError } from '../errors.ts'

/**
 * GET requests over Node's own client. Nothing happens here but one request: no retry, no redirect, no decompression,
 * so that whoever asks can bound each of them. Libraries that do those by themselves read a body faster than it is
 * consumed (a registry that answers 503 without end fills the memory), unpack 64 KB of gzip to 64 MB at a time, send
 * a token on to another port of the same host, and leave a TLS handshake that nobody answers open after its time-out.
 */
export type Transport = (url: URL, request: TransportRequest) => Promise<http.IncomingMessage>

export interface TransportRequest {
  readonly headers: Readonly<Record<string, string>>
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** Milliseconds for the tunnel through a proxy, during which Node does not look at the signal. */
  readonly timeout: number
  readonly signal: AbortSignal
}

/**
 * @param options npm's settings for the connection: `ca`, `strict-ssl`, `https-proxy`, `http-proxy`, `no-proxy`.
 * @throws GateError where a proxy cannot be used.
 */
export function openTransport(options: Readonly<Record<string, unknown>>, maxSockets: number): Transport {
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
  const agents = {
    'http:': new http.Agent(common),
    'https:': new https.Agent({
      ...common,
      ...(typeof ca === 'string' || Array.isArray(ca) ? { ca } : {}),
      rejectUnauthorized: String(options['strict-ssl'] ?? true) !== 'false',
    }),
  }
  return (url, { headers, cert, key, timeout, signal }) =>
    new Promise((resolve, reject) => {
      const secure = url.protocol === 'https:'
      const request = (secure ? https : http).request(url, {
        agent: secure ? agents['https:'] : agents['http:'],
        headers,
        ...(cert === undefined || key === undefined ? {} : { cert, key }),
        timeout,
        signal,
      })
      request.on('response', resolve)
      request.on('error', reject)
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      request.end()
    })
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
