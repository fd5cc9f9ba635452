import { DEFAULT_DOMAIN } from '../domains.ts'
import type { Identity } from '../policy/types.ts'

/** Who publishes, in one line: what the certificate does not say is left out. Not made safe for a terminal yet. */
export function identityText(identity: Identity | undefined): string {
  if (identity === undefined) return 'no known publisher'
  const { domain, repository, workflow, builder, runner, trigger, environment, ref, branch } = identity
  const parts = [
    repository,
    workflow,
    builder === undefined || builder === 'own' ? undefined : `built by ${builder}`,
    trigger && `on ${trigger}`,
    runner && `on a ${runner} runner`,
    environment && `environment ${environment}`,
    branch === undefined ? `from a ${ref}` : `from branch ${branch.join(' or ')}`,
    domain === DEFAULT_DOMAIN ? undefined : `trust domain ${domain}`,
  ]
  return parts.filter(Boolean).join(', ')
}
