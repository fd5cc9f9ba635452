/** Dependencies that are assets of a GitHub release, or a commit of one. GitHub's hosts are on loopback, under their names. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, beforeEach, describe, type TestContext, test } from 'node:test'
import { compress } from 'snappyjs'
import { parse, stringify } from 'yaml'
import { allowSettings } from '../support/allow-settings.ts'
import { startGithubHost } from '../support/github-host.ts'
import { createProject } from '../support/pnpm/index.ts'
import { createTarball } from '../support/registry/index.ts'
import { createGithub, type ReleaseOptions } from '../support/sigstore/github.ts'
import { SIGNED_AT, startWorld } from '../support/world.ts'
import { endings, report, runCli } from './support.ts'

const host = await startGithubHost()
const world = await startWorld()
after(() => Promise.all([host.close(), world.close()]))
const github = createGithub({ now: SIGNED_AT })
const COMMIT = 'c5e17a62e06a1d201570249c61fae531e9244e1b'
const widget = createTarball({ name: 'widget', version: '1.2.3' })
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const ASSET = 'https://github.com/acme/widget/releases/download/v1.2.3/widget-1.2.3.tgz'
const STORED = 'https://objects.githubusercontent.com/asset-1'
const API = 'https://api.github.com/repos/acme/widget/attestations'
const BY_ASSET = `${API}/sha256:${sha256(widget.bytes)}`
const BY_COMMIT = `${API}/sha1:${COMMIT}`

const released = (more: Partial<ReleaseOptions> = {}) =>
  github.release({
    now: SIGNED_AT,
    repository: 'acme/widget',
    tag: 'v1.2.3',
    commit: COMMIT,
    assets: [
      { name: 'notes.txt', bytes: Buffer.from('notes') },
      { name: 'widget-1.2.3.tgz', bytes: widget.bytes },
    ],
    ...more,
  })
const listing = (...bundles: readonly unknown[]) => ({
  body: JSON.stringify({ attestations: bundles.map((bundle) => ({ repository_id: 1, bundle })) }),
})

beforeEach(() => {
  host.answers.clear()
  host.requests.length = 0
  host.answers.set(ASSET, { status: 302, headers: { location: STORED } })
  host.answers.set(STORED, { body: widget.bytes })
  host.answers.set(BY_ASSET, listing(released()))
  host.answers.set(BY_COMMIT, listing(released()))
})

const TRUST =
  'trust: { trustedRoot: trust/trusted_root.json, npmKeys: trust/keys.json, domains: { github: { trustedRoot: github.json } } }\n'
const RULE = "rules: [{ packages: widget, require: provenance, publisher: { release: acme/widget, tag: 'v*' } }]\n"
const asset = (url = ASSET, integrity: string | undefined = widget.integrity) => ({
  key: `widget@${url}`,
  resolution: { ...(integrity !== undefined && { integrity }), tarball: url },
})
const archive = `https://codeload.github.com/acme/widget/tar.gz/${COMMIT}`
const commit = { key: `widget@${archive}`, resolution: { gitHosted: true, tarball: archive } }
const clone = {
  key: `widget@git+https://github.com/acme/widget.git#${COMMIT}`,
  resolution: { type: 'git', repo: 'https://github.com/acme/widget.git', commit: COMMIT },
}

function lockfile({ key, resolution }: { readonly key: string; readonly resolution: object }): string {
  const reference = key.slice('widget@'.length)
  return stringify({
    lockfileVersion: '9.0',
    importers: { '.': { dependencies: { widget: { specifier: reference, version: reference } } } },
    packages: { [key]: { resolution, version: '1.2.3' } },
    snapshots: { [key]: {} },
  })
}

function project(t: TestContext, entry: Parameters<typeof lockfile>[0] = asset(), rule = RULE, files = {}) {
  const made = createProject({
    registry: world.registry.url,
    npmrc: `https-proxy=${host.proxy}\ncafile=ca.pem\n`,
    files: {
      ...world.policyFiles(`${TRUST}${rule}`),
      'github.json': JSON.stringify(github.trustedRoot),
      'ca.pem': host.ca,
      'pnpm-lock.yaml': lockfile(entry),
      ...files,
    },
  })
  t.after(() => made.dispose())
  allowSettings(made.dir)
  return made
}

async function ending(
  t: TestContext,
  ...args: Parameters<typeof project> extends [unknown, ...infer Rest] ? Rest : never
) {
  const all = endings(await report(project(t, ...args)))
  const [first] = Object.values(all)
  assert.equal(Object.keys(all).length, 1)
  return first
}
const urls = () => host.requests.map(({ url }) => url)

describe('an asset of a release', () => {
  test('is proven by the attestation of the release, and its bytes', async (t) => {
    assert.equal(await ending(t), 'proven')
    assert.deepEqual(urls(), [ASSET, STORED, `${BY_ASSET}?predicate_type=release&per_page=16`])
  })

  test('as GitHub wrote it before', async (t) => {
    host.answers.set(BY_ASSET, listing(released({ predicate: 'v0.1' })))
    assert.equal(await ending(t), 'proven')
  })

  test('is read once: what its sha512 and its sha256 are is remembered', async (t) => {
    const made = project(t)
    const where = { cwd: made.dir, env: made.env }
    assert.equal((await runCli(['verify'], where)).status, 0)
    const cache = path.join(made.env.XDG_CACHE_HOME ?? '', 'provenance-gate')
    /** Nothing is left of the first run but what its bytes were. */
    const again = async () => {
      for (const folder of ['proofs', 'evidence']) rmSync(path.join(cache, folder), { recursive: true, force: true })
      host.requests.length = 0
      assert.equal((await runCli(['verify'], where)).status, 0)
      return urls()
    }
    assert.deepEqual(await again(), [`${BY_ASSET}?predicate_type=release&per_page=16`])
    // What somebody else has put there is not believed.
    const folder = path.join(cache, 'facts')
    const [name = assert.fail()] = readdirSync(folder)
    const file = path.join(folder, name)
    const [signature = ''] = readFileSync(file, 'utf8').split('\n')
    for (const changed of [`${signature}\n${sha256(Buffer.from('evil'))}`, sha256(Buffer.from('evil')), '', '[]']) {
      writeFileSync(file, changed)
      assert.ok((await again()).includes(ASSET), 'read again')
    }
    // And where nothing is forgotten, nobody is asked.
    host.requests.length = 0
    assert.equal((await runCli(['verify'], where)).status, 0)
    assert.deepEqual(urls(), [])
  })

  test('with other bytes than those of the lockfile is refused', async (t) => {
    host.answers.set(STORED, { body: Buffer.from('evil') })
    assert.equal(await ending(t), 'DIGEST_MISMATCH')
  })

  test('that is none of the release is refused', async (t) => {
    host.answers.set(
      BY_ASSET,
      listing(released({ assets: [{ name: 'widget-1.2.3.tgz', bytes: Buffer.from('other') }] })),
    )
    assert.equal(await ending(t), 'DIGEST_MISMATCH')
  })

  for (const [what, entry, expected] of [
    [
      'without a digest in the lockfile',
      { key: `widget@${ASSET}`, resolution: { tarball: ASSET } },
      'INTEGRITY_MISSING',
    ],
    ['at the address of another repository', asset(ASSET.replace('acme', 'evil')), 'SUBJECT_MISMATCH'],
    ['at the address of another release', asset(ASSET.replace('v1.2.3/', 'v1.2.2/')), 'SUBJECT_MISMATCH'],
    [
      'of whatever release is the latest',
      asset('https://github.com/acme/widget/releases/latest/download/widget.tgz'),
      'EVIDENCE_MISSING',
    ],
    ['at an address with a query', asset(`${ASSET}?x=1`), 'EVIDENCE_MISSING'],
    ['at another host', asset(ASSET.replace('github.com', 'github.com.evil.test')), 'EVIDENCE_MISSING'],
    ['over http', asset(ASSET.replace('https', 'http')), 'EVIDENCE_MISSING'],
  ] as const) {
    test(`${what} is refused: ${expected}`, async (t) => {
      for (const url of [entry.resolution.tarball]) {
        host.answers.set(url, { body: widget.bytes })
        const repository = url.split('/').slice(3, 5).join('/')
        host.answers.set(BY_ASSET.replace('acme/widget', repository), listing(released()))
      }
      assert.equal(await ending(t, entry), expected)
    })
  }

  for (const [what, publisher, expected] of [
    ['another repository', '{ release: acme/other }', 'REPOSITORY_MISMATCH'],
    ['another tag', "{ release: acme/widget, tag: 'w*' }", 'REF_MISMATCH'],
    ['another owner by its number', "{ release: acme/widget, ownerId: '1' }", 'OWNER_MISMATCH'],
    ['another commit', `{ release: acme/widget, commit: '${'0'.repeat(40)}' }`, 'COMMIT_MISMATCH'],
    ['a build', '[{ repository: acme/widget }, { release: acme/other }]', 'REPOSITORY_MISMATCH'],
    ['any tag', '{ release: acme/* }', 'proven'],
    [
      'its numbers and commit',
      `{ release: acme/widget, ownerId: '398027', repositoryId: '905988044', commit: ${COMMIT} }`,
      'proven',
    ],
  ] as const) {
    test(`where the rule names ${what}: ${expected}`, async (t) => {
      assert.equal(
        await ending(t, asset(), `rules: [{ packages: widget, require: provenance, publisher: ${publisher} }]\n`),
        expected,
      )
    })
  }

  test('where the rule names builds alone, nobody is asked', async (t) => {
    const rule = 'rules: [{ packages: widget, require: provenance, publisher: { repository: acme/widget } }]\n'
    const made = project(t, asset(), rule)
    writeFileSync(
      path.join(made.dir, '.sigstorerc'),
      `trust: { trustedRoot: trust/trusted_root.json, npmKeys: trust/keys.json }\n${rule}`,
    )
    allowSettings(made.dir)
    assert.deepEqual(Object.values(endings(await report(made))), ['EVIDENCE_MISSING'])
    assert.deepEqual(urls(), [])
  })

  test('is explained', async (t) => {
    const made = project(t)
    const { stdout } = await runCli(['explain', 'widget'], { cwd: made.dir, env: made.env })
    assert.match(stdout, /attestation\/release\/v0\.2/)
    assert.match(stdout, /refs\/tags\/v1\.2\.3/)
    assert.match(stdout, /proven/)
  })
})

