import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  issuerProblem,
  publisherProblem,
  refProblem,
  repositoryProblem,
  toPublisher,
  workflowProblem,
} from '../../src/policy/publisher.ts'

const GITHUB = 'https://token.actions.githubusercontent.com'
const refused = (problemOf: (text: string) => string | undefined, cases: readonly (readonly [string, RegExp])[]) => {
  for (const [text, message] of cases)
    it(`refuses ${JSON.stringify(text)}`, () => assert.match(problemOf(text) ?? 'accepted', message))
}
const accepted = (problemOf: (text: string) => string | undefined, cases: readonly string[]) => {
  for (const text of cases) it(`accepts ${text}`, () => assert.equal(problemOf(text), undefined))
}

describe('issuer', () => {
  accepted(issuerProblem, [
    'github',
    'gitlab',
    GITHUB,
    'https://gitlab.example.com:8443/oidc',
    'https://tenant.example/',
    `${GITHUB}/enterprise`,
  ])
  refused(issuerProblem, [
    ['https://*.example', /compared exactly/],
    ['**', /compared exactly/],
    ['GitHub', /Did you mean "github"\?/],
    ['githbu', /Did you mean "github"\?/],
    ['circleci', /write "github" or "gitlab", or the https URL/],
    ['token.actions.githubusercontent.com', /the https URL/],
    ['http://gitlab.com', /the https URL/],
    ['https://', /the https URL/],
    [`${GITHUB}/`, /ends in a slash/],
    ['https://gitlab.com/', /ends in a slash/],
    ['https://GITLAB.com', /host in lower case/],
    ['https://user@gitlab.com', /no user/],
    ['https://gitlab.com?x', /query/],
    ['https://gitlab.com#x', /fragment/],
    ['https://gitlab.com:443', /as certificates write issuers/],
    ['https://a.example/../b', /as certificates write issuers/],
    ['https://exämple.com', /as certificates write issuers/],
  ])
})

describe('repository', () => {
  accepted(repositoryProblem, [
    'acme/app',
    'acme/*',
    'acme/app-*',
    'acme/**',
    '**',
    'https://**',
    'https://github.com/**',
    'https://github.com/acme/app',
    'https://gitlab.com/group/sub/name',
    'https://gitlab.com/group/**',
    'https://git.example:8443/a/b',
  ])
  refused(repositoryProblem, [
    ['*/app', /leaves the owner open/],
    ['acme*/app', /leaves the owner open/],
    ['*/*', /leaves the owner open/],
    ['**/app', /leaves the owner open/],
    ['https://github.com/*/app', /leaves the owner open/],
    ['https://github.com/*', /leaves the owner open/],
    ['https://github.com/**/app', /leaves the owner open/],
    ['https://*/acme/app', /not the address/],
    ['https://**/acme/app', /not the address/],
    ['https://*.example/acme/app', /not the address/],
    ['https://github.com*/acme/app', /not the address/],
    ['acme', /names an owner but no repository: write "acme\/\*"/],
    ['https://github.com/acme', /write "https:\/\/github\.com\/acme\/\*"/],
    ['https://github.com', /not the address/],
    ['acme/app/x', /neither "owner\/name" nor a whole address/],
    ['github.com/acme/app', /neither "owner\/name" nor a whole address/],
    ['gitlab.com/app', /neither "owner\/name" nor a whole address/],
    ['acme/app.git', /ends in "\.git"/],
    ['https://github.com/acme/app.git', /ends in "\.git"/],
    ['https://github.com/acme/app/', /empty segment/],
    ['https://github.com/acme/../app', /the segment "\.\."/],
    ['https://GitHub.com/acme/app', /not the address/],
    ['https://user@github.com/acme/app', /not the address/],
    ['https://github.com/acme/app?x', /means nothing here/],
    ['https://github.com/acme/app#main', /not the address/],
    ['https://github.com/acme%2Fapp/x', /not the address/],
    ['https://github.com/acmе/app', /not the address/], // Cyrillic е
    ['http://github.com/acme/app', /empty segment/],
    ['git+https://github.com/acme/app', /empty segment/],
    ['git@github.com:acme/app', /not the address/],
    ['github:acme/app', /not the address/],
    ['acme/app@main', /not the address/],
    ['acme/app**', /whole segments/],
    ['acme/(a|b)', /means nothing here/],
    ['^https://github.com/acme/app$', /means nothing here/],
  ])
})

describe('workflow', () => {
  accepted(workflowProblem, ['.github/workflows/release.yml', '.github/workflows/*.yml', '.gitlab-ci.yml', 'ci/**'])
  refused(workflowProblem, [
    ['/.github/workflows/release.yml', /begins with a slash/],
    ['./.github/workflows/release.yml', /the segment "\."/],
    ['.github/workflows/release.yml@refs/heads/main', /contains "@"/],
    ['https://github.com/acme/app/.github/workflows/release.yml', /is a URL/],
    ['.github/workflows/', /empty segment/],
    ['.github/../x.yml', /the segment "\.\."/],
    ['.github/workflows/{a,b}.yml', /means nothing here/],
    ['.github/workflows/a**.yml', /whole segments/],
  ])
})

