import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect, createServer as createTcpServer } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { GateError } from '../../src/errors.ts'
import { openTransport } from '../../src/evidence/transport.ts'
import { selfSigned } from '../support/tls.ts'
import { attestationsFrom, found, LIMITS, listen, locked, refused, serve, settings } from './support.ts'

const { key, cert } = selfSigned()

async function serveTls(t: TestContext, location?: string) {
  const requests: IncomingMessage[] = []
  const server = createTlsServer({ key, cert }, (request, response) => {
    requests.push(request)
    if (location === undefined) response.end('{"over":"TLS"}')
    else response.writeHead(302, { location }).end()
  })
  const { port } = await listen(t, server)
  return { requests, url: `https://127.0.0.1:${port}/` }
}

describe('TLS', () => {
  it('with an authority of the settings', async (t) => {
    const { url } = await serveTls(t)
    for (const ca of [cert, [cert]]) {
      assert.deepEqual(found(await attestationsFrom(settings(url, { ca }), LIMITS)(locked('widgets'))), { over: 'TLS' })
    }
  })

  it('with an authority that nobody knows is EVIDENCE_UNAVAILABLE, and nothing is sent', async (t) => {
    const { url, requests } = await serveTls(t)
    const what = refused(await attestationsFrom(settings(url), LIMITS)(locked('widgets')), 'EVIDENCE_UNAVAILABLE')
    assert.match(what, /: self-signed certificate/)
    assert.equal(requests.length, 0)
  })

  it('with a certificate of another host is EVIDENCE_UNAVAILABLE', async (t) => {
    const { url, requests } = await serveTls(t)
    const ask = attestationsFrom(settings(url.replace('127.0.0.1', 'localhost'), { ca: cert }), LIMITS)
    assert.match(refused(await ask(locked('widgets')), 'EVIDENCE_UNAVAILABLE'), /altnames/)
    assert.equal(requests.length, 0)
  })

  for (const strict of [true, 'true', 'yes', '', undefined, null, 0]) {
    it(`is checked where strict-ssl is ${JSON.stringify(strict)}`, async (t) => {
      const { url } = await serveTls(t)
      const ask = attestationsFrom(settings(url, { 'strict-ssl': strict }), LIMITS)
      refused(await ask(locked('widgets')), 'EVIDENCE_UNAVAILABLE')
    })
  }

  for (const strict of [false, 'false']) {
    it(`is not checked where strict-ssl is ${JSON.stringify(strict)}`, async (t) => {
      const { url } = await serveTls(t)
      found(await attestationsFrom(settings(url, { 'strict-ssl': strict }), LIMITS)(locked('widgets')))
    })
  }

  it('is not given up by a redirect: from https to http is no way', async (t) => {
    const plain = await serve(t, (_, response) => response.end('{}'))
    const { url } = await serveTls(t, plain.url)
    const ask = attestationsFrom(settings(url, { ca: cert }), LIMITS)
    assert.match(refused(await ask(locked('widgets')), 'EVIDENCE_UNAVAILABLE'), /: a redirect from https to http$/)
    assert.equal(plain.requests.length, 0)
  })

  it('may be reached by a redirect from http', async (t) => {
    const { url } = await serveTls(t)
    const plain = await serve(t, (_, response) => response.writeHead(302, { location: url }).end())
    found(await attestationsFrom(settings(plain.url, { ca: cert }), LIMITS)(locked('widgets')))
  })

  it('whose handshake nobody answers is given up, and its connection closed: the process could not end otherwise', async (t) => {
    const { port, closed } = await listen(
      t,
      createTcpServer((socket) => socket.resume()),
    )
    const ask = attestationsFrom(settings(`https://127.0.0.1:${port}/`), { ...LIMITS, attempt: 50, retries: 1 })
    assert.match(refused(await ask(locked('widgets')), 'EVIDENCE_UNAVAILABLE'), /: not complete after 0\.05 s$/)
    await closed(2)
  })
})

