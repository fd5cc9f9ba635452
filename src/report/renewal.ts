import { DEFAULT_DOMAIN } from '../domains.ts'
import { listText } from '../util/text.ts'
import { MOST_LISTED } from './bounds.ts'
import { shortPath } from './refusal.ts'

interface TrustedRoot {
  /** A file; undefined where a TUF repository is asked. */
  readonly trustedRoot?: string | undefined
}

/** The files from which trust comes, in place of a TUF repository. */
export interface TrustedFiles extends TrustedRoot {
  readonly npmKeys?: string | undefined
  readonly registries?: ReadonlyMap<string, string> | undefined
  readonly domains?: ReadonlyMap<string, TrustedRoot> | undefined
}

/** How to renew all that is trusted, as a clause: `trust update` renews no file. Not made safe for a terminal yet. */
export function renewal(trust: TrustedFiles, folder: string): string {
  const others = [...(trust.domains ?? [])].filter(([name]) => name !== DEFAULT_DOMAIN)
  const keys = [trust.npmKeys, ...(trust.registries?.values() ?? [])]
  return renewalOf([[DEFAULT_DOMAIN, trust], ...others], keys, folder)
}

/** The same for some trust domains, and files of keys. */
export function renewalOf(
  domains: readonly (readonly [name: string, root: TrustedRoot])[],
  keys: readonly (string | undefined)[],
  folder: string,
): string {
  const asked = domains.flatMap(([name, { trustedRoot }]) => (trustedRoot === undefined ? [updateCommand(name)] : []))
  const named = [...domains.map(([, { trustedRoot }]) => trustedRoot), ...keys].filter((file) => file !== undefined)
  const files = [...new Set(named)].map((file) => shortPath(file, folder))
  const steps = [
    ...(asked.length === 0 ? [] : [`run ${listText(asked, MOST_LISTED)}`]),
    ...(files.length === 0 ? [] : [`renew ${listText(files, MOST_LISTED)} from where it came`]),
    'renew the gate',
  ]
  return steps.join(', or ')
}

function updateCommand(domain: string): string {
  return `\`provenance-gate trust update${domain === DEFAULT_DOMAIN ? '' : ` --domain ${domain}`}\``
}
