import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { GateError } from '../../src/errors.ts'
import { readDocument } from '../../src/policy/document.ts'
import { parsePolicy } from '../../src/policy/parse.ts'

const FILE = '.sigstorerc'

const VALID = `rules:
  - packages: '@acme/*'
    require: provenance
    publisher:
      repository: acme/app
      workflow: .github/workflows/release.yml
      ref: refs/tags/v*
  - packages: ['**', '!legacy']
    require: nothing
    reason: not looked into yet
`

function messageOf(text: string, file = FILE, root?: string): string {
  try {
    parsePolicy(text, file, root)
  } catch (error) {
    assert.ok(error instanceof GateError, `not a GateError: ${error}`)
    return error.message
  }
  return 'accepted'
}

describe('a valid policy', () => {
  it('is read from YAML, with places', () => {
    assert.deepEqual(parsePolicy(VALID, FILE), {
      file: FILE,
      identities: undefined,
      rules: [
        {
          packages: ['@acme/*'],
          require: 'provenance',
          publishers: [
            {
              domain: 'sigstore',
              issuer: 'https://token.actions.githubusercontent.com',
              repository: 'https://github.com/acme/app',
              workflow: '.github/workflows/release.yml',
              ref: 'refs/tags/v*',
            },
          ],
          unchanged: false,
          enforcement: { mode: 'enforce' },
          place: { file: FILE, line: 2, column: 5 },
        },
        {
          packages: ['**', '!legacy'],
          require: 'nothing',
          publishers: [],
          unchanged: false,
          enforcement: { mode: 'enforce' },
          reason: 'not looked into yet',
          place: { file: FILE, line: 8, column: 5 },
        },
      ],
      exceptions: [],
      allowSettings: [],
      publishers: new Map(),
      enforcement: { mode: 'enforce' },
      trust: { trustedRoot: undefined, npmKeys: undefined },
      projects: new Map(),
    })
  })

  it('is read from JSON, indented with tabs, with CRLF', () => {
    const text =
      '{\r\n\t"$schema": "./x.json",\r\n\t"rules": [\r\n\t\t{ "packages": "a", "require": "nothing" }\r\n\t]\r\n}\r\n'
    assert.deepEqual(parsePolicy(text, 'p.json').rules, [
      {
        packages: ['a'],
        require: 'nothing',
        publishers: [],
        unchanged: false,
        enforcement: { mode: 'enforce' },
        place: { file: 'p.json', line: 4, column: 3 },
      },
    ])
  })

  it('is read from a key of package.json', () => {
    const text =
      '{\n  "name": "x",\n  "sigstore": {\n    "rules": [{ "packages": "a", "require": "nothing" }]\n  }\n}\n'
    assert.deepEqual(parsePolicy(text, 'package.json', 'sigstore').rules[0]?.place, {
      file: 'package.json',
      line: 4,
      column: 15,
    })
  })

  it('finds trust files from the folder of the policy', () => {
    const text = `trust: { trustedRoot: trust/root.json, npmKeys: /abs/keys.json }\n${VALID}`
    assert.deepEqual(parsePolicy(text, '/repo/.sigstorerc').trust, {
      trustedRoot: '/repo/trust/root.json',
      npmKeys: '/abs/keys.json',
    })
  })

  it('names publishers once and refers to them, alone or among others', () => {
    const text = `publishers:
  acme: { repository: acme/app }
  both: [{ repository: acme/a }, { repository: acme/b }]
rules:
  - { packages: a, require: provenance, publisher: acme }
  - { packages: b, require: provenance, publisher: [both, { repository: acme/c }] }
`
    const repositories = parsePolicy(text, FILE).rules.map(({ publishers }) =>
      publishers.map(({ issuer, repository }) => [issuer, repository]),
    )
    const of = (name: string) => ['https://token.actions.githubusercontent.com', `https://github.com/acme/${name}`]
    assert.deepEqual(repositories, [[of('app')], [of('a'), of('b'), of('c')]])
  })

  it('takes an id as a number or as text, and no number that is not exact', () => {
    const idOf = (id: string) => {
      const publisher = `{ issuer: github, repositoryId: ${id} }`
      return parsePolicy(`rules: [{ packages: a, require: provenance, publisher: ${publisher} }]`, FILE).rules[0]
        ?.publishers[0]?.repositoryId
    }
    assert.equal(idOf('520031842'), '520031842')
    assert.equal(idOf("'520031842'"), '520031842')
    assert.equal(idOf("'9007199254740993'"), '9007199254740993')
    assert.throws(() => idOf('9007199254740993'), /is not read exactly: write the id in quotes/)
    assert.throws(() => idOf('1.5'), /is not read exactly/)
    assert.throws(() => idOf('-1'), /not an id/)
    assert.throws(() => idOf('acme'), /not an id/)
  })

  it('says for each rule whether it only warns, and until when', () => {
    const rule = (name: string, more: string) => `  - { packages: ${name}, require: signature${more} }\n`
    const rules = `rules:\n${rule('a', '')}${rule('b', ', mode: enforce')}${rule('c', ', mode: warn')}${rule('d', ", enforceFrom: '2028-01-01'")}`
    const { enforcement, rules: made } = parsePolicy(`mode: warn\nenforceFrom: '2027-01-01'\n${rules}`, FILE)
    const untilThen = { mode: 'warn', enforceFrom: '2027-01-01' }
    assert.deepEqual(enforcement, untilThen)
    assert.deepEqual(
      made.map((each) => each.enforcement),
      [untilThen, { mode: 'enforce' }, untilThen, { mode: 'warn', enforceFrom: '2028-01-01' }],
    )
  })

  it('has packages for which a change may ask less of the identity lock, with places, also of shared policies', () => {
    const text = `allowLockChanges:
  - { package: '@acme/app', reason: moved, expires: '2027-01-01' }
${VALID}`
    const own = {
      package: '@acme/app',
      reason: 'moved',
      expires: '2027-01-01',
      place: { file: FILE, line: 2, column: 5 },
    }
    assert.deepEqual(parsePolicy(text, FILE).allowLockChanges, [own])
    assert.deepEqual(parsePolicy(VALID, FILE, undefined, [parsePolicy(text, FILE)]).allowLockChanges, [own])
    assert.equal('allowLockChanges' in parsePolicy(VALID, FILE), false)
  })

  it('has exceptions, with places', () => {
    const integrity = `sha512-${'A'.repeat(86)}==`
    const text = `exceptions:
  - { package: '@acme/old@1.0.0-rc.1', integrity: ${integrity}, reason: moved, expires: '2027-01-31' }
${VALID}`
    assert.deepEqual(parsePolicy(text, FILE).exceptions, [
      {
        name: '@acme/old',
        version: '1.0.0-rc.1',
        integrity,
        reason: 'moved',
        expires: '2027-01-31',
        place: { file: FILE, line: 2, column: 5 },
      },
    ])
  })

  it('may begin with --- and end with a comment', () => {
    assert.equal(parsePolicy(`---\n${VALID}# the end\n`, FILE).rules.length, 2)
  })
})

