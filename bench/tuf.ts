/**
 * The TUF repository that npm and pacote ask for Sigstore's trust root, with the local one's in it. They know only its public
 * address, and have no setting for another. So it is answered here: requests leave through a proxy on the loopback interface
 * that leads to a server with a certificate for that host, and the folder in which they keep what they have learnt begins
 * with the root of this repository.
 */
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DEFAULT_MIRROR_URL, getTrustedRoot } from '@sigstore/tuf'
import { issuedFor } from '../test/support/tls.ts'
import { startTufRepository } from '../test/support/tuf/index.ts'
import type { BenchWorld } from './world.ts'

export interface PublicTuf {
  /** A `tufCache` that has been filled, to be copied: whoever asks only for news finds that there are none. */
  readonly cache: string
  /** For processes that are to find the repository at its public address. */
  readonly env: Readonly<Record<string, string>>
  /** What was asked for. */
  readonly requests: string[]
  close(): Promise<void>
}

export async function startPublicTuf({ trustedRoot }: BenchWorld): Promise<PublicTuf> {
  const repository = await startTufRepository(new Date())
  repository.publish({ 'trusted_root.json': Buffer.from(JSON.stringify(trustedRoot)) })
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-tuf-'))
  const [rootPath, cache, certificate] = ['root.json', 'cache', 'ca.pem'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(rootPath, repository.pinned)
  await getTrustedRoot({ mirrorURL: repository.url, rootPath, cachePath: cache })
  const { host } = new URL(DEFAULT_MIRROR_URL)
  renameSync(path.join(cache, encodeURIComponent(new URL(repository.url).host)), path.join(cache, host))

  const { key, cert, ca } = issuedFor([host])
  writeFileSync(certificate, ca)
  const secure = createSecureServer({ key, cert }, (request, response) => {
    const name = decodeURIComponent((request.url ?? '').slice(1))
    repository.requests.push(name)
    const found = repository.served.get(name)
    response.writeHead(found instanceof Buffer ? 200 : 404).end(found instanceof Buffer ? found : '')
  })
  const sockets = new Set<Socket>()
  const proxy = createServer((_, response) => response.writeHead(502).end())
  proxy.on('connect', ({ url }, client: Socket) => {
    if (url !== `${host}:443`) return client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
    const server = connect((secure.address() as AddressInfo).port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.pipe(server).pipe(client)
    })
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
    }
    return client
  })
  for (const server of [secure, proxy]) await once(server.listen(0, '127.0.0.1'), 'listening')
  repository.requests.length = 0
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  return {
    cache,
    env: {
      HTTPS_PROXY: address,
      NO_PROXY: '127.0.0.1',
      // tuf-js asks with the `fetch` of Node, which looks at proxies only then.
      NODE_USE_ENV_PROXY: '1',
      NODE_EXTRA_CA_CERTS: certificate,
    },
    requests: repository.requests,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      for (const server of [secure, proxy]) {
        server.closeAllConnections()
        server.close()
      }
      await repository.close()
      rmSync(folder, { recursive: true })
    },
  }
}
