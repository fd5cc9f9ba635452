import { createHash, timingSafeEqual } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Authority } from './authority.ts'

/** Answers a request for a URL of any host. What it throws ends the connection. */
export type Handler = (url: URL, request: http.IncomingMessage, response: http.ServerResponse) => Promise<void>

export interface Listener {
  readonly port: number
  /** Ends every connection at once. */
  close(): Promise<void>
}

/**
 * An HTTP proxy (RFC 9110, 9.3.6; RFC 9112, 3.2.2) on the loopback interface. It ends TLS in the place of the hosts, for a
 * client that trusts `authority`, so that the handler sees what is asked and what comes back.
 *
 * Every other program of the machine can connect to the port, and a web page can make a browser do so: without `user` and
 * `password` nothing is asked of anybody, and what is not addressed to another host is no request at all.
 */
export async function listen(credentials: string, authority: Authority, handler: Handler): Promise<Listener> {
  const expected = digest(`Basic ${Buffer.from(credentials).toString('base64')}`)
  const isAllowed = ({ headers }: http.IncomingMessage) =>
    timingSafeEqual(digest(headers['proxy-authorization'] ?? ''), expected)
  const sockets = new Set<Duplex>()
  const track = (socket: Duplex) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // Whoever hangs up has said all there is to say.
    socket.on('error', () => {})
  }

  const answer = (url: URL | null, request: http.IncomingMessage, response: http.ServerResponse) => {
    response.on('error', () => {})
    if (url === null) {
      response.writeHead(400, { connection: 'close' }).end('This is an HTTP proxy.\n')
      return
    }
    handler(url, request, response).catch((error: Error) => response.destroy(error))
  }

  const server = http.createServer(OPTIONS, (request, response) => {
    if (isAllowed(request)) return answer(absolute(request.url), request, response)
    response.writeHead(407, { ...CHALLENGE, connection: 'close' }).end()
  })
  server.on('connection', track)
  // One server for each host that a tunnel leads to; they listen on nothing.
  const inner = new Map<string, Promise<http.Server>>()
  const innerServer = (secure: boolean, host: string, port: number): Promise<http.Server> => {
    const base = `${secure ? 'https' : 'http'}://${host}:${port}`
    const found = inner.get(base) ?? makeInner(secure, host, base)
    inner.set(base, found)
    return found
  }
  const makeInner = async (secure: boolean, host: string, base: string): Promise<http.Server> => {
    // The host that was connected to counts, whatever the request inside calls itself addressed to.
    const listener: http.RequestListener = (request, response) => answer(within(base, request.url), request, response)
    if (!secure) return refuseUpgrades(http.createServer(OPTIONS, listener))
    const issued = await authority.issue(host.replace(/^\[(.*)\]$/, '$1'))
    const server = https.createServer({ ...OPTIONS, ...issued, ALPNProtocols: ['http/1.1'] }, listener)
    return refuseUpgrades(server)
  }

  server.on('connect', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
    track(socket)
    const [, host, port] = /^(\[[0-9a-f:.]+\]|[^:[\]/@?#\s]+):(\d{1,5})$/i.exec(request.url ?? '') ?? []
    if (!isAllowed(request)) {
      return dismiss(
        socket,
        'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="provenance-gate"\r\n\r\n',
      )
    }
    if (host === undefined || URL.parse(`http://${host}:${port}`) === null) {
      return dismiss(socket, 'HTTP/1.1 400 Bad Request\r\n\r\n')
    }
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    if (head.length > 0) socket.unshift(head)
    socket.once('readable', () => {
      const first: Buffer | null = socket.read()
      if (first === null) return socket.destroy()
      socket.unshift(first)
      // yarn berry makes tunnels for plain http, too. A handshake begins with 22.
      return innerServer(first[0] === 22, host.toLowerCase(), Number(port)).then(
        (server) => server.emit('connection', socket),
        (error: Error) => socket.destroy(error),
      )
    })
  })
  refuseUpgrades(server)

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** A connection that is kept is closed by the client first: one that the server closes may have the next request in it. */
const OPTIONS: http.ServerOptions = { keepAliveTimeout: 120_000, requestTimeout: 0 }

const CHALLENGE = { 'proxy-authenticate': 'Basic realm="provenance-gate"' }

/** Whatever comes after an upgrade could not be looked at. */
function refuseUpgrades<T extends http.Server>(server: T): T {
  server.on('upgrade', (_request, socket) => {
    socket.on('error', () => {})
    dismiss(socket, 'HTTP/1.1 501 Not Implemented\r\nConnection: close\r\n\r\n')
  })
  server.on('clientError', (_error, socket) => socket.destroy())
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return server
}

/** Says no more, and hears no more: whoever does not hang up would keep the connection, and as many as there can be. */
function dismiss(socket: Duplex, text: string): void {
  socket.resume()
  socket.end(text, () => socket.destroy())
}

/** Of a request to the proxy itself, which names the host in its first line. */
function absolute(target: string | undefined): URL | null {
  const url = URL.parse(target ?? '')
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '' ? url : null
}

/** Of a request in a tunnel. A path that begins with two slashes is none of another host. */
function within(base: string, target: string | undefined): URL | null {
  return target?.startsWith('/') === true ? URL.parse(base + target) : null
}

/** Of one length, whatever is compared. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
