import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ok, type RefusalCode, refuse } from '../../src/codes.ts'
import { acceptIdentities, type Examined } from '../../src/policy/accept.ts'
import type { Identity, IdentityLock, LockEntry } from '../../src/policy/types.ts'
import type { Claims } from '../../src/verify/types.ts'

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
  ref: 'branch',
  branch: ['main'],
}
const { builder: _builder, runner: _runner, trigger: _trigger, branch: _branch, ...old } = identity
const INTEGRITY = `sha512-${'A'.repeat(86)}==`
const OTHER = `sha512-${'B'.repeat(85)}A==`

type Who = Partial<Omit<Identity, 'branch'>> & { readonly branch?: string; readonly runnerEnvironment?: string }

function examined(
  spec: string,
  who: Who | RefusalCode,
  { source = 'registry', integrity = INTEGRITY }: Partial<Examined['pkg']> = {},
): Examined {
  const at = spec.indexOf('@', 1)
  const [name, version] = [spec.slice(0, at), spec.slice(at + 1)]
  const pkg = {
    name,
    version,
    integrity: integrity === '' ? undefined : integrity,
    source,
    origin: undefined,
    importers: ['.'],
    key: spec,
  }
  if (typeof who === 'string') return { pkg, proof: refuse(who, 'x', 'y') }
  const { branch = 'main', builder, runner, ...rest } = { ...identity, ...who, branch: who.branch }
  const buildSignerUri = builder === 'own' ? `${rest.repository}/x.yml@refs/heads/main` : builder
  const runnerEnvironment = runner && (runner === 'hosted' ? 'github-hosted' : runner)
  const claims = { buildSignerUri, runnerEnvironment, ...rest, ref: `refs/heads/${branch}` } as unknown as Claims
  const provenance = [{ predicateType: 'x', claims, signedAt: '2026-01-01T00:00:00Z' }]
  return { pkg, proof: ok({ provenance, publish: [] }) }
}

const EMPTY: IdentityLock = new Map()
const known = (...versions: readonly string[]): LockEntry => ({
  published: versions.map((from) => ({ from, identity, line: 0 })),
  unproven: [],
})
const locked = (name: string, ...versions: readonly string[]): IdentityLock => new Map([[name, known(...versions)]])
const record = (version: string, integrity = INTEGRITY) => ({ version, integrity, line: 0 })
const accept = (lock: IdentityLock, all: readonly Examined[], ...named: readonly string[]) =>
  acceptIdentities(lock, all, new Set(named))
const kinds = ({ changes }: ReturnType<typeof accept>) =>
  changes.map(({ kind, name, version, accepted }) => `${kind} ${name}@${version}${accepted ? '' : ' not accepted'}`)
const froms = ({ lock }: ReturnType<typeof accept>) =>
  lock
    .get('a')
    ?.published.map(({ from, identity: who }) => [from, who] as const)
    .sort()

