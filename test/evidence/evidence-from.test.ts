/** Evidence from another registry than the settings give, as a rule may say. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { networkEvidence } from '../../src/evidence/mirror.ts'
import { registryEvidence } from '../../src/evidence/registry.ts'
import type { RegistrySettings } from '../../src/evidence/settings.ts'
import { createTarball, type Registry, type RegistryOptions, startRegistry } from '../support/registry/index.ts'
import { DOCUMENT, found, host, LIMITS, locked, publish, refused, serve, settings } from './support.ts'

async function open(t: TestContext, options?: RegistryOptions): Promise<Registry> {
  const registry = await startRegistry(options)
  t.after(() => registry.close())
  return registry
}

const paths = ({ requests }: Registry) => requests.map(({ path }) => path)

describe('attestations from another registry', () => {
  it('are asked there, and nowhere else', async (t) => {
    const [proxy, origin] = [await open(t), await open(t)]
    publish(origin, '@acme/a')
    const { attestations } = registryEvidence(settings(proxy.url), LIMITS)
    assert.deepEqual(found(await attestations(locked('@acme/a'), origin.url)), DOCUMENT)
    assert.deepEqual(paths(origin), ['/-/npm/v1/attestations/@acme%2fa@1.0.0'])
    assert.deepEqual(paths(proxy), [])
  })

  it('are not asked of the usual one where it has none', async (t) => {
    const [proxy, origin] = [await open(t), await open(t)]
    publish(proxy, 'a')
    const { attestations } = registryEvidence(settings(proxy.url), LIMITS)
    assert.match(refused(await attestations(locked('a'), origin.url), 'EVIDENCE_MISSING'), new RegExp(origin.url))
    assert.deepEqual(paths(proxy), [])
  })

  it('are asked below its path', async (t) => {
    const origin = await open(t, { basePath: '/api/npm/all/' })
    publish(origin, 'a')
    const { attestations } = registryEvidence(settings('http://127.0.0.1:1/'), LIMITS)
    assert.deepEqual(found(await attestations(locked('a'), origin.url)), DOCUMENT)
  })

  it('are asked there also of a scope, a named registry and a tarball of its own', async (t) => {
    const origin = await open(t)
    publish(origin, '@acme/a')
    const nowhere = 'http://127.0.0.1:1/'
    const own: RegistrySettings = {
      registries: { default: nowhere, '@acme': nowhere },
      named: new Map([['work', nowhere]]),
      options: {},
    }
    const pkg = { ...locked('@acme/a'), key: '@acme/a@work:1.0.0', tarball: `${nowhere}a.tgz` }
    assert.deepEqual(found(await registryEvidence(own, LIMITS).attestations(pkg, origin.url)), DOCUMENT)
  })

  it('that it does not answer for are unavailable', async () => {
    const { attestations } = registryEvidence(settings('http://127.0.0.1:1/'), LIMITS)
    refused(await attestations(locked('a'), 'http://127.0.0.1:2/'), 'EVIDENCE_UNAVAILABLE')
    refused(await attestations(locked('a'), 'file:///etc/'), 'EVIDENCE_UNAVAILABLE')
  })
})

describe('credentials', () => {
  it('of the usual registry, with and without its scope, are not sent to the other', async (t) => {
    const origin = await open(t)
    publish(origin, '@acme/a')
    const proxy = 'http://127.0.0.1:1/'
    const own: RegistrySettings = {
      registries: { default: proxy, '@acme': proxy },
      options: {
        [`${host(proxy)}:_authToken`]: 'SECRET',
        [`${host(proxy)}:@acme:_authToken`]: 'SECRET',
        _authToken: 'SECRET',
        _auth: 'SECRET',
        'always-auth': true,
        forceAuth: { token: 'SECRET' },
      },
    }
    found(await registryEvidence(own, LIMITS).attestations(locked('@acme/a'), origin.url))
    assert.equal(origin.requests[0]?.headers.authorization, undefined)
  })

  it('of the other are sent to it alone', async (t) => {
    const origin = await open(t, { token: 'T' })
    publish(origin, 'a')
    const { attestations } = registryEvidence(
      settings('http://127.0.0.1:1/', { [`${host(origin.url)}:_authToken`]: 'T' }),
      LIMITS,
    )
    assert.deepEqual(found(await attestations(locked('a'), origin.url)), DOCUMENT)
  })

  it('of the other are not sent on where it sends elsewhere', async (t) => {
    const elsewhere = await serve(t, (_, response) => response.end('{}'))
    const origin = await serve(t, (_, response) => response.writeHead(302, { location: `${elsewhere.url}login` }).end())
    const { attestations } = registryEvidence(
      settings('http://127.0.0.1:1/', { [`${host(origin.url)}:_authToken`]: 'T' }),
      LIMITS,
    )
    found(await attestations(locked('a'), origin.url))
    assert.equal(origin.requests[0]?.headers.authorization, 'Bearer T')
    assert.equal(elsewhere.requests[0]?.headers.authorization, undefined)
  })
})

describe('signatures', () => {
  it('are asked there, in the metadata of the version and of the package', async (t) => {
    const [proxy, origin] = [await open(t), await open(t)]
    const signatures = [{ keyid: 'k', sig: 's' }]
    origin.publish(createTarball({ name: 'a', version: '1.0.0' }), { signatures })
    const source = registryEvidence(settings(proxy.url), LIMITS)
    for (const withTime of [false, true]) {
      const evidence = await source.signatures(locked('a'), withTime, origin.url)
      assert.ok(evidence.ok)
      assert.deepEqual((evidence.value as { signatures: unknown }).signatures, signatures)
    }
    assert.deepEqual(paths(origin), ['/a/1.0.0', '/a'])
    assert.deepEqual(paths(proxy), [])
  })
})

describe('a mirror that is asked first', () => {
  it('is asked first, and then the other registry in the place of the usual one', async (t) => {
    const [proxy, origin, mirror] = [await open(t), await open(t), await open(t)]
    publish(origin, 'a')
    const source = networkEvidence(
      settings(proxy.url),
      { url: `${mirror.url}m/{name}@{version}.json`, fallback: 'registry' },
      LIMITS,
    )
    assert.deepEqual(found(await source.attestations(locked('a'), origin.url)), DOCUMENT)
    await source.signatures(locked('a'), false, origin.url)
    assert.deepEqual(paths(mirror), ['/m/a@1.0.0.json', '/m/a@1.0.0.signatures.json'])
    assert.deepEqual(paths(origin), ['/-/npm/v1/attestations/a@1.0.0', '/a/1.0.0'])
    assert.deepEqual(paths(proxy), [])
  })
})
