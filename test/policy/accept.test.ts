import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ok, type RefusalCode, refuse } from '../../src/codes.ts'
import { acceptIdentities, type Examined } from '../../src/policy/accept.ts'
import type { Identity, IdentityLock } from '../../src/policy/types.ts'
import type { Claims } from '../../src/verify/types.ts'

const identity: Identity = {
  domain: 'sigstore',
  issuer: 'https://token.actions.githubusercontent.com',
  repository: 'https://github.com/acme/app',
  repositoryId: '1',
  ownerId: '2',
  workflow: '.github/workflows/release.yml',
  ref: 'branch',
}

function examined(
  spec: string,
  who: Partial<Identity> | RefusalCode,
  source: 'registry' | 'git' = 'registry',
): Examined {
  const at = spec.indexOf('@', 1)
  const [name, version] = [spec.slice(0, at), spec.slice(at + 1)]
  const pkg = { name, version, integrity: 'sha512-x', source, origin: undefined, importers: ['.'], key: spec }
  if (typeof who === 'string') return { pkg, proof: refuse(who, 'x', 'y') }
  const claims = { ...identity, ...who, ref: 'refs/heads/main' } as unknown as Claims
  const provenance = [{ predicateType: 'x', claims, signedAt: '2026-01-01T00:00:00Z' }]
  return { pkg, proof: ok({ provenance, publish: undefined }) }
}

const EMPTY: IdentityLock = new Map()
const locked = (name: string, ...froms: readonly string[]): IdentityLock =>
  new Map([[name, froms.map((from) => ({ from, identity }))]])
const accept = (lock: IdentityLock, all: readonly Examined[], ...named: readonly string[]) =>
  acceptIdentities(lock, all, new Set(named))
const kinds = ({ changes }: ReturnType<typeof accept>) =>
  changes.map(({ kind, name, version, accepted }) => `${kind} ${name}@${version}${accepted ? '' : ' not accepted'}`)

