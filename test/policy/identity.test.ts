import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ok, refuse } from '../../src/codes.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { demandFor, differenceOf, differencesOf, identityOf, lineOf, pointFor } from '../../src/policy/identity.ts'
import { meets, needsProofFor } from '../../src/policy/require.ts'
import type { Identity, IdentityLock, LockEntry, LockedIdentity, Policy, Rule } from '../../src/policy/types.ts'
import type { Claims } from '../../src/verify/types.ts'

const identity: Identity = {
  domain: 'sigstore',
  issuer: 'https://token.actions.githubusercontent.com',
  repository: 'https://github.com/acme/app',
  repositoryId: '520031842',
  ownerId: '61840275',
  workflow: '.github/workflows/release.yml',
  builder: 'own',
  runner: 'hosted',
  trigger: 'push',
  environment: 'npm',
  ref: 'branch',
  branch: ['main'],
}
const tagged: Identity = { ...identity, ref: 'tag', branch: undefined }
const CLAIMS = {
  domain: 'sigstore',
  issuer: identity.issuer,
  repository: identity.repository,
  repositoryId: '520031842',
  ownerId: '61840275',
  workflow: '.github/workflows/release.yml',
  buildSignerUri: 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main',
  runnerEnvironment: 'github-hosted',
  trigger: 'push',
  environment: 'npm',
  ref: 'refs/heads/main',
} as unknown as Claims
const from = (claims: Partial<Claims>) => identityOf({ ...CLAIMS, ...claims })