const KNOWN =
  '"packages", "require", "source", "integrity", "publisher", "registry", "unchanged", "minimumAge", "evidenceFrom", "mode", "enforceFrom", "reason"'
const KNOWN_OF_POLICY =
  '"$schema", "extends", "projects", "trust", "attestations", "publishers", "mode", "enforceFrom", "exceptions", "allowSettings", "allowLockChanges", "rules"'
const KNOWN_OF_PUBLISHER =
  '"issuer", "owner", "ownerId", "repository", "repositoryId", "workflow", "builder", "ref", "commit", "trigger", "runner", "environment", "visibility", "domain", "release", "tag"'
const QUOTE_IT = 'In YAML a value that begins with "@", "*", "!", "&" or "%" must be in quotes'
const change = (from: string, to: string) => {
  assert.ok(VALID.includes(from))
  return VALID.replace(from, to)
}

describe('mistakes in a policy', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    [
      'an unknown key',
      change('publisher:', 'publishers:'),
      `.sigstorerc:4:5: unknown key "publishers" in a rule, which has ${KNOWN}. Did you mean "publisher"?`,
    ],
    [
      'a publisher that nobody has named',
      'publishers: { acme: { repository: a/b } }\nrules: [{ packages: a, require: provenance, publisher: [acme, acne] }]',
      '.sigstorerc:2:63: no publisher is called "acne" under "publishers", which has "acme". Did you mean "acme"?',
    ],
    [
      'a name for a publisher that is a repository',
      "publishers: { 'acme/app': { repository: acme/app } }\nrules: [{ packages: a, require: nothing }]",
      '.sigstorerc:1:27: "acme/app" is not the name of a publisher: for a repository write {"repository": "acme/app"}',
    ],
    [
      'a repository in the place of a publisher',
      'rules: [{ packages: a, require: provenance, publisher: acme/app }]',
      '.sigstorerc:1:56: "acme/app" is not the name of a publisher: for a repository write {"repository": "acme/app"}',
    ],
    [
      'a span that is none',
      change('require: provenance', 'require: provenance\n    minimumAge: 3 days'),
      '.sigstorerc:4:17: "3 days" is not a span of time: write a whole number of hours, days or weeks, such as "12h", "3d" or "2w"',
    ],
    [
      'a publisher for a signature, which names none',
      change('require: provenance', 'require: signature'),
      '.sigstorerc:5:7: this rule requires "signature", so its "publisher" would never be looked at: write "require": "provenance", or remove "publisher"',
    ],
    [
      'an age of something of which nothing is asked',
      `${VALID}    minimumAge: 3d\n`,
      '.sigstorerc:11:17: this rule requires "nothing", so its "minimumAge" would never be looked at: remove it',
    ],
    [
      'a day from which to enforce, where nothing only warns',
      change('require: provenance', "require: provenance\n    enforceFrom: '2027-01-01'"),
      '.sigstorerc:4:5: "enforceFrom" is the day on which a warning becomes a refusal, but here nothing only warns: add "mode": "warn", or remove it',
    ],
    [
      'a day from which to enforce, where the file only warns but the rule does not',
      `mode: warn\n${change('require: provenance', "require: provenance\n    mode: enforce\n    enforceFrom: '2027-01-01'")}`,
      '.sigstorerc:6:5: "enforceFrom" is the day on which a warning becomes a refusal, but here nothing only warns: add "mode": "warn", or remove it',
    ],
    [
      'a day that does not exist',
      `mode: warn\nenforceFrom: '2027-02-29'\n${VALID}`,
      '.sigstorerc:2:14: "2027-02-29" is not a day: write year, month and day, such as "2027-01-31"',
    ],
    [
      'a lock that may change for a scope',
      `allowLockChanges: [{ package: '@acme/*', reason: x, expires: '2027-01-01' }]\n${VALID}`,
      '.sigstorerc:1:31: "@acme/*" is not exactly one package: write its whole name',
    ],
    [
      'a lock that may change for a version',
      `allowLockChanges: [{ package: a@1.0.0, reason: x, expires: '2027-01-01' }]\n${VALID}`,
      '.sigstorerc:1:31: "a@1.0.0" is not exactly one package: write its whole name',
    ],
    [
      'a lock that may change for ever',
      `allowLockChanges: [{ package: a, reason: x }]\n${VALID}`,
      '.sigstorerc:1:20: an entry of "allowLockChanges" needs "expires", which is missing',
    ],
    [
      'a lock that may change without a reason',
      `allowLockChanges: [{ package: a, expires: '2027-01-01' }]\n${VALID}`,
      '.sigstorerc:1:20: an entry of "allowLockChanges" needs "reason", which is missing',
    ],
    [
      'one name in place of the packages for which a lock may change',
      `allowLockChanges: a\n${VALID}`,
      '.sigstorerc:1:19: "allowLockChanges" is a list of packages, but here is "a"',
    ],
    [
      'an exception for a range',
      `exceptions: [{ package: a@^1, reason: x, expires: '2027-01-01' }]\n${VALID}`,
      '.sigstorerc:1:25: "a@^1" is not exactly one version: write it as in the lockfile, such as "name@1.0.0" or "@scope/name@1.0.0"',
    ],
    [
      'an exception for all versions',
      `exceptions: [{ package: a, reason: x, expires: '2027-01-01' }]\n${VALID}`,
      '.sigstorerc:1:25: "a" names no version: write exactly one, such as "name@1.0.0" or "@scope/name@1.0.0"',
    ],
    [
      'an exception for several packages',
      `exceptions: [{ package: 'a*@1.0.0', reason: x, expires: '2027-01-01' }]\n${VALID}`,
      '.sigstorerc:1:25: "a*@1.0.0" is not one package: write its name, such as "name@1.0.0" or "@scope/name@1.0.0"',
    ],
    [
      'an exception for ever',
      `exceptions: [{ package: a@1.0.0, reason: x }]\n${VALID}`,
      '.sigstorerc:1:14: an exception needs "expires", which is missing',
    ],
    [
      'an exception without a reason',
      `exceptions: [{ package: a@1.0.0, expires: '2027-01-01' }]\n${VALID}`,
      '.sigstorerc:1:14: an exception needs "reason", which is missing',
    ],
    [
      'an exception for a weak digest',
      `exceptions: [{ package: a@1.0.0, reason: x, expires: '2027-01-01', integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk= }]\n${VALID}`,
      '.sigstorerc:1:79: "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=" is not the integrity of a lockfile\'s entry: copy it from there, "sha512-…"',
    ],
    [
      'two exceptions for one version',
      `exceptions:\n  - { package: a@1.0.0, reason: x, expires: '2027-01-01' }\n  - { package: a@1.0.0, reason: y, expires: '2028-01-01' }\n${VALID}`,
      '.sigstorerc:3:16: "a@1.0.0" has an exception already, and only the first would count: keep one',
    ],
    [
      'a misspelt required key',
      change('require:', 'requires:'),
      `.sigstorerc:2:5: a rule needs "require", which is missing\n.sigstorerc:3:5: unknown key "requires" in a rule, which has ${KNOWN}. Did you mean "require"?`,
    ],
    [
      'a key in other case',
      change('ref:', 'Ref:'),
      `.sigstorerc:7:7: unknown key "Ref" in a publisher, which has ${KNOWN_OF_PUBLISHER}. Did you mean "ref"?`,
    ],
    [
      'an unknown key at the top',
      `exception: []\n${VALID}`,
      `.sigstorerc:1:1: unknown key "exception" in a policy, which has ${KNOWN_OF_POLICY}. Did you mean "exceptions"?`,
    ],
    [
      'an unknown key of trust',
      `trust: {npmkeys: a}\n${VALID}`,
      '.sigstorerc:1:9: unknown key "npmkeys" in "trust", which has "trustedRoot", "npmKeys", "tuf", "registries", "domains", "maxStaleness". Did you mean "npmKeys"?',
    ],
    [
      '__proto__',
      `__proto__: {rules: []}\n${VALID}`,
      `.sigstorerc:1:1: unknown key "__proto__" in a policy, which has ${KNOWN_OF_POLICY}`,
    ],
    [
      '__proto__ in a publisher',
      change('ref: refs', '__proto__: refs'),
      `.sigstorerc:7:7: unknown key "__proto__" in a publisher, which has ${KNOWN_OF_PUBLISHER}`,
    ],
    [
      'constructor',
      change('reason:', 'constructor:'),
      `.sigstorerc:10:5: unknown key "constructor" in a rule, which has ${KNOWN}`,
    ],
    [
      'a merge key',
      change('packages: ', '<<: {require: nothing}\n    packages: '),
      `.sigstorerc:2:5: unknown key "<<" in a rule, which has ${KNOWN}`,
    ],
    ['no rules', 'rules: []\n', '.sigstorerc:1:8: no rules: every package would be refused. Write at least one'],
    [
      'rules that are no list',
      'rules: {packages: a}\n',
      '.sigstorerc:1:8: "rules" is a list of rules, but here is a mapping',
    ],
    ['rules without value', 'rules:\n', '.sigstorerc:1:7: "rules" is a list of rules, but here is nothing'],
    [
      'a rule that is no mapping',
      'rules:\n  - left-pad\n',
      `.sigstorerc:2:5: a rule is written as a mapping with ${KNOWN}, but here is "left-pad"`,
    ],
    [
      'a list as policy',
      '- packages: a\n',
      `.sigstorerc:1:1: a policy is written as a mapping with ${KNOWN_OF_POLICY}, but here is a list`,
    ],
    [
      'a text as policy',
      'rules\n',
      `.sigstorerc:1:1: a policy is written as a mapping with ${KNOWN_OF_POLICY}, but here is "rules"`,
    ],
    [
      'an unknown requirement',
      change('provenance', 'provenence'),
      '.sigstorerc:3:14: expected "provenance", "signature" or "nothing", found "provenence". Did you mean "provenance"?',
    ],
    [
      'a requirement that is no text',
      change('provenance', 'false'),
      '.sigstorerc:3:14: expected "provenance", "signature" or "nothing", found the truth value false',
    ],
    [
      'a requirement in a list',
      change('provenance', '[provenance]'),
      '.sigstorerc:3:14: expected "provenance", "signature" or "nothing", found a list',
    ],
    [
      'provenance of anybody',
      'rules:\n  - packages: a\n    require: provenance\n',
      '.sigstorerc:3:14: "provenance" without "publisher" would accept a package that anybody built and signed, an attacker included: add "publisher", such as "publisher": {"repository": "owner/name"}, or "unchanged": true for whom provenance-lock.yaml names',
    ],
    [
      'a publisher that nobody looks at',
      change('reason: not looked into yet', 'publisher: {repository: acme/app}'),
      '.sigstorerc:10:16: this rule requires "nothing", so its "publisher" would never be looked at: write "require": "provenance", or remove "publisher"',
    ],
    [
      'an empty publisher',
      'rules: [{packages: a, require: provenance, publisher: {}}]',
      '.sigstorerc:1:55: a publisher that names nothing would be anybody: write at least "repository"',
    ],
    [
      'no publishers',
      'rules: [{packages: a, require: provenance, publisher: []}]',
      '.sigstorerc:1:55: the list is empty: name at least one publisher',
    ],
    [
      'an empty publisher among others',
      'rules: [{packages: a, require: provenance, publisher: [{repository: a/b}, {}]}]',
      '.sigstorerc:1:75: a publisher that names nothing would be anybody: write at least "repository"',
    ],
    [
      'a publisher that is a text',
      'rules: [{packages: a, require: provenance, publisher: acme}]',
      '.sigstorerc:1:55: no publisher is called "acme" under "publishers", which is missing',
    ],
    [
      'a publisher without value',
      'rules: [{packages: a, require: provenance, publisher: }]',
      `.sigstorerc:1:55: a publisher is written as a mapping with ${KNOWN_OF_PUBLISHER}, but here is nothing`,
    ],
    [
      'a list in a list',
      'rules: [{packages: a, require: provenance, publisher: [[]]}]',
      `.sigstorerc:1:56: a publisher is written as a mapping with ${KNOWN_OF_PUBLISHER}, but here is a list`,
    ],
    ['no packages', change("'@acme/*'", '[]'), '.sigstorerc:2:15: the list is empty: name at least one package'],
    [
      'only negated packages',
      change("'@acme/*'", "['!a', '!b']"),
      '.sigstorerc:2:15: only negated patterns, which take packages out of nothing: name what the rule is about too, such as "**"',
    ],
    [
      'an empty package',
      change("'@acme/*'", "[a, '']"),
      '.sigstorerc:2:19: an empty string says nothing: write a value, or leave the key out',
    ],
    [
      'a package that is a number',
      change("'@acme/*'", '[a, 7]'),
      '.sigstorerc:2:19: expected text, found the number 7: write the value, in quotes',
    ],
    [
      'a package that is true',
      change("'@acme/*'", 'true'),
      '.sigstorerc:2:15: expected text, found the truth value true: write the value, in quotes',
    ],
    [
      'an unfinished list',
      change("'@acme/*'", '\n      -'),
      '.sigstorerc:3:8: expected text, found nothing: write the value, in quotes',
    ],
    [
      'a short ref',
      change('refs/tags/v*', 'main'),
      '.sigstorerc:7:12: "main" is not a full ref, and a branch and a tag may have the same name: write "refs/heads/main" for the branch or "refs/tags/main" for the tag',
    ],
    [
      'a ref that YAML reads as a number',
      change('refs/tags/v*', '1.10'),
      '.sigstorerc:7:12: expected text, found the number 1.1: write the value, in quotes',
    ],
    [
      'a foreign pattern',
      change('refs/tags/v*', 'refs/tags/v[0-9]*'),
      '.sigstorerc:7:12: "refs/tags/v[0-9]*" contains "[", which means nothing here: patterns know "*" (inside a path segment) and "**" (whole segments) only. Write several patterns in a list instead',
    ],
    [
      'a workflow of anybody',
      change('repository: acme/app', 'issuer: github'),
      '.sigstorerc:6:17: "workflow" without "repository" would be met by anybody\'s repository that has one of that name: add "repository" (or "owner", or an id), or "repository": "**" if any is meant',
    ],
    [
      'an owner left open',
      change('acme/app', "'*/app'"),
      '.sigstorerc:5:19: "*/app" leaves the owner open, and anybody can register another one: write the owner out, or "**" if any repository is meant',
    ],
    [
      'an issuer left open',
      change('acme/app', 'https://git.example/acme/app'),
      '.sigstorerc:5:19: "https://git.example/acme/app" is not on github.com or gitlab.com, so "issuer" must say who vouches for the build: without it any issuer would do, also one that lets its users claim any repository. Add "issuer" (github or gitlab, or a URL)',
    ],
    ['an empty trust', `trust: {}\n${VALID}`, '.sigstorerc:1:8: "trust" names nothing: name a file, or remove it'],
    [
      'a list as trust',
      `trust: []\n${VALID}`,
      '.sigstorerc:1:8: "trust" is written as a mapping with "trustedRoot", "npmKeys", "tuf", "registries", "domains", "maxStaleness", but here is a list',
    ],
    [
      'trust from a URL',
      `trust: {npmKeys: 'https://x.example/k'}\n${VALID}`,
      '.sigstorerc:1:18: "https://x.example/k" is a URL: write the path of a file, relative to the policy',
    ],
    [
      'an invisible character in a value',
      change('acme/app', '"acme\\u200b/app"'),
      '.sigstorerc:5:19: "acme\\u200b/app" contains U+200B, which cannot be seen when reading: remove it',
    ],
    [
      'a text of several lines',
      change('not looked into yet', '|\n      one\n      two'),
      '.sigstorerc:10:13: "one\\ntwo\\n" contains U+000A, which cannot be seen when reading: remove it',
    ],
    [
      'several at once, in their order',
      change('refs/tags/v*', 'main').replace('nothing', 'nothin'),
      '.sigstorerc:7:12: "main" is not a full ref, and a branch and a tag may have the same name: write "refs/heads/main" for the branch or "refs/tags/main" for the tag\n.sigstorerc:9:14: expected "provenance", "signature" or "nothing", found "nothin". Did you mean "nothing"?',
    ],
  ]
  for (const [what, text, message] of cases) it(what, () => assert.equal(messageOf(text), message))

  it('more than can be read at once are counted', () => {
    const lines = messageOf(`rules: [${'{},'.repeat(30)}]`).split('\n')
    assert.equal(lines.length, 11)
    assert.equal(lines.at(-1), '… and 50 more')
  })

  it('in package.json are placed there', () => {
    const text = '{\n  "sigstore": {\n    "rules": [{ "packages": "a", "require": "x" }]\n  }\n}\n'
    assert.equal(
      messageOf(text, 'package.json', 'sigstore'),
      'package.json:3:45: expected "provenance", "signature" or "nothing", found "x"',
    )
  })
})

