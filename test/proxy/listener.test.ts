import assert from 'node:assert/strict'
import http from 'node:http'
import net from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { makeAuthority } from '../../src/proxy/authority.ts'
import { type Listener, listen } from '../../src/proxy/listener.ts'

describe('a proxy on loopback', () => {
  let listener: Listener
  const asked: string[] = []
  before(async () => {
    listener = await listen('gate:secret', await makeAuthority(new Date()), async (url, request, response) => {
      asked.push(`${request.method} ${url.href}`)
      response.end('answered')
    })
  })
  after(() => listener.close())
  beforeEach(() => {
    asked.length = 0
  })

  /** Writes bytes, and reads until the other side ends, or has said `until`. */
  async function say(text: string, until?: string): Promise<string> {
    const socket = net.connect(listener.port, '127.0.0.1')
    socket.write(text)
    let heard = ''
    try {
      for await (const chunk of socket) {
        heard += String(chunk)
        if (until !== undefined && heard.includes(until)) break
      }
    } finally {
      socket.destroy()
    }
    return heard
  }
  const LOGIN = `Proxy-Authorization: Basic ${Buffer.from('gate:secret').toString('base64')}\r\n`

  it('answers whoever knows the token', async () => {
    const heard = await say(`GET http://host.test/a?b HTTP/1.1\r\nHost: x\r\n${LOGIN}Connection: close\r\n\r\n`)
    assert.match(heard, /^HTTP\/1\.1 200 OK\r\n[\s\S]*answered/)
    assert.deepEqual(asked, ['GET http://host.test/a?b'])
  })

  for (const [what, login] of Object.entries({
    'no token': '',
    'another token': `Proxy-Authorization: Basic ${Buffer.from('gate:secreT').toString('base64')}\r\n`,
    'a part of it': `Proxy-Authorization: Basic ${Buffer.from('gate:secre').toString('base64')}\r\n`,
    'it in another scheme': 'Proxy-Authorization: Bearer secret\r\n',
    'it for the host': LOGIN.replace('Proxy-', ''),
  })) {
    it(`asks nobody for whoever has ${what}`, async () => {
      assert.match(await say(`GET http://host.test/ HTTP/1.1\r\nHost: x\r\n${login}\r\n`), /^HTTP\/1\.1 407 /)
      const tunnel = `CONNECT host.test:80 HTTP/1.1\r\nHost: x\r\n${login}\r\nGET / HTTP/1.1\r\nHost: host.test\r\n\r\n`
      assert.match(await say(tunnel), /^HTTP\/1\.1 407 [\s\S]*\r\n\r\n$/)
      assert.deepEqual(asked, [])
    })
  }

  for (const target of ['/', '/host.test', '*', 'ftp://host.test/', 'http://user:pass@host.test/', 'host.test']) {
    it(`is no server of its own: ${target}`, async () => {
      const heard = await say(`GET ${target} HTTP/1.1\r\nHost: host.test\r\n${LOGIN}Connection: close\r\n\r\n`)
      // What is not even a target is not answered.
      assert.match(heard, /^(?:HTTP\/1\.1 400 |$)/)
      assert.deepEqual(asked, [])
    })
  }

  for (const target of [
    'host.test',
    'host.test:port',
    'user@host.test:80',
    'host.test:99999',
    'a/b:80',
    '[::1:80',
    ':80',
  ]) {
    it(`makes no tunnel to ${target}`, async () => {
      assert.match(await say(`CONNECT ${target} HTTP/1.1\r\nHost: x\r\n${LOGIN}\r\n`), /^HTTP\/1\.1 400 /)
    })
  }

  it('hears plain HTTP in a tunnel, from the host that the tunnel leads to', async () => {
    const heard = await say(
      `CONNECT host.test:8080 HTTP/1.1\r\nHost: x\r\n${LOGIN}\r\nGET //other.test/x HTTP/1.1\r\nHost: third.test\r\nConnection: close\r\n\r\n`,
    )
    assert.match(heard, /200 Connection Established\r\n\r\nHTTP\/1\.1 200 OK/)
    assert.deepEqual(asked, ['GET http://host.test:8080//other.test/x'])
  })

  it('takes no absolute URL in a tunnel', async () => {
    const heard = await say(
      `CONNECT host.test:80 HTTP/1.1\r\nHost: x\r\n${LOGIN}\r\nGET http://other.test/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    )
    assert.match(heard, /HTTP\/1\.1 400 /)
    assert.deepEqual(asked, [])
  })

  it('upgrades no connection, for it could not look at what comes then', async () => {
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    assert.match(await say(`GET http://host.test/ HTTP/1.1\r\nHost: x\r\n${LOGIN}${upgrade}`), /^HTTP\/1\.1 501 /)
    assert.deepEqual(asked, [])
  })

  for (const request of [
    'CONNECT host.test:80 HTTP/1.1\r\nHost: x\r\n\r\n',
    `CONNECT host.test HTTP/1.1\r\nHost: x\r\n${LOGIN}\r\n`,
    'GET http://host.test/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  ])
    it(`does not wait for whoever does not hang up after ${request.slice(0, 25)}`, { timeout: 20_000 }, async () => {
      const socket = net.connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true })
      const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
      socket.on('error', () => {})
      socket.write(request)
      for await (const _ of socket.iterator({ destroyOnReturn: false })) break
      const more = () => {
        if (socket.writable) socket.write('x'.repeat(1000), () => setImmediate(more))
      }
      more()
      socket.resume()
      await closed
    })

  it('survives what is no HTTP, in a tunnel and without', async () => {
    await say('\u0000\u0001\u0002\r\n\r\n').catch(() => '')
    await say(`CONNECT host.test:80 HTTP/1.1\r\nHost: x\r\n${LOGIN}\r\n\u0016\u0003nonsense`, '200').catch(() => '')
    const half = net.connect(listener.port, '127.0.0.1')
    half.write(`CONNECT host.test:443 HTTP/1.1\r\nHost: x\r\n${LOGIN}\r\n`)
    await new Promise((resolve) => half.once('data', resolve))
    half.destroy()
    assert.match(
      await say(`GET http://host.test/ HTTP/1.1\r\nHost: x\r\n${LOGIN}Connection: close\r\n\r\n`),
      /^HTTP\/1\.1 200/,
    )
  })

  it('cannot be reached at another address of this machine', async () => {
    const socket = net.connect(listener.port, '127.0.0.2')
    const error = await new Promise<NodeJS.ErrnoException>((resolve, reject) => {
      socket.once('error', resolve)
      socket.once('connect', () => reject(new Error('connected')))
    })
    assert.equal(error.code, 'ECONNREFUSED')
  })

  it('ends every connection when it is closed, also one that waits', async () => {
    const own = await listen('gate:secret', await makeAuthority(new Date()), () => new Promise(() => {}))
    const request = http.get({
      port: own.port,
      path: 'http://host.test/',
      headers: { 'proxy-authorization': LOGIN.slice(21).trim() },
    })
    const ended = new Promise((resolve) => request.once('error', resolve))
    await new Promise((resolve) => request.once('socket', (socket) => socket.once('connect', resolve)))
    await own.close()
    await ended
  })
})
