import { refuse } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import { isHttp, LIMITS, type Limits, openClient } from './client.ts'
import { registryEvidence } from './registry.ts'
import type { RegistrySettings } from './settings.ts'
import type { Evidence, EvidenceSource } from './types.ts'

/** Another server that has evidence. Nothing that it says is believed: what it can do is to withhold. */
export interface Mirror {
  /** Of a document, with `{name}` and `{version}` in its path. */
  readonly url: string
  /** Who is asked for what it does not have. */
  readonly fallback: 'registry' | 'none'
}

/** Evidence from the registry, or from a mirror instead of it or before it. */
export function networkEvidence(
  settings: RegistrySettings,
  mirror: Mirror | undefined,
  limits: Limits = LIMITS,
): EvidenceSource {
  if (mirror === undefined) return registryEvidence(settings, limits)
  if (mirror.fallback === 'none') return mirrorEvidence(mirror, settings, limits)
  // Of the time that whoever asks will wait, each has half.
  const half = { ...limits, total: limits.total / 2 }
  const first = mirrorEvidence(mirror, settings, half)
  const second = registryEvidence(settings, half)
  return {
    attestations: async (pkg, from) => otherwise(await first.attestations(pkg), () => second.attestations(pkg, from)),
    signatures: async (pkg, withTime, from) =>
      otherwise(await first.signatures(pkg, withTime), () => second.signatures(pkg, withTime, from)),
  }
}

/**
 * The registry's answer where the mirror has none. That something does not exist both have to say: a mirror that does not
 * answer may have what the registry lacks.
 */
async function otherwise(mirror: Evidence, askRegistry: () => Promise<Evidence>): Promise<Evidence> {
  if (mirror.ok) return mirror
  const registry = await askRegistry()
  if (registry.ok || mirror.refusal.code === 'EVIDENCE_MISSING') return registry
  const { code, found, expected } = mirror.refusal
  return refuse(code, `${found}; ${registry.refusal.found}`, expected)
}

/** Documents as `provenance-gate export` lays them out, `….signatures.json` beside `….json`. */
function mirrorEvidence({ url }: Mirror, { options }: RegistrySettings, limits: Limits): EvidenceSource {
  const client = openClient(options, limits)
  const fetch = async (pkg: LockedPackage, template: string, none: string, expected: string): Promise<Evidence> => {
    const filled = fill(template, pkg)
    return filled === undefined
      ? refuse('EVIDENCE_UNAVAILABLE', `a name that leads elsewhere than to a file of the mirror ${template}`, expected)
      : client({ url: filled, name: pkg.name, none, expected })
  }
  return {
    attestations: (pkg) => fetch(pkg, url, 'no attestations', 'an attestation document'),
    signatures: async (pkg) => {
      const [none, expected] = ['no signatures', "the registry's signatures"]
      return url.endsWith('.json')
        ? fetch(pkg, `${url.slice(0, -'.json'.length)}.signatures.json`, none, expected)
        : refuse('EVIDENCE_MISSING', `${none} at a mirror whose URL does not end in .json (${url})`, expected)
    },
  }
}

/** Name and version come from the lockfile, which an attacker may have written: of the slashes only a scope's is one. */
function fill(template: string, { name, version }: LockedPackage): URL | undefined {
  const [, scope = '', rest = ''] = /^(@[^/]+\/)?(.*)$/s.exec(name) ?? []
  const encodedName = scope === '' ? encoded(rest) : `@${encoded(scope.slice(1, -1))}/${encoded(rest)}`
  // Functions, for in a text `$&` would stand for something.
  const text = template.replace(/\{(?:name|version)\}/g, (key) => (key === '{name}' ? encodedName : encoded(version)))
  const [, path = ''] = /^https?:\/\/[^/]+\/(.*)$/.exec(text) ?? []
  // Alone between two slashes, dots lead elsewhere.
  if (path.split('/').some((segment) => /^\.*$/.test(segment))) return undefined
  const url = URL.parse(text)
  return url !== null && isHttp(url) ? url : undefined
}

/** `toWellFormed`, because half of a surrogate pair is an exception here. */
function encoded(part: string): string {
  return encodeURIComponent(part.toWellFormed())
}