describe('an identity', () => {
  it('is taken from the claims of a certificate', () => {
    assert.deepEqual(from({ commit: 'x' }), identity)
    for (const [ref, kind, branch] of [
      ['refs/heads/main', 'branch', ['main']],
      ['refs/heads/release/1.x', 'branch', ['release/1.x']],
      ['refs/tags/heads/x', 'tag', undefined],
      ['refs/pull/1/merge', 'other', undefined],
      ['refs/heads/', 'other', undefined],
      ['heads/main', 'other', undefined],
      [undefined, 'other', undefined],
    ] as const) {
      assert.equal(from({ ref })?.ref, kind)
      assert.deepEqual(from({ ref })?.branch, branch)
    }
  })

  it('names the called workflow of another repository, without its ref, and of its own that it is one', () => {
    const called = 'https://github.com/slsa-framework/slsa-github-generator/.github/workflows/builder_nodejs_slsa3.yml'
    for (const [uri, builder] of [
      [`${called}@refs/tags/v1.6.0`, called],
      [`${called}@refs/tags/v2.0.0`, called],
      ['https://github.com/acme/app/.github/workflows/build.yml@refs/heads/x', 'own'],
      [
        'https://github.com/acme/app-evil/.github/workflows/release.yml@refs/heads/main',
        'https://github.com/acme/app-evil/.github/workflows/release.yml',
      ],
      [undefined, undefined],
    ] as const)
      assert.equal(from({ buildSignerUri: uri })?.builder, builder, uri)
  })

  it('names the workflow that a delegator vouches for, also one of the same repository', () => {
    const flows = 'https://github.com/slsa-framework/slsa-github-generator/.github/workflows'
    const buildSignerUri = `${flows}/delegator_generic_slsa3.yml@refs/tags/v1.6.0`
    const own = 'https://github.com/acme/app/.github/workflows/tool.yml'
    for (const builder of [`${flows}/builder_nodejs_slsa3.yml`, own]) {
      assert.equal(from({ buildSignerUri, delegatedBuilder: `${builder}@refs/tags/v1.6.0` })?.builder, builder)
    }
    assert.equal(from({ buildSignerUri })?.builder, `${flows}/delegator_generic_slsa3.yml`)
    assert.equal(from({ buildSignerUri: `${own}@refs/heads/main` })?.builder, 'own')
  })

  it('knows the machines of GitHub and GitLab, and takes none for one of them', () => {
    const runners = ['github-hosted', 'gitlab-hosted', 'self-hosted', '""', '', 'GITHUB-HOSTED', undefined]
    assert.deepEqual(
      runners.map((runnerEnvironment) => from({ runnerEnvironment })?.runner),
      ['hosted', 'hosted', 'self-hosted', undefined, undefined, undefined, undefined],
    )
  })

  it('of a certificate of early 2023 has what its first six claims say, and nothing else', () => {
    const { repositoryId: _, ownerId: __, environment: ___, ...claims } = CLAIMS
    const legacy = { ...claims, buildSignerUri: undefined, runnerEnvironment: undefined } as unknown as Claims
    assert.deepEqual(Object.keys(identityOf(legacy) ?? {}).sort(), [
      ...['branch', 'domain', 'issuer', 'ref', 'repository', 'trigger', 'workflow'],
    ])
  })

  it('is none without issuer or repository, nor of what could not be read again as the same', () => {
    for (const claims of [
      { issuer: undefined },
      { repository: undefined },
      { repository: 'https://github.com/acme/*' },
      { ref: 'refs/heads/release/*' },
      { buildSignerUri: 'own' },
      { buildSignerUri: 'acme/ci/.github/workflows/build.yml' },
    ])
      assert.equal(from(claims), undefined, JSON.stringify(claims))
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
    [{ ref: 'tag', branch: undefined }, /^kind of ref "tag"$/],
    [{ branch: ['evil'] }, /^branch "evil"$/],
    [{ branch: ['Main'] }, /^branch "Main"$/],
    [{ branch: ['main/x'] }, /^branch "main\/x"$/],
    [{ runner: 'self-hosted' }, /^runner "self-hosted"$/],
    [{ runner: undefined }, /^no runner$/],
    [{ builder: 'https://github.com/evil/ci/.github/workflows/x.yml' }, /^builder "https:/],
    [{ builder: undefined }, /^no builder$/],
    [{ trigger: 'pull_request_target' }, /^trigger "pull_request_target"$/],
    [{ trigger: 'workflow_run' }, /^trigger "workflow_run"$/],
    [{ trigger: 'issue_comment' }, /^trigger "issue_comment"$/],
    [{ trigger: 'something_new' }, /^trigger "something_new"$/],
    [{ trigger: undefined }, /^no trigger$/],
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

  it('is not what is new: an environment is no weaker than none, and a certificate may be older than a claim', () => {
    for (const field of ['environment', 'builder', 'runner', 'trigger', 'branch', 'workflow'] as const) {
      const { [field]: _, ...before } = identity
      assert.equal(differenceOf(before, identity), undefined, field)
    }
  })

  it('is not another event that takes a right to write, in either direction', () => {
    const writers = ['push', 'release', 'workflow_dispatch', 'repository_dispatch', 'schedule']
    for (const before of writers)
      for (const now of writers)
        assert.equal(differenceOf({ ...identity, trigger: before }, { ...identity, trigger: now }), undefined)
    const stranger = { ...identity, trigger: 'pull_request_target' }
    assert.match(differenceOf(stranger, identity)?.found ?? '', /^trigger "push"$/)
  })

  it('is not one of several branches, nor what a pattern of branches takes in', () => {
    const locked = { ...identity, branch: ['main', 'release/*'] }
    for (const branch of ['main', 'release/1.x'])
      assert.equal(differenceOf(locked, { ...identity, branch: [branch] }), undefined)
    for (const branch of ['next', 'release', 'release/1/x', 'release/'])
      assert.deepEqual(differenceOf(locked, { ...identity, branch: [branch] }), {
        found: `branch ${JSON.stringify(branch)}`,
        expected: 'branch "main" or "release/*"',
      })
  })

  it('is told with all that differs, the gravest first, and the branch not where there is none', () => {
    const found = { ...identity, repositoryId: '1', runner: 'self-hosted', ref: 'tag', branch: undefined } as const
    assert.deepEqual(
      differencesOf(identity, found).map(({ field }) => field),
      ['repositoryId', 'runner', 'ref'],
    )
    assert.deepEqual(differenceOf(identity, found), {
      found: 'repository id "1", runner "self-hosted", kind of ref "tag"',
      expected: 'repository id "520031842", runner "hosted", kind of ref "branch"',
    })
  })

  it('is the same as what it was found to be', () => {
    for (const each of [identity, tagged]) assert.deepEqual(differencesOf(each, each), [])
  })
})

describe('who has to have published a version', () => {
  const at = (...versions: readonly string[]): LockedIdentity[] =>
    versions.map((version, line) => ({ from: version, identity, line }))
  const since = (points: readonly LockedIdentity[], version: string) => pointFor(points, version)?.from

  it('is who begins last at or before it, in its line', () => {
    const points = at('1.4.0', '1.6.0', '2.1.0')
    for (const [version = '', expected] of [
      ['1.4.0', '1.4.0'],
      ['1.5.9', '1.4.0'],
      ['1.6.0', '1.6.0'],
      ['1.99.0', '1.6.0'],
      ['2.1.0', '2.1.0'],
      ['2.1.1-rc.1', '2.1.0'],
    ])
      assert.equal(since(points, version), expected, version)
  })

  it('is who begins first in its line, for what is below: no version is below all rules', () => {
    const points = at('1.4.0', '1.6.0', '3.0.0')
    for (const [version = '', expected] of [
      ['1.3.9', '1.4.0'],
      ['1.4.0-rc.1', '1.4.0'],
      ['3.0.0-rc.1', '3.0.0'],
      ['0.9.0', '1.4.0'],
      ['0.0.1', '1.4.0'],
    ])
      assert.equal(since(points, version), expected, version)
  })

  it('is who the line before has, for a line that is new', () => {
    const points = at('1.4.0', '3.0.0')
    assert.equal(since(points, '4.0.0'), '3.0.0')
    assert.equal(since(points, '2.0.0'), '1.4.0')
    assert.equal(since(points, '4.0.0-alpha.1'), '3.0.0')
  })

  it('takes minor versions for lines before 1.0.0', () => {
    const points = at('0.5.2', '0.7.0')
    assert.equal(since(points, '0.5.1'), '0.5.2')
    assert.equal(since(points, '0.4.9'), '0.5.2')
    assert.equal(since(points, '0.6.0'), '0.5.2')
    assert.equal(since(points, '1.0.0'), '0.7.0')
    assert.deepEqual(['0.5.2', '1.0.0', '12.3.4-rc.1', 'x', ''].map(lineOf), ['0.5', '1', '12', undefined, undefined])
  })

  it('is the newest for what has no version: git and folders are no way around', () => {
    assert.equal(since(at('3.0.0', '1.4.0'), ''), '3.0.0')
    assert.equal(since([], ''), undefined)
  })
})

const INTEGRITY = `sha512-${'A'.repeat(86)}==`
const OTHER = `sha512-${'B'.repeat(85)}A==`
const pkg = (name: string, version: string, integrity: string | undefined = INTEGRITY): LockedPackage => ({
  ...{ name, version, integrity, source: 'registry', origin: undefined, importers: ['.'], key: `${name}@${version}` },
})

describe('a version that is recorded as unproven', () => {
  const entry: LockEntry = {
    published: [{ from: '7.0.0', identity, line: 3 }],
    unproven: [{ version: '6.3.1', integrity: INTEGRITY, line: 9 }],
  }
  const mayLack = (one: LockedPackage) => demandFor(entry, one)?.mayLack

  it('may lack provenance, with those bytes, from the registry, and no other may', () => {
    assert.equal(mayLack(pkg('semver', '6.3.1')), true)
    assert.equal(mayLack(pkg('semver', '6.3.1', `sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk= ${INTEGRITY}`)), true)
    for (const other of [
      pkg('semver', '6.3.1', OTHER),
      { ...pkg('semver', '6.3.1'), integrity: undefined },
      pkg('semver', '6.3.1', `${INTEGRITY} ${OTHER}`),
      pkg('semver', '6.3.1', INTEGRITY.toLowerCase()),
      pkg('semver', '6.3.2'),
      pkg('semver', '6.3.0'),
      pkg('semver', '6.3.1-rc.1'),
      pkg('semver', ''),
      { ...pkg('semver', '6.3.1'), source: 'git' as const },
      { ...pkg('semver', '6.3.1'), source: 'tarball' as const },
    ])
      assert.equal(mayLack(other), false, other.key)
  })

  it('says who would have to have published it all the same', () => {
    assert.equal(demandFor(entry, pkg('semver', '6.3.1'))?.since.from, '7.0.0')
    assert.equal(demandFor(undefined, pkg('semver', '6.3.1')), undefined)
  })
})

describe('whatever the lock says', () => {
  const version = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3)).map((parts) => parts.join('.'))
  const entries: fc.Arbitrary<LockEntry> = fc.record(
    {
      published: fc
        .uniqueArray(version, { minLength: 1, maxLength: 6 })
        .map((versions) => versions.map((each, line) => ({ from: each, identity, line }))),
      unproven: fc
        .uniqueArray(version, { maxLength: 4 })
        .map((versions) => versions.map((each, line) => ({ version: each, integrity: INTEGRITY, line }))),
    },
    { noNullPrototype: true },
  )
  const rule: Rule = {
    ...{ packages: ['**'], require: 'nothing', publishers: [], unchanged: true, enforcement: { mode: 'enforce' } },
    place: { file: '.sigstorerc', line: 1, column: 1 },
  }
  const under = (lock: IdentityLock) => ({ identities: lock }) as Policy
  const MISSING = refuse('EVIDENCE_MISSING', 'x', 'y')
  const NOW = new Date('2026-06-01T00:00:00Z')
  const judge = (lock: IdentityLock, one: LockedPackage, proof = MISSING as Parameters<typeof meets>[3]) =>
    needsProofFor(rule, one, under(lock)) ? meets(rule, one, under(lock), proof, NOW) : 'permitted'

  it('a version that it does not record is refused without provenance, above and below what it knows', () => {
    fc.assert(
      fc.property(entries, fc.oneof(version, fc.constant('')), (entry, asked) => {
        fc.pre(!entry.unproven.some((each) => each.version === asked))
        const outcome = judge(new Map([['a', entry]]), pkg('a', asked))
        assert.ok(outcome !== 'permitted' && !outcome.met)
        assert.equal(outcome.refusal.code, 'PROVENANCE_LOST')
      }),
    )
  })

  it('a version with provenance by somebody else is refused, above and below what it knows', () => {
    const claims = { ...CLAIMS, repositoryId: '666' }
    const proof = ok({ provenance: [{ predicateType: 'x', claims, signedAt: '2026-01-01' }], publish: [] })
    fc.assert(
      fc.property(entries, version, (entry, asked) => {
        fc.pre(!entry.unproven.some((each) => each.version === asked))
        const outcome = judge(new Map([['a', entry]]), pkg('a', asked), proof)
        assert.ok(outcome !== 'permitted' && !outcome.met)
        assert.equal(outcome.refusal.code, 'IDENTITY_CHANGED')
      }),
    )
  })

  it('what is added for one package changes nothing for another', () => {
    fc.assert(
      fc.property(entries, entries, version, fc.constantFrom(INTEGRITY, OTHER), (entry, added, asked, integrity) => {
        const one = pkg('a', asked, integrity)
        const before = judge(new Map([['a', entry]]), one)
        for (const name of ['b', 'A', '@a/a', 'a/a', 'constructor'])
          assert.deepEqual(
            judge(
              new Map([
                ['a', entry],
                [name, added],
              ]),
              one,
            ),
            before,
          )
      }),
    )
  })

  it('an entry that is added lets in nothing that lacks provenance', () => {
    fc.assert(
      fc.property(entries, version, version, (entry, more, asked) => {
        fc.pre(!entry.unproven.some((each) => each.version === asked))
        const published = [...entry.published, { from: more, identity: tagged, line: 0 }]
        assert.notEqual(judge(new Map([['a', { ...entry, published }]]), pkg('a', asked)), 'permitted')
      }),
    )
  })

  it('the order of its entries says nothing', () => {
    fc.assert(
      fc.property(entries, version, (entry, asked) => {
        const turned = { published: entry.published.toReversed(), unproven: entry.unproven.toReversed() }
        assert.deepEqual(demandFor(turned, pkg('a', asked)), demandFor(entry, pkg('a', asked)))
      }),
    )
  })
})

describe('a refusal', () => {
  const rule = {
    ...{ packages: ['**'], require: 'nothing', publishers: [], unchanged: true, enforcement: { mode: 'enforce' } },
    place: { file: '.sigstorerc', line: 1, column: 1 },
  } as const satisfies Rule
  const entry: LockEntry = {
    published: [{ from: '1.5.0', identity, line: 7 }],
    unproven: [{ version: '1.0.0', integrity: INTEGRITY, line: 22 }],
  }
  const policy = { identities: new Map([['widget', entry]]) } as unknown as Policy
  const NOW = new Date('2026-06-01T00:00:00Z')
  const refusalOf = (one: LockedPackage, claims?: Partial<Claims>) => {
    const provenance = [{ predicateType: 'x', claims: { ...CLAIMS, ...claims }, signedAt: '2026-01-01' }]
    const proof = claims === undefined ? refuse('EVIDENCE_MISSING', 'none', 'some') : ok({ provenance, publish: [] })
    const outcome = meets(rule, one, policy, proof, NOW)
    assert.ok(!outcome.met)
    return outcome.refusal
  }

  it('names what differs, the line of the lock, and the command that accepts it', () => {
    assert.deepEqual(
      refusalOf(pkg('widget', '1.6.0'), { trigger: 'pull_request_target', runnerEnvironment: 'self-hosted' }),
      {
        code: 'IDENTITY_CHANGED',
        found: 'runner "self-hosted", trigger "pull_request_target"',
        expected:
          'runner "hosted", trigger "push", as since 1.5.0 (provenance-lock.yaml:7; if the change is right: provenance-gate accept widget@1.6.0)',
      },
    )
    assert.deepEqual(refusalOf(pkg('widget', '1.4.99')), {
      code: 'PROVENANCE_LOST',
      found: 'none',
      expected:
        'provenance by "https://github.com/acme/app", as since 1.5.0 (provenance-lock.yaml:7; if it is right that it has none: provenance-gate accept widget@1.4.99)',
    })
  })

  it('names the line that lets in other bytes', () => {
    assert.match(refusalOf(pkg('widget', '1.0.0', OTHER)).found, /provenance-lock\.yaml:22 lets in without: "sha512-B/)
  })

  it('offers no command for what cannot be accepted', () => {
    for (const one of [pkg('widget', ''), { ...pkg('widget', '1.6.0'), source: 'git' as const }])
      assert.doesNotMatch(refusalOf(one).expected, /provenance-gate accept/)
  })
})
