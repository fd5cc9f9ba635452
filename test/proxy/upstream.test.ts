import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { RegistrySettings } from '../../src/evidence/settings.ts'
import { folder, listen, serve } from '../evidence/support.ts'
import { issuedFor, selfSigned } from '../support/tls.ts'
import { ask, errorOf, type Stage, startStage } from './support.ts'

const SECRET = { authorization: 'Bearer secret', cookie: 'session=secret', 'npm-otp': '123456', 'x-anything': 'secret' }

describe('the way to servers', () => {
  let stage: Stage
  before(async () => {
    stage = await startStage()
  })
  after(() => stage.close())

  function settings(url: string, options: Readonly<Record<string, unknown>> = {}): RegistrySettings {
    return { registries: { default: url }, options }
  }

  it('hands on what the client sends, and what the server answers', async (t) => {
    const server = await serve(t, (request, response) => {
      request.pipe(response.writeHead(201, { 'x-answer': request.method, 'set-cookie': ['a=b', 'c=d'], etag: '"e"' }))
    })
    const proxy = await stage.open()
    const answer = await ask(proxy, `${server.url}-/npm/v1/security/audits?a=b`, {
      method: 'POST',
      headers: SECRET,
      body: '{"a":1}',
    })
    assert.deepEqual([answer.status, answer.body.toString()], [201, '{"a":1}'])
    assert.deepEqual(
      [answer.headers['x-answer'], answer.headers['set-cookie'], answer.headers.etag],
      ['POST', ['a=b', 'c=d'], '"e"'],
    )
    const [{ path, headers } = assert.fail()] = server.requests
    assert.equal(path, '/-/npm/v1/security/audits?a=b')
    for (const [name, value] of Object.entries(SECRET)) assert.equal(headers[name], value)
    assert.equal(headers.host, new URL(server.url).host)
  })

  it('keeps to itself what is about the connection to the proxy', async (t) => {
    const server = await serve(t, (_, response) =>
      response.writeHead(200, { 'x-hop': 'y', connection: 'x-hop, keep-alive' }).end('page'),
    )
    const answer = await ask(await stage.open(), server.url, {
      headers: { te: 'trailers', 'x-hop': 'z', connection: 'close, x-hop', 'proxy-connection': 'keep-alive' },
    })
    const [{ headers } = assert.fail()] = server.requests
    for (const name of ['te', 'x-hop', 'proxy-connection', 'proxy-authorization'])
      assert.equal(headers[name], undefined, name)
    assert.equal(answer.headers['x-hop'], undefined)
  })

  it('hands on no 407: it is of the proxy behind, and would look like one of this proxy', async (t) => {
    const server = await serve(t, (_, response) => response.writeHead(407, { 'proxy-authenticate': 'Basic' }).end())
    for (const place of [server.url, `${server.url}strict`]) {
      const answer = await ask(await stage.open(), place)
      assert.equal(answer.status, 502)
      assert.match(answer.body.toString(), /HTTP 407: the proxy wants a login/)
      assert.equal(answer.headers['proxy-authenticate'], undefined)
    }
  })

  it('asks for all of a document, whatever the client has already', async (t) => {
    const server = await serve(t, (_, response) => response.end('x'))
    const conditions = {
      'if-none-match': '"e"',
      'if-modified-since': 'Thu, 01 Jan 2026 00:00:00 GMT',
      range: 'bytes=5-',
      'if-range': '"e"',
    }
    await ask(await stage.open(), `${server.url}strict`, { headers: { ...conditions, 'accept-encoding': 'zstd, br' } })
    const [{ headers } = assert.fail()] = server.requests
    for (const name of Object.keys(conditions)) assert.equal(headers[name], undefined, name)
    assert.equal(headers['accept-encoding'], 'identity')
  })

  describe('a redirect', () => {
    it('is followed here, and takes nothing that is meant for the registry to another origin', async (t) => {
      const pkg = await stage.world.publish({ name: 'strict', version: '3.0.0' })
      const storage = await serve(t, (_, response) => response.end(pkg.bytes))
      const registry = await serve(t, (request, response) => {
        if (request.url === '/own') return response.writeHead(307, { location: `${storage.url}signed?token=x` }).end()
        return response.writeHead(302, { location: '/own' }).end()
      })
      const proxy = await stage.open()
      const answer = await ask(proxy, `${registry.url}strict/-/strict-3.0.0.tgz`, { headers: SECRET })
      assert.deepEqual([answer.status, answer.body.equals(pkg.bytes)], [200, true])
      assert.deepEqual(
        registry.requests.map(({ headers }) => headers.authorization),
        ['Bearer secret', 'Bearer secret'],
      )
      const [{ path, headers } = assert.fail()] = storage.requests
      assert.equal(path, '/signed?token=x')
      for (const name of Object.keys(SECRET)) assert.equal(headers[name], undefined, name)
    })

    it('back to the first origin is told the credentials of that origin, and of no other', async (t) => {
      const second = await serve(t, (_, response) => response.writeHead(302, { location: `${first.url}end` }).end())
      const first = await serve(t, (request, response) =>
        request.url === '/end' ? response.end('end') : response.writeHead(302, { location: second.url }).end(),
      )
      assert.equal((await ask(await stage.open(), first.url, { headers: SECRET })).body.toString(), 'end')
      assert.deepEqual(
        first.requests.map(({ headers }) => headers.authorization),
        ['Bearer secret', 'Bearer secret'],
      )
      assert.deepEqual(
        second.requests.map(({ headers }) => headers.authorization),
        [undefined],
      )
    })

    for (const [what, location, problem] of [
      ['in a circle', '/', /more than 5 redirects/],
      ['to a file', 'file:///etc/passwd', /no http or https URL/],
      ['to nothing', 'http://', /no http or https URL/],
    ] as const) {
      it(`${what} ends`, async (t) => {
        const server = await serve(t, (_, response) => response.writeHead(302, { location }).end())
        const answer = await ask(await stage.open(), `${server.url}strict`)
        assert.equal(answer.status, 502)
        assert.match(errorOf(answer), problem)
        assert.ok(server.requests.length <= 6)
      })
    }

    it('of any status is followed here, not by the client, which would ask for a place that means something else', async (t) => {
      const target = await serve(t, (_, response) => response.end('target'))
      const server = await serve(t, (request, response) =>
        response.writeHead(Number(request.url?.slice(1)), { location: target.url }).end('body'),
      )
      const proxy = await stage.open()
      for (const status of [300, 301, 302, 303, 305, 306, 307, 308, 399])
        assert.equal((await ask(proxy, server.url + status)).body.toString(), 'target', String(status))
    })

    it('that leads nowhere is no answer: some clients install its body', async (t) => {
      const server = await serve(t, (request, response) =>
        response.writeHead(Number(request.url?.slice(1)), request.url === '/304' ? { location: '/200' } : {}).end('x'),
      )
      const proxy = await stage.open()
      for (const status of [300, 301, 302, 303, 304, 305, 306, 307, 308, 310, 399])
        for (const method of ['GET', 'HEAD'])
          assert.equal((await ask(proxy, server.url + status, { method })).status, 502, `${method} ${status}`)
    })

    it('with a login in its URL sends none', async (t) => {
      const target = await serve(t, (_, response) => response.end('x'))
      const location = target.url.replace('://', '://user:pass@')
      const server = await serve(t, (_, response) => response.writeHead(302, { location }).end())
      assert.equal((await ask(await stage.open(), server.url)).status, 200)
      assert.equal(target.requests[0]?.headers.authorization, undefined)
    })

    it('of what is not read is for the client', async (t) => {
      const server = await serve(t, (_, response) => response.writeHead(307, { location: 'http://other.test/' }).end())
      const answer = await ask(await stage.open(), server.url, { method: 'PUT', body: 'x' })
      assert.deepEqual([answer.status, answer.headers.location], [307, 'http://other.test/'])
    })
  })

  describe('over TLS', () => {
    it('the authorities of the settings vouch for the server, and the one of this run for the proxy', async (t) => {
      const { ca, ...issued } = issuedFor(['localhost'])
      const server = createServer(issued, (request, response) => response.end(`${request.method} ${request.url}`))
      const { port } = await listen(t, server)
      const url = `https://localhost:${port}/`
      const proxy = await stage.open({ settings: settings(url, { ca }) })
      assert.equal((await ask(proxy, `${url}a%2fb?c`)).body.toString(), 'GET /a%2fb?c')
      const answer = await ask(await stage.open({ settings: settings(url) }), url)
      assert.equal(answer.status, 502)
      assert.match(errorOf(answer), /unable to verify|self-signed|issuer/)
    })

    it('a redirect from https to http is not followed', async (t) => {
      const { ca, ...issued } = issuedFor(['localhost'])
      const target = await serve(t, (_, response) => response.end('x'))
      const server = createServer(issued, (_, response) => response.writeHead(302, { location: target.url }).end())
      const { port } = await listen(t, server)
      const url = `https://localhost:${port}/`
      const answer = await ask(await stage.open({ settings: settings(url, { ca }) }), url)
      assert.match(errorOf(answer), /redirects from https to http/)
      assert.deepEqual(target.requests, [])
    })

    it('the client certificate of the settings is shown to its registry alone', async (t) => {
      const { ca, ...issued } = issuedFor(['localhost'])
      const { key, cert } = selfSigned()
      const seen: string[] = []
      const server = createServer({ ...issued, requestCert: true, rejectUnauthorized: false }, (request, response) => {
        const { subject } = (request.socket as import('node:tls').TLSSocket).getPeerCertificate()
        seen.push(`${request.url} ${subject?.CN}`)
        response.end('x')
      })
      const { port } = await listen(t, server)
      const files = folder(t, { 'client.key': key, 'client.pem': cert })
      const options = {
        ca,
        [`//localhost:${port}/own/:certfile`]: join(files, 'client.pem'),
        [`//localhost:${port}/own/:keyfile`]: join(files, 'client.key'),
      }
      const proxy = await stage.open({ settings: settings(`https://localhost:${port}/own/`, options) })
      for (const path of ['own/strict', 'other/strict']) await ask(proxy, `https://localhost:${port}/${path}`)
      assert.deepEqual(seen, ['/own/strict registry', '/other/strict undefined'])
    })
  })

  it("goes through the user's own proxy", async (t) => {
    const own = await serve(t, (request, response) => response.end(`through it: ${request.url}`))
    const proxy = await stage.open({ settings: settings('http://registry.test/', { 'http-proxy': own.url }) })
    assert.equal((await ask(proxy, 'http://registry.test/x')).body.toString(), 'through it: http://registry.test/x')
    const without = await stage.open({
      settings: settings('http://registry.test/', { 'http-proxy': own.url, 'no-proxy': 'registry.test' }),
      limits: { stall: 5_000 },
    })
    assert.equal((await ask(without, 'http://registry.test/x')).status, 502)
  })

  it('says which server does not answer, without its login and its query', async () => {
    const answer = await ask(await stage.open(), 'http://127.0.0.1:1/strict?token=secret')
    assert.equal(answer.status, 502)
    assert.match(
      errorOf(answer),
      /^provenance-gate: http:\/\/127\.0\.0\.1:1\/strict: no answer from http:\/\/127\.0\.0\.1:1\/strict: .*ECONNREFUSED/,
    )
  })
})
