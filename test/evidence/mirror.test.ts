import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import { type Mirror, networkEvidence } from '../../src/evidence/mirror.ts'
import type { Evidence } from '../../src/evidence/types.ts'
import { DOCUMENT, found, host, LIMITS, locked, refused, type Server, serve, settings } from './support.ts'

const none: RequestListener = (_, response) => response.writeHead(404).end()
const broken: RequestListener = (_, response) => response.writeHead(503).end()
const portal: RequestListener = (_, response) =>
  response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Sign in</title>')
const json =
  (document: unknown): RequestListener =>
  (_, response) =>
    response.end(JSON.stringify(document))

interface Both {
  readonly mirror: Server
  readonly registry: Server
  attestations(name: string, version?: string): Promise<Evidence>
  signatures(name: string): Promise<Evidence>
}

async function both(
  t: TestContext,
  [ofMirror, ofRegistry]: readonly [RequestListener, RequestListener],
  fallback: Mirror['fallback'],
  { template = '{name}@{version}.json', options = {} as Readonly<Record<string, unknown>> } = {},
): Promise<Both> {
  const [mirror, registry] = [await serve(t, ofMirror), await serve(t, ofRegistry)]
  const source = networkEvidence(settings(registry.url, options), { url: mirror.url + template, fallback }, LIMITS)
  return {
    mirror,
    registry,
    attestations: (name, version) => source.attestations(locked(name, version)),
    signatures: (name) => source.signatures(locked(name), true),
  }
}

const paths = ({ requests }: Server) => requests.map(({ path }) => path)

describe('a mirror instead of the registry', () => {
  it('is asked, and the registry is not', async (t) => {
    const { mirror, registry, attestations } = await both(t, [json(DOCUMENT), json('registry')], 'none')
    assert.deepEqual(found(await attestations('@acme/widgets', '1.0.0-rc.1+x')), DOCUMENT)
    assert.deepEqual(paths(mirror), ['/@acme/widgets@1.0.0-rc.1%2Bx.json'])
    assert.deepEqual(paths(registry), [])
  })

  it('that has nothing is EVIDENCE_MISSING, and named', async (t) => {
    const { mirror, registry, attestations } = await both(t, [none, json(DOCUMENT)], 'none')
    const what = refused(await attestations('widgets'), 'EVIDENCE_MISSING')
    assert.equal(what, `no attestations at ${mirror.url}widgets@1.0.0.json (HTTP 404)`)
    assert.deepEqual(paths(registry), [])
  })

  for (const [what, listener] of Object.entries({ broken, portal })) {
    it(`that is ${what} is EVIDENCE_UNAVAILABLE, and nobody else is asked`, async (t) => {
      const { registry, attestations } = await both(t, [listener, json(DOCUMENT)], 'none')
      refused(await attestations('widgets'), 'EVIDENCE_UNAVAILABLE')
      assert.deepEqual(paths(registry), [])
    })
  }

  it('that nobody listens at is EVIDENCE_UNAVAILABLE', async (t) => {
    const registry = await serve(t, json(DOCUMENT))
    const source = networkEvidence(
      settings(registry.url),
      { url: 'http://127.0.0.1:1/{name}/{version}', fallback: 'none' },
      LIMITS,
    )
    refused(await source.attestations(locked('widgets')), 'EVIDENCE_UNAVAILABLE')
    assert.deepEqual(paths(registry), [])
  })

  it('has signatures beside the documents', async (t) => {
    const { mirror, registry, signatures } = await both(t, [json({ signatures: [1] }), none], 'none')
    assert.deepEqual(found(await signatures('@acme/widgets')), { signatures: [1] })
    assert.deepEqual(paths(mirror), ['/@acme/widgets@1.0.0.signatures.json'])
    assert.deepEqual(paths(registry), [])
  })

  it('whose URL does not end in .json has none, and is not asked', async (t) => {
    const { mirror, registry, signatures } = await both(t, [json({}), json({})], 'none', {
      template: '-/npm/v1/attestations/{name}@{version}',
    })
    const evidence = await signatures('widgets')
    assert.ok(!evidence.ok)
    assert.equal(evidence.refusal.code, 'EVIDENCE_MISSING')
    assert.deepEqual([...paths(mirror), ...paths(registry)], [])
  })
})

