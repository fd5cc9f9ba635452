/** `policy check` and `policy test`: a policy has tests of its own, in CI. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { createProject, type Project } from '../support/pnpm/index.ts'
import { createTarball } from '../support/registry/index.ts'
import { lockfileOf, runCli } from './support.ts'

const POLICY = `publishers:
  acme: { repository: acme/*, workflow: .github/workflows/release.yml, ref: refs/heads/main, environment: npm }
exceptions:
  - { package: old@1.0.0, reason: replaced soon, expires: '2026-06-30' }
rules:
  - { packages: '@acme/*', require: provenance, publisher: acme, minimumAge: 3d }
  - { packages: [old, 'signed'], require: signature }
  - { packages: '@never/*', require: nothing }
  - { packages: 'warned', require: provenance, publisher: acme, mode: warn }
  - { packages: ['**', '!@evil/*'], require: nothing }
`

const CASES = `day: '2026-06-01'
cases:
  - name: the release workflow may publish
    package: '@acme/app@1.0.0'
    claims: &claims
`.replace(' &claims', '')

const GENUINE = 'repository: acme/app, workflow: .github/workflows/release.yml, ref: refs/heads/main, environment: npm'
const oneCase = (fields: string) => `day: '2026-06-01'\ncases:\n  - { name: it, ${fields} }\n`

function project(t: TestContext, files: Readonly<Record<string, string>> = {}): Project {
  const made = createProject({ registry: 'http://127.0.0.1:1/', files: { '.sigstorerc': POLICY, ...files } })
  t.after(() => made.dispose())
  return made
}

const run = (made: Project, ...args: readonly string[]) => runCli(['policy', ...args], { cwd: made.dir, env: made.env })

async function tried(t: TestContext, cases: string) {
  const made = project(t)
  writeFileSync(path.join(made.dir, 'cases.yaml'), cases)
  return run(made, 'test', 'cases.yaml')
}

describe('policy test', () => {
  const ENDS: readonly (readonly [string, string, string?])[] = [
    [`package: '@acme/app@1.0.0', claims: { ${GENUINE} }`, 'proven'],
    [
      `package: '@acme/app@1.0.0', claims: { ${GENUINE.replace('acme/app', 'acme-evil/app')} }`,
      'refused',
      'REPOSITORY_MISMATCH',
    ],
    [
      `package: '@acme/app@1.0.0', claims: { ${GENUINE.replace(', environment: npm', '')} }`,
      'refused',
      'CLAIM_MISSING',
    ],
    [`package: '@acme/app@1.0.0', claims: { ${GENUINE}, issuer: gitlab }`, 'refused', 'ISSUER_MISMATCH'],
    [`package: '@acme/app@1.0.0', claims: { ${GENUINE} }, signed: '2026-05-30'`, 'refused', 'TOO_YOUNG'],
    [`package: '@acme/app@1.0.0', claims: { ${GENUINE} }, published: '2026-05-30'`, 'refused', 'TOO_YOUNG'],
    [`package: '@acme/app@1.0.0', claims: { ${GENUINE} }, signed: '2026-05-29'`, 'proven'],
    ["package: '@acme/app@1.0.0'", 'refused', 'EVIDENCE_MISSING'],
    ["package: '@acme/app@1.0.0', source: git", 'refused', 'EVIDENCE_MISSING'],
    ["package: 'evil@1.0.0', aliases: ['@acme/app']", 'refused', 'EVIDENCE_MISSING'],
    ['package: old@1.0.0', 'excepted'],
    ['package: old@1.0.1', 'refused', 'EVIDENCE_MISSING'],
    ["package: signed@1.0.0, published: '2026-05-30'", 'proven'],
    ['package: warned@1.0.0', 'warned'],
    ['package: left-pad@1.3.0', 'permitted'],
    ["package: '@evil/x@1.0.0'", 'refused', 'NO_RULE'],
  ]
  for (const [fields, expect, code] of ENDS) {
    test(`{ ${fields} } is ${expect}${code === undefined ? '' : `, ${code}`}`, async (t) => {
      const more = code === undefined ? '' : `, code: ${code}`
      const { status, stderr, stdout } = await tried(t, oneCase(`${fields}, expect: ${expect}${more}`))
      assert.equal(status, 0, stderr)
      assert.equal(stdout, '')
      assert.equal(stderr, 'ok      it\n1 cases: 1 as expected, 0 not\n')
      const other = expect === 'refused' ? 'permitted' : 'refused'
      const failed = await tried(t, oneCase(`${fields}, expect: ${other}`))
      assert.equal(failed.status, 1)
      assert.match(
        failed.stderr,
        new RegExp(`^FAILED  it \\(cases\\.yaml:3\\): expected ${other}, but it is ${expect}`, 'm'),
      )
    })
  }

  test('tells another code than the one that is expected', async (t) => {
    const { status, stderr } = await tried(t, oneCase('package: old@1.0.1, expect: refused, code: REF_MISMATCH'))
    assert.equal(status, 1)
    assert.match(stderr, /FAILED {2}it .*: expected the code "REF_MISMATCH", but it is refused \(EVIDENCE_MISSING: /)
  })

  test('counts several', async (t) => {
    const cases = `cases:
  - { name: one, package: left-pad@1.3.0, expect: permitted }
  - { name: two, package: left-pad@1.3.0, expect: proven }
`
    const { status, stderr } = await tried(t, cases)
    assert.equal(status, 1)
    assert.match(stderr, /^ok {6}one\nFAILED {2}two .*\n2 cases: 1 as expected, 1 not\n$/)
  })

  for (const [what, text, message] of [
    [
      'a misspelt key',
      oneCase('package: a@1.0.0, expects: refused'),
      /cases\.yaml:3:35: unknown key "expects" in a case.*Did you mean "expect"\?/,
    ],
    [
      'a misspelt claim',
      oneCase('package: a@1.0.0, claims: { repo: a/b }, expect: refused'),
      /unknown key "repo" in the claims of a case/,
    ],
    [
      'a status that is none',
      oneCase('package: a@1.0.0, expect: denied'),
      /expected "proven", "permitted", .* found "denied"/,
    ],
    [
      'a code that is none',
      oneCase('package: a@1.0.0, expect: refused, code: REF_MISSMATCH'),
      /found "REF_MISSMATCH". Did you mean "REF_MISMATCH"\?/,
    ],
    ['a package without a version', oneCase('package: a, expect: refused'), /names no version/],
    [
      'a claim of another form',
      oneCase("package: 'a@1.0.0', claims: { ref: main }, expect: refused"),
      /:3:\d+: "main" is not a full ref/,
    ],
    ['an unknown runner', oneCase("package: 'a@1.0.0', claims: { runner: hostd }, expect: refused"), /"hosted"/],
    [
      'a pattern',
      oneCase("package: 'a@1.0.0', claims: { repository: 'acme/*' }, expect: refused"),
      /is a pattern: a cert/,
    ],
    [
      'signed without claims',
      oneCase("package: 'a@1.0.0', signed: '2026-05-01', expect: refused"),
      /nothing is signed/,
    ],
    [
      'claims of what has no attestations',
      oneCase("package: 'a@1.0.0', source: git, claims: { repository: a/b }, expect: refused"),
      /what comes from git has no attestations/,
    ],
    ['no cases', 'cases: []\n', /nothing would be tested/],
    ['no file of cases', CASES, /cases\.yaml:\d+:\d+: /],
    ['an empty file', '', /no cases: nothing would be tested/],
  ] as const) {
    test(`${what} is a mistake: 2`, async (t) => {
      const { status, stderr } = await tried(t, text)
      assert.equal(status, 2, stderr)
      assert.match(stderr, message)
    })
  }

  test('the owner of a repository stands in its name, and bytes can be named', async (t) => {
    const integrity = `sha512-${'A'.repeat(86)}==`
    const made = project(t, {
      'owned.yaml': `exceptions: [{ package: b@1.0.0, integrity: ${integrity}, reason: x, expires: '2026-12-31' }]
rules:
  - { packages: a, require: provenance, publisher: { owner: acme } }
  - { packages: b, require: signature }
`,
      'cases.yaml': `day: '2026-06-01'
cases:
  - { name: one, package: a@1.0.0, claims: { repository: acme/app }, expect: proven }
  - { name: two, package: a@1.0.0, claims: { repository: evil/app }, expect: refused, code: OWNER_MISMATCH }
  - { name: three, package: b@1.0.0, integrity: ${integrity}, expect: excepted }
  - { name: four, package: b@1.0.0, expect: refused }
`,
    })
    const { status, stderr } = await run(made, 'test', 'cases.yaml', '--policy', 'owned.yaml')
    assert.equal(status, 0, stderr)
  })

  test('a file that is not there is a mistake: 2', async (t) => {
    const { status, stderr } = await run(project(t), 'test', 'nowhere.yaml')
    assert.equal(status, 2)
    assert.match(stderr, /nowhere\.yaml: the file of cases cannot be read/)
  })
})

describe('policy check', () => {
  const lockfile = lockfileOf(
    ['@acme/app', 'left-pad', 'signed'].map((name) => createTarball({ name, version: '1.0.0' })),
  )

  test('tells rules that decide nothing, and exceptions that are over', async (t) => {
    const { status, stderr } = await run(project(t, { 'pnpm-lock.yaml': lockfile }), 'check')
    assert.equal(status, 0)
    assert.match(
      stderr,
      /^\.sigstorerc:4: the exception for old@1\.0\.0 held until 2026-06-30, and excuses nothing now$/m,
    )
    assert.match(stderr, /^\.sigstorerc:8: this rule decides nothing in the lockfile: @never\/\*$/m)
    assert.match(stderr, /^\.sigstorerc:9: this rule decides nothing in the lockfile: warned$/m)
    assert.doesNotMatch(stderr, /^\.sigstorerc:(6|7|10):/m)
    assert.match(stderr, /^\.sigstorerc: 5 rules, no mistakes, 3 things to look at above$/m)
  })

  test('works without a lockfile, and says so', async (t) => {
    const { status, stderr } = await run(project(t), 'check')
    assert.equal(status, 0)
    assert.match(stderr, /5 rules, no mistakes, one thing to look at above, without a lockfile to compare it with/)
    assert.doesNotMatch(stderr, /decides nothing/)
  })

  test('of a policy with mistakes names each, with line and column: 2', async (t) => {
    const { status, stderr } = await run(
      project(t, { '.sigstorerc': POLICY.replace('minimumAge: 3d', 'minimumAg: 3d') }),
      'check',
    )
    assert.equal(status, 2)
    assert.match(stderr, /\.sigstorerc:6:\d+: unknown key "minimumAg" in a rule.*Did you mean "minimumAge"\?/)
  })

  test('of a rule that can never decide: 2', async (t) => {
    const policy = `${POLICY}  - { packages: late, require: nothing }\n`
    const { status, stderr } = await run(project(t, { '.sigstorerc': policy }), 'check')
    assert.equal(status, 2)
    assert.match(stderr, /:11:5: this rule can never decide/)
  })
})
