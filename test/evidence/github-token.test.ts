/** What is public is public without a token: one that GitHub does not take must not make it unavailable, nor go elsewhere. */
import assert from 'node:assert/strict'
import { after, beforeEach, describe, it } from 'node:test'
import { githubReleases, githubToken } from '../../src/evidence/github.ts'
import type { Evidence } from '../../src/evidence/types.ts'
import { type Reply, startGithubHost } from '../support/github-host.ts'
import { LIMITS, locked } from './support.ts'

const host = await startGithubHost()
after(() => host.close())
beforeEach(() => {
  host.answers.clear()
  host.requests.length = 0
})

const SUBJECT = `sha256:${'a'.repeat(64)}`
const api = (repository: string) => `https://api.github.com/repos/${repository}/attestations/${SUBJECT}`
const LISTED: Reply = { body: JSON.stringify({ attestations: [{ bundle: { a: 1 } }] }) }
const EMPTY: Reply = { body: '{"attestations":[]}' }
const SSO = { 'x-github-sso': 'required; url=https://github.com/orgs/acme/sso?authorization_request=LETS-ONE-IN' }

/** Asks as the command line does: the token is of the environment, the way is the user's. */
function openReleases(env: Readonly<Record<string, string>>, options: Readonly<Record<string, unknown>> = {}) {
  const settings = {
    registries: { default: 'https://r.example/' },
    options: { 'https-proxy': host.proxy, ca: host.ca, ...options },
  }
  const release = githubReleases(settings, githubToken(env), LIMITS)
  return (repository = 'acme/widget') => release(locked('widget'), { repository, tag: 'v1' }, SUBJECT)
}

/** GitHub, which answers one with a token in one way, and one without in another. */
function answer(withToken: Reply, without: Reply, repository = 'acme/widget') {
  host.answers.set(api(repository), ({ authorization }) => (authorization === undefined ? without : withToken))
}

const tokens = () => host.requests.map(({ headers }) => headers.authorization)
const ending = (evidence: Evidence) => (evidence.ok ? 'found' : evidence.refusal.code)

