import type { Refusal } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import { GATE_NAME } from '../util/gate-name.ts'
import { quote } from './text.ts'

/**
 * Whether an entry puts something else in the gate's place. It is asked before all rules, and none of them, nor an
 * exception, permits it: a lockfile that replaces the gate replaces what applies the rules.
 */
export function replacedGate({
  name,
  key,
  source,
  origin,
  integrity,
  unbound,
  aliases = [],
}: LockedPackage): Refusal | undefined {
  const refuse = (found: string): Refusal => ({ code: 'GATE_REPLACED', found, expected: EXPECTED })
  if (name !== GATE_NAME) {
    return aliases.includes(GATE_NAME) ? refuse(`${key}, installed as ${quote(GATE_NAME)}`) : undefined
  }
  if (source !== 'registry') return refuse(origin === undefined ? SOURCES[source] : `${SOURCES[source]}: ${origin}`)
  return integrity === undefined && unbound === undefined ? refuse('an entry without a digest') : undefined
}

const EXPECTED = 'the gate itself from a registry, with a digest: the one that configDependencies pin, where they do'

const SOURCES: Readonly<Record<LockedPackage['source'], string>> = {
  registry: 'a package of a registry',
  tarball: 'a tarball from outside of a registry',
  git: 'a git repository',
  directory: 'a folder',
  workspace: 'a project of the workspace',
  runtime: 'a runtime',
  bundled: 'a package inside of the tarball of another one',
  unknown: 'an entry that contradicts itself or a pin',
}
