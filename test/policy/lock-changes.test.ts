import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { demandFor, differenceOf } from '../../src/policy/identity.ts'
import { loosenedSince } from '../../src/policy/lock-changes.ts'
import type { Identity, IdentityLock, LockAllowance, LockChange, LockEntry } from '../../src/policy/types.ts'

const identity: Identity = {
  domain: 'sigstore',
  issuer: 'https://token.actions.githubusercontent.com',
  repository: 'https://github.com/acme/app',
  repositoryId: '1',
  ownerId: '2',
  workflow: '.github/workflows/release.yml',
  builder: 'own',
  runner: 'hosted',
  trigger: 'push',
  environment: 'npm',
  ref: 'branch',
  branch: ['main', 'release/*'],
}
const INTEGRITY = `sha512-${'A'.repeat(86)}==`
const OTHER = `sha512-${'B'.repeat(85)}A==`
/** What an identity need not have. */
const FIELDS = [
  ...(['repositoryId', 'ownerId', 'workflow', 'builder', 'runner', 'trigger', 'environment', 'branch'] as const),
]
const OPTIONAL_ABSENT = {
  workflow: undefined,
  builder: undefined,
  runner: undefined,
  trigger: undefined,
  environment: undefined,
  branch: undefined,
}
const NOW = new Date('2026-06-01T12:00:00Z')

const entry = (who: Partial<Identity> = {}, ...unproven: readonly string[]): LockEntry => ({
  published: [{ from: '1.0.0', identity: { ...identity, ...who }, line: 3 }],
  unproven: unproven.map((version) => ({ version, integrity: INTEGRITY, line: 20 })),
})
const lockOf = (...entries: readonly (readonly [string, LockEntry])[]): IdentityLock => new Map(entries)
const compare = (
  base: IdentityLock,
  lock: IdentityLock,
  { installed = [...base.keys(), ...lock.keys()], allowances = [] as readonly LockAllowance[], now = NOW } = {},
) => loosenedSince(base, lock, new Set(installed), allowances, now)
const told = (...args: Parameters<typeof compare>) =>
  compare(...args).map(({ kind, package: name, found, expected }) => `${kind} ${name}: ${found}; ${expected}`)

