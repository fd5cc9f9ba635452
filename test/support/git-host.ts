import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Server } from 'node:net'
import { selfSigned } from './tls.ts'

/**
 * Stands in for https://codeload.github.com, which makes archives of git repositories: pnpm knows it by that name, and
 * runs the scripts of what it fetches from there. Whoever is to find it here needs `settings`.
 */
export interface GitHost {
  /** Of pnpm: a proxy, and that its certificate need not be known. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Serves a repository's archive, and returns its address. */
  serve(owner: string, name: string, archive: Buffer): string
  close(): Promise<void>
}

const COMMIT = '0123456789abcdef0123456789abcdef01234567'

export async function startGitHost(): Promise<GitHost> {
  const archives = new Map<string, Buffer>()
  const host = createTlsServer(selfSigned(), (request, response) => {
    const archive = archives.get(request.url ?? '')
    if (archive === undefined) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': 'application/x-gzip' }).end(request.method === 'HEAD' ? '' : archive)
  })
  const hostPort = await listen(host)
  const proxy = createServer((_, response) => response.writeHead(502).end('only for tunnels'))
  proxy.on('connect', (request, socket) => {
    socket.on('error', () => socket.destroy())
    if (request.url !== 'codeload.github.com:443') {
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
      return
    }
    const tunnel = connect(hostPort, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      tunnel.pipe(socket).pipe(tunnel)
    })
    tunnel.on('error', () => socket.destroy())
    socket.on('close', () => tunnel.destroy())
  })
  const proxyPort = await listen(proxy)
  return {
    settings: { httpsProxy: `http://127.0.0.1:${proxyPort}/`, noProxy: '127.0.0.1', strictSsl: false },
    serve: (owner, name, archive) => {
      const path = `/${owner}/${name}/tar.gz/${COMMIT}`
      archives.set(path, archive)
      return `https://codeload.github.com${path}`
    },
    close: async () => {
      for (const server of [proxy, host]) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    },
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return (server.address() as AddressInfo).port
}