describe('an attestation that GitHub has not made', () => {
  const others: readonly (readonly [string, () => unknown, string])[] = [
    [
      'is not one by another name of its authority',
      () => released({ subjectAlternativeName: 'https://dotcom.releases.github.com.evil' }),
      'CERTIFICATE_UNTRUSTED',
    ],
    [
      'is not one by another authority',
      () =>
        createGithub({ now: SIGNED_AT }).release({
          now: SIGNED_AT,
          repository: 'acme/widget',
          tag: 'v1.2.3',
          commit: COMMIT,
          assets: [{ name: 'x', bytes: widget.bytes }],
        }),
      'EVIDENCE_UNKNOWN',
    ],
    [
      'says the same of tag and subject',
      () => released({ predicateOverrides: { tag: 'v1.2.4' } }),
      'PREDICATE_MISMATCH',
    ],
    [
      'says the same of repository and subject',
      () => released({ predicateOverrides: { repository: 'acme/other' } }),
      'PREDICATE_MISMATCH',
    ],
    [
      'says the same package twice',
      () => released({ predicateOverrides: { purl: 'pkg:github/acme/widget@v1' } }),
      'PREDICATE_MISMATCH',
    ],
    ['has a repository', () => released({ predicateOverrides: { repository: 7 } }), 'EVIDENCE_MALFORMED'],
    [
      'has one commit',
      () =>
        released({ statementOverrides: ({ subject, ...rest }) => ({ ...rest, subject: [subject[0], ...subject] }) }),
      'EVIDENCE_MALFORMED',
    ],
    [
      'names its assets',
      () =>
        released({
          statementOverrides: ({ subject: [tagged, ...assets], ...rest }) => ({
            ...rest,
            subject: [tagged, ...assets.map(({ digest }) => ({ digest }))],
          }),
        }),
      'DIGEST_MISMATCH',
    ],
    ['has a commit', () => released({ commit: 'c5e17a6' }), 'EVIDENCE_MALFORMED'],
    [
      'is of a kind that is known',
      () => released({ statementOverrides: { predicateType: 'https://in-toto.io/attestation/release/v9' } }),
      'EVIDENCE_MISSING',
    ],
  ]
  for (const [what, make, expected] of others) {
    test(`${what}: ${expected}`, async (t) => {
      host.answers.set(BY_ASSET, listing(make()))
      assert.equal(await ending(t), expected)
    })
  }

  test('spoils one that it has', async (t) => {
    const broken = released()
    broken.verificationMaterial.timestampVerificationData.rfc3161Timestamps = []
    host.answers.set(BY_ASSET, listing(released(), broken))
    assert.equal(await ending(t), 'TIMESTAMP_INVALID')
  })

  test('but one of another release beside it is left out', async (t) => {
    host.answers.set(BY_ASSET, listing(released({ tag: 'v1.2.2' }), released()))
    assert.equal(await ending(t), 'proven')
  })

  test("is not an organisation's own: the same name under another authority", async (t) => {
    const bundle = await world.sigstore.provenance({
      ...{ name: 'widget', version: '1.2.3', integrity: widget.integrity, now: SIGNED_AT },
      statementOverrides: JSON.parse(Buffer.from(released().dsseEnvelope.payload, 'base64').toString()),
    })
    host.answers.set(BY_ASSET, listing(bundle))
    assert.equal(await ending(t), 'CERTIFICATE_UNTRUSTED')
  })
})

