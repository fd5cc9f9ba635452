import type { Buffer } from 'node:buffer'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Misbehaviour, misbehave, Rules } from './misbehaviour.ts'
import type { Dist } from './packument.ts'
import { type PassThrough, passThrough } from './pass-through.ts'
import { json, metadata, type Reply, send, tarball } from './replies.ts'
import { decodedPath, type Route, route } from './routes.ts'
import { type PublishOptions, Store } from './store.ts'
import type { PackedPackage } from './tarball.ts'

export interface RegistryOptions {
  /** Mount point, such as `/npm/`, with both slashes. */
  readonly basePath?: string
  /** If given, a request without `Authorization: Bearer TOKEN` is answered with 401. */
  readonly token?: string
  /** What the keys endpoint answers. */
  readonly keys?: unknown
  /** Where to look for packages that were not published here. */
  readonly passThrough?: PassThrough
}

export interface LoggedRequest {
  readonly method: string
  /** As it arrived: with the base path, percent-encoding and query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
}

export interface Registry {
  /** Ends in a slash, as registry URLs do in lockfiles and npmrc files. */
  readonly url: string
  /** Every request since the start or the last `forgetRequests`, in the order of arrival; refused ones too. */
  readonly requests: readonly LoggedRequest[]
  publish(pkg: PackedPackage, options?: PublishOptions): void
  /** Replaces the attestation document; undefined takes it away, from the metadata too. */
  setAttestations(name: string, version: string, document: unknown): void
  /** Serves other bytes. The metadata stays as it was, as when a mirror or a cache was tampered with. */
  setTarball(name: string, version: string, bytes: Buffer): void
  /** Changes the claim only. Together with `setTarball` this is a registry that lies consistently. */
  setIntegrity(name: string, version: string, integrity: string | undefined): void
  /** Changes any claim about the tarball, its URL included. */
  setDist(name: string, version: string, dist: Dist): void
  setKeys(document: unknown): void
  /** Adds a rule. Rules are tried in the order in which they were added; one that is used up is passed over. */
  misbehave(rule: Misbehaviour): void
  behave(): void
  forgetRequests(): void
  /** Back to how it was started: no packages, no rules, no requests. */
  reset(): void
  /** Tears down every connection at once, the hanging ones too. */
  close(): Promise<void>
}

/** Starts an npm registry on a free port of the loopback interface. */
export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const { basePath = '/', token } = options
  if (!/^\/(.+\/)?$/.test(basePath)) throw new Error(`basePath must begin and end with a slash: ${basePath}`)
  const upstream = options.passThrough && passThrough(options.passThrough)
  const store = new Store()
  const rules = new Rules()
  const requests: LoggedRequest[] = []
  let keys: unknown = options.keys ?? { keys: [] }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      // A mistake of this registry must not look like an answer of one: cut the connection, tell the developer.
      response.destroy(error instanceof Error ? error : new Error(String(error)))
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the registry listens on no port')
  const url = `http://127.0.0.1:${address.port}${basePath}`

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request
    requests.push({ method, path, headers })
    if (method !== 'GET') return send(json(405, { error: `${method} is not supported` }), response)
    const decoded = decodedPath(path, basePath)
    const rule = decoded === undefined ? undefined : rules.take(decoded)
    const honest = () => answer(decoded, headers)
    return rule === undefined ? send(await honest(), response) : misbehave(rule, honest, response)
  }

  async function answer(path: string | undefined, headers: IncomingHttpHeaders): Promise<Reply> {
    if (token !== undefined && headers.authorization !== `Bearer ${token}`) {
      const reply = json(401, { error: 'authentication required' })
      return { ...reply, headers: { ...reply.headers, 'www-authenticate': 'Bearer' } }
    }
    const asked = path === undefined ? undefined : route(path)
    const local = asked && fromStore(asked, headers.accept)
    return local ?? (asked && (await upstream?.answer(asked, url, headers.accept))) ?? json(404, { error: 'Not found' })
  }

  function fromStore(asked: Route, accept: string | undefined): Reply | undefined {
    switch (asked.kind) {
      case 'keys':
        return json(200, keys)
      case 'attestations': {
        const document = store.release(asked.name, asked.version)?.attestations
        return document === undefined ? undefined : json(200, document)
      }
      case 'tarball': {
        const bytes = store.tarball(asked.name, asked.file)
        return bytes && tarball(bytes)
      }
      case 'manifest': {
        const manifest = store.packument(asked.name, url)?.versions[asked.version]
        return manifest && json(200, manifest)
      }
      case 'packument': {
        const full = store.packument(asked.name, url)
        return full && metadata(full, accept)
      }
    }
  }

  return {
    url,
    requests,
    publish: (pkg, publishOptions) => store.publish(pkg, publishOptions),
    setAttestations: (name, version, attestations) => store.change(name, version, () => ({ attestations })),
    setTarball: (name, version, bytes) => store.change(name, version, () => ({ tarball: bytes })),
    setIntegrity: (name, version, integrity) =>
      store.change(name, version, ({ dist }) => ({ dist: { ...dist, integrity } })),
    setDist: (name, version, changes) => store.change(name, version, ({ dist }) => ({ dist: { ...dist, ...changes } })),
    setKeys: (document) => {
      keys = document
    },
    misbehave: (rule) => rules.add(rule),
    behave: () => rules.clear(),
    forgetRequests: () => {
      requests.length = 0
    },
    reset: () => {
      store.clear()
      rules.clear()
      requests.length = 0
      keys = options.keys ?? { keys: [] }
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
      await upstream?.close()
    },
  }
}