describe('rules that cannot decide', () => {
  const rules = (...lists: readonly string[]) =>
    `rules:\n${lists.map((list) => `  - packages: ${list}\n    require: nothing\n`).join('')}`
  const cases: readonly (readonly [string, string, string])[] = [
    [
      'behind one that is wider',
      rules("'@acme/*'", "'@acme/app'"),
      '.sigstorerc:4:5: this rule can never decide: the rule at line 2 already decides everything that it names, and the first rule that matches decides. Remove it, or move it up',
    ],
    [
      'behind several',
      rules('a', 'b', '[b, a]'),
      '.sigstorerc:6:5: this rule can never decide: the rules at lines 2 and 4 already decide everything that it names, and the first rule that matches decides. Remove it, or move it up',
    ],
    [
      'by their own negations',
      rules("[a, '!a']"),
      '.sigstorerc:2:5: this rule can never decide: its own negated patterns take out everything that it names. Correct or remove them',
    ],
    [
      'for one of their packages',
      rules("'@acme/*'", "[b, '@acme/app']"),
      '.sigstorerc:4:19: "@acme/app" never matches here: the rule at line 2 already decides it. Remove it, or move this rule up',
    ],
    [
      'for a package that they take out',
      rules("[a, b, '!a']"),
      '.sigstorerc:2:16: "a" is taken out again by a negated pattern of this rule. Remove one of the two',
    ],
    [
      'with a negation of nothing',
      rules("['@acme/*', '!@amce/old']"),
      '.sigstorerc:2:27: "!@amce/old" takes out nothing, for no other pattern of this rule matches such a package. Correct or remove it',
    ],
  ]
  for (const [what, text, message] of cases) it(what, () => assert.equal(messageOf(text), message))
})