describe('a mirror before the registry', () => {
  it('that has a document is the only one asked', async (t) => {
    const { registry, attestations } = await both(t, [json(DOCUMENT), json('registry')], 'registry')
    assert.deepEqual(found(await attestations('widgets')), DOCUMENT)
    assert.deepEqual(paths(registry), [])
  })

  it('that says something useless is believed no less: it is verified, and refused there', async (t) => {
    const { registry, attestations } = await both(t, [json(null), json(DOCUMENT)], 'registry')
    assert.equal(found(await attestations('widgets')), null)
    assert.deepEqual(paths(registry), [])
  })

  for (const [what, listener] of Object.entries({ none, broken, portal })) {
    it(`that is ${what}: the registry is asked`, async (t) => {
      const { registry, attestations } = await both(t, [listener, json(DOCUMENT)], 'registry')
      assert.deepEqual(found(await attestations('@acme/widgets')), DOCUMENT)
      assert.deepEqual(paths(registry), ['/-/npm/v1/attestations/@acme%2fwidgets@1.0.0'])
    })
  }

  it('that does not have what the registry does not have either: EVIDENCE_MISSING', async (t) => {
    const { attestations } = await both(t, [none, none], 'registry')
    refused(await attestations('widgets'), 'EVIDENCE_MISSING')
  })

  it('that has none, where the registry cannot be asked: EVIDENCE_UNAVAILABLE', async (t) => {
    const { attestations } = await both(t, [none, broken], 'registry')
    refused(await attestations('widgets'), 'EVIDENCE_UNAVAILABLE')
  })

  it('that cannot be asked, where the registry has none: it may have what the registry lacks', async (t) => {
    const { mirror, registry, attestations } = await both(t, [broken, none], 'registry')
    const what = refused(await attestations('widgets'), 'EVIDENCE_UNAVAILABLE')
    assert.ok(what.includes(mirror.url) && what.includes(registry.url), what)
  })

  it('without signatures: the registry is asked', async (t) => {
    const dist = { integrity: 'sha512-x', signatures: [2] }
    const { registry, signatures } = await both(
      t,
      [none, json({ versions: { '1.0.0': { dist } }, time: { '1.0.0': '2026-01-01T00:00:00Z' } })],
      'registry',
    )
    assert.deepEqual(found(await signatures('widgets')), { ...dist, published: '2026-01-01T00:00:00Z' })
    assert.deepEqual(paths(registry), ['/widgets'])
  })

  it('leaves the registry half of the time', async (t) => {
    const [mirror, registry] = [await serve(t, () => {}), await serve(t, none)]
    const source = networkEvidence(
      settings(registry.url),
      { url: `${mirror.url}{name}/{version}`, fallback: 'registry' },
      { ...LIMITS, total: 400 },
    )
    const what = refused(await source.attestations(locked('widgets')), 'EVIDENCE_UNAVAILABLE')
    assert.match(what, /: not complete after 0\.2 s; no /)
  })
})

