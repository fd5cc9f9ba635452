import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { compare } from '../../src/policy/compare.ts'
import type { Publisher } from '../../src/policy/types.ts'
import type { Claims } from '../../src/verify/types.ts'

const GITHUB = 'https://token.actions.githubusercontent.com'
const COMMIT = '0123456789abcdef0123456789abcdef01234567'

/** A certificate that has every claim. */
const claims: Claims = {
  domain: 'sigstore',
  subjectAlternativeName: 'https://github.com/acme/ci/.github/workflows/build.yml@refs/tags/v2.1.0',
  issuer: GITHUB,
  buildSignerUri: 'https://github.com/acme/ci/.github/workflows/build.yml@refs/tags/v2.1.0',
  buildSignerDigest: COMMIT,
  runnerEnvironment: 'github-hosted',
  repository: 'https://github.com/acme/app',
  commit: COMMIT,
  ref: 'refs/heads/main',
  repositoryId: '520031842',
  owner: 'https://github.com/acme',
  ownerId: '61840275',
  buildConfigUri: 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main',
  buildConfigDigest: COMMIT,
  trigger: 'push',
  runUri: 'https://github.com/acme/app/actions/runs/1/attempts/1',
  visibility: 'public',
  environment: 'npm',
  tokenSubject: 'repo:acme/app:environment:npm',
  workflow: '.github/workflows/release.yml',
}