describe('ref', () => {
  accepted(refProblem, [
    'refs/heads/main',
    'refs/tags/v*',
    'refs/**',
    'refs/heads/release/*',
    'refs/tags/v1.0.0+build',
    'refs/tags/@acme/app@*',
    'refs/pull/*/merge',
  ])
  refused(refProblem, [
    ['main', /write "refs\/heads\/main" for the branch or "refs\/tags\/main" for the tag/],
    ['v*', /"refs\/tags\/v\*" for the tag/],
    ['heads/main', /write "refs\/heads\/main"$/],
    ['tags/v*', /write "refs\/tags\/v\*"$/],
    ['*', /write "refs\/\*\*" for any/],
    ['**', /write "refs\/\*\*" for any/],
    ['Refs/heads/main', /not a full ref/],
    ['/refs/heads/main', /not a full ref/],
    ['refs/heads/', /empty segment/],
    ['refs/', /empty segment/],
    ['refs', /not a full ref/],
    ['refs/tags/v[0-9]', /means nothing here/],
    ['refs/heads/../tags/v1', /the segment "\.\."/],
    ['refs/heads/main\\', /means nothing here/],
  ])
})

describe('a publisher as a whole', () => {
  const cases: readonly (readonly [Parameters<typeof publisherProblem>[0], string | undefined, RegExp])[] = [
    [{}, undefined, /would be anybody/],
    [{ workflow: '.github/workflows/a.yml' }, 'workflow', /met by anybody's repository/],
    [{ ref: 'refs/heads/main' }, 'ref', /met by anybody's repository/],
    [
      { issuer: 'github', workflow: '.github/workflows/a.yml', ref: 'refs/heads/main' },
      'workflow',
      /met by anybody's repository/,
    ],
    [{ repository: '**' }, 'repository', /"issuer" must say who vouches/],
    [{ repository: 'https://**' }, 'repository', /"issuer" must say who vouches/],
    [{ repository: 'https://git.example/acme/app' }, 'repository', /"issuer" must say who vouches/],
    [{ repository: 'https://github.com.evil.example/acme/app' }, 'repository', /"issuer" must say who vouches/],
    [{ repository: 'https://github.com:8443/acme/app' }, 'repository', /"issuer" must say who vouches/],
    [
      { issuer: 'gitlab', repository: 'acme/app' },
      'repository',
      /vouches for repositories on gitlab\.com only, never for https:\/\/github\.com\/acme\/app/,
    ],
    [{ issuer: 'github', repository: 'https://gitlab.com/acme/app' }, 'repository', /on github\.com only/],
    [{ issuer: GITHUB, repository: 'https://git.example/acme/app' }, 'repository', /on github\.com only/],
    [
      { repository: 'acme/app', workflow: 'release.yml' },
      'workflow',
      /files such as "\.github\/workflows\/release\.yml"/,
    ],
  ]
  for (const [input, key, message] of cases) {
    it(`refuses ${JSON.stringify(input)}`, () => {
      const problem = publisherProblem(input)
      assert.match(problem?.message ?? 'accepted', message)
      assert.equal(problem?.key, key)
    })
  }

  it('always has an issuer, and addresses in full', () => {
    const made: readonly (readonly [Parameters<typeof toPublisher>[0], object])[] = [
      [{ repository: 'acme/app' }, { issuer: GITHUB, repository: 'https://github.com/acme/app' }],
      [{ repository: 'https://github.com/**' }, { issuer: GITHUB, repository: 'https://github.com/**' }],
      [
        { repository: 'https://gitlab.com/a/b' },
        { issuer: 'https://gitlab.com', repository: 'https://gitlab.com/a/b' },
      ],
      [{ issuer: 'github' }, { issuer: GITHUB }],
      [
        { issuer: 'github', repository: '**', ref: 'refs/**' },
        { issuer: GITHUB, repository: 'https://**', ref: 'refs/**' },
      ],
      [
        { issuer: `${GITHUB}/acme`, repository: 'acme/*' },
        { issuer: `${GITHUB}/acme`, repository: 'https://github.com/acme/*' },
      ],
      [
        { issuer: 'https://ci.example', repository: 'https://git.example/a/b', workflow: 'ci.yml' },
        { issuer: 'https://ci.example', repository: 'https://git.example/a/b', workflow: 'ci.yml' },
      ],
    ]
    for (const [input, publisher] of made) {
      assert.equal(publisherProblem(input), undefined)
      assert.deepEqual(toPublisher(input), publisher)
    }
  })

  it('is not made without an issuer', () => {
    assert.throws(() => toPublisher({ repository: '**' }), TypeError)
    assert.throws(() => toPublisher({}), TypeError)
  })
})
