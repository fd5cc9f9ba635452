import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { networkEvidence } from '../../src/evidence/mirror.ts'
import type { RegistrySettings } from '../../src/evidence/settings.ts'
import { openGate } from '../../src/gate.ts'
import { loadPolicy } from '../../src/policy/load.ts'
import type { Verdict } from '../../src/policy/types.ts'
import { openProxy, type ProxyOptions, type RunningProxy } from '../../src/proxy/proxy.ts'
import { SIGNED_AT, startWorld, type World } from '../support/world.ts'

export const NOW = new Date(SIGNED_AT.getTime() + 24 * 60 * 60 * 1000)

/** `strict` and what is in the scope `@acme` has to be proven; `free` may be anything, from anywhere. */
export const POLICY = `
trust: { trustedRoot: trust/trusted_root.json, npmKeys: trust/keys.json }
rules:
  - packages: ["free*", "@free/*"]
    source: [registry, tarball, git, directory]
    require: nothing
  - packages: "**"
    require: provenance
    publisher:
      repository: acme/widgets
      workflow: .github/workflows/release.yml
`

/** A registry, a Sigstore, and a folder with a policy. */
export interface Stage {
  readonly world: World
  readonly folder: string
  /** A proxy whose gate asks the world's registry; closed with the stage. */
  open(options?: Partial<ProxyOptions>): Promise<RunningProxy>
  close(): Promise<void>
}

export async function startStage(policy = POLICY): Promise<Stage> {
  const world = await startWorld()
  const folder = mkdtempSync(join(tmpdir(), 'proxy-test-'))
  for (const [path, content] of Object.entries(world.policyFiles(policy))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  const settings: RegistrySettings = { registries: { default: world.registry.url }, options: {} }
  const loaded = await loadPolicy({ folder }, {})
  const proxies: RunningProxy[] = []
  return {
    world,
    folder,
    open: async (options = {}) => {
      const gate = openGate({ policy: loaded, evidence: networkEvidence(settings, undefined), now: NOW })
      const proxy = await openProxy({
        ...{ gate, locked: [], asked: [], isFolderOfTag: () => false, settings, now: new Date(), folder },
        ...options,
      })
      proxies.push(proxy)
      return proxy
    },
    close: async () => {
      await Promise.all(proxies.map((proxy) => proxy.close()))
      await world.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export interface Answer {
  readonly status: number
  readonly reason: string
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
}

export interface AskOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** In place of the proxy's own, with its token. */
  readonly proxyUrl?: string
}

/** Asks as package managers do: in absolute form for http, through a tunnel and TLS for https. */
export async function ask(proxy: RunningProxy, url: string, options: AskOptions = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, proxyUrl = proxy.url } = options
  const secure = url.startsWith('https:')
  const proxyEnv = { HTTP_PROXY: proxyUrl, HTTPS_PROXY: proxyUrl }
  const agent = secure ? new https.Agent({ proxyEnv, ca: proxy.authority }) : new http.Agent({ proxyEnv })
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const request = (secure ? https : http).request(url, { method, headers, agent }, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('error', reject)
    response.on('end', () =>
      resolve({
        status: response.statusCode ?? 0,
        reason: response.statusMessage ?? '',
        headers: response.headers,
        body: Buffer.concat(chunks),
      }),
    )
  })
  request.on('error', reject)
  request.end(body)
  return promise.finally(() => agent.destroy())
}

/** What a refusal says. */
export function errorOf({ body }: Answer): string {
  return (JSON.parse(body.toString('utf8')) as { error: string }).error
}

/** Status by name, as the report would have it. */
export function statuses(verdicts: readonly Verdict[]): readonly string[] {
  return verdicts.map(({ package: { name, version }, status, refusal }) =>
    [`${name}@${version}`, status, ...(refusal === undefined ? [] : [refusal.code])].join(' '),
  )
}
