import { DEFAULT_DOMAIN } from '../domains.ts'
import type { Change, Identity } from '../policy/types.ts'
import { clean } from './clean.ts'

/** One line for each change of the identity lock, as `accept` shows it. */
export function changeLines(changes: readonly Change[]): readonly string[] {
  return changes.map(
    (change) => `${SIGNS[change.kind]} ${clean(`${change.name}@${change.version}`)}  ${clean(told(change))}`,
  )
}

const SIGNS: Readonly<Record<Change['kind'], string>> = { added: '+', renamed: '~', changed: '!', lost: '-' }

function told({ kind, before, after, difference }: Change): string {
  const since = before === undefined ? '' : `, as since ${before.from}`
  switch (kind) {
    case 'added':
      return who(after)
    case 'renamed':
      return `is called ${after?.repository} now, and was ${before?.identity?.repository}`
    case 'lost':
      return `has no provenance; expected ${who(before?.identity)}${since}`
    case 'changed':
      return `${difference?.found}; expected ${difference?.expected}${since}`
  }
}

function who(identity: Identity | undefined): string {
  if (identity === undefined) return 'nobody'
  const { domain, repository, workflow, environment, ref } = identity
  const parts = [
    ...[repository, workflow, environment && `environment ${environment}`, `from a ${ref}`],
    domain === DEFAULT_DOMAIN ? undefined : `trust domain ${domain}`,
  ]
  return parts.filter((part) => part !== undefined).join(', ')
}