/** Each field of a publisher: what it accepts, what it refuses with which code, and the claim that it reads. */
const FIELDS: readonly {
  readonly field: keyof Publisher
  readonly claim: keyof Claims
  readonly code: string
  readonly accepts: readonly (readonly [wanted: string | readonly string[], found?: string])[]
  readonly refuses: readonly (readonly [wanted: string | readonly string[], found?: string])[]
}[] = [
  {
    field: 'issuer',
    claim: 'issuer',
    code: 'ISSUER_MISMATCH',
    accepts: [[GITHUB]],
    refuses: [['https://gitlab.com'], [`${GITHUB}/acme`], [GITHUB, `${GITHUB}/acme`]],
  },
  {
    field: 'owner',
    claim: 'owner',
    code: 'OWNER_MISMATCH',
    accepts: [['https://github.com/acme']],
    refuses: [
      ['https://github.com/acme-evil'],
      ['https://github.com/acm'],
      ['https://github.com/Acme'],
      ['https://github.com/*'],
      ['https://github.com/acme', 'https://github.com/acm\u0435'],
      ['https://github.com/acme', 'https://github.com/acme/'],
      ['https://github.com/acme', 'https://github.com/%61cme'],
    ],
  },
  {
    field: 'ownerId',
    claim: 'ownerId',
    code: 'OWNER_MISMATCH',
    accepts: [['61840275']],
    refuses: [['6184027'], ['618402755'], ['61840275', '061840275'], ['61840275', '61840275.0'], ['61840275', '']],
  },
  {
    field: 'repository',
    claim: 'repository',
    code: 'REPOSITORY_MISMATCH',
    accepts: [['https://github.com/acme/app'], ['https://github.com/acme/*'], ['https://github.com/acme/a*']],
    refuses: [
      ['https://github.com/acme/ap'],
      ['https://github.com/acme'],
      ['https://github.com/acme/b*'],
      ['https://github.com/acme/*', 'https://github.com/acme/app/x'],
      ['https://github.com/acme/*', 'https://github.com/acme/'],
      ['https://github.com/acme/app', 'https://github.com/acme/App'],
    ],
  },
  {
    field: 'repositoryId',
    claim: 'repositoryId',
    code: 'REPOSITORY_MISMATCH',
    accepts: [['520031842']],
    refuses: [['520031841'], ['52003184'], ['520031842', '520031842 ']],
  },
  {
    field: 'workflow',
    claim: 'workflow',
    code: 'WORKFLOW_MISMATCH',
    accepts: [
      ['.github/workflows/release.yml'],
      [['.github/workflows/other.yml', '.github/workflows/release.yml']],
      ['.github/workflows/*.yml'],
    ],
    refuses: [
      ['.github/workflows/release.yaml'],
      [['.github/workflows/a.yml', '.github/workflows/b.yml']],
      ['release.yml'],
    ],
  },
  {
    field: 'builder',
    claim: 'buildSignerUri',
    code: 'BUILDER_MISMATCH',
    accepts: [
      ['https://github.com/acme/ci/.github/workflows/build.yml@refs/tags/v2.1.0'],
      ['https://github.com/acme/ci/.github/workflows/build.yml@refs/tags/v*'],
      ['https://github.com/acme/ci/.github/workflows/*@refs/**'],
      [['https://github.com/x/y/z@refs/**', 'https://github.com/acme/ci/**@refs/tags/*']],
      [`https://github.com/acme/ci/x.yml@${COMMIT}`, `https://github.com/acme/ci/x.yml@${COMMIT}`],
      ['https://gitlab.com/a/b//c.yml@refs/heads/main', 'https://gitlab.com/a/b//c.yml@refs/heads/main'],
    ],
    refuses: [
      ['https://github.com/acme/ci/.github/workflows/build.yml@refs/heads/*'],
      ['https://github.com/acme/ci/.github/workflows/build.yml@refs/tags/v1*'],
      ['https://github.com/acme/app/.github/workflows/build.yml@refs/tags/v2.1.0'],
      ['https://github.com/acme/ci/*@refs/tags/v*'],
      // A branch whose name looks like a file at a tag.
      [
        'https://github.com/acme/ci/x.yml@refs/tags/v*',
        'https://github.com/acme/ci/x.yml@refs/heads/x.yml@refs/tags/v1',
      ],
      ['https://github.com/acme/ci/x.yml@refs/**', 'https://github.com/acme/ci/x.yml'],
      ['https://github.com/acme/ci/x.yml@refs/**', 'https://github.com/acme/ci/x.yml@'],
      ['https://gitlab.com/a/b//c.yml@refs/heads/main', 'https://gitlab.com/a/b/c.yml@refs/heads/main'],
    ],
  },
  {
    field: 'trigger',
    claim: 'trigger',
    code: 'TRIGGER_MISMATCH',
    accepts: [['push'], [['release', 'push']]],
    refuses: [
      ['pull_request_target'],
      ['push', 'pull_request_target'],
      ['push', 'Push'],
      ['pus*'],
      [['release', 'schedule']],
    ],
  },
  {
    field: 'runner',
    claim: 'runnerEnvironment',
    code: 'RUNNER_MISMATCH',
    accepts: [['hosted'], ['hosted', 'gitlab-hosted'], ['self-hosted', 'self-hosted']],
    refuses: [['self-hosted'], ['hosted', 'self-hosted'], ['hosted', 'evil-hosted'], ['hosted', 'hosted']],
  },
  {
    field: 'environment',
    claim: 'environment',
    code: 'ENVIRONMENT_MISMATCH',
    accepts: [['npm'], [['production', 'npm']], ['Production (EU)', 'Production (EU)']],
    refuses: [['production'], ['npm', 'npm-evil'], ['npm', 'NPM'], ['npm', '\ufeffnpm'], ['npm', 'npm '], ['*']],
  },
  {
    field: 'ref',
    claim: 'ref',
    code: 'REF_MISMATCH',
    accepts: [['refs/heads/main'], ['refs/heads/*'], [['refs/tags/v*', 'refs/heads/main']]],
    refuses: [
      ['refs/heads/mai'],
      ['refs/tags/main'],
      ['refs/heads/*', 'refs/heads/a/b'],
      [['refs/tags/*', 'refs/heads/x']],
    ],
  },
  {
    field: 'commit',
    claim: 'commit',
    code: 'COMMIT_MISMATCH',
    accepts: [[COMMIT], [['f'.repeat(40), COMMIT]]],
    refuses: [['f'.repeat(40)], [COMMIT, COMMIT.slice(0, 39)], [COMMIT, COMMIT.toUpperCase()]],
  },
  {
    field: 'visibility',
    claim: 'visibility',
    code: 'VISIBILITY_MISMATCH',
    accepts: [['public'], ['internal', 'internal']],
    refuses: [['private'], ['public', 'Public'], ['private', 'internal']],
  },
]

