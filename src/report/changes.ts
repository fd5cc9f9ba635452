import type { Change } from '../policy/types.ts'
import { escapeText } from '../util/text.ts'
import { identityText } from './identity.ts'

/** Each change of the identity lock, as `accept` shows it: one line, and for another publisher who it was and who it is. */
export function changeLines(changes: readonly Change[]): readonly string[] {
  return changes.flatMap((change) => [
    `${SIGNS[change.kind]} ${escapeText(`${change.name}@${change.version}`)}  ${escapeText(told(change))}`,
    ...beforeAndNow(change).map((line) => escapeText(line)),
  ])
}

const SIGNS: Readonly<Record<Change['kind'], string>> = {
  added: '+',
  renamed: '~',
  changed: '!',
  lost: '-',
  recorded: '=',
}

function told({ kind, before, after, difference, integrity, recorded }: Change): string {
  const since = before === undefined ? '' : `, as since ${before.from}`
  switch (kind) {
    case 'added':
      return identityText(after)
    case 'renamed':
      return `is called ${after?.repository} now, and was ${before?.identity.repository}`
    case 'recorded':
      return 'has no provenance, and is recorded with its bytes: other versions have it'
    case 'lost': {
      const bytes = recorded === undefined ? '' : `, and other bytes than line ${recorded.line} of the lock records`
      return `has no provenance${bytes}; expected ${identityText(before?.identity)}${since}${integrity === undefined ? NO_BYTES : ''}`
    }
    case 'changed':
      return `${difference?.found}; expected ${difference?.expected}${since}`
  }
}

const NO_BYTES =
  '. It cannot be accepted: the lockfile has no sha512 of it. Update the lockfile, or write an exception into the policy'

function beforeAndNow({ kind, before, after }: Change): readonly string[] {
  if (kind !== 'changed') return []
  return [`    before  ${identityText(before?.identity)}`, `    now     ${identityText(after)}`]
}
