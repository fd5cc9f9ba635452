import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { differenceOf, identityOf, lineOf, lockedFor } from '../../src/policy/identity.ts'
import type { Identity, LockedIdentity } from '../../src/policy/types.ts'
import type { Claims } from '../../src/verify/types.ts'

const identity: Identity = {
  domain: 'sigstore',
  issuer: 'https://token.actions.githubusercontent.com',
  repository: 'https://github.com/acme/app',
  repositoryId: '520031842',
  ownerId: '61840275',
  workflow: '.github/workflows/release.yml',
  environment: 'npm',
  ref: 'tag',
}

describe('an identity', () => {
  it('is taken from the claims of a certificate', () => {
    const claims = { ...identity, ref: 'refs/tags/v1', commit: 'x', trigger: 'push' } as unknown as Claims
    assert.deepEqual(identityOf(claims), identity)
    for (const [ref, kind] of [
      ['refs/heads/main', 'branch'],
      ['refs/tags/heads/x', 'tag'],
      ['refs/pull/1/merge', 'other'],
      ['heads/main', 'other'],
      [undefined, 'other'],
    ] as const) {
      assert.equal(identityOf({ ...claims, ref })?.ref, kind)
    }
  })

  it('is none without issuer or repository', () => {
    const claims = { ...identity, ref: 'refs/tags/v1' } as unknown as Claims
    assert.equal(identityOf({ ...claims, issuer: undefined }), undefined)
    assert.equal(identityOf({ ...claims, repository: undefined }), undefined)
  })
})

describe('what changes an identity', () => {
  const changes: readonly (readonly [Partial<Identity>, RegExp])[] = [
    [{ issuer: 'https://gitlab.com' }, /^issuer/],
    [{ repositoryId: '1' }, /^repository id/],
    [{ ownerId: '1' }, /^owner id/],
    [{ workflow: '.github/workflows/other.yml' }, /^workflow/],
    [{ environment: 'test' }, /^environment/],
    [{ environment: undefined }, /^no environment/],
    [{ workflow: undefined }, /^no workflow/],
    [{ ref: 'branch' }, /^kind of ref/],
  ]
  for (const [change, found] of changes) {
    it(JSON.stringify(change), () => {
      assert.match(differenceOf(identity, { ...identity, ...change })?.found ?? '', found)
    })
  }

  it('is not a new name of the repository, where ids say that it is the same', () => {
    assert.equal(differenceOf(identity, { ...identity, repository: 'https://github.com/acme/renamed' }), undefined)
  })

  it('is the name, where one of the two has no id', () => {
    const { repositoryId: _, ...old } = identity
    const renamed = { ...identity, repository: 'https://github.com/acme/renamed' }
    assert.match(differenceOf(old, renamed)?.found ?? '', /^repository /)
    assert.match(
      differenceOf(identity, { ...old, repository: 'https://github.com/acme/renamed' })?.found ?? '',
      /^repository /,
    )
    assert.equal(differenceOf(old, identity), undefined)
  })

  it('is not an environment that is new: it is no weaker than before', () => {
    const { environment: _, ...before } = identity
    assert.equal(differenceOf(before, identity), undefined)
  })
})

describe('what the lock asks of a version', () => {
  const at = (...froms: readonly string[]): LockedIdentity[] => froms.map((from) => ({ from, identity }))
  const from = (points: readonly LockedIdentity[], version: string) => lockedFor(points, version)?.from

  it('is what begins last at or before it, in its line', () => {
    const points = at('1.4.0', '1.6.0', '2.1.0')
    for (const [version, expected] of [
      ['1.4.0', '1.4.0'],
      ['1.5.9', '1.4.0'],
      ['1.6.0', '1.6.0'],
      ['1.99.0', '1.6.0'],
      ['2.1.0', '2.1.0'],
      ['2.1.1-rc.1', '2.1.0'],
    ]) {
      assert.equal(from(points, version ?? ''), expected, version)
    }
  })

  it('is nothing before its line began, and nothing for older lines: no alarm on what never had any', () => {
    const points = at('1.4.0', '3.0.0')
    for (const version of ['1.3.9', '1.4.0-rc.1', '0.9.0', '0.0.1'])
      assert.equal(from(points, version), undefined, version)
  })

  it('is what the line before has, for a line that is new', () => {
    const points = at('1.4.0', '3.0.0')
    assert.equal(from(points, '4.0.0'), '3.0.0')
    assert.equal(from(points, '2.0.0'), '1.4.0')
    assert.equal(from(points, '4.0.0-alpha.1'), '3.0.0')
  })

  it('takes minor versions for lines before 1.0.0', () => {
    const points = at('0.5.2')
    assert.equal(from(points, '0.5.1'), undefined)
    assert.equal(from(points, '0.4.9'), undefined)
    assert.equal(from(points, '0.5.3'), '0.5.2')
    assert.equal(from(points, '0.6.0'), '0.5.2')
    assert.equal(from(points, '1.0.0'), '0.5.2')
    assert.deepEqual(['0.5.2', '1.0.0', '12.3.4-rc.1', 'x', ''].map(lineOf), ['0.5', '1', '12', undefined, undefined])
  })

  it('is the newest for what has no version: git and folders are no way around', () => {
    assert.equal(from(at('3.0.0', '1.4.0'), ''), '3.0.0')
    assert.equal(from([], ''), undefined)
  })

  it('is not what was accepted of a prerelease, but for that one', () => {
    const none = { from: '1.5.0-rc.1', identity: undefined }
    const points = [...at('1.4.0'), none]
    assert.equal(lockedFor(points, '1.5.0-rc.1'), none)
    for (const version of ['1.5.0-rc.2', '1.5.0', '1.6.0', '2.0.0'])
      assert.equal(from(points, version), '1.4.0', version)
    assert.equal(lockedFor([none], '1.5.0'), undefined)
  })

  it('does not depend on the order of the file', () => {
    const version = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3)).map((parts) => parts.join('.'))
    fc.assert(
      fc.property(fc.uniqueArray(version, { maxLength: 8 }), version, (froms, asked) => {
        const points = at(...froms)
        assert.equal(from(points, asked), from(points.toReversed(), asked))
        const found = from(points, asked)
        if (found !== undefined) assert.ok(froms.includes(found))
      }),
    )
  })
})
