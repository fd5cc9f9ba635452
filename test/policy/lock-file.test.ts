import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { GateError } from '../../src/errors.ts'
import { parseLock, writeLock } from '../../src/policy/lock-file.ts'
import type { Identity, IdentityLock, LockEntry } from '../../src/policy/types.ts'

const FILE = 'provenance-lock.yaml'
const app: Identity = {
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
  branch: ['main', 'release/1.x'],
}
const { branch: _, ...tagged } = app
const moved: Identity = {
  ...tagged,
  repository: 'https://gitlab.com/acme/app',
  issuer: 'https://gitlab.com',
  builder: 'https://github.com/acme/ci/.github/workflows/build.yml',
  runner: 'self-hosted',
  ref: 'tag',
}
const INTEGRITY = `sha512-${'A'.repeat(86)}==`
const OTHER = `sha512-${'B'.repeat(85)}A==`

const TEXT = `# Who publishes these packages, by verified provenance. Entries hold for all versions; "from" begins a further publisher.
# "unproven" lists the versions that have no provenance although others of their package have: no other may lack it.
# Written by \`provenance-gate accept\`. Review a change like one of the policy: an attacker who has taken over a
# publisher shows here first.

version: 2
packages:
  "@acme/app":
    published:
      - from:
          - 0.9.1
          - 1.0.0
        issuer: github
        repository: acme/app
        repositoryId: "520031842"
        ownerId: "61840275"
        workflow: .github/workflows/release.yml
        builder: own
        runner: hosted
        trigger: push
        environment: npm
        ref: branch
        branch:
          - main
          - release/1.x
      - from:
          - 2.0.0
        issuer: gitlab
        repository: https://gitlab.com/acme/app
        repositoryId: "520031842"
        ownerId: "61840275"
        workflow: .github/workflows/release.yml
        builder: acme/ci/.github/workflows/build.yml
        runner: self-hosted
        trigger: push
        environment: npm
        ref: tag
  axios:
    published:
      - from:
          - 1.13.0
        issuer: github
        repository: axios/axios
        ref: tag
    unproven:
      0.30.0: ${INTEGRITY}
      1.14.1: ${OTHER}
`

const axios: Identity = {
  ...{ domain: 'sigstore', issuer: app.issuer, repository: 'https://github.com/axios/axios', ref: 'tag' },
}
const point = (from: string, identity: Identity) => ({ from, identity, line: 0 })
const LOCK: IdentityLock = new Map<string, LockEntry>([
  [
    'axios',
    {
      published: [point('1.13.0', axios)],
      unproven: [
        { version: '1.14.1', integrity: OTHER, line: 0 },
        { version: '0.30.0', integrity: INTEGRITY, line: 0 },
      ],
    },
  ],
  ['@acme/app', { published: [point('2.0.0', moved), point('1.0.0', app), point('0.9.1', app)], unproven: [] }],
])

