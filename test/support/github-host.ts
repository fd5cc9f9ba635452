import { createServer, type IncomingHttpHeaders } from 'node:http'
import { connect, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { issuedFor } from './tls.ts'

/** What GitHub answers, by URL without the query. A function is asked each time. */
export type Answer = Reply | ((headers: IncomingHttpHeaders) => Reply)

export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

export interface GithubHost {
  /** For `https-proxy`: through it, and nowhere else, the hosts of GitHub are reached. */
  readonly proxy: string
  /** PEM, of whoever vouches for those hosts there. */
  readonly ca: string
  readonly answers: Map<string, Answer>
  /** In the order of arrival. */
  readonly requests: { readonly url: string; readonly headers: IncomingHttpHeaders }[]
  close(): Promise<void>
}

const HOSTS = [
  'github.com',
  'api.github.com',
  'codeload.github.com',
  'objects.githubusercontent.com',
  'store.blob.test',
]

/**
 * The hosts of GitHub on loopback, under their own names: a proxy that takes CONNECT, as companies have one, and speaks TLS
 * with a certificate for them. Requests to the local registry are let through, those to anybody else fail.
 */
export async function startGithubHost(): Promise<GithubHost> {
  const { key, cert, ca } = issuedFor(HOSTS)
  const answers: GithubHost['answers'] = new Map()
  const requests: { url: string; headers: IncomingHttpHeaders }[] = []
  const sockets = new Set<Socket>()

  const web = createServer((request, response) => {
    const url = `https://${request.headers.host}${request.url}`
    requests.push({ url, headers: request.headers })
    const answer = answers.get(url.replace(/\?.*$/, ''))
    const {
      status = 200,
      headers = {},
      body = '',
    } = (typeof answer === 'function' ? answer(request.headers) : answer) ?? {
      status: 404,
      body: '{"message":"Not Found"}',
    }
    response.writeHead(status, headers)
    response.end(body)
  })

  const server = createServer((_, response) => {
    response.writeHead(502)
    response.end()
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  server.on('connect', ({ url = '' }, socket: Socket) => {
    const [host = '', port] = url.split(':')
    if (host === '127.0.0.1') {
      const onward = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
        socket.pipe(onward).pipe(socket)
      })
      sockets.add(onward)
      onward.on('error', () => socket.destroy())
      return
    }
    if (!HOSTS.includes(host)) {
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
      return
    }
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
    const secure = new TLSSocket(socket, { isServer: true, key, cert })
    secure.on('error', () => {})
    web.emit('connection', secure)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it listens on no port')
  return {
    proxy: `http://127.0.0.1:${address.port}`,
    ca,
    answers,
    requests,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
      await closed
    },
  }
}