describe('a proxy', () => {
  /** Of both kinds: forwards plain requests as its own answer, and tunnels. */
  async function serveProxy(t: TestContext) {
    const seen: string[] = []
    const server = createServer((request, response) => {
      seen.push(`${request.url} ${request.headers['proxy-authorization']}`)
      response.end('{"through":"proxy"}')
    })
    server.on('connect', (request, client) => {
      seen.push(`CONNECT ${request.url} ${request.headers.authorization}`)
      const [hostname, port] = (request.url ?? '').split(':')
      const upstream = connect(Number(port), hostname, () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n')
        upstream.pipe(client).pipe(upstream)
      })
      for (const [one, other] of [
        [upstream, client],
        [client, upstream],
      ] as const) {
        one.on('error', () => other.destroy())
        one.on('close', () => other.destroy())
      }
    })
    const { port } = await listen(t, server)
    return { seen, url: `http://127.0.0.1:${port}/` }
  }

  it('of http registries is asked in their place, with its own credentials', async (t) => {
    const { seen, url } = await serveProxy(t)
    const options = { 'http-proxy': url.replace('//', '//user:pass@'), '//registry.invalid/:_authToken': 'SECRET' }
    const ask = attestationsFrom(settings('http://registry.invalid/', options), LIMITS)
    assert.deepEqual(found(await ask(locked('widgets'))), { through: 'proxy' })
    const address = 'http://registry.invalid/-/npm/v1/attestations/widgets@1.0.0'
    assert.deepEqual(seen, [`${address} Basic ${btoa('user:pass')}`])
  })

  it('of https registries is a tunnel, in which it sees no token', async (t) => {
    const { seen, url: proxy } = await serveProxy(t)
    const { url, requests } = await serveTls(t)
    const { host } = new URL(url)
    const options = { 'https-proxy': proxy, ca: cert, [`//${host}/:_authToken`]: 'SECRET' }
    assert.deepEqual(found(await attestationsFrom(settings(url, options), LIMITS)(locked('widgets'))), { over: 'TLS' })
    assert.deepEqual(seen, [`CONNECT ${host} undefined`])
    assert.equal(requests[0]?.headers.authorization, 'Bearer SECRET')
  })

  it('is passed by for hosts of no-proxy, and for all where that is true', async (t) => {
    const { seen, url: proxy } = await serveProxy(t)
    const server = await serve(t, (_, response) => response.end('{}'))
    for (const noProxy of ['127.0.0.1', 'x.example,127.0.0.1', true]) {
      const options = { 'http-proxy': proxy, 'no-proxy': noProxy }
      found(await attestationsFrom(settings(server.url, options), LIMITS)(locked('widgets')))
    }
    found(await attestationsFrom(settings(server.url, { 'https-proxy': proxy }), LIMITS)(locked('widgets')))
    found(await attestationsFrom(settings(server.url, { 'http-proxy': 'false' }), LIMITS)(locked('widgets')))
    assert.deepEqual(seen, [])
    assert.equal(server.requests.length, 5)
  })

  it('that refuses is EVIDENCE_UNAVAILABLE', async (t) => {
    let asked = 0
    const server = createServer((_, response) => {
      asked += 1
      response.writeHead(407, { 'proxy-authenticate': 'Basic' }).end()
    }).on('connect', (_, client) => {
      asked += 1
      client.end('HTTP/1.1 407 No\r\n\r\n')
    })
    const { port } = await listen(t, server)
    const proxy = `http://user:p4ssw0rd@127.0.0.1:${port}/`
    for (const url of ['https://registry.invalid/', 'http://registry.invalid/']) {
      asked = 0
      const ask = attestationsFrom(settings(url, { 'https-proxy': proxy, 'http-proxy': proxy }), LIMITS)
      const what = refused(await ask(locked('widgets')), 'EVIDENCE_UNAVAILABLE')
      assert.match(what, /HTTP 407.*: the proxy wants a login/)
      assert.doesNotMatch(what, /p4ssw0rd/)
      // Proxies lock users out who try too often.
      assert.equal(asked, 1, url)
    }
  })

  it('that never answers is given up, and its connection closed', async (t) => {
    const { port, closed } = await listen(
      t,
      createTcpServer((socket) => socket.resume()),
    )
    const options = { 'https-proxy': `http://127.0.0.1:${port}/` }
    const ask = attestationsFrom(settings('https://registry.invalid/', options), { ...LIMITS, attempt: 50, retries: 1 })
    refused(await ask(locked('widgets')), 'EVIDENCE_UNAVAILABLE')
    await closed(2)
  })

  it('that never answers is not waited for longer than all attempts may take', async (t) => {
    const { port } = await listen(
      t,
      createTcpServer((socket) => socket.resume()),
    )
    const options = { 'https-proxy': `http://127.0.0.1:${port}/` }
    const limits = { ...LIMITS, attempt: 3_600_000, total: 50 }
    const what = refused(
      await attestationsFrom(settings('https://registry.invalid/', options), limits)(locked('widgets')),
      'EVIDENCE_UNAVAILABLE',
    )
    assert.match(what, /: not complete after 0\.05 s$/)
  })

  for (const url of ['socks5://user:p4ssw0rd@127.0.0.1:1080', 'proxy.example:3128', 'nonsense', '//proxy.example/']) {
    for (const key of ['https-proxy', 'http-proxy']) {
      it(`that is no http or https URL (${key}=${url}) is a mistake that is said at once`, () => {
        assert.throws(
          () => openTransport({ [key]: url }, 1),
          (error) => error instanceof GateError && /^The proxy .* cannot be used/.test(error.message),
        )
        assert.throws(
          () => openTransport({ [key]: url }, 1),
          (error) => !String(error).includes('p4ssw0rd'),
        )
      })
    }
  }
})