describe('accepting identities', () => {
  it('adds what is proven, and nothing for what is not', () => {
    const result = accept(EMPTY, [examined('a@1.0.0', {}), examined('b@1.0.0', 'EVIDENCE_MISSING')])
    assert.deepEqual(kinds(result), ['added a@1.0.0'])
    assert.deepEqual([...result.lock], [['a', [{ from: '1.0.0', identity }]]])
  })

  it('adds nothing twice: the same again is no change', () => {
    const all = [examined('a@1.0.0', {}), examined('a@1.5.0', {}), examined('a@2.0.0', {})]
    const { lock } = accept(EMPTY, all)
    assert.deepEqual(lock.get('a'), [{ from: '1.0.0', identity }])
    assert.deepEqual(accept(lock, all).changes, [])
  })

  it('does not depend on the order of the lockfile', () => {
    const all = [examined('a@2.0.0', {}), examined('a@10.0.0', {}), examined('a@1.0.0', {})]
    assert.deepEqual(accept(EMPTY, all).lock, accept(EMPTY, all.toReversed()).lock)
    assert.deepEqual(accept(EMPTY, all).lock.get('a'), [{ from: '1.0.0', identity }])
  })

  it('lets an old line without provenance be, beside a new one with', () => {
    const all = [examined('a@1.9.0', 'EVIDENCE_MISSING'), examined('a@2.0.0', {})]
    const { lock } = accept(EMPTY, all)
    assert.deepEqual(lock.get('a'), [{ from: '2.0.0', identity }])
    assert.deepEqual(accept(lock, all).changes, [])
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
      lock.get('a')?.map(({ from, identity: who }) => [from, who?.workflow]),
      [
        ['1.0.0', identity.workflow],
        ['2.0.0', undefined],
        ['3.0.0', 'x.yml'],
      ],
    )
    assert.deepEqual(accept(lock, all).changes, [])
  })

  it('lets a line begin earlier, if it is the same', () => {
    assert.deepEqual(accept(locked('a', '1.5.0'), [examined('a@1.4.0', {})]).lock.get('a'), [
      { from: '1.4.0', identity },
    ])
    const other = accept(locked('a', '1.5.0'), [examined('a@1.4.0', { workflow: 'old.yml' })], 'a')
    assert.equal(other.lock.get('a')?.length, 2)
  })

  it('lets no line begin earlier past something that stands in between', () => {
    const lock: IdentityLock = new Map([
      [
        'a',
        [
          { from: '0.9.0', identity },
          { from: '1.2.0', identity: undefined },
          { from: '1.4.0', identity },
        ],
      ],
    ])
    const { lock: after } = accept(lock, [examined('a@1.1.0', { workflow: 'old.yml' })], 'a')
    assert.deepEqual(
      after
        .get('a')
        ?.map(({ from }) => from)
        .sort(),
      ['0.9.0', '1.1.0', '1.2.0', '1.4.0'],
    )
    const { lock: same } = accept(new Map([['a', lock.get('a')?.slice(1) ?? []]]), [examined('a@1.1.0', {})])
    assert.deepEqual(
      same
        .get('a')
        ?.map(({ from }) => from)
        .sort(),
      ['1.1.0', '1.2.0', '1.4.0'],
    )
  })

  it('takes an earlier version by somebody else only by name', () => {
    const evil = examined('a@1.4.9', { repositoryId: '9', ownerId: '9', repository: 'https://github.com/evil/a' })
    const shown = accept(locked('a', '1.5.0'), [evil])
    assert.deepEqual(kinds(shown), ['changed a@1.4.9 not accepted'])
    assert.deepEqual(shown.lock, locked('a', '1.5.0'))
    assert.deepEqual(kinds(accept(locked('a', '1.5.0'), [evil], 'a')), ['changed a@1.4.9'])
  })

  it('completes what an old certificate did not say, from the first version on that says it', () => {
    const { repositoryId: _, ownerId: __, ...legacy } = identity
    const lock: IdentityLock = new Map([['a', [{ from: '1.0.0', identity: legacy }]]])
    const taken = accept(lock, [examined('a@1.1.0', {})])
    assert.deepEqual(kinds(taken), ['added a@1.1.0'])
    assert.deepEqual(taken.lock.get('a'), [
      { from: '1.0.0', identity: legacy },
      { from: '1.1.0', identity },
    ])
    assert.deepEqual(accept(taken.lock, [examined('a@1.1.0', {})]).changes, [])
    const evil = examined('a@1.2.0', { repositoryId: '666' })
    assert.deepEqual(kinds(accept(taken.lock, [evil])), ['changed a@1.2.0 not accepted'])
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
      taken.lock.get('a')?.map(({ from, identity: who }) => [from, who?.repository]),
      [
        ['1.0.0', 'https://github.com/acme/app'],
        ['1.1.0', 'https://github.com/evil/app'],
      ],
    )
    assert.deepEqual(accept(taken.lock, [now]).changes, [])
  })

  it('takes over a loss only by name, and asks for nothing from then on', () => {
    const now = examined('a@1.1.0', 'EVIDENCE_MISSING')
    const lock = locked('a', '1.0.0')
    assert.deepEqual(kinds(accept(lock, [now])), ['lost a@1.1.0 not accepted'])
    assert.deepEqual(accept(lock, [now]).lock, lock)
    const taken = accept(lock, [now], 'a')
    assert.deepEqual(taken.lock.get('a'), [
      { from: '1.0.0', identity },
      { from: '1.1.0', identity: undefined },
    ])
    assert.deepEqual(accept(taken.lock, [now]).changes, [])
    assert.deepEqual(kinds(accept(taken.lock, [examined('a@1.2.0', {})])), ['added a@1.2.0'])
  })

  it('brings a new name up to date, where ids say that it is the same', () => {
    const renamed = examined('a@1.1.0', { repository: 'https://github.com/acme/new' })
    const result = accept(locked('a', '1.0.0'), [renamed])
    assert.deepEqual(kinds(result), ['renamed a@1.1.0'])
    assert.equal(result.lock.get('a')?.[0]?.identity?.repository, 'https://github.com/acme/new')
    assert.deepEqual(accept(result.lock, [renamed]).changes, [])
  })

  it('keeps what is not installed any more: it may come back', () => {
    assert.deepEqual(accept(locked('gone', '1.0.0'), []).lock, locked('gone', '1.0.0'))
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
    assert.deepEqual(accept(EMPTY, [examined('a@1.0.0', {}, 'git')]).changes, [])
    assert.deepEqual(accept(EMPTY, [examined('a@', {})]).changes, [])
  })
})