describe('accepting identities', () => {
  it('adds what is proven, and nothing for what is not', () => {
    const result = accept(EMPTY, [examined('a@1.0.0', {}), examined('b@1.0.0', 'EVIDENCE_MISSING')])
    assert.deepEqual(kinds(result), ['added a@1.0.0'])
    assert.deepEqual([...result.lock], [['a', known('1.0.0')]])
  })

  it('adds nothing twice: the same again is no change', () => {
    const all = [examined('a@1.0.0', {}), examined('a@1.5.0', {}), examined('a@2.0.0', {})]
    const { lock } = accept(EMPTY, all)
    assert.deepEqual(lock.get('a'), known('1.0.0'))
    assert.deepEqual(accept(lock, all).changes, [])
  })

  it('does not depend on the order of the lockfile', () => {
    const all = [
      ...[examined('a@2.0.0', {}), examined('a@10.0.0', {}), examined('a@1.0.0', {})],
      ...[examined('a@0.9.0', 'EVIDENCE_MISSING'), examined('a@0.10.0', 'EVIDENCE_MISSING')],
    ]
    assert.deepEqual(accept(EMPTY, all), accept(EMPTY, all.toReversed()))
    assert.deepEqual(accept(EMPTY, all).lock.get('a'), {
      ...known('1.0.0'),
      unproven: [record('0.9.0'), record('0.10.0')],
    })
  })

  it('records old lines without provenance beside one that has it: semver 5 and 6 beside 7 stay quiet', () => {
    const all = [
      examined('semver@5.7.2', 'EVIDENCE_MISSING'),
      examined('semver@6.3.1', 'EVIDENCE_MISSING', { integrity: OTHER }),
      examined('semver@7.7.0', {}),
    ]
    const result = accept(EMPTY, all)
    assert.deepEqual(kinds(result), ['recorded semver@5.7.2', 'recorded semver@6.3.1', 'added semver@7.7.0'])
    assert.deepEqual(result.lock.get('semver'), {
      ...known('7.7.0'),
      unproven: [record('5.7.2'), record('6.3.1', OTHER)],
    })
    assert.deepEqual(accept(result.lock, all).changes, [])
  })

  it('takes an old line that comes later only by name, and by its version', () => {
    const late = examined('a@1.9.0', 'EVIDENCE_MISSING')
    const other = examined('a@1.8.0', 'EVIDENCE_MISSING')
    assert.deepEqual(kinds(accept(locked('a', '2.0.0'), [late])), ['lost a@1.9.0 not accepted'])
    const taken = accept(locked('a', '2.0.0'), [late, other], 'a@1.9.0')
    assert.deepEqual(kinds(taken), ['lost a@1.8.0 not accepted', 'lost a@1.9.0'])
    assert.deepEqual(taken.lock.get('a')?.unproven, [record('1.9.0')])
    assert.deepEqual(accept(taken.lock, [late]).changes, [])
  })

  it('takes other bytes of a recorded version for a loss', () => {
    const lock: IdentityLock = new Map([['a', { ...known('2.0.0'), unproven: [record('1.0.0')] }]])
    const other = examined('a@1.0.0', 'EVIDENCE_MISSING', { integrity: OTHER })
    const shown = accept(lock, [other])
    assert.deepEqual(kinds(shown), ['lost a@1.0.0 not accepted'])
    assert.deepEqual(shown.changes[0]?.recorded, record('1.0.0'))
    assert.deepEqual(accept(lock, [other], 'a@1.0.0').lock.get('a')?.unproven, [record('1.0.0', OTHER)])
  })

  it('records nothing without a sha512, be it named: other bytes could call themselves that version', () => {
    for (const integrity of ['', 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=', `${INTEGRITY} ${OTHER}`]) {
      const weak = examined('a@1.0.0', 'EVIDENCE_MISSING', { integrity })
      for (const lock of [EMPTY, locked('a', '2.0.0')]) {
        const result = accept(lock, [weak, examined('a@2.0.0', {})], 'a')
        assert.deepEqual(kinds(result).at(0), 'lost a@1.0.0 not accepted')
        assert.deepEqual(result.lock.get('a'), known('2.0.0'))
      }
    }
  })

  it('takes a package that is new as it is found, also where of two versions the newer is not proven', () => {
    const all = [
      examined('a@1.0.0', {}),
      examined('a@2.0.0', 'EVIDENCE_MISSING'),
      examined('a@3.0.0', { workflow: 'x.yml' }),
    ]
    const { lock, changes } = accept(EMPTY, all)
    assert.ok(changes.every(({ accepted }) => accepted))
    assert.deepEqual(
      lock.get('a')?.published.map(({ from, identity: who }) => [from, who.workflow]),
      [
        ['1.0.0', identity.workflow],
        ['3.0.0', 'x.yml'],
      ],
    )
    assert.deepEqual(lock.get('a')?.unproven, [record('2.0.0')])
    assert.deepEqual(accept(lock, all).changes, [])
  })

  it('writes nothing for an earlier version by the same: it is held to that already', () => {
    assert.deepEqual(accept(locked('a', '1.5.0'), [examined('a@1.4.0', {})]).changes, [])
  })

  it('takes an earlier version by somebody else only by name', () => {
    const evil = examined('a@1.4.9', { repositoryId: '9', ownerId: '9', repository: 'https://github.com/evil/a' })
    const shown = accept(locked('a', '1.5.0'), [evil])
    assert.deepEqual(kinds(shown), ['changed a@1.4.9 not accepted'])
    assert.deepEqual(shown.lock, locked('a', '1.5.0'))
    for (const named of ['b', 'a@1.5.0', 'a@1.4', 'a@1.4.90', 'A'])
      assert.deepEqual(kinds(accept(locked('a', '1.5.0'), [evil], named)), ['changed a@1.4.9 not accepted'])
    for (const named of ['a', 'a@1.4.9']) {
      const taken = accept(locked('a', '1.5.0'), [evil], named)
      assert.deepEqual(kinds(taken), ['changed a@1.4.9'])
      assert.deepEqual(
        froms(taken)?.map(([from, who]) => [from, who.repositoryId]),
        [
          ['1.4.9', '9'],
          ['1.5.0', '1'],
        ],
      )
    }
  })

  it('completes what an old certificate did not say, from the first version on that says it', () => {
    const { repositoryId: _, ownerId: __, ...legacy } = old
    const lock: IdentityLock = new Map([
      ['a', { published: [{ from: '1.0.0', identity: legacy, line: 0 }], unproven: [] }],
    ])
    const taken = accept(lock, [examined('a@1.1.0', {})])
    assert.deepEqual(kinds(taken), ['added a@1.1.0'])
    assert.deepEqual(froms(taken), [
      ['1.0.0', legacy],
      ['1.1.0', identity],
    ])
    assert.deepEqual(accept(taken.lock, [examined('a@1.1.0', {})]).changes, [])
    const evil = examined('a@1.2.0', { repositoryId: '666' })
    assert.deepEqual(kinds(accept(taken.lock, [evil])), ['changed a@1.2.0 not accepted'])
  })

  it('completes an entry itself, where its certificates say the same and it did not have it', () => {
    const lock: IdentityLock = new Map([
      ['a', { published: [{ from: '1.0.0', identity: old, line: 0 }], unproven: [] }],
    ])
    const taken = accept(lock, [examined('a@1.1.0', {})])
    assert.deepEqual(kinds(taken), ['added a@1.1.0'])
    assert.deepEqual(taken.lock.get('a'), known('1.0.0'))
  })

  it('takes over that somebody else publishes it only by name', () => {
    const now = examined('a@1.1.0', { repositoryId: '9', repository: 'https://github.com/evil/app' })
    const lock = locked('a', '1.0.0')
    const shown = accept(lock, [now])
    assert.deepEqual(kinds(shown), ['changed a@1.1.0 not accepted'])
    assert.deepEqual(shown.lock, lock)
    assert.deepEqual(kinds(accept(lock, [now], 'b')), ['changed a@1.1.0 not accepted'])
    const taken = accept(lock, [now], 'a')
    assert.deepEqual(kinds(taken), ['changed a@1.1.0'])
    assert.deepEqual(
      froms(taken)?.map(([from, who]) => [from, who.repository]),
      [
        ['1.0.0', 'https://github.com/acme/app'],
        ['1.1.0', 'https://github.com/evil/app'],
      ],
    )
    assert.deepEqual(accept(taken.lock, [now]).changes, [])
  })

  for (const [what, who] of [
    ['a machine of its own', { runner: 'self-hosted' }],
    ['an event that strangers cause', { trigger: 'pull_request_target' }],
    ['a workflow of another repository', { builder: 'https://github.com/evil/ci/.github/workflows/x.yml' }],
  ] as const) {
    it(`takes over that it is built by ${what} only by name`, () => {
      const now = examined('a@1.1.0', who)
      assert.deepEqual(kinds(accept(locked('a', '1.0.0'), [now])), ['changed a@1.1.0 not accepted'])
      const taken = accept(locked('a', '1.0.0'), [now], 'a@1.1.0')
      assert.deepEqual(froms(taken), [
        ['1.0.0', identity],
        ['1.1.0', { ...identity, ...who }],
      ])
    })
  }

  it('adds a branch that was named to the entry of its line: projects publish from several in turn', () => {
    const next = examined('a@1.1.0-next.1', { branch: 'next' })
    assert.deepEqual(kinds(accept(locked('a', '1.0.0'), [next])), ['changed a@1.1.0-next.1 not accepted'])
    const taken = accept(locked('a', '1.0.0'), [next], 'a')
    assert.deepEqual(froms(taken), [['1.0.0', { ...identity, branch: ['main', 'next'] }]])
    assert.deepEqual(
      accept(taken.lock, [next, examined('a@1.1.0', {}), examined('a@1.2.0-next.1', { branch: 'next' })]).changes,
      [],
    )
    assert.deepEqual(kinds(accept(taken.lock, [examined('a@1.2.0', { branch: 'evil' })])), [
      'changed a@1.2.0 not accepted',
    ])
  })

  it('begins a new entry for the branch of another line', () => {
    const backport = examined('a@1.9.0', { branch: 'release/1.x' })
    const taken = accept(EMPTY, [backport, examined('a@2.0.0', {})])
    assert.deepEqual(froms(taken), [
      ['1.9.0', { ...identity, branch: ['release/1.x'] }],
      ['2.0.0', identity],
    ])
    assert.deepEqual(kinds(accept(taken.lock, [examined('a@2.0.1', { branch: 'release/1.x' })])), [
      'changed a@2.0.1 not accepted',
    ])
  })

  it('takes over a loss only by name, and of that version alone', () => {
    const now = examined('a@1.1.0', 'EVIDENCE_MISSING')
    const lock = locked('a', '1.0.0')
    assert.deepEqual(kinds(accept(lock, [now])), ['lost a@1.1.0 not accepted'])
    assert.deepEqual(accept(lock, [now]).lock, lock)
    const taken = accept(lock, [now], 'a')
    assert.deepEqual(taken.lock.get('a'), { ...known('1.0.0'), unproven: [record('1.1.0')] })
    assert.deepEqual(accept(taken.lock, [now]).changes, [])
    assert.deepEqual(kinds(accept(taken.lock, [examined('a@1.1.1', 'EVIDENCE_MISSING')])), [
      'lost a@1.1.1 not accepted',
    ])
    assert.deepEqual(accept(taken.lock, [examined('a@1.2.0', {})]).changes, [])
  })

  it('brings a new name up to date, where ids say that it is the same', () => {
    const renamed = examined('a@1.1.0', { repository: 'https://github.com/acme/new' })
    const result = accept(locked('a', '1.0.0'), [renamed])
    assert.deepEqual(kinds(result), ['renamed a@1.1.0'])
    assert.equal(result.lock.get('a')?.published[0]?.identity.repository, 'https://github.com/acme/new')
    assert.deepEqual(accept(result.lock, [renamed]).changes, [])
  })

  it('takes the name that the newest version has, and keeps it the next time', () => {
    const all = [examined('a@1.1.0', { repository: 'https://github.com/acme/old' }), examined('a@1.2.0', {})]
    assert.deepEqual(accept(locked('a', '1.0.0'), all).changes, [])
    const lock: IdentityLock = new Map([['a', known('1.0.0')]])
    const turned = [examined('a@1.1.0', {}), examined('a@1.2.0', { repository: 'https://github.com/acme/new' })]
    const result = accept(lock, turned)
    assert.deepEqual(kinds(result), ['renamed a@1.2.0'])
    assert.deepEqual(accept(result.lock, turned).changes, [])
  })

  it('gives a new name to no entry of another host that has the same id', () => {
    const gitlab = { ...identity, issuer: 'https://gitlab.com', repository: 'https://gitlab.com/acme/app' }
    const lock: IdentityLock = new Map([
      ['a', { published: [...known('1.0.0').published, { from: '0.1.0', identity: gitlab, line: 0 }], unproven: [] }],
    ])
    const result = accept(lock, [examined('a@1.1.0', { repository: 'https://github.com/acme/new' })])
    assert.deepEqual(
      froms(result)?.map(([, who]) => who.repository),
      ['https://gitlab.com/acme/app', 'https://github.com/acme/new'],
    )
  })

  it('keeps what is not installed any more: it may come back', () => {
    const lock: IdentityLock = new Map([['gone', { ...known('1.0.0'), unproven: [record('0.1.0')] }]])
    assert.deepEqual(accept(lock, []).lock, lock)
  })

  it('learns nothing from what could not be verified, nor from what no registry has', () => {
    for (const code of [
      'SIGNATURE_INVALID',
      'DIGEST_MISMATCH',
      'EVIDENCE_UNAVAILABLE',
      'EVIDENCE_MALFORMED',
    ] as const) {
      assert.deepEqual(accept(locked('a', '1.0.0'), [examined('a@1.1.0', code)], 'a').changes, [], code)
    }
    // It may have provenance: that of the future cannot be read today.
    const { pkg } = examined('a@1.1.0', 'EVIDENCE_MISSING')
    const leftOut = (code: RefusalCode) => [refuse(code, 'x', 'y').refusal]
    const published = (code: RefusalCode): Examined => ({
      pkg,
      proof: ok({ provenance: [], publish: [{ signedAt: '2026-01-01T00:00:00Z' }], leftOut: leftOut(code) }),
    })
    assert.deepEqual(accept(locked('a', '1.0.0'), [published('EVIDENCE_MALFORMED')], 'a').changes, [])
    assert.deepEqual(kinds(accept(locked('a', '1.0.0'), [published('SUBJECT_MISMATCH')], 'a')), ['lost a@1.1.0'])
    assert.deepEqual(accept(EMPTY, [examined('a@1.0.0', {}, { source: 'git' })]).changes, [])
    assert.deepEqual(
      accept(locked('a', '1.0.0'), [examined('a@0.1.0', 'EVIDENCE_MISSING', { source: 'git' })], 'a').changes,
      [],
    )
    assert.deepEqual(accept(EMPTY, [examined('a@', {})]).changes, [])
  })
})

describe('what is accepted of any lockfile', () => {
  const version = fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2)).map((parts) => parts.join('.'))
  const who = fc.oneof(
    fc.constant('EVIDENCE_MISSING' as const),
    fc.record(
      {
        repositoryId: fc.constantFrom('1', '9'),
        repository: fc.constantFrom('https://github.com/acme/app', 'https://github.com/acme/new'),
        trigger: fc.constantFrom('push', 'release', 'pull_request_target'),
        runner: fc.constantFrom('hosted', 'self-hosted'),
        branch: fc.constantFrom('main', 'next'),
      } as const,
      { noNullPrototype: true },
    ),
  )
  const lockfile = fc
    .uniqueArray(fc.tuple(fc.constantFrom('a', 'b'), version, who), {
      maxLength: 8,
      selector: ([name, each]) => `${name}@${each}`,
    })
    .map((all) => all.map(([name, each, by]) => examined(`${name}@${each}`, by)))

  it('is no change the next time, once all of it was named', () => {
    fc.assert(
      fc.property(lockfile, lockfile, (before, now) => {
        const { lock } = accept(accept(EMPTY, before).lock, now, 'a', 'b')
        assert.deepEqual(kinds(accept(lock, now)), [])
      }),
    )
  })

  it('leaves no version refused that was not before, whichever of the others was named', () => {
    fc.assert(
      fc.property(lockfile, lockfile, fc.nat(7), (before, now, which) => {
        const { lock } = accept(EMPTY, before)
        const refused = (result: ReturnType<typeof accept>) => result.changes.filter((each) => !each.accepted)
        const chosen = refused(accept(lock, now))[which]
        fc.pre(chosen !== undefined)
        const taken = accept(lock, now, `${chosen?.name}@${chosen?.version}`)
        const still = new Set(kinds(accept(lock, now)))
        for (const each of kinds(accept(taken.lock, now))) assert.ok(still.has(each), each)
      }),
    )
  })

  it('changes nothing for a package that is in the lock and was not named, but for what it adds', () => {
    fc.assert(
      fc.property(lockfile, lockfile, (before, now) => {
        const { lock } = accept(EMPTY, before)
        const { lock: after } = accept(lock, now)
        for (const [name, entry] of lock) {
          assert.deepEqual(after.get(name)?.unproven, entry.unproven)
          assert.deepEqual(
            after.get(name)?.published.map(({ from, identity: by }) => [from, { ...by, repository: '' }]),
            entry.published.map(({ from, identity: by }) => [from, { ...by, repository: '' }]),
          )
        }
      }),
    )
  })
})
