import tls from 'node:tls'
import type { Variables } from '../../managers/types.ts'
import { readUserFileSync } from '../../util/files.ts'

/** Which authorities a package manager is told to trust. */
export interface Trusted {
  /** All of them, for settings that replace. */
  readonly bundle: string
  /** Those that are added to what programs trust by themselves. */
  readonly extra: string
}

/**
 * The gate's authority beside what the user has set. What the package manager itself trusts decides nothing about registries: all
 * of its connections end at the gate, which asks the registries by the user's settings. But what it starts may go elsewhere.
 *
 * @param own `ca` of the user's settings for registries
 */
export function trustedWith(authority: string, own: unknown, env: Variables): Trusted {
  const named = ['SSL_CERT_FILE', 'GIT_SSL_CAINFO', 'CURL_CA_BUNDLE'].map((name) => textOf(env[name]))
  const extra = [textOf(env.NODE_EXTRA_CA_CERTS), authority]
  const system = tls.getCACertificates('system')
  const configured = Array.isArray(own) ? own.map(String) : typeof own === 'string' ? [own] : []
  return {
    extra: joined(extra),
    bundle: joined([...extra, ...configured, ...named, ...tls.rootCertificates, ...system]),
  }
}

function joined(texts: readonly string[]): string {
  return `${[...new Set(texts.map((text) => text.trim()).filter((text) => text !== ''))].join('\n')}\n`
}

/** Of a bundle of certificates. */
const MOST_BYTES = 16 * 1024 * 1024

/** One that cannot be read counts as empty, as it does for those programs. */
function textOf(file: string | undefined): string {
  if (file === undefined || file === '') return ''
  try {
    return readUserFileSync(file, MOST_BYTES)?.toString('utf8') ?? ''
  } catch {
    return ''
  }
}
