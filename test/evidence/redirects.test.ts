import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startRegistry } from '../support/registry/index.ts'
import { attestationsFrom, found, host, LIMITS, locked, refused, serve, settings } from './support.ts'

describe('a redirect', () => {
  it('within the registry is followed, with its token', async (t) => {
    const server = await serve(t, (request, response) => {
      if (request.url?.endsWith('moved')) response.end('{}')
      else response.writeHead(307, { location: '/base/moved' }).end()
    })
    const ask = attestationsFrom(
      settings(`${server.url}base/`, { [`${host(server.url)}:_authToken`]: 'SECRET' }),
      LIMITS,
    )
    found(await ask(locked('widgets')))
    assert.deepEqual(
      server.requests.map(({ headers }) => headers.authorization),
      ['Bearer SECRET', 'Bearer SECRET'],
    )
  })

  for (const status of [301, 302, 303, 307, 308]) {
    for (const hostname of ['127.0.0.1', 'localhost']) {
      it(`of status ${status} to another port of ${hostname} is followed, and no credentials come along`, async (t) => {
        const other = await serve(t, (_, response) => response.end('{"from":"other"}'))
        const { port } = new URL(other.url)
        const location = `http://${hostname}:${port}/x`
        const server = await serve(t, (_, response) => response.writeHead(status, { location }).end())
        const url = server.url.replace('//', '//user:pass@')
        // Not even those that are set for where it leads: who redirects must not choose what they are used for.
        const options = { [`${host(server.url)}:_authToken`]: 'SECRET', [`//${hostname}:${port}/:_authToken`]: 'OTHER' }
        const evidence = await attestationsFrom(settings(url, options), LIMITS)(locked('widgets'))
        assert.deepEqual(found(evidence), { from: 'other' })
        assert.equal(server.requests[0]?.headers.authorization, 'Bearer SECRET')
        const { authorization, cookie, referer } = other.requests[0]?.headers ?? {}
        assert.deepEqual([authorization, cookie, referer], [undefined, undefined, undefined])
      })
    }
  }

  it('there and back again has the token at home only', async (t) => {
    const other = await serve(t, (_, response) => response.writeHead(302, { location: `${server.url}home` }).end())
    const server = await serve(t, (request, response) => {
      if (request.url === '/home') response.end('{}')
      else response.writeHead(302, { location: other.url }).end()
    })
    const options = { [`${host(server.url)}:_authToken`]: 'SECRET' }
    found(await attestationsFrom(settings(server.url, options), LIMITS)(locked('widgets')))
    assert.equal(other.requests[0]?.headers.authorization, undefined)
    assert.deepEqual(
      server.requests.map(({ headers }) => headers.authorization),
      ['Bearer SECRET', 'Bearer SECRET'],
    )
  })

  it('to itself ends, and is not tried again', async () => {
    const registry = await startRegistry()
    registry.misbehave({
      match: 'attestations',
      how: 'redirect',
      location: `${registry.url}-/npm/v1/attestations/loop`,
    })
    const ask = attestationsFrom(settings(registry.url), { ...LIMITS, retries: 3 })
    const what = refused(await ask(locked('widgets')), 'EVIDENCE_UNAVAILABLE')
    await registry.close()
    assert.match(what, /^no answer from .*widgets@1\.0\.0: more than 5 redirects$/)
    assert.equal(registry.requests.length, 6)
  })

  it('with a body without end is followed, and the body not read', async (t) => {
    const other = await serve(t, (_, response) => response.end('{}'))
    const server = await serve(t, (_, response) => {
      response.writeHead(302, { location: other.url })
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024))) {}
      }
      response.on('drain', more)
      more()
    })
    const ask = attestationsFrom(settings(server.url), { ...LIMITS, attempt: 3_600_000, total: 3_600_000 })
    found(await ask(locked('widgets')))
    await server.closed(1)
  })

  it('to where nothing is there is EVIDENCE_MISSING', async (t) => {
    const other = await serve(t, (_, response) => response.writeHead(404).end())
    const server = await serve(t, (_, response) => response.writeHead(302, { location: other.url }).end())
    refused(await attestationsFrom(settings(server.url), LIMITS)(locked('widgets')), 'EVIDENCE_MISSING')
  })

  for (const location of [
    'file:///etc/passwd',
    'data:application/json,{}',
    'ftp://127.0.0.1/',
    'http://[',
    'javascript:0',
  ]) {
    it(`to ${location} is not followed`, async (t) => {
      const server = await serve(t, (_, response) => response.writeHead(302, { location }).end())
      const what = refused(
        await attestationsFrom(settings(server.url), LIMITS)(locked('widgets')),
        'EVIDENCE_UNAVAILABLE',
      )
      assert.match(what, /: a redirect to something that is no http or https URL$/)
    })
  }

  it('that does not say where to is an answer like any other', async (t) => {
    const server = await serve(t, (_, response) => response.writeHead(302).end())
    const what = refused(
      await attestationsFrom(settings(server.url), LIMITS)(locked('widgets')),
      'EVIDENCE_UNAVAILABLE',
    )
    assert.match(what, /^HTTP 302 from /)
  })
})