describe('credentials', () => {
  const SECRET = 'SECRET'

  it('of the registry are never sent to a mirror', async (t) => {
    const [mirror, registry] = [await serve(t, none), await serve(t, json(DOCUMENT))]
    const options = {
      [`${host(registry.url)}:_authToken`]: SECRET,
      [`${host(registry.url)}:@acme:_authToken`]: SECRET,
      _authToken: SECRET,
      forceAuth: { token: SECRET },
    }
    const source = networkEvidence(
      { registries: { default: registry.url.replace('//', '//user:pass@'), '@acme': registry.url }, options },
      { url: `${mirror.url}{name}@{version}.json`, fallback: 'registry' },
      LIMITS,
    )
    found(await source.attestations(locked('@acme/widgets')))
    assert.equal(registry.requests[0]?.headers.authorization, `Bearer ${SECRET}`)
    assert.equal(mirror.requests.length, 1)
    assert.doesNotMatch(JSON.stringify(mirror.requests), /SECRET|authorization|cookie|referer/i)
  })

  it('of another path of the same host are not sent either', async (t) => {
    const mirror = await serve(t, json(DOCUMENT))
    const source = networkEvidence(
      settings(`${mirror.url}npm/`, { [`${host(mirror.url)}npm/:_authToken`]: SECRET }),
      { url: `${mirror.url}mirror/{name}@{version}.json`, fallback: 'none' },
      LIMITS,
    )
    found(await source.attestations(locked('widgets')))
    assert.doesNotMatch(JSON.stringify(mirror.requests), /SECRET|authorization/i)
  })

  it('that are set for its own host and path are', async (t) => {
    const mirror = await serve(t, json(DOCUMENT))
    const source = networkEvidence(
      settings('http://127.0.0.1:1/', { [`${host(mirror.url)}mirror/:_authToken`]: SECRET }),
      { url: `${mirror.url}mirror/{name}@{version}.json`, fallback: 'none' },
      LIMITS,
    )
    found(await source.attestations(locked('@acme/widgets')))
    assert.equal(mirror.requests[0]?.headers.authorization, `Bearer ${SECRET}`)
  })

  it('do not follow a redirect of the mirror to the registry', async (t) => {
    const registry = await serve(t, json(DOCUMENT))
    const mirror = await serve(t, (_, response) => response.writeHead(302, { location: registry.url }).end())
    const options = { [`${host(registry.url)}:_authToken`]: SECRET, [`${host(mirror.url)}:_authToken`]: 'OTHER' }
    const source = networkEvidence(
      settings(registry.url, options),
      { url: `${mirror.url}{name}@{version}.json`, fallback: 'none' },
      LIMITS,
    )
    assert.deepEqual(found(await source.attestations(locked('widgets'))), DOCUMENT)
    assert.equal(mirror.requests[0]?.headers.authorization, 'Bearer OTHER')
    assert.equal(registry.requests[0]?.headers.authorization, undefined)
  })
})

describe('a name of the lockfile', () => {
  for (const [name, version, path] of [
    ['a/b', '1.0.0', '/x/a%2Fb@1.0.0.json'],
    ['@a/b/../../c', '1.0.0', '/x/@a/b%2F..%2F..%2Fc@1.0.0.json'],
    ['@a/b', '1.0.0/../../../y', '/x/@a/b@1.0.0%2F..%2F..%2F..%2Fy.json'],
    ['@a%2f..', '1.0.0?x#y', '/x/%40a%252f..@1.0.0%3Fx%23y.json'],
    ['{version}', '{name}', '/x/%7Bversion%7D@%7Bname%7D.json'],
    ['$&', '$1', '/x/%24%26@%241.json'],
    ['..\\..\\c', '1.0.0', '/x/..%5C..%5Cc@1.0.0.json'],
    ['\ud800', '1.0.0', '/x/%EF%BF%BD@1.0.0.json'],
  ] as const) {
    it(`${JSON.stringify([name, version])} stays in its place`, async (t) => {
      const { mirror, attestations } = await both(t, [none, none], 'none', { template: 'x/{name}@{version}.json' })
      refused(await attestations(name, version), 'EVIDENCE_MISSING')
      assert.deepEqual(paths(mirror), [path])
    })
  }

  for (const [name, version] of [
    ['..', '1.0.0'],
    ['.', '1.0.0'],
    ['', '1.0.0'],
    ['a', '..'],
    ['@a/..', '1.0.0'],
  ] as const) {
    it(`${JSON.stringify([name, version])} between slashes is not asked for`, async (t) => {
      const { mirror, attestations } = await both(t, [json(DOCUMENT), none], 'none', {
        template: 'x/{name}/{version}/doc.json',
      })
      refused(await attestations(name, version), 'EVIDENCE_UNAVAILABLE')
      assert.deepEqual(paths(mirror), [])
    })
  }

  it('never leads anywhere else', async (t) => {
    const { mirror, attestations } = await both(t, [none, none], 'none', { template: 'x/{name}/{version}/doc.json' })
    const part = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[@./\\%{}?#:a]{0,8}$/),
      fc.constantFrom('@a/..', '@../..', '@./b', '@/', '%2e%2e', '\t', '\r\n'),
    )
    await fc.assert(
      fc.asyncProperty(part, part, async (name, version) => {
        const before = mirror.requests.length
        await attestations(name, version)
        for (const { path } of mirror.requests.slice(before))
          assert.match(path, /^\/x\/(?:@[^/]+\/)?[^/]+\/[^/]+\/doc\.json$/)
      }),
      { numRuns: 200 },
    )
  })
})