const publisherWith = (field: keyof Publisher, wanted: string | readonly string[]) =>
  ({ domain: 'sigstore', issuer: GITHUB, [field]: wanted }) as Publisher

describe('a publisher', () => {
  for (const { field, claim, code, accepts, refuses } of FIELDS) {
    for (const [wanted, found = claims[claim]] of accepts) {
      it(`with ${field} ${JSON.stringify(wanted)} is met by ${JSON.stringify(found)}`, () => {
        assert.equal(compare({ ...claims, [claim]: found }, publisherWith(field, wanted)).mismatch, undefined)
      })
    }
    for (const [wanted, found = claims[claim]] of refuses) {
      it(`with ${field} ${JSON.stringify(wanted)} is not met by ${JSON.stringify(found)}`, () => {
        assert.equal(compare({ ...claims, [claim]: found }, publisherWith(field, wanted)).mismatch?.code, code)
      })
    }

    it(`with ${field} is not met by a certificate without that claim`, () => {
      const [wanted] = accepts[0] ?? assert.fail()
      const { mismatch } = compare({ ...claims, [claim]: undefined }, publisherWith(field, wanted))
      assert.equal(mismatch?.code, 'CLAIM_MISSING')
      assert.match(mismatch?.found ?? '', /^the certificate has no .+ claim$/)
    })
  }

  it('with builder is met by what a delegator vouches for, and not by the delegator', () => {
    const flows = 'https://github.com/slsa-framework/slsa-github-generator/.github/workflows'
    const delegator = `${flows}/delegator_generic_slsa3.yml@refs/tags/v1.6.0`
    const nodejs = `${flows}/builder_nodejs_slsa3.yml@refs/tags/v1.6.0`
    const found = { ...claims, buildSignerUri: delegator, delegatedBuilder: nodejs }
    for (const [wanted, code] of [
      [nodejs, undefined],
      [`${flows}/builder_nodejs_slsa3.yml@refs/tags/v*`, undefined],
      [delegator, 'BUILDER_MISMATCH'],
      [`${flows}/delegator_*@refs/**`, 'BUILDER_MISMATCH'],
      [`${flows}/builder_nodejs_slsa3.yml@refs/heads/*`, 'BUILDER_MISMATCH'],
    ] as const)
      assert.equal(compare(found, publisherWith('builder', wanted)).mismatch?.code, code, wanted)
  })

  it('is met only where every field is, whichever are named', () => {
    const some = fc.subarray([...FIELDS], { minLength: 1 })
    fc.assert(
      fc.property(some, fc.nat(), (fields, at) => {
        const wanted = fields.map(({ field, accepts }) => [field, accepts[0]?.[0]])
        const publisher = { domain: 'sigstore', issuer: GITHUB, ...Object.fromEntries(wanted) } as Publisher
        assert.equal(compare(claims, publisher).mismatch, undefined)
        const { claim, code } = fields[at % fields.length] ?? assert.fail()
        assert.equal(compare({ ...claims, [claim]: 'something else' }, publisher).mismatch?.code, code)
        assert.equal(compare({ ...claims, [claim]: undefined }, publisher).mismatch?.code, 'CLAIM_MISSING')
      }),
    )
  })

  it('says all alternatives', () => {
    const { mismatch } = compare(claims, publisherWith('trigger', ['release', 'schedule']))
    assert.deepEqual([mismatch?.found, mismatch?.expected], ['trigger "push"', 'trigger "release" or "schedule"'])
  })

  it('without alternatives is met by nothing', () => {
    assert.equal(compare(claims, publisherWith('trigger', [])).mismatch?.code, 'TRIGGER_MISMATCH')
  })
})