/** Without lines, which only a file has, and in one order. */
const sorted = (lock: IdentityLock) =>
  [...lock]
    .map(([name, { published, unproven }]) => ({
      name,
      published: published
        .map(({ from, identity }) => ({ from, identity: { ...identity, branch: identity.branch?.toSorted() } }))
        .sort((a, b) => (a.from < b.from ? -1 : 1)),
      unproven: unproven.map(({ version, integrity }) => `${version} ${integrity}`).sort(),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))

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

  it('knows the line of each entry and of each version', () => {
    const lines = [...parseLock(TEXT, FILE).values()].flatMap(({ published, unproven }) => [
      ...published.map(({ from, line }) => [from, line]),
      ...unproven.map(({ version, line }) => [version, line]),
    ])
    assert.deepEqual(
      lines.map((each) => each.join(' ')),
      ['0.9.1 10', '1.0.0 10', '2.0.0 26', '1.13.0 40', '0.30.0 46', '1.14.1 47'],
    )
  })

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
    const known = fc
      .record(
        {
          domain: fc.constantFrom('sigstore', 'github', 'acme'),
          issuer: fc.constantFrom(app.issuer, 'https://gitlab.com', 'https://ci.example/x'),
          repository: fc.constantFrom(app.repository, 'https://gitlab.com/a/b/c', 'https://git.example/a/b'),
          repositoryId: fc.bigInt(0n, 10n ** 18n).map(String),
          ownerId: fc.nat().map(String),
          workflow: fc.oneof(fc.constantFrom('.github/workflows/release (npm).yml', 'a*[b].yml', ' x@y '), anyText),
          builder: fc.oneof(
            fc.constantFrom(
              'own',
              'https://github.com/own',
              'https://github.com/a/b/c.yml',
              'https://own',
              'https://gitlab.com/a/b//.gitlab-ci.yml',
            ),
            anyText.map((text) => `https://github.com/${text}`),
          ),
          runner: fc.constantFrom('hosted', 'self-hosted'),
          trigger: fc.oneof(fc.constantFrom('push', 'pull_request_target'), anyText),
          environment: fc.oneof(fc.constantFrom('🚀\ufe0f production', 'npm '), anyText),
          ref: fc.constantFrom('branch', 'tag', 'other'),
          branch: fc.uniqueArray(
            fc
              .oneof(
                fc.constantFrom('main', 'fix(x)', 'release/*', 'a{b}', '**'),
                anyText.map((text) => text.replaceAll('*', '')),
              )
              .filter((text) => text !== ''),
            { minLength: 1, maxLength: 3 },
          ),
        },
        { requiredKeys: ['domain', 'issuer', 'repository', 'ref'], noNullPrototype: true },
      )
      .map(({ branch, ...rest }) => ({
        ...rest,
        ...(branch && rest.ref === 'branch' && { branch }),
      })) as fc.Arbitrary<Identity>
    const published = fc.uniqueArray(
      fc.record({ from: version, identity: known, line: fc.constant(0) }, { noNullPrototype: true }),
      { minLength: 1, maxLength: 5, selector: ({ from }) => from },
    )
    const unproven = fc
      .uniqueArray(version, { maxLength: 3 })
      .map((versions) => versions.map((each) => ({ version: each, integrity: INTEGRITY, line: 0 })))
    const entry = fc.record({ published, unproven }, { noNullPrototype: true })
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, entry), { maxLength: 5, selector: ([each]) => each }), (packages) => {
        const lock = new Map(packages)
        assert.deepEqual(sorted(parseLock(writeLock(lock), FILE)), sorted(lock))
      }),
    )
  })

  it('changes one hunk where one package changes', () => {
    const before = writeLock(LOCK).split('\n')
    const entry = LOCK.get('@acme/app') ?? assert.fail()
    const added = point('1.5.0', { ...app, workflow: '.github/workflows/new.yml' })
    const changed = new Map(LOCK).set('@acme/app', { ...entry, published: [...entry.published, added] })
    const after = writeLock(changed).split('\n')
    const start = before.findIndex((line, index) => line !== after[index])
    const end = before.toReversed().findIndex((line, index) => line !== after.at(-1 - index))
    assert.deepEqual(before.slice(start, before.length - end), [])
    assert.equal(after.length - before.length, 15)
  })

  it('changes one line where one version is recorded', () => {
    const entry = LOCK.get('axios') ?? assert.fail()
    const unproven = [...entry.unproven, { version: '0.31.0', integrity: OTHER, line: 0 }]
    const after = writeLock(new Map(LOCK).set('axios', { ...entry, unproven }))
    assert.equal(after, TEXT.replace('      1.14.1:', `      0.31.0: ${OTHER}\n      1.14.1:`))
  })
})