describe('files that are not plain YAML or JSON', () => {
  const empty = (line: number, column: number) =>
    `.sigstorerc:${line}:${column}: the policy is empty, which says nothing about any package: write "rules" (.sigstorerc.example shows how)`
  const cases: readonly (readonly [string, string, string])[] = [
    ['nothing', '', empty(1, 1)],
    ['only space', ' \n\n', empty(1, 1)],
    ['only a comment', '# rules\n', empty(1, 1)],
    ['null', 'null', empty(1, 1)],
    [
      'a key twice',
      `${VALID}rules: []\n`,
      '.sigstorerc:11:1: this key stands twice in one mapping, and only one of the two would count: remove one',
    ],
    [
      'a key twice, once escaped',
      '{"rules": [], "rule\\u0073": []}',
      '.sigstorerc:1:15: this key stands twice in one mapping, and only one of the two would count: remove one',
    ],
    [
      'two documents',
      `${VALID}---\nrules: []\n`,
      '.sigstorerc:11:1: a second document begins here, and its rules would be ignored: keep one, without "---" between',
    ],
    ['a tab', 'rules:\n\t- packages: a\n', '.sigstorerc:2:1: YAML is not indented with tabs: use spaces'],
    [
      'a directive',
      '%YAML 1.1\n---\nrules: []\n',
      '.sigstorerc:1:1: a directive ("%…") changes how the file is read: remove the line',
    ],
    [
      'another directive',
      '# x\n%TAG !! tag:x,2000:\n---\nrules: []\n',
      '.sigstorerc:2:1: a directive ("%…") changes how the file is read: remove the line',
    ],
    [
      'an alias',
      'rules: &r []\ntrust: *r\n',
      `.sigstorerc:1:8: "&r" is an anchor, which a policy does not have: remove it. ${QUOTE_IT}`,
    ],
    [
      'an unquoted **',
      'rules: [{packages: **}]',
      `.sigstorerc:1:20: "**" is an alias, which a policy does not have: write the value itself. ${QUOTE_IT}`,
    ],
    ['an unquoted *', 'rules:\n  - packages: *\n', `.sigstorerc:2:15: "*" is not YAML. ${QUOTE_IT}`],
    ['an unquoted scope', 'rules:\n  - packages: @acme/*\n', `.sigstorerc:2:15: "@acme/*" is not YAML. ${QUOTE_IT}`],
    [
      'an unquoted negation',
      "rules:\n  - packages: ['**', !legacy]\n",
      `.sigstorerc:2:22: "!legacy" is a tag, which a policy does not have: remove it. ${QUOTE_IT}`,
    ],
    [
      'a tag',
      'rules: !!seq []',
      `.sigstorerc:1:8: "!!seq" is a tag, which a policy does not have: remove it. ${QUOTE_IT}`,
    ],
    [
      'a binary tag',
      'rules: !!binary aGk=',
      `.sigstorerc:1:8: "!!binary" is a tag, which a policy does not have: remove it. ${QUOTE_IT}`,
    ],
    ['a list as key', '? [rules]\n: []\n', '.sigstorerc:1:3: keys are plain text: lists and mappings cannot be keys'],
    ['an open quote', 'rules: "x', '.sigstorerc:1:10: not YAML: Missing closing "quote'],
    [
      'wrong indentation',
      'rules:\n  - packages: a\n   require: nothing\n',
      '.sigstorerc:3:1: not YAML: Sequence item without - indicator',
    ],
    [
      'a bidirectional mark in a comment',
      'rules: []\n# \u202e x\n',
      '.sigstorerc:2:3: U+202E makes lines look other than they are read, in comments too: remove it',
    ],
    [
      'a line separator in a comment',
      '# a\u2028rules: []\n',
      '.sigstorerc:1:4: U+2028 makes lines look other than they are read, in comments too: remove it',
    ],
    [
      'a lone carriage return',
      '# a\rrules: []\n',
      '.sigstorerc:1:4: U+000D makes lines look other than they are read, in comments too: remove it',
    ],
    [
      'a NUL',
      'rules: []\0',
      '.sigstorerc:1:10: U+0000 makes lines look other than they are read, in comments too: remove it',
    ],
  ]
  for (const [what, text, message] of cases) it(what, () => assert.equal(messageOf(text), message))

  it('an expansion of aliases', () => {
    const bomb = `a: &a [x]\n${Array.from({ length: 30 }, (_, i) => `a${i}: &a${i} [${`*a${i === 0 ? '' : i - 1},`.repeat(9)}]`).join('\n')}`
    assert.match(messageOf(bomb), /^\.sigstorerc:1:4: "&a" is an anchor/)
  })

  it('nested deeply', () => {
    for (const text of ['['.repeat(50_000), '{"a":'.repeat(50_000), `rules: ${'- '.repeat(5_000)}`]) {
      assert.match(messageOf(text), /nested too deeply|not YAML/)
    }
  })

  const json: readonly (readonly [string, string, string])[] = [
    [
      'a comment',
      '{\n  // x\n  "rules": []\n}',
      "p.json:2:3: not JSON: Expected property name or '}'. Correct it, or write YAML in .sigstorerc",
    ],
    [
      'an end too early',
      '{"rules": [',
      'p.json:1:12: not JSON: Unexpected end of JSON input. Correct it, or write YAML in .sigstorerc',
    ],
    [
      'a key twice',
      '{"rules": [], "rules": []}',
      'p.json:1:15: this key stands twice in one mapping, and only one of the two would count: remove one',
    ],
  ]
  for (const [what, text, message] of json)
    it(`${what}, in JSON`, () => assert.equal(messageOf(text, 'p.json'), message))

  it('YAML under the name of JSON', () => assert.match(messageOf(VALID, 'p.json'), /^p\.json:1:1: not JSON: /))

  it('an empty key of package.json', () => {
    assert.equal(
      messageOf('{"sigstore": null}', 'package.json', 'sigstore'),
      'package.json:1:14: the policy is empty, which says nothing about any package: write "rules" (.sigstorerc.example shows how)',
    )
  })
})

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