describe('a commit of a release', () => {
  for (const [what, entry] of [
    ['as an archive', commit],
    ['as a clone', clone],
  ] as const) {
    test(`${what} is proven by its attestation`, async (t) => {
      assert.equal(await ending(t, entry), 'proven')
      assert.deepEqual(urls(), [`${BY_COMMIT}?predicate_type=release&per_page=16`])
    })

    test(`${what} that is another is refused`, async (t) => {
      host.answers.set(BY_COMMIT, listing(released({ commit: '0'.repeat(40) })))
      assert.equal(await ending(t, entry), 'DIGEST_MISMATCH')
    })

    test(`${what} of another repository is refused`, async (t) => {
      host.answers.set(BY_COMMIT, listing(released({ repository: 'acme/other' })))
      assert.equal(await ending(t, entry), 'SUBJECT_MISMATCH')
    })
  }

  test('of two releases is proven by the one that the rule names', async (t) => {
    host.answers.set(BY_COMMIT, listing(released({ tag: 'nightly' }), released()))
    assert.equal(await ending(t, commit), 'proven')
  })

  test('on another host is nothing that GitHub knows', async (t) => {
    const repo = 'https://gitlab.com/acme/widget.git'
    const elsewhere = { key: `widget@git+${repo}#${COMMIT}`, resolution: { ...clone.resolution, repo } }
    assert.equal(await ending(t, elsewhere), 'EVIDENCE_MISSING')
    assert.deepEqual(urls(), [])
  })
})

