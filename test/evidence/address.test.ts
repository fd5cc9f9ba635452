import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { startRegistry } from '../support/registry/index.ts'
import { attestationsFrom, DOCUMENT, found, LIMITS, locked, publish, serve, settings } from './support.ts'

describe('the address of a document', () => {
  const paths: Readonly<Record<string, string>> = {
    widgets: 'widgets@1.0.0',
    '@acme/widgets': '@acme%2fwidgets@1.0.0',
    JSONStream: 'JSONStream@1.0.0',
    "a.b_c-d~e!f'g(h)*": "a.b_c-d~e!f'g(h)*@1.0.0",
  }
  for (const [name, path] of Object.entries(paths)) {
    it(`of ${name} is written as npm writes it`, async (t) => {
      const server = await serve(t, (_, response) => response.end('{}'))
      found(await attestationsFrom(settings(server.url), LIMITS)(locked(name)))
      assert.equal(server.requests[0]?.path, `/-/npm/v1/attestations/${path}`)
    })
  }

  it('is below the path of a registry that has one', async () => {
    const registry = await startRegistry({ basePath: '/api/npm/virtual/' })
    publish(registry, '@acme/widgets')
    const evidence = await attestationsFrom(settings(registry.url), LIMITS)(locked('@acme/widgets'))
    await registry.close()
    assert.deepEqual(found(evidence), DOCUMENT)
    assert.equal(registry.requests[0]?.path, '/api/npm/virtual/-/npm/v1/attestations/@acme%2fwidgets@1.0.0')
  })

  it('has a version with a build number', async (t) => {
    const server = await serve(t, (_, response) => response.end('{}'))
    found(await attestationsFrom(settings(server.url), LIMITS)(locked('widgets', '1.0.0-rc.1+build.5')))
    assert.equal(server.requests[0]?.path, '/-/npm/v1/attestations/widgets@1.0.0-rc.1%2Bbuild.5')
  })

  /** What a lockfile that somebody made up may name. */
  const hostile: readonly (readonly [name: string, version: string])[] = [
    ['../../x', '1.0.0'],
    ['..', '1.0.0'],
    ['.', ''],
    ['', ''],
    ['@x/..', '1.0.0'],
    ['@x/../../y', '1.0.0'],
    ['@../..', '..'],
    ['@', '1.0.0'],
    ['@scope', '1.0.0'],
    ['/etc/passwd', '1.0.0'],
    ['//evil.example/x', '1.0.0'],
    ['http://evil.example/x', '1.0.0'],
    ['x', '1.0.0/../../../../-/whoami'],
    ['x', '../../..'],
    ['a?b', '1.0.0'],
    ['a#b', '1.0.0'],
    ['a\\..\\b', '1.0.0'],
    ['a%2f..%2f..%2fb', '1.0.0'],
    ['a%00b', '1.0.0'],
    ['a b', '1 0'],
    ['a\r\nHost: evil.example\r\n\r\nGET / HTTP/1.1', '1.0.0'],
    ['a\u0000b', '1.0.0'],
    ['ünïcödé', '1.0.0'],
    ['\u202egnp', '１.０'],
    ['half a pair \ud800', '\udfff'],
    ['a'.repeat(5000), '1.0.0'],
  ]
  for (const [name, version] of hostile) {
    it(`of ${JSON.stringify(name.slice(0, 50))} at ${JSON.stringify(version)} is one segment of the endpoint`, async (t) => {
      const server = await serve(t, (_, response) => response.end('{}'))
      const settings = { registries: { default: `${server.url}base/` }, options: {} }
      found(await attestationsFrom(settings, LIMITS)(locked(name, version)))
      assertOneSegment(server.requests, name, version)
    })
  }

  it('is one segment of the endpoint for any name and version', async (t) => {
    const server = await serve(t, (_, response) => response.end('{}'))
    const requests = server.requests as (typeof server.requests)[number][]
    const ask = attestationsFrom({ registries: { default: `${server.url}base/` }, options: {} }, LIMITS)
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.stringMatching(/^[@./\\%?#:a]{0,12}$/),
      fc.array(fc.constantFrom('..', '.', '@x', 'a', '%2e%2e', ''), { maxLength: 6 }).map((parts) => parts.join('/')),
    )
    await fc.assert(
      fc.asyncProperty(text, text, async (name, version) => {
        requests.length = 0
        found(await ask(locked(name, version)))
        assertOneSegment(requests, name, version)
      }),
      { numRuns: 300 },
    )
  })

  function assertOneSegment(requests: readonly { readonly path: string }[], name: string, version: string): void {
    assert.equal(requests.length, 1)
    const [, segment = ''] = /^\/base\/-\/npm\/v1\/attestations\/([^/?#\\\s]+)$/.exec(requests[0]?.path ?? '') ?? []
    assert.equal(decodeURIComponent(segment), `${name.toWellFormed()}@${version.toWellFormed()}`)
    // Nor would a server that takes the segment apart as a URL find dots to follow.
    assert.equal(new URL(segment, 'http://x/a/b/c').pathname, `/a/b/${segment}`)
  }
})