const FULL: Json = {
  $schema: './schema.json',
  trust: { trustedRoot: 'root.json', npmKeys: 'keys.json' },
  extends: ['./shared.yaml', '@acme/policy/sigstorerc.yaml'],
  mode: 'warn',
  enforceFrom: '2027-01-01',
  exceptions: [{ package: 'a@1.0.0', integrity: `sha512-${'A'.repeat(86)}==`, reason: 'known', expires: '2027-01-01' }],
  publishers: {
    acme: {
      owner: 'acme',
      ownerId: '61840275',
      repositoryId: '520031842',
      workflow: ['.github/workflows/a.yml', '.github/workflows/b.yml'],
      builder: 'acme/ci/.github/workflows/c.yml@refs/tags/v*',
      commit: '0123456789abcdef0123456789abcdef01234567',
      trigger: ['push', 'release'],
      runner: 'hosted',
      environment: 'npm',
      visibility: 'public',
      issuer: 'github',
    },
  },
  rules: [
    {
      packages: ['@acme/*', '!@acme/x'],
      require: 'provenance',
      publisher: {
        issuer: 'github',
        repository: 'acme/app',
        workflow: '.github/workflows/a.yml',
        ref: 'refs/heads/main',
      },
      reason: 'ours',
      minimumAge: '3d',
      mode: 'warn',
      enforceFrom: '2028-01-01',
    },
    {
      packages: 'a@^1',
      require: 'provenance',
      publisher: [{ issuer: 'gitlab' }, { repository: 'a/b', ref: 'refs/**' }, 'acme'],
    },
    { packages: 'b', require: 'provenance', publisher: 'acme', unchanged: true },
    { packages: '**', require: 'nothing' },
  ],
}