describe('for what the lock of a change asks less', () => {
  it('is nothing where it is the same, or has more', () => {
    const base = lockOf(['a', entry({}, '0.9.0')])
    assert.deepEqual(compare(base, base), [])
    assert.deepEqual(compare(base, lockOf(['a', entry()])), [])
    assert.deepEqual(compare(base, new Map([...base, ['b', entry({ repositoryId: '9' }, '1.0.0')]])), [])
    const { runner: _, trigger: __, builder: ___, branch: ____, ...less } = identity
    const before = lockOf(['a', { ...entry(), published: [{ from: '1.0.0', identity: less, line: 1 }] }])
    assert.deepEqual(compare(before, lockOf(['a', entry()])), [])
  })

  it('is nothing where another event takes a right to write', () => {
    const base = lockOf(['a', entry()])
    assert.deepEqual(compare(base, lockOf(['a', entry({ trigger: 'release' })])), [])
    assert.deepEqual(compare(base, lockOf(['a', entry({ branch: ['main'] })])), [])
    assert.deepEqual(compare(base, lockOf(['a', entry({ branch: ['release/1.x'] })])), [])
  })

  it('is an entry that is gone, unless the lockfile does not have the package any more', () => {
    const base = lockOf(['a', entry()], ['b', entry({ repositoryId: '5' })])
    const lock = lockOf(['b', entry({ repositoryId: '5' })])
    assert.deepEqual(told(base, lock), ['removed a: nothing of it; its entries, for the lockfile still has it'])
    assert.deepEqual(compare(base, lock, { installed: ['b'] }), [])
    assert.deepEqual(compare(base, lock)[0]?.line, undefined)
    assert.deepEqual(compare(base, lock)[0]?.baseLine, 3)
  })

  it('is an entry that has another name now', () => {
    const base = lockOf(['widget', entry()])
    assert.deepEqual(told(base, lockOf(['widgte', entry()])), [
      'renamed widget: its entries under the name "widgte"; its entries, for the lockfile still has it',
    ])
  })

  it('is a version that needs no provenance any more, with other bytes too', () => {
    const base = lockOf(['a', entry({}, '0.9.0')])
    assert.deepEqual(told(base, lockOf(['a', entry({}, '0.9.0', '1.4.99')])), [
      'unproven a: 1.4.99 needs no provenance; provenance by "https://github.com/acme/app", as since 1.0.0',
    ])
    const bytes = { ...entry(), unproven: [{ version: '0.9.0', integrity: OTHER, line: 7 }] }
    assert.deepEqual(told(base, lockOf(['a', bytes])), [
      `unproven a: 0.9.0 needs no provenance; the same with the integrity ${INTEGRITY} alone`,
    ])
    assert.equal(compare(base, lockOf(['a', bytes]))[0]?.line, 7)
  })

  const loosened: readonly (readonly [string, Partial<Identity>, RegExp])[] = [
    ['another repository', { repositoryId: '9' }, /repository id "9"; repository id "1"/],
    [
      'another name of the repository under the same ids, for claims may have none',
      { repository: 'https://github.com/evil/w' },
      /repository "https:\/\/github\.com\/evil\/w"; repository "https:\/\/github\.com\/acme\/app"/,
    ],
    ['another owner', { ownerId: '9' }, /owner id "9"; owner id "2"/],
    ['no repository id', { repositoryId: undefined }, /no repository id; /],
    ['no owner id', { ownerId: undefined }, /no owner id; /],
    ['no workflow', { workflow: undefined }, /no workflow; /],
    ['no builder', { builder: undefined }, /no builder; builder "own"/],
    ['another builder', { builder: 'https://github.com/x/y/z.yml' }, /builder "https/],
    ['no runner', { runner: undefined }, /no runner; runner "hosted"/],
    ['another runner', { runner: 'self-hosted' }, /runner "self-hosted"/],
    ['no trigger', { trigger: undefined }, /no trigger/],
    ['another trigger', { trigger: 'workflow_run' }, /trigger "workflow_run"/],
    ['no environment', { environment: undefined }, /no environment/],
    ['no branch', { branch: undefined }, /no branch; branch "main" or "release\/\*"/],
    ['one more branch', { branch: ['main', 'release/*', 'next'] }, /branch "main" or "release\/\*" or "next"|"next"/],
    ['a wider pattern', { branch: ['main', 'release/**'] }, /branch "main" or "release\/\*\*"/],
    ['any branch', { branch: ['**'] }, /branch "\*\*"/],
    ['tags', { ref: 'tag', branch: undefined }, /kind of ref "tag"/],
    ['another trust domain', { domain: 'acme' }, /trust domain "acme"/],
    ['another issuer', { issuer: 'https://gitlab.com' }, /issuer "https:\/\/gitlab.com"/],
  ]
  for (const [what, who, message] of loosened) {
    it(`is an entry with ${what}, be it a new one that begins later or earlier`, () => {
      const base = lockOf(['a', entry()])
      assert.match(told(base, lockOf(['a', entry(who)])).join(), message)
      for (const from of ['1.5.0', '2.0.0', '0.9.0', '1.0.0-rc.1']) {
        const added = { from, identity: { ...identity, ...who }, line: 9 }
        const [one, ...others] = compare(base, lockOf(['a', { ...entry(), published: [...entry().published, added] }]))
        assert.match(`${one?.found}; ${one?.expected}`, message)
        assert.deepEqual([one?.line, one?.baseLine, others], [9, 3, []])
      }
    })
  }

  it('is an id for what had none: the name would not be compared any more', () => {
    const { repositoryId: _, ownerId: __, ...legacy } = identity
    const base = lockOf(['a', { ...entry(), published: [{ from: '1.0.0', identity: legacy, line: 1 }] }])
    assert.match(told(base, lockOf(['a', entry({ repositoryId: '666' })])).join(), /repository id "666"; no repository/)
  })

  it('is what the policy allows for a time, and told all the same', () => {
    const base = lockOf(['a', entry()], ['b', entry()])
    const lock = lockOf(['a', entry({ ownerId: '9' })], ['b', entry({ ownerId: '9' })])
    const place = { file: '.sigstorerc', line: 2, column: 5 }
    const allowances = [{ package: 'a', reason: 'moved', expires: '2026-06-01', place }]
    const allowed = (now: string) =>
      compare(base, lock, { allowances, now: new Date(now) }).map((each) => [
        each.package,
        each.isAllowed,
        each.allowance?.reason,
      ])
    assert.deepEqual(allowed('2026-06-01T23:59:59Z'), [
      ['a', true, 'moved'],
      ['b', false, undefined],
    ])
    assert.deepEqual(allowed('2026-06-02T00:00:00Z')[0], ['a', false, 'moved'])
    allowances.push({ package: 'a', reason: 'again', expires: '2026-06-09', place })
    assert.deepEqual(allowed('2026-06-02T00:00:00Z')[0], ['a', true, 'again'])
    allowances[1] = { package: 'A', reason: 'again', expires: '2026-06-09', place }
    assert.deepEqual(allowed('2026-06-02T00:00:00Z')[0], ['a', false, 'moved'])
  })
})

describe('of any two locks', () => {
  const version = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(2)).map((parts) => parts.join('.'))
  const who: fc.Arbitrary<Identity> = fc
    .record(
      {
        repositoryId: fc.constantFrom('1', '9'),
        workflow: fc.constantFrom('a.yml', 'b.yml'),
        builder: fc.constantFrom('own', 'https://github.com/x/y/z.yml'),
        runner: fc.constantFrom('hosted' as const, 'self-hosted' as const),
        trigger: fc.constantFrom('push', 'workflow_run'),
        environment: fc.constantFrom('npm', 'release'),
        branch: fc.subarray(['main', 'next', 'release/*'], { minLength: 1 }),
      },
      { requiredKeys: [], noNullPrototype: true },
    )
    .map((fields) => ({ ...identity, ...OPTIONAL_ABSENT, ...fields }))
  const entries: fc.Arbitrary<LockEntry> = fc.record(
    {
      published: fc.uniqueArray(fc.record({ from: version, identity: who, line: fc.nat(99) }), {
        minLength: 1,
        maxLength: 4,
        selector: ({ from }) => from,
      }),
      unproven: fc.uniqueArray(fc.record({ version, integrity: fc.constantFrom(INTEGRITY, OTHER), line: fc.nat(99) }), {
        maxLength: 3,
        selector: (each) => each.version,
      }),
    },
    { noNullPrototype: true },
  )
  const locks = fc
    .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', '@c/c', 'constructor'), entries), {
      minLength: 1,
      maxLength: 4,
      selector: ([name]) => name,
    })
    .map((all): IdentityLock => new Map(all))

  it('another order is no change', () => {
    fc.assert(
      fc.property(locks, (lock) => {
        const turned = [...lock].reverse().map(([name, { published, unproven }]) => {
          const same = published.toReversed().map(({ from, identity: by, line }) => ({
            ...{ from, line },
            identity: { ...by, branch: by.branch?.toReversed() },
          }))
          return [name, { published: same, unproven: unproven.toReversed() }] as const
        })
        assert.deepEqual(compare(lock, new Map(turned)), [])
        assert.deepEqual(compare(new Map(turned), lock), [])
      }),
    )
  })

  it('a package, an entry or a field that is taken away is found, and under its name alone', () => {
    fc.assert(
      fc.property(locks, fc.nat(), fc.nat(), fc.nat(), (lock, which, point, field) => {
        const [name, entry] = [...lock][which % lock.size] ?? assert.fail()
        const without = new Map(lock)
        without.delete(name)
        const changed: IdentityLock[] = [without]
        const at = point % entry.published.length
        const published = entry.published.filter((_, index) => index !== at)
        if (published.length > 0) changed.push(new Map(lock).set(name, { ...entry, published }))
        const there = entry.published[at] ?? assert.fail()
        const fields = FIELDS.filter((each) => there.identity[each] !== undefined)
        if (fields.length > 0) {
          const { [fields[field % fields.length] ?? 'runner']: _, ...rest } = there.identity
          const loose = entry.published.with(at, { ...there, identity: rest as Identity })
          changed.push(new Map(lock).set(name, { ...entry, published: loose }))
        }
        for (const one of changed) {
          const found = compare(lock, one, { installed: [...lock.keys()] })
          assert.ok(found.length > 0)
          assert.deepEqual([...new Set(found.map((each) => each.package))], [name])
        }
      }),
    )
  })

  it('a version that is recorded, or a branch that is added, is found', () => {
    fc.assert(
      fc.property(locks, fc.nat(), fc.nat(), version, (lock, which, point, recorded) => {
        const [name, entry] = [...lock][which % lock.size] ?? assert.fail()
        const known = entry.unproven.find((each) => each.version === recorded)
        const integrity = known?.integrity === INTEGRITY ? OTHER : INTEGRITY
        const others = entry.unproven.filter((each) => each !== known)
        const unproven = [...others, { version: recorded, integrity, line: 1 }]
        assert.equal(compare(lock, new Map(lock).set(name, { ...entry, unproven })).length, 1)
        const at = point % entry.published.length
        const there = entry.published[at] ?? assert.fail()
        fc.pre(there.identity.branch !== undefined)
        const wider = { ...there, identity: { ...there.identity, branch: [...(there.identity.branch ?? []), 'evil'] } }
        const published = entry.published.with(at, wider)
        assert.equal(compare(lock, new Map(lock).set(name, { ...entry, published })).length, 1)
      }),
    )
  })

  it('where nothing is found, what was refused still is: any version, by anybody or by nobody', () => {
    const added = fc.array(fc.tuple(version, fc.option(who), fc.option(fc.constantFrom('main', 'next'))), {
      maxLength: 3,
    })
    const asked = fc.tuple(fc.oneof(version, fc.constant('')), who, fc.constantFrom('main', 'next', 'release/1', 'x'))
    const pkg = (from: string): LockedPackage => ({
      ...{ name: 'a', version: from, integrity: INTEGRITY, source: 'registry', origin: undefined, importers: [] },
      key: 'a',
    })
    let compared = 0
    fc.assert(
      fc.property(entries, added, asked, (entry, more, [from, by, branch]) => {
        const before = entry.published
        const points = more.flatMap(([begin, other, narrowed]) => {
          if (before.some((each) => each.from === begin)) return []
          const same = demandFor(entry, pkg(begin))?.since.identity ?? assert.fail()
          const tighter = narrowed === null ? same : { ...same, branch: [narrowed] }
          return [{ from: begin, identity: other ?? tighter, line: 0 }]
        })
        const after = { ...entry, published: [...before, ...points] }
        if (compare(lockOf(['a', entry]), lockOf(['a', after])).length > 0) return
        compared += 1
        const found = { ...by, branch: [branch] }
        const [was, is] = [entry, after].map((each) => demandFor(each, pkg(from)) ?? assert.fail())
        if (was === undefined || is === undefined) assert.fail()
        assert.equal(is.mayLack, was.mayLack)
        if (differenceOf(was.since.identity, found) !== undefined)
          assert.notEqual(differenceOf(is.since.identity, found), undefined)
      }),
      { numRuns: 1000 },
    )
    assert.ok(compared > 200, String(compared))
  })

  it('what is found of one package does not depend on the others', () => {
    fc.assert(
      fc.property(locks, locks, (base, lock) => {
        const installed = [...base.keys(), ...lock.keys()]
        const alone = [...base].flatMap(([name, entry]) => {
          const one = lock.get(name)
          return compare(lockOf([name, entry]), one === undefined ? lock : lockOf([name, one]), { installed })
        })
        const kinds = (all: readonly LockChange[]) =>
          all.map((each) => [each.package, each.kind.replace('renamed', 'removed')])
        assert.deepEqual(kinds(compare(base, lock, { installed })), kinds(alone))
      }),
    )
  })
})