describe('a mistake in the identity lock is an error', () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [
      'an unknown key of an entry',
      TEXT.replace('workflow:', 'workflo:'),
      /:17:9: unknown key "workflo" in an entry.*Did you mean "workflow"\?/,
    ],
    ['an unknown key of a package', TEXT.replace('unproven:', 'unprovn:'), /unknown key "unprovn" in a package/],
    ['another version', TEXT.replace('version: 2', 'version: 3'), /:6:10: "version" is 2/],
    ['no version', TEXT.replace('version: 2\n', ''), /needs "version"/],
    [
      'a pattern for a repository',
      TEXT.replace('acme/app\n', 'acme/*\n'),
      /is a pattern: the lock names one repository/,
    ],
    ['an empty workflow', TEXT.replace('.github/workflows/release.yml', "''"), /:17:19: empty: leave it out/],
    ['an id that is not read exactly', TEXT.replace('"520031842"', '5200318420000000001'), /:\d+:\d+: /],
    [
      'a name that no package has',
      TEXT.replace('axios:', '"@Sig store/../x":'),
      /"@Sig store\/\.\.\/x" is no name of a package/,
    ],
    [
      'two entries for one version',
      TEXT.replace('- 2.0.0', '- 1.0.0'),
      /"@acme\/app" has two entries from 1\.0\.0 on, so it is not clear which one counts/,
    ],
    ['a range', TEXT.replace('0.9.1', '^0.9.1'), /"\^0.9.1" is not exactly one version/],
    ['no versions', TEXT.replace('\n          - 1.13.0', ' []'), /"from" is empty/],
    [
      'an entry without a repository',
      TEXT.replace('        repository: acme/app\n', ''),
      /an entry needs "repository"/,
    ],
    ['an entry without an issuer', TEXT.replace('        issuer: github\n', ''), /an entry needs "issuer"/],
    ['an entry without a kind of ref', TEXT.replace('        ref: branch\n', ''), /an entry needs "ref"/],
    ['a branch beside a tag', TEXT.replace('ref: branch', 'ref: tag'), /"branch" goes with "ref": "branch"/],
    ['no branches', TEXT.replace(/branch:\n.*\n.*x\n/, 'branch: []\n'), /"branch" is empty/],
    ['a branch that is not in a list', TEXT.replace(/branch:\n.*\n.*x\n/, 'branch: main\n'), /"branch" is a list/],
    ['a pattern of branches that means nothing', TEXT.replace('- main', '- "rel**"'), /"\*\*" beside other characters/],
    [
      'another runner',
      TEXT.replace('runner: hosted', 'runner: github-hosted'),
      /"runner" is "hosted" or "self-hosted"/,
    ],
    [
      'a builder without an address',
      TEXT.replace('builder: own', 'builder: any'),
      /"builder" is "own", or the workflow/,
    ],
    [
      'a version that is a pattern',
      TEXT.replace('0.30.0:', '"0.30.*":'),
      /:46:7: "0\.30\.\*" is not exactly one version/,
    ],
    [
      'a version called as an object has it',
      TEXT.replace('0.30.0:', 'constructor:'),
      /"constructor" is not exactly one/,
    ],
    ['a version without bytes', TEXT.replace(INTEGRITY, 'none'), /:46:15: "none" is not the integrity/],
    [
      'a version with a weak digest',
      TEXT.replace(INTEGRITY, 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk='),
      /is not the integrity/,
    ],
    ['a version twice', TEXT.replace('1.14.1:', '0.30.0:'), /stands twice/],
    [
      'versions of a package that nothing is known of',
      TEXT.replace(/ {4}published:\n(?: {6}.*\n)+ {4}unproven/, '    unproven'),
      /a package needs "published"/,
    ],
    [
      'a package without entries',
      TEXT.replace(/(axios:\n {4}published:)\n(?: {6}.*\n)+/, '$1 []\n'),
      /"published" is empty/,
    ],
    [
      'a package that is nothing',
      TEXT.replace(/axios:\n(?: {4}.*\n)+/, 'axios:\n'),
      /a package is written as a mapping/,
    ],
    [
      'one that is nothing, called as an object has it',
      TEXT.replace(/axios:\n(?: {4}.*\n)+/, 'constructor: []\n'),
      /a package is written as a mapping/,
    ],
    ['a package twice', `${TEXT}  axios: {}\n`, /stands twice/],
    ['an alias', TEXT.replace('from:\n          - 1.13.0', 'from: &a\n          - 1.13.0'), /is an anchor/],
    ['nothing', '', /is empty/],
    ['merge conflict markers', TEXT.replace('version: 2\n', '<<<<<<< HEAD\nversion: 2\n=======\n'), /:\d+:\d+: /],
    [
      'the form of earlier versions',
      'version: 1\npackages: {}\n',
      /:1:10: the form of earlier versions of the gate, which asked for less\. `provenance-gate accept` reads it/,
    ],
  ]
  for (const [what, text, message] of cases) {
    it(what, () => {
      assert.notEqual(text, TEXT)
      assert.match(messageOf(text), message)
    })
  }

  it('many are told in their order, and counted', () => {
    const packages = Array.from({ length: 12 }, (_, index) => `  p${index}: []\n`)
    const lines = messageOf(`version: 3\npackages:\n${packages.join('')}`).split('\n')
    assert.match(lines[0] ?? '', /:1:10: "version" is 2/)
    assert.match(lines[9] ?? '', /:11:\d+: a package is written as a mapping/)
    assert.deepEqual(lines.slice(10), ['… and 3 more'])
  })

  it('one is a package with more entries than anybody accepts, which every version would be compared with', () => {
    const many = Array.from({ length: 1001 }, (_, patch) => `1.0.${patch}`)
    const froms = TEXT.replace('- 0.9.1', many.map((each) => `- ${each}`).join('\n          '))
    assert.match(messageOf(froms), /"from" has more than 1000 versions/)
    const records = TEXT.replace(/ {6}0\.30\.0.*/, many.map((each) => `      ${each}: ${INTEGRITY}`).join('\n'))
    assert.match(messageOf(records), /"unproven" has more than 1000 versions/)
  })
})
