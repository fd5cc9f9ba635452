import type { Buffer } from 'node:buffer'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pacote from 'pacote'
import { npmRegistryOptions } from './npm-config.ts'
import type { Packument } from './packument.ts'

/** The configured registry could not be asked: no network, no name, no leave. Says nothing about the package. */
export class UpstreamUnreachable extends Error {
  override readonly name = 'UpstreamUnreachable'
}

/** The registry that npm is configured to use on this machine. Undefined means that it does not have what was asked. */
export interface Upstream {
  packument(name: string): Promise<Packument | undefined>
  tarball(name: string, version: string): Promise<Buffer | undefined>
  close(): Promise<void>
}

export function openUpstream(env: NodeJS.ProcessEnv = process.env): Upstream {
  const cache = mkdtempSync(join(tmpdir(), 'upstream-cache-'))
  const options: pacote.Options = {
    ...npmRegistryOptions(env, process.cwd()),
    cache,
    packumentCache: new Map(),
    fullMetadata: true,
    // One try: a test that cannot have the network should skip soon, not after minutes of retries.
    retry: { retries: 0 },
    timeout: 20_000,
  }
  return {
    packument: (name) => asked(() => pacote.packument(name, options) as Promise<unknown> as Promise<Packument>),
    // Checked by pacote against the integrity of the configured registry's own metadata.
    tarball: (name, version) => asked(() => pacote.tarball(`${name}@${version}`, options)),
    close: () => rm(cache, { recursive: true, force: true }),
  }
}

const ABSENT = new Set(['E404', 'ETARGET', 'ENOVERSIONS'])

async function asked<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (cause) {
    const { code, message } = cause as { code?: unknown; message?: unknown }
    if (typeof code === 'string' && ABSENT.has(code)) return undefined
    throw new UpstreamUnreachable(`the configured registry did not answer: ${String(message)}`, { cause })
  }
}

/**
 * For `test(name, { skip: await whyNoUpstream('some-package') })`: false if the configured registry has the package,
 * otherwise the reason for skipping.
 */
export async function whyNoUpstream(name: string, env: NodeJS.ProcessEnv = process.env): Promise<false | string> {
  const upstream = openUpstream(env)
  try {
    const found = await upstream.packument(name)
    return found === undefined ? `the configured registry has no ${name}` : false
  } catch (error) {
    if (error instanceof UpstreamUnreachable) return error.message
    throw error
  } finally {
    await upstream.close()
  }
}
