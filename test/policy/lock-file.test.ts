import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { GateError } from '../../src/errors.ts'
import { parseLock, writeLock } from '../../src/policy/lock-file.ts'
import type { Identity, IdentityLock, LockedIdentity } from '../../src/policy/types.ts'

const FILE = 'provenance-lock.yaml'
const app: Identity = {
  domain: 'sigstore',
  issuer: 'https://token.actions.githubusercontent.com',
  repository: 'https://github.com/acme/app',
  repositoryId: '520031842',
  ownerId: '61840275',
  workflow: '.github/workflows/release.yml',
  environment: 'npm',
  ref: 'branch',
}
const moved: Identity = {
  ...app,
  repository: 'https://gitlab.com/acme/app',
  issuer: 'https://gitlab.com',
  ref: 'tag',
}

const TEXT = `# Who has published the packages of this repository, as verified provenance says, and from which version on.
# Written by \`provenance-gate accept\`. Review a change like one of the policy: an attacker who has taken over a
# publisher shows here first.

version: 1
packages:
  "@acme/app":
    - from:
        - 0.9.1
        - 1.0.0
      issuer: github
      repository: acme/app
      repositoryId: "520031842"
      ownerId: "61840275"
      workflow: .github/workflows/release.yml
      environment: npm
      ref: branch
    - from:
        - 2.0.0
      issuer: gitlab
      repository: https://gitlab.com/acme/app
      repositoryId: "520031842"
      ownerId: "61840275"
      workflow: .github/workflows/release.yml
      environment: npm
      ref: tag
  axios:
    - from:
        - 1.14.1
      provenance: none
`

const LOCK: IdentityLock = new Map<string, readonly LockedIdentity[]>([
  ['axios', [{ from: '1.14.1', identity: undefined }]],
  [
    '@acme/app',
    [
      { from: '2.0.0', identity: moved },
      { from: '1.0.0', identity: app },
      { from: '0.9.1', identity: app },
    ],
  ],
])

const sorted = (lock: IdentityLock) =>
  [...lock]
    .map(([name, points]) => [name, points.toSorted((a, b) => (a.from < b.from ? -1 : 1))] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))

function messageOf(text: string): string {
  try {
    parseLock(text, FILE)
    return 'accepted'
  } catch (error) {
    assert.ok(error instanceof GateError, String(error))
    return error.message
  }
}

describe('the identity lock', () => {
  it('is written sorted, one field a line', () => assert.equal(writeLock(LOCK), TEXT))
  it('is read as it was written', () => assert.deepEqual(sorted(parseLock(TEXT, FILE)), sorted(LOCK)))
  it('is the same when it is written again', () => assert.equal(writeLock(parseLock(TEXT, FILE)), TEXT))

  it('loses nothing, whatever packages and publishers are called', () => {
    const name = fc.oneof(
      fc.constantFrom(
        'constructor',
        'prototype',
        'toString',
        'hasOwnProperty',
        'null',
        'true',
        '1',
        'y',
        '-',
        '~',
        '<<',
      ),
      fc.stringMatching(/^(@[a-z0-9][a-z0-9._-]{0,8}\/)?[a-z0-9][a-z0-9._-]{0,12}$/),
    )
    const version = fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99)).map((parts) => parts.join('.'))
    // What strangers' certificates say must be readable again, whatever it is.
    const anyText = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 })
    const known = fc.record(
      {
        domain: fc.constantFrom('sigstore', 'github', 'acme'),
        issuer: fc.constantFrom(app.issuer, 'https://gitlab.com', 'https://ci.example/x'),
        repository: fc.constantFrom(app.repository, 'https://gitlab.com/a/b/c', 'https://git.example/a/b'),
        repositoryId: fc.bigInt(0n, 10n ** 18n).map(String),
        ownerId: fc.nat().map(String),
        workflow: fc.oneof(fc.constantFrom('.github/workflows/release (npm).yml', 'a*[b].yml', ' x@y '), anyText),
        environment: fc.oneof(fc.constantFrom('🚀\ufe0f production', 'npm '), anyText),
        ref: fc.constantFrom('branch', 'tag', 'other'),
      },
      { requiredKeys: ['domain', 'issuer', 'repository', 'ref'], noNullPrototype: true },
    ) as fc.Arbitrary<Identity>
    const points = fc.uniqueArray(
      fc.record({ from: version, identity: fc.option(known, { nil: undefined }) }, { noNullPrototype: true }),
      {
        minLength: 1,
        maxLength: 5,
        selector: ({ from }) => from,
      },
    )
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, points), { maxLength: 5, selector: ([each]) => each }), (packages) => {
        const lock = new Map(packages)
        assert.deepEqual(sorted(parseLock(writeLock(lock), FILE)), sorted(lock))
      }),
    )
  })

  it('changes one hunk where one package changes', () => {
    const before = writeLock(LOCK).split('\n')
    const changed = new Map(LOCK).set('@acme/app', [
      ...(LOCK.get('@acme/app') ?? []),
      { from: '1.5.0', identity: { ...app, workflow: '.github/workflows/new.yml' } },
    ])
    const after = writeLock(changed).split('\n')
    const start = before.findIndex((line, index) => line !== after[index])
    const end = before.toReversed().findIndex((line, index) => line !== after.at(-1 - index))
    assert.deepEqual(before.slice(start, before.length - end), [])
    assert.equal(after.length - before.length, 9)
  })
})