test('one that is proven proves nothing of another whose key is about something else', async (t) => {
  // The same resolution, under an address by which pnpm may have other bytes in its store.
  const other = { ...asset(), key: 'widget@https://evil.test/widget.tgz' }
  const made = project(t, asset(), RULE)
  const [mine, theirs] = [asset(), other].map((entry) => parse(lockfile(entry)))
  const both = stringify({
    ...mine,
    importers: {
      '.': {
        dependencies: {
          widget: mine.importers['.'].dependencies.widget,
          other: { specifier: other.key, version: other.key },
        },
      },
    },
    packages: { ...mine.packages, ...theirs.packages },
    snapshots: { ...mine.snapshots, ...theirs.snapshots },
  })
  writeFileSync(path.join(made.dir, 'pnpm-lock.yaml'), both)
  const { packages } = await report(made)
  const codes = Object.fromEntries(packages.map(({ code, status }) => [code ?? status, status]))
  assert.deepEqual(codes, { proven: 'proven', EVIDENCE_MISSING: 'refused' })
})

describe("GitHub's API", () => {
  const verify = async (t: TestContext, env: Readonly<Record<string, string>> = {}) => {
    const made = project(t)
    return runCli(['verify', '--json'], { cwd: made.dir, env: { ...made.env, ...env } })
  }

  // The way to it is the operator's own.
  const byOperator = async (t: TestContext, tokens: Readonly<Record<string, string>>) => {
    const { dir, env } = project(t)
    const npmrc = path.join(dir, '.npmrc')
    writeFileSync(npmrc, readFileSync(npmrc, 'utf8').replace(/^(?:https-proxy|cafile)=.*$/gm, ''))
    const way = { npm_config_https_proxy: host.proxy, npm_config_cafile: path.join(dir, 'ca.pem') }
    return runCli(['verify', '--json'], { cwd: dir, env: { ...env, ...way, ...tokens } })
  }

  test('gets the token, and nobody else does', async (t) => {
    assert.equal((await byOperator(t, { GITHUB_TOKEN: 'SECRET' })).status, 0)
    for (const { url, headers } of host.requests)
      assert.equal(headers.authorization, url.startsWith('https://api.') ? 'Bearer SECRET' : undefined, url)
    host.requests.length = 0
    assert.equal((await byOperator(t, { GH_TOKEN: 'FIRST', GITHUB_TOKEN: 'SECOND' })).status, 0)
    assert.equal(host.requests.at(-1)?.headers.authorization, 'Bearer FIRST')
  })

  for (const [what, refusal, message] of [
    [
      'has not authorised for an organisation',
      { status: 403, headers: { 'x-github-sso': 'required; url=https://github.com/orgs/acme/sso' } },
      /the organisation acme has not authorised it\. Choose .*Configure SSO.* authorise it for acme, or unset GITHUB_TOKEN/,
    ],
    ['has revoked', { status: 401 }, /it has expired, was revoked or is mistyped\. Renew it, or unset GITHUB_TOKEN/],
  ] as const) {
    test(`shows without a token that it ${what} what is public, and of what is not says what to do`, async (t) => {
      host.answers.set(BY_ASSET, ({ authorization }) => (authorization === undefined ? listing(released()) : refusal))
      const found = await byOperator(t, { GITHUB_TOKEN: 'SECRET' })
      assert.equal(found.status, 0, found.stderr)
      host.answers.set(BY_ASSET, ({ authorization }) => (authorization === undefined ? { status: 404 } : refusal))
      const { status, stdout, stderr } = await byOperator(t, { GITHUB_TOKEN: 'SECRET' })
      assert.equal(status, 2)
      assert.match(stdout, message)
      assert.doesNotMatch(stdout + stderr, /SECRET/)
    })
  }

  test('gets no token on a way that a file of the repository names: whoever wrote that could read it', async (t) => {
    assert.equal((await verify(t, { GITHUB_TOKEN: 'SECRET' })).status, 0)
    assert.ok(urls().some((url) => url.startsWith('https://api.')))
    for (const { url, headers } of host.requests) assert.equal(headers.authorization, undefined, url)
  })

  test('may give the address of a bundle, compressed, which gets no token', async (t) => {
    const url = 'https://store.blob.test/bundle.json.sn'
    host.answers.set(BY_ASSET, {
      body: JSON.stringify({ attestations: [{ bundle: null, bundle_url: `${url}?sig=1` }] }),
    })
    host.answers.set(url, { body: Buffer.from(compress(Buffer.from(JSON.stringify(released())))) })
    const { status, stderr } = await verify(t, { GITHUB_TOKEN: 'SECRET' })
    assert.equal(status, 0, stderr)
    assert.equal(host.requests.at(-1)?.url, `${url}?sig=1`)
    assert.equal(host.requests.at(-1)?.headers.authorization, undefined)
    host.answers.set(url, { body: JSON.stringify(released()) })
    assert.equal((await verify(t)).status, 0)
    const plain = url.replace('https', 'http')
    host.answers.set(BY_ASSET, { body: JSON.stringify({ attestations: [{ bundle_url: plain }] }) })
    assert.equal((await verify(t)).status, 1)
    host.answers.set(BY_ASSET, { body: JSON.stringify({ attestations: [{ bundle_url: url }] }) })
    for (const body of ['', 'no snappy', Buffer.from([10, 0xfc, 0xfa, 0xff, 0xff, 0xff]), Buffer.alloc(9, 0xff)]) {
      host.answers.set(url, { body })
      const other = await verify(t)
      assert.equal(other.status, 2)
      assert.match(other.stderr, /EVIDENCE_UNAVAILABLE/)
    }
  })

  for (const [what, answer, message, env] of [
    [
      'that limits the rate says until when, and what to do',
      { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1772366400' } },
      /GitHub limits the rate of requests until 2026-03-01T12:00:00\.000Z: without a token it allows 60 requests an hour; set GITHUB_TOKEN/,
      {},
    ],
    [
      'that limits the rate of a token does not ask for one',
      { status: 429, headers: { 'retry-after': '60' } },
      /GitHub limits the rate of requests\b(?!.*set GITHUB_TOKEN)/,
      { GITHUB_TOKEN: 'SECRET' },
    ],
    ['that wants a token', { status: 401 }, /GitHub does not show it without a token that may read it/, {}],
    ['that forbids', { status: 403 }, /GitHub does not show it without a token that may read it/, {}],
    ['that answers with HTML', { body: '<html>' }, /the answer is not JSON/, {}],
  ] as const) {
    test(what, async (t) => {
      host.answers.set(BY_ASSET, answer)
      const { status, stderr, stdout } = await verify(t, env)
      assert.equal(status, 2)
      assert.match(stdout, message)
      assert.match(stderr, /EVIDENCE_UNAVAILABLE/)
      assert.doesNotMatch(stderr, /SECRET/)
      assert.equal(urls().filter((url) => url.startsWith('https://api.')).length, 1, 'and is not asked again')
    })
  }

  for (const [what, answer] of [
    ['knows none', { status: 404 }],
    ['has an empty list', listing()],
  ] as const) {
    test(`that ${what}: there is no evidence`, async (t) => {
      host.answers.set(BY_ASSET, answer)
      assert.equal(await ending(t), 'EVIDENCE_MISSING')
    })
  }

  for (const body of [
    '[]',
    '{}',
    '{"attestations":{}}',
    '{"attestations":[null]}',
    '{"attestations":[{"bundle":7}]}',
    'null',
  ])
    test(`that answers ${body}: malformed`, async (t) => {
      host.answers.set(BY_ASSET, { body })
      assert.equal(await ending(t), 'EVIDENCE_MALFORMED')
    })

  test('an asset that cannot be read leaves it unknown', async (t) => {
    for (const answer of [
      { status: 404 },
      { status: 302, headers: { location: 'http://objects.githubusercontent.com/x' } },
    ]) {
      host.answers.set(ASSET, answer)
      assert.equal(await ending(t), 'EVIDENCE_UNAVAILABLE')
    }
  })
})

describe('a folder of attestations', () => {
  test('has those of releases too; bytes that were read once need no network', async (t) => {
    const document = JSON.stringify({ attestations: [{ bundle: released() }] })
    const folder = `attestations/github.com/acme/widget/sha256-${sha256(widget.bytes)}.json`
    const made = project(t, asset(), RULE, { [folder]: document })
    const where = { cwd: made.dir, env: made.env }
    const first = await runCli(['verify', '--attestations', 'attestations', '--offline'], where)
    assert.equal(first.status, 2)
    assert.match(first.stderr.replace(/[│\s]+/g, ' '), /bytes were not read here yet/)
    assert.equal((await runCli(['verify', '--attestations', 'attestations'], where)).status, 0)
    assert.deepEqual(urls(), [ASSET, STORED])
    host.requests.length = 0
    assert.equal((await runCli(['verify', '--attestations', 'attestations', '--offline'], where)).status, 0)
    assert.deepEqual(urls(), [])
  })

  test('is what export makes of it', async (t) => {
    for (const [entry, name] of [
      [asset(), `sha256-${sha256(widget.bytes)}`],
      [commit, `sha1-${COMMIT}`],
    ] as const) {
      const made = project(t, entry)
      const where = { cwd: made.dir, env: made.env }
      const exported = await runCli(['export', '--out', 'out'], where)
      assert.equal(exported.status, 0, exported.stderr)
      const bundle = path.join(made.dir, 'out/bundles/github.com/acme/widget', name, 'release.sigstore.json')
      assert.equal(JSON.parse(readFileSync(bundle, 'utf8')).dsseEnvelope.payloadType, 'application/vnd.in-toto+json')
      host.requests.length = 0
      assert.equal((await runCli(['verify', '--attestations', 'out', '--offline'], where)).status, 0)
      assert.deepEqual(urls(), [])
      host.answers.set(`${API}/${name.replace('-', ':')}`, { status: 403 })
      const failed = await runCli(['export', '--out', 'other'], where)
      assert.equal(failed.status, 2)
      assert.match(failed.stderr, /could not be exported: HTTP 403/)
    }
  })
})