describe('a token that makes what is public unavailable', () => {
  const troubles: readonly (readonly [string, Reply, RegExp])[] = [
    [
      'that its organisation has not authorised',
      { status: 403, headers: SSO },
      /refuses the token in GH_TOKEN \(HTTP 403\): the organisation acme has not authorised it\. Choose "Configure SSO"/,
    ],
    ['that is revoked', { status: 401 }, /refuses the token in GH_TOKEN \(HTTP 401\): it has expired, was revoked or/],
    [
      'that may not read there',
      { status: 403 },
      /refuses the token in GH_TOKEN \(HTTP 403\): it may not read what acme/,
    ],
    [
      'that is locked out after too many that were wrong',
      { status: 403, body: '{"message":"Maximum number of login attempts exceeded."}' },
      /refuses the token in GH_TOKEN/,
    ],
  ]
  for (const [what, refusal, message] of troubles) {
    it(`${what} is left out`, async () => {
      answer(refusal, LISTED)
      assert.equal(ending(await openReleases({ GH_TOKEN: 'SECRET' })()), 'found')
      assert.deepEqual(tokens(), ['Bearer SECRET', undefined])
    })

    it(`${what} leaves it unknown whether a private repository has something, and says what to do`, async () => {
      for (const [without, said] of [
        [{ status: 404 }, /Without the token: no attestation of a release about sha256:a+ at https:.* \(HTTP 404\)$/],
        [{ status: 403 }, /Without the token: HTTP 403 from https:.*: GitHub does not show it without a token/],
        [
          { status: 403, headers: { 'x-ratelimit-remaining': '0' } },
          /Without the token: .*GitHub limits the rate of requests: without a token it allows 60 requests an hour$/,
        ],
      ] as const) {
        answer(refusal, without)
        const evidence = await openReleases({ GH_TOKEN: 'SECRET' })()
        assert.ok(!evidence.ok)
        assert.equal(evidence.refusal.code, 'EVIDENCE_UNAVAILABLE')
        assert.match(evidence.refusal.found, message)
        assert.match(evidence.refusal.found, said)
        assert.doesNotMatch(evidence.refusal.found, /SECRET|LETS-ONE-IN|set GITHUB_TOKEN/)
      }
    })
  }

  it('is left out where GitHub says with it that there is nothing', async () => {
    for (const headers of [SSO, {}]) {
      answer({ status: 404, headers }, LISTED)
      assert.equal(ending(await openReleases({ GH_TOKEN: 'SECRET' })()), 'found')
    }
  })

  it('changes nothing where both say that there is nothing, or it cannot be found out without', async () => {
    for (const without of [{ status: 404 }, { status: 401 }, { status: 403, headers: { 'retry-after': '60' } }]) {
      answer({ status: 404 }, without)
      assert.equal(ending(await openReleases({ GH_TOKEN: 'SECRET' })()), 'EVIDENCE_MISSING')
    }
    answer({ status: 401 }, EMPTY)
    assert.equal(ending(await openReleases({ GH_TOKEN: 'SECRET' })()), 'EVIDENCE_MISSING')
  })

  for (const [what, reply] of [
    ['limits the rate', { status: 403, headers: { 'x-ratelimit-remaining': '0' } }],
    ['limits the rate for a while', { status: 429, headers: { 'retry-after': '60' } }],
    [
      'limits the rate until the end of time',
      { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9007199254740991' } },
    ],
    ['fails', { status: 500 }],
    ['has what it says blocked', { status: 451 }],
    ['says no JSON', { body: '<html>' }],
  ] as const) {
    it(`is asked with once where GitHub ${what}: that is not the token's fault`, async () => {
      answer(reply, LISTED)
      assert.equal(ending(await openReleases({ GH_TOKEN: 'SECRET' })()), 'EVIDENCE_UNAVAILABLE')
      assert.deepEqual(tokens(), ['Bearer SECRET'])
    })
  }

  it('is not sent again where GitHub has refused it: a revoked one nowhere, another one to others', async () => {
    for (const [refusal, sent] of [
      [{ status: 401 }, ['Bearer SECRET', undefined, undefined, undefined]],
      [{ status: 403, headers: SSO }, ['Bearer SECRET', undefined, undefined, 'Bearer SECRET']],
    ] as const) {
      host.requests.length = 0
      for (const repository of ['acme/widget', 'ACME/other']) answer(refusal, LISTED, repository)
      answer(LISTED, LISTED, 'other/widget')
      const release = openReleases({ GH_TOKEN: 'SECRET' })
      for (const repository of ['acme/widget', 'ACME/other', 'other/widget'])
        assert.equal(ending(await release(repository)), 'found')
      assert.deepEqual(tokens(), sent)
    }
  })

  for (const value of ['two words', 'line\nbreak', 'tökén', '\u{202e}x', 'x\0']) {
    it(`is not sent where it is none: ${JSON.stringify(value)}`, async () => {
      answer({ status: 401 }, LISTED)
      assert.equal(ending(await openReleases({ GH_TOKEN: value })()), 'found')
      assert.deepEqual(tokens(), [undefined])
      answer({ status: 401 }, { status: 404 })
      const evidence = await openReleases({ GH_TOKEN: value })()
      assert.ok(!evidence.ok)
      assert.match(evidence.refusal.found, /^what GH_TOKEN has is no token: .*Correct it, or unset GH_TOKEN/)
      assert.ok(!evidence.refusal.found.includes(value))
    })
  }

  it('may have white space around it', async () => {
    answer(LISTED, { status: 404 })
    assert.equal(ending(await openReleases({ GITHUB_TOKEN: ' SECRET\n' })()), 'found')
    assert.deepEqual(tokens(), ['Bearer SECRET'])
  })
})

describe('a token goes to nobody but GitHub', () => {
  for (const [env, sent] of [
    [{ GH_TOKEN: 'A', GITHUB_TOKEN: 'B' }, 'Bearer A'],
    [{ GH_TOKEN: '', GITHUB_TOKEN: 'B' }, 'Bearer B'],
    [{ GH_TOKEN: ' ', GITHUB_TOKEN: 'B' }, 'Bearer B'],
    [
      { GITHUB_TOKEN: 'B', GITHUB_SERVER_URL: 'https://github.com', GITHUB_API_URL: 'https://api.github.com' },
      'Bearer B',
    ],
    [{ GITHUB_TOKEN: 'B', GITHUB_SERVER_URL: '', GH_HOST: 'github.com' }, 'Bearer B'],
    [{ GITHUB_TOKEN: 'B', GITHUB_SERVER_URL: 'https://github.acme.test' }, undefined],
    [{ GITHUB_TOKEN: 'B', GITHUB_API_URL: 'https://github.acme.test/api/v3' }, undefined],
    [{ GITHUB_TOKEN: 'B', GITHUB_SERVER_URL: 'https://acme.ghe.com' }, undefined],
    [{ GITHUB_TOKEN: 'B', GITHUB_SERVER_URL: 'https://github.com.evil.test' }, undefined],
    [{ GITHUB_TOKEN: 'B', GITHUB_SERVER_URL: 'no url' }, undefined],
    [{ GITHUB_TOKEN: 'B', GH_HOST: 'acme.ghe.com' }, undefined],
    [{ GH_TOKEN: 'A', GH_HOST: 'acme.ghe.com' }, undefined],
    [{ GH_TOKEN: 'A', GITHUB_TOKEN: 'B', GITHUB_SERVER_URL: 'https://github.acme.test' }, 'Bearer A'],
    [{ GH_ENTERPRISE_TOKEN: 'C', GITHUB_ENTERPRISE_TOKEN: 'D' }, undefined],
  ] as const) {
    it(`${JSON.stringify(env)}: ${sent ?? 'none'}`, async () => {
      answer(LISTED, LISTED)
      assert.equal(ending(await openReleases(env)()), 'found')
      assert.deepEqual(tokens(), [sent])
    })
  }

  it('goes along where GitHub sends one to the new name of a repository, and not to another host', async () => {
    const moved = 'https://api.github.com/repositories/7/attestations'
    for (const [location, sent] of [
      [moved, ['Bearer SECRET', 'Bearer SECRET']],
      ['https://store.blob.test/attestations', ['Bearer SECRET', undefined]],
    ] as const) {
      host.requests.length = 0
      answer({ status: 301, headers: { location } }, { status: 404 })
      host.answers.set(location, LISTED)
      assert.equal(ending(await openReleases({ GH_TOKEN: 'SECRET' })()), 'found')
      assert.deepEqual(tokens(), sent)
    }
  })

  it('stays here where a file of the repository names the way, and the limit of those without one says why', async () => {
    for (const own of [{ 'tls-of-the-repository': true }]) {
      answer(LISTED, { status: 403, headers: { 'x-ratelimit-remaining': '0' } })
      const evidence = await openReleases({ GH_TOKEN: 'SECRET' }, own)()
      assert.ok(!evidence.ok)
      assert.match(
        evidence.refusal.found,
        /allows 60 requests an hour, and the token in GH_TOKEN is not sent, for a file of the/,
      )
      assert.deepEqual(tokens(), [undefined])
    }
  })
})