describe('a mistake in the identity lock is an error', () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [
      'an unknown key',
      TEXT.replace('workflow:', 'workflo:'),
      /:15:7: unknown key "workflo" in an entry.*Did you mean "workflow"\?/,
    ],
    ['another version', TEXT.replace('version: 1', 'version: 2'), /:5:10: "version" is 1/],
    ['no version', TEXT.replace('version: 1\n', ''), /needs "version"/],
    [
      'a pattern for a repository',
      TEXT.replace('acme/app\n', 'acme/*\n'),
      /is a pattern: the lock names one repository/,
    ],
    ['an empty workflow', TEXT.replace('.github/workflows/release.yml', "''"), /:15:17: empty: leave it out/],
    ['an id that is not read exactly', TEXT.replace('"520031842"', '5200318420000000001'), /:\d+:\d+: /],
    [
      'a name that no package has',
      TEXT.replace('axios:', '"@Sig store/../x":'),
      /"@Sig store\/\.\.\/x" is no name of a package/,
    ],
    [
      'two entries for one version',
      TEXT.replace('- 2.0.0', '- 1.0.0'),
      /"@acme\/app" has two entries from 1\.0\.0 on, and nobody could see which counts/,
    ],
    ['a range', TEXT.replace('0.9.1', '^0.9.1'), /"\^0.9.1" is not exactly one version/],
    ['no versions', TEXT.replace('\n        - 1.14.1', ' []'), /"from" is empty/],
    [
      'an entry without a repository',
      TEXT.replace('      repository: acme/app\n', ''),
      /an entry has "issuer", "repository" and "ref"/,
    ],
    [
      'an identity of what has none',
      TEXT.replace('provenance: none', 'provenance: none\n      issuer: github'),
      /or nothing but "provenance": "none"/,
    ],
    ['neither', TEXT.replace('\n      provenance: none', ''), /an entry has/],
    [
      'a package without entries',
      TEXT.replace('axios:\n    - from:\n        - 1.14.1\n      provenance: none', 'axios: []'),
      /says nothing/,
    ],
    [
      'a package without entries, called as an object has it',
      TEXT.replace('axios:\n    - from:\n        - 1.14.1\n      provenance: none', 'constructor: []'),
      /says nothing/,
    ],
    ['a package twice', `${TEXT}  axios:\n    - from: [ 1.0.0 ]\n      provenance: none\n`, /stands twice/],
    ['an alias', TEXT.replace('from:\n        - 1.14.1', 'from: &a\n        - 1.14.1'), /is an anchor/],
    ['nothing', '', /is empty/],
    ['merge conflict markers', TEXT.replace('version: 1\n', '<<<<<<< HEAD\nversion: 1\n=======\n'), /:\d+:\d+: /],
  ]
  for (const [what, text, message] of cases) {
    it(what, () => {
      assert.notEqual(text, TEXT)
      assert.match(messageOf(text), message)
    })
  }

  it('many are told in their order, and counted', () => {
    const packages = Array.from({ length: 12 }, (_, index) => `  p${index}: []\n`)
    const lines = messageOf(`version: 2\npackages:\n${packages.join('')}`).split('\n')
    assert.match(lines[0] ?? '', /:1:10: "version" is 1/)
    assert.match(lines[9] ?? '', /:11:\d+: a package without entries says nothing/)
    assert.deepEqual(lines.slice(10), ['… and 3 more'])
  })
})
