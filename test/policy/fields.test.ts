import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  builderProblem,
  commitProblem,
  environmentProblem,
  idProblem,
  issuerProblem,
  ownerProblem,
  refProblem,
  repositoryProblem,
  toIssuer,
  triggerProblem,
  workflowProblem,
} from '../../src/policy/fields.ts'

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
    ['circleci', /neither which commit was built nor the repository's address/],
    ['circleci/acme', /neither which commit was built nor the repository's address/],
    ['circleci/39bcdf6b-1d5a-4b5c-8e0e-6d1f6b5a7c21', /neither which commit.* write "require": "signature"$/],
    ['travis', /write "github" or "gitlab", or the https URL/],
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

it('an issuer by its short name', () => {
  assert.equal(toIssuer('github'), GITHUB)
  assert.equal(toIssuer('gitlab'), 'https://gitlab.com')
  assert.equal(toIssuer('https://ci.example'), 'https://ci.example')
})

describe('owner', () => {
  accepted(ownerProblem, ['acme', 'Acme-2', 'https://github.com/acme', 'https://gitlab.com/group/sub'])
  refused(ownerProblem, [
    ['*', /compared exactly/],
    ['acme-*', /compared exactly/],
    ['acme/app', /the address of a repository.*only "acme" here/],
    ['https://github.com/acme/app', /the address of a repository/],
    ['https://github.com', /not an owner/],
    ['https://github.com/', /not an owner/],
    ['https://github.com/..', /not an owner/],
    ['https://GitHub.com/acme', /not an owner/],
    ['acm\u0435', /not an owner/],
    ['a%63me', /not an owner/],
    ['acme ', /not an owner/],
  ])
})

describe('id', () => {
  accepted(idProblem, ['0', '1', '520031842', '9007199254740993'])
  refused(idProblem, [
    ['', /not an id/],
    ['-1', /not an id/],
    ['01', /not an id/],
    ['1.5', /not an id/],
    ['1e3', /not an id/],
    ['0x10', /not an id/],
    ['acme', /not an id/],
    ['\u0661', /not an id/],
    ['NaN', /not an id/],
  ])
})

describe('builder', () => {
  const sha = '0123456789abcdef0123456789abcdef01234567'
  accepted(builderProblem, [
    'slsa-framework/slsa-github-generator/.github/workflows/builder_nodejs_slsa3.yml@refs/tags/v*',
    'acme/ci/.github/workflows/*.yml@refs/heads/main',
    'acme/ci/.github/workflows/build.yml@refs/**',
    `acme/ci/.github/workflows/build.yml@${sha}`,
    'https://gitlab.com/group/project//.gitlab-ci.yml@refs/heads/main',
    'https://github.com/acme/**@refs/tags/v1',
  ])
  refused(builderProblem, [
    ['acme/ci/.github/workflows/build.yml', /does not say from which ref.*"@refs\/\*\*"/],
    ['acme/ci/.github/workflows/build.yml@', /does not say from which ref/],
    ['acme/ci/.github/workflows/build.yml@main', /not a full ref/],
    ['acme/ci/.github/workflows/build.yml@v1', /not a full ref/],
    [`acme/ci/.github/workflows/build.yml@${sha.slice(1)}`, /not a full ref/],
    ['acme/ci@refs/tags/v1', /not the address of a workflow/],
    ['build.yml@refs/tags/v1', /not the address of a workflow/],
    ['*/ci/.github/workflows/build.yml@refs/tags/v1', /leaves the owner open/],
    ['https://github.com/**/build.yml/x@refs/tags/v1', /leaves the owner open/],
    ['https://*/acme/ci/x.yml@refs/tags/v1', /not the address of a workflow/],
    ['https://gitlab.com/group/project//*.yml@refs/heads/main', /not the address of a workflow/],
    ['acme//ci/x.yml@refs/tags/v1', /not the address of a workflow/],
    ['acme/ci/x.yml@refs/tags/{a}', /means nothing here/],
  ])
})

describe('commit', () => {
  accepted(commitProblem, ['a'.repeat(40), '0'.repeat(64)])
  refused(commitProblem, [
    ['a'.repeat(39), /the whole hash/],
    ['a'.repeat(41), /the whole hash/],
    ['A'.repeat(40), /the whole hash/],
    ['a1b2c3d', /the whole hash/],
    ['main', /the whole hash/],
    ['*', /the whole hash/],
  ])
})

describe('trigger', () => {
  accepted(triggerProblem, ['push', 'workflow_dispatch', 'pull_request_target', 'release'])
  refused(triggerProblem, [
    ['*', /the name of an event/],
    ['Push', /the name of an event/],
    ['workflow-dispatch', /the name of an event/],
    ['push ', /the name of an event/],
  ])
})

describe('environment', () => {
  accepted(environmentProblem, ['npm', 'Production (EU)', 'release/npm'])
  refused(environmentProblem, [
    ['*', /compared exactly/],
    ['npm*', /compared exactly/],
  ])
})
