import { readFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import type { TestContext } from 'node:test'

export interface StaticServer {
  /** Ends in a slash. */
  readonly url: string
  readonly requests: readonly { readonly path: string; readonly headers: IncomingHttpHeaders }[]
}

/** What any web server does with a folder: a file, or 404. Gone at the end of the test. */
export async function serveFolder(t: TestContext, folder: string): Promise<StaticServer> {
  const requests: { path: string; headers: IncomingHttpHeaders }[] = []
  const server = createServer((request, response) => {
    const { url = '', headers } = request
    requests.push({ path: url, headers })
    readFile(path.join(folder, path.posix.join('/', decodeURIComponent(url)))).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not found</h1>'),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  )
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, requests }
}