/** Every variant of the value in which `change` has replaced one key, or one value that is no list and no mapping. */
function* variants(
  value: Json,
  change: { readonly key?: (key: string) => string; readonly leaf?: (leaf: Json) => Json },
): Generator<Json> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries())
      for (const variant of variants(item, change)) yield value.with(index, variant)
  } else if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
    for (const [index, [key, item]] of entries.entries()) {
      if (change.key !== undefined) yield fromEntries(entries.with(index, [change.key(key), item]))
      for (const variant of variants(item, change)) yield fromEntries(entries.with(index, [key, variant]))
    }
  } else if (change.leaf !== undefined) {
    yield change.leaf(value)
  }
}

/** Unlike Object.fromEntries followed by JSON, this keeps `__proto__` an ordinary key. */
function fromEntries(entries: readonly (readonly [string, Json])[]): Json {
  return JSON.parse(`{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`)
}

describe('policies in general', () => {
  it('the one that is varied is valid', () => assert.equal(parsePolicy(JSON.stringify(FULL), 'p.json').rules.length, 4))

  it('no misspelt key is ever ignored, at any depth', () => {
    const misspellings: fc.Arbitrary<(key: string) => string> = fc.oneof(
      fc.nat().map((at) => (key: string) => key.slice(0, at % key.length) + key.slice((at % key.length) + 1)),
      fc.tuple(fc.nat(), fc.string({ minLength: 1, maxLength: 3 })).map(
        ([at, more]) =>
          (key: string) =>
            key.slice(0, at % (key.length + 1)) + more + key.slice(at % (key.length + 1)),
      ),
      fc.nat().map((at) => (key: string) => {
        const i = at % (key.length - 1)
        return key.slice(0, i) + key[i + 1] + key[i] + key.slice(i + 2)
      }),
      fc.constant((key: string) => key.toUpperCase()),
      fc
        .constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '', '<<', '0', 'length')
        .map((other) => () => other),
    )
    fc.assert(
      fc.property(misspellings, (misspell) => {
        const original = JSON.stringify(FULL)
        for (const variant of variants(FULL, { key: misspell })) {
          const text = JSON.stringify(variant)
          if (text !== original) assert.notEqual(messageOf(text, 'p.json'), 'accepted', text)
        }
      }),
      { numRuns: 150 },
    )
  })

  it('no value of another type is ever accepted', () => {
    for (const other of [
      null,
      true,
      false,
      -1,
      1.5,
      '',
      [],
      {},
      [[]],
      [null],
      { toString: 'x' },
    ] satisfies readonly Json[]) {
      // Of the two truth values the one is of the other's type.
      const leaf = (was: Json) => (typeof was === 'boolean' && typeof other === 'boolean' ? null : other)
      for (const variant of variants(FULL, { leaf }))
        assert.notEqual(messageOf(JSON.stringify(variant), 'p.json'), 'accepted', JSON.stringify(variant))
    }
  })

  it('no value with something invisible, or with space around it, is ever accepted', () => {
    for (const more of [' ', '\u200b', '\u202e', '\ufeff', '\0', '\n', '\t', '\u00a0', '\ud800']) {
      for (const variant of variants(FULL, { leaf: (leaf) => `${leaf}${more}` }))
        assert.notEqual(messageOf(JSON.stringify(variant), 'p.json'), 'accepted', JSON.stringify(variant))
    }
  })

  const escaped = (unit: number) => `\\u${unit.toString(16).padStart(4, '0')}`

  it('text in JSON is what JSON.parse makes of it', () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.constantFrom(' ', '#', ':', "'", '"', '\\', '/', '&', '*', '!', '%', '~', '\u00e9'),
        fc.string({ unit: 'binary', maxLength: 1 }),
      ),
      maxLength: 10,
    })
    const spelled = text
      .map((each) => JSON.stringify(each))
      .chain((plain) =>
        fc.constantFrom(
          plain,
          plain.replaceAll('/', '\\/'),
          [...Array(plain.length).keys()]
            .map((i) => (plain.charCodeAt(i) < 128 ? plain[i] : escaped(plain.charCodeAt(i))))
            .join(''),
        ),
      )
    fc.assert(
      fc.property(fc.dictionary(text, spelled, { maxKeys: 3 }), (entries) => {
        const file = `{${Object.entries(entries).map(([key, value]) => `${JSON.stringify(key)}:${value}`)}}`
        fc.pre(!/\p{Cc}|[\p{Bidi_Control}\p{Zl}\p{Zp}]/u.test(file))
        assert.deepEqual(readDocument(file, 'p.json').value, JSON.parse(file))
      }),
      { numRuns: 1_000 },
    )
  })

  it('whatever a file holds, it is a policy or an error for people, which says where', () => {
    const words = fc.constantFrom(
      'rules',
      'packages',
      'require',
      'publisher',
      ':',
      '\n',
      '  ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      ',',
      '"',
      "'",
      '*',
      '&a',
      '!',
      '|',
      '>',
      '#',
      '%',
      '---',
      '?',
      'a',
      '\t',
      '<<',
    )
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(words, { maxLength: 40 }).map((all) => all.join('')),
      fc.json(),
    )
    fc.assert(
      fc.property(texts, (text) => {
        const message = messageOf(text)
        assert.ok(message === 'accepted' || /^\.sigstorerc:\d+:\d+: /.test(message), message)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('trust', () => {
  const trustOf = (text: string) => parsePolicy(`trust: ${text}\n${VALID}`, '/repo/.sigstorerc').trust

  it('may be a TUF repository, with how long it may be stale', () => {
    const { tuf, maxStaleness } = trustOf(
      "{ tuf: { url: 'https://tuf.acme.test', root: ./root.json }, maxStaleness: '30d' }",
    )
    assert.deepEqual(tuf, { url: 'https://tuf.acme.test', root: '/repo/root.json' })
    assert.equal(maxStaleness, 30 * 86_400_000)
  })

  for (const [text, message] of [
    ["{ tuf: { url: 'http://tuf.acme.test', root: a } }", /is no https:\/\/ URL/],
    ["{ tuf: { url: 'tuf.acme.test', root: a } }", /is no https:\/\/ URL/],
    ["{ tuf: { url: 'https://tuf.acme.test/?x=1', root: a } }", /has more than host and path/],
    ["{ tuf: { url: 'https://u:p@tuf.acme.test/', root: a } }", /has more than host and path/],
    ["{ tuf: { url: 'https://tuf.acme.test' } }", /needs "root"/],
    ["{ tuf: { url: 'https://tuf.acme.test', root: 'https://x/root.json' } }", /is a URL/],
    ["{ tuf: { url: 'https://tuf.acme.test', root: a, extra: 1 } }", /unknown key "extra"/],
    [
      "{ trustedRoot: a, tuf: { url: 'https://tuf.acme.test', root: a } }",
      /"trustedRoot" pins a file.*"tuf" says nothing/,
    ],
    ["{ trustedRoot: a, maxStaleness: '1d' }", /"maxStaleness" says nothing/],
    ['{ maxStaleness: 14 }', /:1:\d+: /],
    ["{ maxStaleness: 'a week' }", /:1:\d+: /],
    ['{}', /names nothing/],
  ] as const) {
    it(`is not ${text}`, () =>
      assert.throws(
        () => trustOf(text),
        (error: Error) => message.test(error.message),
      ))
  }
})
