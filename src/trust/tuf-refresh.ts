import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { BaseFetcher, Updater } from 'tuf-js'
import { DownloadHTTPError } from 'tuf-js/dist/error.js'
import { readBoundedFile } from '../util/files.ts'
import { proxyLogin } from '../util/proxy-login.ts'
import { withoutEnd } from '../util/text.ts'
import { MAX_ROOTS, setReferenceTime, type TufState, type VerifiedState, verifyState } from './tuf-state.ts'

export interface RefreshOptions {
  /** Of the repository; metadata are below it, target files below its `targets/`. */
  readonly url: string
  readonly pinned: Buffer
  /** Target files that have to be there, and those that may. */
  readonly names: readonly string[]
  readonly optional: readonly string[]
  readonly now: Date
  /** Ends everything. */
  readonly signal: AbortSignal
}

/**
 * Brings a state up to date over the network, with tuf-js: its client workflow (section 5), which refuses rollback, freeze,
 * mix-and-match and endless data, is the library's. It keeps its files in a folder of its own for the time; what comes of it
 * is verified once more from the pinned root, as it will be on every load.
 *
 * @param known the state to go on from, which has been verified
 * @throws an Error whose message says why not
 */
export async function refreshState(
  options: RefreshOptions,
  known: { readonly state: TufState; readonly verified: VerifiedState } | undefined,
): Promise<{ readonly state: TufState; readonly verified: VerifiedState }> {
  const { url, pinned, now } = options
  const folder = await mkdtemp(path.join(tmpdir(), 'provenance-gate-tuf-'))
  try {
    await mkdir(path.join(folder, 'targets'))
    await writeFile(path.join(folder, 'root.json'), known?.verified.root ?? pinned)
    for (const role of known === undefined ? [] : (['timestamp', 'snapshot', 'targets'] as const))
      await writeFile(path.join(folder, `${role}.json`), known?.state[role] ?? '')
    for (const [role, bytes] of known?.state.delegated ?? [])
      await writeFile(path.join(folder, `${encodeURIComponent(role)}.json`), bytes)
    const fetcher = new Fetcher(options.signal)
    const base = withoutEnd(url, '/')
    const updater = new Updater({
      metadataDir: folder,
      metadataBaseUrl: base,
      targetDir: path.join(folder, 'targets'),
      targetBaseUrl: `${base}/targets`,
      fetcher,
      config: { maxRootRotations: MAX_ROOTS },
    })
    setReferenceTime((updater as unknown as { trustedSet: Parameters<typeof setReferenceTime>[0] }).trustedSet, now)
    await updater.refresh()
    const files = await download(updater, options)
    const state: TufState = {
      roots: [...(known?.state.roots ?? []), ...fetcher.roots],
      timestamp: await own(path.join(folder, 'timestamp.json')),
      snapshot: await own(path.join(folder, 'snapshot.json')),
      targets: await own(path.join(folder, 'targets.json')),
      delegated: await delegatedIn(folder),
      files,
    }
    const verified = await verifyState(state, pinned)
    if (verified.expires <= now) throw new Error(`what ${url} offers expired at ${verified.expires.toISOString()}`)
    return { state, verified }
  } catch (error) {
    // The library looks into metadata without asking whether what it looks for is there.
    throw error instanceof TypeError && error.cause === undefined
      ? new Error('a part of its metadata is missing', { cause: error })
      : error
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Genuine ones have some kilobytes. */
const MAX_ROOT = 1 << 20

/** A root by its number, whatever it is. @throws an Error whose message says why not */
export function fetchRoot(
  url: string,
  { version }: { readonly version: number },
  signal: AbortSignal,
): Promise<Buffer> {
  return new Fetcher(signal).downloadBytes(`${withoutEnd(url, '/')}/${version}.root.json`, MAX_ROOT)
}

/** As much as is read of what is kept: `tuf-cache.ts`. */
const MAX_FILE = 16 << 20

/** What the library has just written. */
async function own(file: string): Promise<Buffer> {
  const bytes = await readBoundedFile(file, MAX_FILE)
  if (bytes === undefined) throw new Error('a part of its metadata is missing')
  return bytes
}

const OWN = new Set(['root.json', 'timestamp.json', 'snapshot.json', 'targets.json'])

/** The library keeps the metadata of a role that targets are delegated to under its encoded name. */
async function delegatedIn(folder: string): Promise<Map<string, Buffer>> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json') && !OWN.has(name)).sort()
  const read = names.map(async (name) => {
    const role = decodeURIComponent(name.slice(0, -'.json'.length))
    return [role, await own(path.join(folder, name))] as const
  })
  return new Map(await Promise.all(read))
}

async function download(updater: Updater, { names, optional, url }: RefreshOptions): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  for (const name of [...names, ...optional]) {
    const target = await updater.getTargetInfo(name)
    if (target === undefined && optional.includes(name)) continue
    if (target === undefined) throw new Error(`${url} has no target ${JSON.stringify(name)}`)
    files.set(name, await own(await updater.downloadTarget(target)))
  }
  return files
}

/**
 * A request, and where it is sent on to. By Node's own client, which takes a proxy (HTTPS_PROXY, NO_PROXY) as `fetch` does not.
 *
 * @throws an Error whose message says why there is no answer
 */
async function get(url: URL, signal: AbortSignal, redirects = 3): Promise<IncomingMessage> {
  const { client, agent } = url.protocol === 'https:' ? HTTPS : HTTP
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = client.request(url, { agent, signal, headers: { 'user-agent': 'provenance-gate' } })
    request.on('response', resolve)
    request.on('error', (error: Error & { readonly statusCode?: unknown }) =>
      reject(withLogin(error, error.statusCode)),
    )
    request.end()
    // While it asks a proxy, Node does not look at the signal.
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  const { statusCode = 0, headers } = response
  if (statusCode === 200) return response
  response.destroy()
  const next = headers.location === undefined ? null : URL.parse(headers.location, url.href)
  const isDowngrade = url.protocol === 'https:' && next?.protocol !== 'https:'
  if (statusCode < 300 || statusCode >= 400 || next === null || isDowngrade || redirects === 0)
    throw withLogin(new DownloadHTTPError(`HTTP ${statusCode} from ${url.href}`, statusCode), statusCode)
  return get(next, signal, redirects - 1)
}

/** What to do where it is the proxy that refused. */
function withLogin(error: Error, status: unknown): Error {
  const login = proxyLogin(status)
  if (login !== undefined) error.message = `HTTP 407: ${login}`
  return error
}

const HTTP = { client: http, agent: new http.Agent({ proxyEnv: process.env }) }
const HTTPS = { client: https, agent: new https.Agent({ proxyEnv: process.env }) }

/** One request, and no other; keeps the roots, of which the library only keeps the last. */
class Fetcher extends BaseFetcher {
  readonly roots: Buffer[] = []
  readonly #signal: AbortSignal

  constructor(signal: AbortSignal) {
    super()
    this.#signal = signal
  }

  override async fetch(url: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const response = await get(new URL(url), this.#signal)
    return Readable.toWeb(response) as ReadableStream<Uint8Array<ArrayBuffer>>
  }

  override async downloadBytes(url: string, maxLength: number): Promise<Buffer> {
    const bytes = await super.downloadBytes(url, maxLength)
    if (/\/\d+\.root\.json$/.test(url)) this.roots.push(bytes)
    return bytes
  }
}
