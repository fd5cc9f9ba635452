import { NPM_11 } from '../npm/settings-11.ts'
import { NPM_12 } from '../npm/settings-12.ts'
import { pnpm10 } from '../pnpm/settings-10.ts'
import type { Form, KnownSettings } from './types.ts'

/** Whose `.npmrc` other managers share. pnpm 11 and later read only logins there. */
const OWNERS: readonly KnownSettings[] = [pnpm10, NPM_11, NPM_12].flatMap(({ files }) => files['.npmrc'] ?? [])

/**
 * Keys of npm and pnpm in an `.npmrc`, for a manager that reads that file and none of them. What a manager reads itself is in
 * its own list. What npm or pnpm refuses is refused there too: scripts that start npm get it from the same file.
 */
export function foreignSettings(own: KnownSettings): Readonly<Record<string, Form>> {
  const known = new Set([own, ...OWNERS].flatMap(({ refused }) => Object.keys(refused)))
  const forms = Object.assign({}, ...OWNERS.map(({ accepted }) => accepted)) as Readonly<Record<string, Form>>
  return Object.fromEntries(
    Object.entries(forms).filter(([name]) => !known.has(name) && !Object.hasOwn(own.accepted, name)),
  )
}
