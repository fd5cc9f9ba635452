import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import type { AddressInfo, Server as NetServer, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import type { RefusalCode } from '../../src/codes.ts'
import type { Limits } from '../../src/evidence/client.ts'
import { directoryEvidence } from '../../src/evidence/directory.ts'
import { registryEvidence } from '../../src/evidence/registry.ts'
import type { RegistrySettings } from '../../src/evidence/settings.ts'
import type { Evidence } from '../../src/evidence/types.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { createTarball, type Registry, startRegistry } from '../support/registry/index.ts'

export function locked(name: string, version = '1.0.0'): LockedPackage {
  const key = `${name}@${version}`
  return { name, version, integrity: 'sha512-x', source: 'registry', origin: undefined, importers: ['.'], key }
}

/** What most tests ask a registry, or a folder, for. */
export const attestationsFrom = (...about: Parameters<typeof registryEvidence>) =>
  registryEvidence(...about).attestations
export const attestationsIn = (folder: string) => directoryEvidence(folder).attestations

/** Long enough for any machine: only what must fail by them has shorter ones. */
export const LIMITS: Limits = {
  attempt: 20_000,
  total: 30_000,
  retries: 0,
  pause: 0,
  size: 64 * 1024,
  concurrency: 4,
}

export const DOCUMENT = { attestations: [{ predicateType: 'https://slsa.dev/provenance/v1', bundle: { é: '✓' } }] }

export function settings(url: string, options: Readonly<Record<string, unknown>> = {}): RegistrySettings {
  return { registries: { default: url }, options }
}

/** `//host:port/path/`, which settings for one registry begin with. */
export function host(url: string): string {
  const { host, pathname } = new URL(url)
  return `//${host}${pathname}`
}

export function publish(registry: Registry, name: string, attestations: unknown = DOCUMENT): void {
  registry.publish(createTarball({ name, version: '1.0.0' }), { attestations })
}

/** The phrase that says what was found. */
export function refused(evidence: Evidence, code: RefusalCode): string {
  if (evidence.ok) throw new assert.AssertionError({ message: `expected ${code}, got a document` })
  assert.equal(evidence.refusal.code, code, evidence.refusal.found)
  assert.equal(evidence.refusal.expected, 'an attestation document')
  return evidence.refusal.found
}

export function found(evidence: Evidence): unknown {
  if (!evidence.ok) throw new assert.AssertionError({ message: `expected a document, got ${evidence.refusal.found}` })
  return evidence.value
}

export interface Server {
  /** Ends in a slash. */
  readonly url: string
  readonly requests: readonly { readonly path: string; readonly headers: IncomingHttpHeaders }[]
  /** Bytes that were handed to the connections, closed ones too. */
  written(): number
  /** Resolves when as many connections were closed by the other side, or by an error. */
  closed(connections: number): Promise<void>
}

/** For what the local registry does not do: any handler, on the loopback interface, gone at the end of the test. */
export async function serve(t: TestContext, handler: RequestListener): Promise<Server> {
  const requests: { path: string; headers: IncomingHttpHeaders }[] = []
  const server = createServer((request, response) => {
    requests.push({ path: request.url ?? '', headers: request.headers })
    handler(request, response)
  })
  const { port, ...connections } = await listen(t, server)
  return { url: `http://127.0.0.1:${port}/`, requests, ...connections }
}

/** Listens until the end of the test, and counts what its connections do. */
export async function listen(t: TestContext, server: NetServer) {
  const sockets = new Set<Socket>()
  const waiting: { readonly connections: number; readonly resolve: () => void }[] = []
  let closed = 0
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      closed += 1
      for (const { connections, resolve } of waiting) if (closed >= connections) resolve()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    port: (server.address() as AddressInfo).port,
    written: () => [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, 0),
    closed: (connections: number) =>
      new Promise<void>((resolve) => (closed >= connections ? resolve() : waiting.push({ connections, resolve }))),
  }
}

/** A folder with these files, removed at the end of the test. */
export function folder(t: TestContext, files: Readonly<Record<string, string | Buffer>> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'evidence-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  write(root, files)
  return root
}

export function write(root: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), content)
  }
}

/** A registry that has evidence of `widgets` and `@acme/widgets`, until the end of the test. */
export async function registry(t: TestContext): Promise<Registry> {
  const started = await startRegistry()
  t.after(() => started.close())
  for (const name of ['widgets', '@acme/widgets']) {
    started.publish(createTarball({ name, version: '1.0.0' }), { attestations: DOCUMENT })
  }
  return started
}
