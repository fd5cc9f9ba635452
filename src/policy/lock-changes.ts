import { differencesOf, pointFor } from './identity.ts'
import { quote } from './text.ts'
import { endOf } from './time.ts'
import type {
  Difference,
  Identity,
  IdentityLock,
  LockAllowance,
  LockChange,
  LockEntry,
  LockedIdentity,
} from './types.ts'

type Found = Omit<LockChange, 'package' | 'allowance' | 'isAllowed'>

/**
 * For what the identity lock of a change asks less than that of the protected branch: entries that are gone, that ask for
 * less or for another identity, and versions that need no proof any more. What a change adds, and the order, are none. Pure.
 *
 * @param lock of the change; empty where it has none
 * @param installed names that the lockfile has: what left it may leave the lock
 */
export function loosenedSince(
  base: IdentityLock,
  lock: IdentityLock,
  installed: ReadonlySet<string>,
  allowances: readonly LockAllowance[],
  now: Date,
): readonly LockChange[] {
  const newNames = new Map(
    [...lock].flatMap(([name, entry]) => (base.has(name) ? [] : [[fingerprint(entry), name] as const])),
  )
  return [...base].flatMap(([name, before]) => {
    const after = lock.get(name)
    const found =
      after === undefined
        ? goneFrom(before, installed.has(name), newNames)
        : [...entries(before, after), ...records(before, after)]
    const those = allowances.filter((each) => each.package === name)
    const holding = those.find(({ expires }) => now < endOf(expires))
    const [allowance, isAllowed] = [holding ?? those[0], holding !== undefined]
    return found.map((each): LockChange => ({ package: name, ...each, allowance, isAllowed }))
  })
}

function fingerprint({ published }: LockEntry): string {
  const points = published.map(({ from, identity }) => JSON.stringify([from, Object.entries(identity).sort()]))
  return JSON.stringify(points.sort())
}

function lineOf({ published }: LockEntry): number {
  return Math.min(...published.map(({ line }) => line))
}

function goneFrom(before: LockEntry, isInstalled: boolean, newNames: ReadonlyMap<string, string>): readonly Found[] {
  if (!isInstalled) return []
  const baseLine = lineOf(before)
  const expected = 'its entries, for the lockfile still has it'
  const other = newNames.get(fingerprint(before))
  return other === undefined
    ? [{ kind: 'removed', found: 'nothing of it', expected, line: undefined, baseLine }]
    : [{ kind: 'renamed', found: `its entries under the name ${quote(other)}`, expected, line: undefined, baseLine }]
}

/** With all entries of the base there, each that is new holds where the base had one for the version that it begins with. */
function entries(before: LockEntry, after: LockEntry): readonly Found[] {
  const kept = new Map(after.published.map((point) => [point.from, point]))
  const gone = before.published.flatMap((point): readonly Found[] => {
    const now = kept.get(point.from)
    if (now !== undefined) return less(point, now)
    const found = `no entry from ${point.from} on`
    return [{ kind: 'removed', found, expected: 'one', line: lineOf(after), baseLine: point.line }]
  })
  const froms = new Set(before.published.map(({ from }) => from))
  const added = after.published.flatMap((point) => {
    const asked = froms.has(point.from) ? undefined : pointFor(before.published, point.from)
    return asked === undefined ? [] : less(asked, point)
  })
  return [...gone, ...added]
}

function less(before: LockedIdentity, after: LockedIdentity): readonly Found[] {
  const looser = loosened(before.identity, after.identity)
  if (looser.length === 0) return []
  return [
    {
      kind: 'loosened',
      found: `from ${after.from} on ${looser.map(({ found }) => found).join(', ')}`,
      expected: `${looser.map(({ expected }) => expected).join(', ')}, as since ${before.from}`,
      line: after.line,
      baseLine: before.line,
    },
  ]
}

/** In what an entry asks for less than another, or for something else. */
function loosened(before: Identity, after: Identity): readonly Difference[] {
  const ids = (['repositoryId', 'ownerId'] as const).flatMap((field): readonly Difference[] => {
    const [wanted, has] = [before[field], after[field]]
    const name = field === 'ownerId' ? 'owner id' : 'repository id'
    if (wanted !== undefined && has === undefined)
      return [{ found: `no ${name}`, expected: `${name} ${quote(wanted)}` }]
    // With an id the name would not be compared any more, and it may be the id of another repository.
    if (field === 'repositoryId' && wanted === undefined && has !== undefined)
      return [{ found: `${name} ${quote(has)}`, expected: `no ${name}, so that names are compared` }]
    return []
  })
  const others = differencesOf(before, after)
  // With ids it is not compared there, but with claims that have none it would be the name alone that counts.
  const isRenamed = before.repository !== after.repository && !others.some(({ field }) => field === 'repository')
  const name: readonly Difference[] = isRenamed
    ? [{ found: `repository ${quote(after.repository)}`, expected: `repository ${quote(before.repository)}` }]
    : []
  return [...ids, ...others, ...name]
}

function records(before: LockEntry, after: LockEntry): readonly Found[] {
  const known = new Set(before.unproven.map(({ version, integrity }) => `${version} ${integrity}`))
  return after.unproven.flatMap(({ version, integrity, line }): readonly Found[] => {
    if (known.has(`${version} ${integrity}`)) return []
    const other = before.unproven.find((each) => each.version === version)
    const since = pointFor(before.published, version)
    return [
      {
        kind: 'unproven',
        found: `${version} needs no provenance`,
        expected:
          other === undefined
            ? `provenance by ${quote(since?.identity.repository ?? '')}, as since ${since?.from}`
            : `the same with the integrity ${other.integrity} alone`,
        line,
        baseLine: other?.line ?? since?.line ?? 0,
      },
    ]
  })
}
