import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { publisherProblem, toPublisher } from '../../src/policy/publisher.ts'

const GITHUB = 'https://token.actions.githubusercontent.com'

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
    [
      { domain: 'sigstore', issuer: GITHUB, repository: 'https://git.example/acme/app' },
      'repository',
      /on github\.com only/,
    ],
    [
      { repository: 'acme/app', workflow: 'release.yml' },
      'workflow',
      /files such as "\.github\/workflows\/release\.yml"/,
    ],
    [{ trigger: 'push' }, 'trigger', /met by anybody's repository/],
    [{ issuer: 'github', environment: 'npm', runner: 'hosted' }, 'runner', /met by anybody's repository/],
    [{ repositoryId: '520031842' }, 'repositoryId', /each host gives out anew, so "issuer" must say/],
    [{ ownerId: '61840275', ref: 'refs/heads/main' }, 'ownerId', /"issuer" must say/],
    [{ owner: 'https://git.example/acme' }, 'owner', /"issuer" must say/],
    [{ issuer: 'gitlab', owner: 'acme' }, 'owner', /on gitlab\.com only, never for https:\/\/github\.com\/acme/],
    [
      { repository: 'acme/app', workflow: ['.github/workflows/a.yml', 'release.yml'] },
      'workflow',
      /not the whole path/,
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
      [{ repository: 'acme/app' }, { domain: 'sigstore', issuer: GITHUB, repository: 'https://github.com/acme/app' }],
      [
        { repository: 'https://github.com/**' },
        { domain: 'sigstore', issuer: GITHUB, repository: 'https://github.com/**' },
      ],
      [
        { repository: 'https://gitlab.com/a/b' },
        { domain: 'sigstore', issuer: 'https://gitlab.com', repository: 'https://gitlab.com/a/b' },
      ],
      [{ issuer: 'github' }, { domain: 'sigstore', issuer: GITHUB }],
      [
        { issuer: 'github', repository: '**', ref: 'refs/**' },
        { domain: 'sigstore', issuer: GITHUB, repository: 'https://**', ref: 'refs/**' },
      ],
      [
        { issuer: `${GITHUB}/acme`, repository: 'acme/*' },
        { domain: 'sigstore', issuer: `${GITHUB}/acme`, repository: 'https://github.com/acme/*' },
      ],
      [
        { domain: 'sigstore', issuer: 'https://ci.example', repository: 'https://git.example/a/b', workflow: 'ci.yml' },
        { domain: 'sigstore', issuer: 'https://ci.example', repository: 'https://git.example/a/b', workflow: 'ci.yml' },
      ],
      [{ owner: 'acme' }, { domain: 'sigstore', issuer: GITHUB, owner: 'https://github.com/acme' }],
      [
        { issuer: 'github', repositoryId: '1', runner: 'hosted', trigger: ['push', 'release'] },
        { domain: 'sigstore', issuer: GITHUB, repositoryId: '1', runner: 'hosted', trigger: ['push', 'release'] },
      ],
      [
        { repository: 'acme/app', builder: 'acme/ci/.github/workflows/a.yml@refs/tags/v*' },
        {
          domain: 'sigstore',
          issuer: GITHUB,
          repository: 'https://github.com/acme/app',
          builder: 'https://github.com/acme/ci/.github/workflows/a.yml@refs/tags/v*',
        },
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
